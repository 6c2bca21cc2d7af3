"""Decompresses files that were compressed alone, such as logs, in memory.

Runs in the child process, called by `document_parser`; `archives` decompresses archives with it. Pure functions.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from magicfs.text.extract.archives.compressed_frames import open_lz4, open_mozilla, open_zstandard
from magicfs.text.extract.archives.library_members import COMPRESS_TYPE, open_compress
from magicfs.text.extract.documents.file_parts import DAMAGE
from magicfs.text.extract.plain.plain_text import decode

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

DAMAGE_OF_COMPRESSED: Final = (lzma.LZMAError, zstd.ZstdError, *DAMAGE)
"""What the decompressors raise about damage, and the libraries of containers."""

MAX_UNPACKED_BYTES: Final = 1 << 30
"""The bytes of an archive, or of the rest of a file, that are decompressed."""
_MAX_FILE_BYTES: Final = 64 << 20
"""The bytes of a compressed file that are read."""
_BLOCK_BYTES: Final = 1 << 20
_TAR_MAGIC_OFFSET: Final = 257
_MAX_NAME_BYTES: Final = 1024
_GZIP_HEADER_BYTES: Final = 10
_GZIP_HAS_EXTRA: Final = 0x4
_GZIP_HAS_NAME: Final = 0x8

MOZILLA_TYPE: Final = "application/x-mozlz4"
DECOMPRESSORS: Final[dict[str, Callable[..., Any]]] = {
    "application/gzip": gzip.open,
    "application/x-bzip2": bz2.open,
    "application/x-xz": lzma.open,
    "application/x-lzma": lzma.open,
    "application/zstd": open_zstandard,
    "application/x-lz4": open_lz4,
    MOZILLA_TYPE: open_mozilla,
    COMPRESS_TYPE: open_compress,
}
"""What opens a compressed file that is open, by its type."""


@dataclass(frozen=True, slots=True)
class CompressedFile:
    """A file that was compressed alone, such as a log."""

    name: bytes
    """As the compressed file states it; empty where it states none."""
    content: bytes
    """Its beginning, up to 64 MB."""
    is_damaged: bool
    """Whether it ends where the compressed file is damaged."""
    _rest: Any
    """The decompressed file, after the beginning."""

    def count_rest(self, *, until: float) -> int:
        """The number of bytes after the beginning, as many as are decompressed until then on the monotonic clock."""
        count = 0
        with contextlib.suppress(*DAMAGE_OF_COMPRESSED):
            while count < MAX_UNPACKED_BYTES and time.monotonic() < until and (block := self._rest.read1(_BLOCK_BYTES)):
                count += len(block)
        return count


def decompress_file(content: bytes, mime_type: str) -> CompressedFile | None:
    """The file in a compressed one; None for an archive of several, for an empty one, and for a type that is none.

    Of a damaged file, what was decompressed, which may be nothing.
    """
    if mime_type not in DECOMPRESSORS:
        return None
    data = bytearray()
    file: Any = None
    is_damaged = False
    try:
        file = DECOMPRESSORS[mime_type](io.BytesIO(content))
        # Unlike `read`, it returns what comes before damage.
        while block := file.read1(min(_BLOCK_BYTES, _MAX_FILE_BYTES - len(data))):
            data += block
            if data.startswith(b"ustar", _TAR_MAGIC_OFFSET):
                return None
    except DAMAGE_OF_COMPRESSED:
        is_damaged = True
    if not data and not is_damaged:
        return None
    name = name_before_compression(content) if mime_type == "application/gzip" else ""
    return CompressedFile(os.path.basename(name).encode(), bytes(data), is_damaged, file)


def name_before_compression(content: bytes) -> str:
    """The name that gzip keeps in its header; empty where it kept none."""
    if len(content) < _GZIP_HEADER_BYTES or not content[3] & _GZIP_HAS_NAME or content[3] & _GZIP_HAS_EXTRA:
        return ""
    return decode(content[_GZIP_HEADER_BYTES:].partition(b"\0")[0][:_MAX_NAME_BYTES]) or ""
