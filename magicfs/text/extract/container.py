"""Looks into zip and OLE containers before a parser does: their exact type, encryption, and bombs.

Runs in the child process. Reads directories of containers, never their large members.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

from magicfs.domain.contents import Unreadable
from magicfs.domain.files import SkipReason

_MOST_MEMBERS = 50_000
_MOST_UNPACKED_BYTES = 1 << 30
"""A document that claims to unpack to more than this is a bomb, or as good as one."""
_FREELY_UNPACKED_BYTES = 64 << 20
_MOST_RATIO = 200
"""Deflate ends near 1000; large real documents (spreadsheets) stay below 50."""

_ENCRYPTED_FLAG = 0x1
_SMALL_MEMBER_BYTES = 1 << 20

_OOXML = "application/vnd.openxmlformats-officedocument."
_ZIP_TYPES = (
    # a member whose name begins so, and the type it tells
    ("word/", _OOXML + "wordprocessingml.document"),
    ("xl/workbook.bin", "application/vnd.ms-excel.sheet.binary.macroEnabled.12"),
    ("xl/", _OOXML + "spreadsheetml.sheet"),
    ("ppt/", _OOXML + "presentationml.presentation"),
)
_IWORK = (
    ("Index/Slide", "application/x-iwork-keynote-sffkey"),
    ("Index/Tables/", "application/x-iwork-numbers-sffnumbers"),
    ("Index/Document.iwa", "application/x-iwork-pages-sffpages"),
)

ARCHIVE = Unreadable(SkipReason.BINARY, "an archive: not opened")


def zip_type(content: bytes) -> str | Unreadable:
    """Return the MIME type of the document in a zip container, or why it is not read."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as container:
            return _refused(container, len(content)) or _zip_type(container)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError, OSError, struct.error) as error:
        return Unreadable(SkipReason.CORRUPT, f"a broken zip container: {error}")


def _refused(container: zipfile.ZipFile, size: int) -> Unreadable | None:
    members = container.infolist()
    if any(member.flag_bits & _ENCRYPTED_FLAG for member in members):
        return Unreadable(SkipReason.ENCRYPTED, "a container with a password")
    unpacked = sum(member.file_size for member in members)
    if len(members) > _MOST_MEMBERS:
        return Unreadable(SkipReason.BOMB, f"holds {len(members)} members")
    if unpacked > _MOST_UNPACKED_BYTES or unpacked > max(_FREELY_UNPACKED_BYTES, size * _MOST_RATIO):
        return Unreadable(SkipReason.BOMB, f"{size} bytes that unpack to {unpacked}")
    if sum(member.compress_size for member in members) > size:
        return Unreadable(SkipReason.BOMB, "members that overlap")
    return None


def _zip_type(container: zipfile.ZipFile) -> str | Unreadable:
    names = container.namelist()
    if "META-INF/manifest.xml" in names and b"encryption-data" in _small(container, "META-INF/manifest.xml"):
        return Unreadable(SkipReason.ENCRYPTED, "an OpenDocument file with a password")
    if "META-INF/rights.xml" in names:
        return Unreadable(SkipReason.ENCRYPTED, "an e-book with digital rights management")
    if "mimetype" in names:
        declared = _small(container, "mimetype").decode("ascii", errors="replace").strip()
        return declared.removesuffix("-template") if "opendocument" in declared else declared or ARCHIVE
    tables = _ZIP_TYPES if "[Content_Types].xml" in names else _IWORK
    for prefix, mime_type in tables:
        if any(name.startswith(prefix) for name in names):
            return mime_type
    return ARCHIVE


def _small(container: zipfile.ZipFile, name: str) -> bytes:
    with container.open(name) as member:
        return member.read(_SMALL_MEMBER_BYTES)


_SECTOR_SHIFT_AT = 30
_ENTRY_BYTES = 128
_NAME_BYTES = 64
_START_AT = 116

_OLE_TYPES = (
    ("WordDocument", "application/msword"),
    ("Workbook", "application/vnd.ms-excel"),
    ("Book", "application/vnd.ms-excel"),
    ("PowerPoint Document", "application/vnd.ms-powerpoint"),
    ("__properties_version1.0", "application/vnd.ms-outlook"),
    ("FileHeader", "application/x-hwp"),
)
_FILEPASS = 0x2F
_BOF = 0x0809
_RECORDS_LOOKED_AT = 20
_WORD_MAGIC = 0xA5EC
_WORD_ENCRYPTED = 0x0100


def ole_type(content: bytes) -> str | Unreadable:
    """Return the MIME type of the document in an OLE container, or why it is not read."""
    streams = _ole_streams(content)
    if "EncryptedPackage" in streams or "EncryptedSummary" in streams:
        return Unreadable(SkipReason.ENCRYPTED, "an Office document with a password")
    for name, mime_type in _OLE_TYPES:
        if name in streams:
            start = content[streams[name] : streams[name] + 4096]
            if _word_is_encrypted(start) or _excel_is_encrypted(start):
                return Unreadable(SkipReason.ENCRYPTED, "an Office document with a password")
            return mime_type
    return Unreadable(SkipReason.BINARY, "an OLE container without a document")


def _ole_streams(content: bytes) -> dict[str, int]:
    """Find the names of streams and where each starts.

    Directory entries are found by their form, wherever they lie, so that a broken chain of sectors hides none.
    """
    shift = int.from_bytes(content[_SECTOR_SHIFT_AT : _SECTOR_SHIFT_AT + 2], "little")
    sector = 1 << (shift if shift in (9, 12) else 9)
    streams: dict[str, int] = {}
    for wanted in (*(name for name, _ in _OLE_TYPES), "EncryptedPackage", "EncryptedSummary"):
        name = wanted.encode("utf-16-le") + b"\0\0"
        at = content.find(name)
        while at >= 0:
            entry = content[at : at + _ENTRY_BYTES]
            if at % _ENTRY_BYTES == 0 and int.from_bytes(entry[_NAME_BYTES : _NAME_BYTES + 2], "little") == len(name):
                start = int.from_bytes(entry[_START_AT : _START_AT + 4], "little")
                streams.setdefault(wanted, (start + 1) * sector)
                break
            at = content.find(name, at + 2)
    return streams


def _word_is_encrypted(start: bytes) -> bool:
    if int.from_bytes(start[:2], "little") != _WORD_MAGIC:
        return False
    return bool(int.from_bytes(start[10:12], "little") & _WORD_ENCRYPTED)


def _excel_is_encrypted(start: bytes) -> bool:
    at = 0
    for _ in range(_RECORDS_LOOKED_AT):
        kind, length = int.from_bytes(start[at : at + 2], "little"), int.from_bytes(start[at + 2 : at + 4], "little")
        if at == 0 and kind != _BOF:
            return False
        if kind == _FILEPASS:
            return True
        at += 4 + length
    return False
