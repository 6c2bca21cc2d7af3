"""Lists the names in archives, and decompresses single files, without unpacking them to the disk.

Runs in the child process, called by `document_parser`. Of a compressed archive, as much is decompressed in memory as a
few seconds and the limits allow. Pure functions.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import os
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any, Final

from magicfs.domain.contents import Document
from magicfs.text.extract.plain_text import clean, decode, detected_charset

MAX_NAMES: Final = 5000
"""The names of an archive that are read, in its own order."""
_MAX_UNPACKED_BYTES: Final = 1 << 30
_MAX_FILE_BYTES: Final = 64 << 20
"""The bytes of a compressed file that are read."""
_BLOCK_BYTES: Final = 1 << 20
_TAR_MAGIC_OFFSET: Final = 257
_MAX_NAME_BYTES: Final = 1024
_UTF8_FLAG: Final = 0x800
_GZIP_HEADER_BYTES: Final = 10
_GZIP_HAS_EXTRA: Final = 0x4
_GZIP_HAS_NAME: Final = 0x8

_DECOMPRESSORS: Final[dict[str, Callable[..., Any]]] = {
    "application/gzip": gzip.open,
    "application/x-bzip2": bz2.open,
    "application/x-xz": lzma.open,
}


def list_archive(content: bytes, mime_type: str, *, until: float) -> Document | None:
    """The names in an archive, a line each; None if it has none or cannot be read.

    Reading ends at `until` on the monotonic clock, with the names until then.
    """
    names: dict[str, None] = {}
    try:
        for name in _names(content, mime_type):
            if len(names) >= MAX_NAMES or time.monotonic() > until:
                break
            names[" ".join(clean(name).split())] = None
    except (zipfile.BadZipFile, tarfile.TarError, OSError, EOFError, zlib.error, lzma.LZMAError, ValueError):
        pass  # a damaged archive: the names until there
    text = "\n".join(filter(None, names))
    return Document(text=text, mime_type=mime_type) if text else None


@dataclass(frozen=True, slots=True)
class CompressedFile:
    """A file that was compressed alone, such as a log."""

    name: bytes
    """As the compressed file states it; empty where it states none."""
    content: bytes
    """Its beginning, up to 64 MB."""
    _rest: Any
    """The decompressed file, after the beginning."""

    def count_rest(self, *, until: float) -> int:
        """The number of bytes after the beginning, as many as are decompressed until then on the monotonic clock."""
        count = 0
        with _until_damage():
            while (
                count < _MAX_UNPACKED_BYTES and time.monotonic() < until and (block := self._rest.read1(_BLOCK_BYTES))
            ):
                count += len(block)
        return count


def decompress_file(content: bytes, mime_type: str) -> CompressedFile | None:
    """The file in a compressed one; None for an archive of several, and for one that cannot be decompressed.

    Of a damaged file, what was decompressed.
    """
    if mime_type not in _DECOMPRESSORS:
        return None
    data = bytearray()
    file = _DECOMPRESSORS[mime_type](io.BytesIO(content))
    with _until_damage():
        # Unlike `read`, it returns what comes before damage.
        while len(data) < _MAX_FILE_BYTES and (block := file.read1(_BLOCK_BYTES)):
            data += block
            if data.startswith(b"ustar", _TAR_MAGIC_OFFSET):
                return None
    if not data:
        return None
    name = _name_before_compression(content) if mime_type == "application/gzip" else ""
    return CompressedFile(os.path.basename(name).encode(), bytes(data), file)


def _until_damage() -> contextlib.AbstractContextManager[None]:
    return contextlib.suppress(OSError, EOFError, zlib.error, lzma.LZMAError, ValueError)


def _names(content: bytes, mime_type: str) -> Iterator[str]:
    file: IO[bytes] = io.BytesIO(content)
    if mime_type == "application/zip":
        with zipfile.ZipFile(file) as archive:
            yield from _zip_names(archive.infolist())
        return
    if mime_type == "application/gzip":
        yield _name_before_compression(content)
    if mime_type in _DECOMPRESSORS:
        file = _Bounded(_DECOMPRESSORS[mime_type](file))
    elif mime_type != "application/x-tar":
        return
    # As a stream: nothing before a member is read twice.
    with tarfile.open(fileobj=file, mode="r|", errorlevel=0) as tar:
        for member in tar:
            yield member.name


def _zip_names(members: list[zipfile.ZipInfo]) -> Iterator[str]:
    """Yield the names of a zip file. Those that do not say that they are UTF-8 are in the charset of some system."""
    unmarked = [member.filename.encode("cp437") for member in members if not _is_marked(member)]
    charset = _charset_of(b"\n".join(unmarked[:MAX_NAMES])) if unmarked else ""
    for member in members:
        if _is_marked(member):
            yield member.filename
        else:
            yield member.filename.encode("cp437").decode(charset, "replace")


def _is_marked(member: zipfile.ZipInfo) -> bool:
    return bool(member.flag_bits & _UTF8_FLAG) or member.filename.isascii()


def _charset_of(names: bytes) -> str:
    """UTF-8, the charset of DOS where all is letters in it, or the one that they are most probably in."""
    for charset in ("utf-8", "cp437"):
        with contextlib.suppress(UnicodeDecodeError):
            text = names.decode(charset)
            if charset == "utf-8" or all(char.isascii() or char.isalpha() for char in text):
                return charset
    return detected_charset(names) or "cp437"


def _name_before_compression(content: bytes) -> str:
    """The name that gzip keeps in its header; empty where it kept none."""
    if len(content) < _GZIP_HEADER_BYTES or not content[3] & _GZIP_HAS_NAME or content[3] & _GZIP_HAS_EXTRA:
        return ""
    return decode(content[_GZIP_HEADER_BYTES:].partition(b"\0")[0][:_MAX_NAME_BYTES]) or ""


class _Bounded(io.BytesIO):
    """A decompressed file that ends after a gigabyte: an archive may decompress to anything."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file
        self._left = _MAX_UNPACKED_BYTES

    def read(self, size: int | None = -1) -> bytes:
        data = self._file.read(self._left if size is None or size < 0 else min(size, self._left))
        self._left -= len(data)
        return data
