"""Reads archives by libarchive, where it is installed: 7z, rar, cabinets, images of discs, cpio, LHA and `compress`.

Runs in the child process, called by `archive_members` and `compressed_files`. Nothing is unpacked to the disk, and no
program is started. Untrusted bytes. One thread.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import re
from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple

import rarfile

from magicfs.text.extract.archives.member_names import charset_of_names
from magicfs.text.extract.plain.plain_text import decode

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

RAR_TYPE: Final = "application/vnd.rar"
LHA_TYPE: Final = "application/x-lzh-compressed"
CUT_ZIP_TYPE: Final = "application/x-cut-zip"
"""A zip archive without its end, where the list of its members is: these are read from the beginning."""
LIBRARY_TYPES: Final[dict[str, str]] = {
    "application/x-7z-compressed": "7zip",
    "application/vnd.ms-cab-compressed": "cab",
    "application/x-iso9660-image": "iso9660",
    "application/x-cpio": "cpio",
    LHA_TYPE: "lha",
    CUT_ZIP_TYPE: "zip_streamable",
}
"""The archives that only the library reads, with its name of their format."""

COMPRESS_TYPE: Final = "application/x-compress"
"""Files that the program `compress` of Unix has made, which the library decompresses."""

_LIBRARY: Final = "libarchive.so.13"
"""The library of Linux systems since 2010. Its package searches for another one by starting programs."""
_FORMATS: Final = {**LIBRARY_TYPES, RAR_TYPE: "rar"}
MAX_UNPACKED_BYTES: Final = 512 << 20
"""The bytes of members that are read or passed, which the library unpacks to pass them: a few seconds."""
MAX_MEMBER_BYTES: Final = 64 << 20
"""The size of a member that is read."""
_NO_NAMES: Final = frozenset({"", ".", "./"})
"""Those of the uppermost folder."""
_END_OF_ZIP, _MEMBER_OF_ZIP = b"PK\5\6", b"PK\3\4"
_END_BYTES: Final = 65_557
"""How long the end of a zip file may be."""
_BEGINS_DOCUMENT: Final = re.compile(
    r"\[Content_Types\]\.xml|mimetype"
    r"|(?:META-INF|_rels|docProps|docMetadata|customXml|word|xl|ppt|visio|Index)/.*",
    re.DOTALL,
)
"""The first members of documents and of packages of programs, of which a part is not read."""
_OF_DOCUMENT: Final = re.compile(
    r"\[Content_Types\]\.xml|content\.xml|META-INF/manifest\.xml|index\.(?:apxl|xml)(?:\.gz)?|buildVersionHistory\.plist"
    r"|Index/[^/]+\.iwa|Documents/\d+/(?:FixedDocument\.fdoc|Pages/[^/]+\.fpage)|[^/]+\.fdseq"
)
"""What documents have that begin with pictures or with their text."""
_FIRST_MEMBERS: Final = 20
"""Those among which such a document has one of them."""
_NEEDS_PASSWORD: Final = re.compile(r"encrypt|passphrase", re.IGNORECASE)


class TooManyBytesError(ValueError):
    """An archive unpacks to more than is read of one."""


class LibraryMember(NamedTuple):
    """A member of an archive."""

    name: str
    """With the folders in it; that of a folder ends with a slash."""
    size: int
    """Its bytes, as the archive states them."""
    read: Callable[[], bytes]
    """Returns them, until the next member comes. Raises as `library_members` does."""


@cache
def has_library() -> bool:
    """Whether the library is installed. It stays loaded."""
    os.environ.setdefault("LIBARCHIVE", _LIBRARY)
    try:
        import libarchive  # noqa: F401
    except (OSError, AttributeError):
        return False
    return True


def library_members(content: bytes, mime_type: str) -> Iterator[LibraryMember]:
    """Yield the members of an archive, in its own order.

    Raises `ValueError` at damage, `TooManyBytesError` after `MAX_UNPACKED_BYTES`, and `rarfile.PasswordRequired`.
    """
    import libarchive

    left = MAX_UNPACKED_BYTES
    try:
        with _opened(content, _format(content, mime_type)) as archive:
            for entry in archive:
                if left < 0:
                    raise TooManyBytesError("it unpacks to more than is read")
                size = max(entry.size or 0, 0)
                left -= size
                name = _name(entry, is_raw=mime_type == LHA_TYPE)
                if name in _NO_NAMES:
                    continue
                yield LibraryMember(name.rstrip("/") + "/" if entry.isdir else name, size, partial(_read, entry))
    except libarchive.ArchiveError as error:
        raise _translated(error) from error


def is_cut_zip(content: bytes) -> bool:
    """Whether a zip file is an archive of files whose end is missing, as of an unfinished download."""
    if _has_end(content) or not has_library():
        return False
    names: list[str] = []
    with contextlib.suppress(ValueError, rarfile.PasswordRequired):
        names.extend(member.name for member in islice(library_members(content, CUT_ZIP_TYPE), _FIRST_MEMBERS))
    if not names or _BEGINS_DOCUMENT.fullmatch(names[0]):
        return False
    return not any(map(_OF_DOCUMENT.fullmatch, names))


def _has_end(content: bytes) -> bool:
    """Whether a zip file has an end of its own: the last member may be a zip file that is not compressed again."""
    end = content.rfind(_END_OF_ZIP, max(len(content) - _END_BYTES, 0))
    if end < 0:
        return False
    size, offset = (int.from_bytes(content[end + place : end + place + 4], "little") for place in (12, 16))
    begin = end - size - offset
    return begin <= 0 or not content.startswith(_MEMBER_OF_ZIP, begin)


@contextlib.contextmanager
def _opened(content: bytes, format_name: str) -> Iterator[Any]:
    """The archive of the library. Of LHA, each byte of a name is a character: the library refuses foreign letters."""
    import libarchive
    from libarchive import ffi, read

    if format_name != _FORMATS[LHA_TYPE]:
        with libarchive.memory_reader(content, format_name, "none") as archive:
            yield archive
        return
    set_options = ffi.ffi("read_set_options", [ffi.c_archive_p, ctypes.c_char_p], ctypes.c_int, ffi.check_int)
    with read.new_archive_read(format_name, "none") as pointer:
        set_options(pointer, b"hdrcharset=ISO-8859-1")
        ffi.read_open_memory(pointer, ctypes.cast(ctypes.c_char_p(content), ctypes.c_void_p), len(content))
        yield read.ArchiveRead(pointer)


def open_compress(file: IO[bytes]) -> io.BufferedReader:
    """The file in one of `compress`. A damaged or a cut one ends there, or raises `ValueError`."""
    return io.BufferedReader(_Blocks(_decompressed(file.read())))


def _decompressed(content: bytes) -> Iterator[bytes]:
    import libarchive

    try:
        with libarchive.memory_reader(content, "raw", "compress") as archive:
            for entry in archive:
                yield from entry.get_blocks()
    except libarchive.ArchiveError as error:
        raise _translated(error) from error


class _Blocks(io.RawIOBase):
    """Blocks of bytes as a stream."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        target = memoryview(buffer).cast("B")
        self._left = self._left or next(self._blocks, b"")
        read, self._left = self._left[: len(target)], self._left[len(target) :]
        target[: len(read)] = read
        return len(read)


def _format(content: bytes, mime_type: str) -> str:
    """The library's name of the format: rar of version 5 is another one."""
    return "rar5" if content.startswith(b"Rar!\x1a\x07\x01") else _FORMATS[mime_type]


def _name(entry: Any, *, is_raw: bool) -> str:
    """The name of a member; empty where it has none. One that is not in Unicode is in the charset of some system."""
    name: str | bytes = entry.pathname or ""
    if is_raw and isinstance(name, str):
        with contextlib.suppress(UnicodeEncodeError):  # the archive states its charset
            raw = name.encode("latin-1")
            return raw.decode(charset_of_names(raw), "replace")
    return name if isinstance(name, str) else decode(name) or name.decode("utf-8", "replace")


def _read(entry: Any) -> bytes:
    import libarchive

    data = bytearray()
    try:
        for block in entry.get_blocks() if entry.isfile else ():
            data += block
            if len(data) > MAX_MEMBER_BYTES:
                raise TooManyBytesError("a member of more bytes than it states")
        return bytes(data)
    except libarchive.ArchiveError as error:
        raise _translated(error) from error


def _translated(error: Exception) -> Exception:
    """What damage, or a password, is in `archives`."""
    message = " ".join(str(error).split())
    return rarfile.PasswordRequired(message) if _NEEDS_PASSWORD.search(message) else ValueError(message)
