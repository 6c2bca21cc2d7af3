"""Decompresses files of frames, Zstandard and LZ4. Each frame may be tiny.

Runs in the child process, used by `compressed_files`. The readers of the libraries copy all that they have read of a
file at the end of each frame, and read as many frames as there are: ten megabytes of empty ones take them a minute.
Untrusted bytes. One thread.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Final, Protocol

import lz4.block
import lz4.frame

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_LEAST_BYTES: Final = 64
_MOST_BYTES: Final = 128 << 10
"""What a decompressor is given at once of a frame: little at first, since the frame may end there, then more."""
MAX_FRAMES: Final = 100_000
"""The frames of a file that are read: to begin one takes 30 microseconds, and ten bytes of a file are one."""
_MAX_WINDOW_LOG: Final = 29
"""The base-2 logarithm of the largest window of Zstandard: half a gigabyte fits into the memory for one file."""
MOZILLA_SIGNATURE: Final = b"mozLz40\0"
_SIZE_BYTES: Final = 4
_MAX_MOZILLA_BYTES: Final = 64 << 20


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes | None: ...
    def decompress(self, data: bytes, /, max_length: int) -> bytes: ...


class _Frames(io.RawIOBase):
    """What a file of frames says, as a stream. What stands before damage can be read.

    Damage raises what the library does, an end in a frame `EOFError`, and a frame too many `ValueError`.
    """

    def __init__(self, file: IO[bytes], begin: Callable[[], _Decompressor]) -> None:
        self._file = file
        self._begin = begin
        self._frame: _Decompressor | None = None
        self._amount = _LEAST_BYTES
        self._frames = 0
        self._block = b""
        self._position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        target = memoryview(buffer).cast("B")
        while len(target):
            if self._frame is None:
                if not self._has_more():
                    return 0
                self._frame, self._amount = self._next_frame(), _LEAST_BYTES
            read = self._decompressed(self._frame, len(target))
            if read:
                target[: len(read)] = read
                return len(read)
        return 0

    def _next_frame(self) -> _Decompressor:
        self._frames += 1
        if self._frames > MAX_FRAMES:
            raise ValueError(f"more than {MAX_FRAMES} frames")
        return self._begin()

    def _has_more(self) -> bool:
        """Whether the file goes on. Reads a block of it if the last one is used up."""
        if self._position == len(self._block):
            self._block, self._position = self._file.read(_MOST_BYTES), 0
        return bool(self._block)

    def _decompressed(self, frame: _Decompressor, most: int) -> bytes:
        """Some more of a frame, up to `most` bytes; there may be none, and the frame may be over."""
        data = b""
        if frame.needs_input:
            if not self._has_more():
                raise EOFError("it ends in a frame")
            data = self._block[self._position : self._position + self._amount]
            self._position += len(data)
            self._amount = min(2 * self._amount, _MOST_BYTES)
        read = frame.decompress(data, max_length=most)
        if frame.eof:
            # It is the end of what was given last, and that is of this block.
            self._position -= len(frame.unused_data or b"")
            self._frame = None
        return read


def open_zstandard(file: IO[bytes]) -> io.BufferedReader:
    """The file in one of Zstandard."""
    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _MAX_WINDOW_LOG}
    return io.BufferedReader(_Frames(file, lambda: zstd.ZstdDecompressor(options=options)))


def open_lz4(file: IO[bytes]) -> io.BufferedReader:
    """The file in one of LZ4."""
    return io.BufferedReader(_Frames(file, lz4.frame.LZ4FrameDecompressor))


def open_mozilla(file: IO[bytes]) -> io.BytesIO:
    """The file that a program of Mozilla has compressed, such as bookmarks. Raises `ValueError` at damage."""
    content = file.read()[len(MOZILLA_SIGNATURE) :]
    size = int.from_bytes(content[:_SIZE_BYTES], "little")
    if size > _MAX_MOZILLA_BYTES:
        raise ValueError(f"a file of {size} bytes")
    try:
        return io.BytesIO(lz4.block.decompress(content))
    except lz4.block.LZ4BlockError as error:
        raise ValueError(str(error)) from error
