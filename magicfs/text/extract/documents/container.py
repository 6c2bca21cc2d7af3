"""Inspects zip and OLE containers before they are parsed: which document they hold, passwords, and bombs.

Runs in the child process, called by `document_parser`. Reads the directory of a container and small members only. Pure
functions.
"""

from __future__ import annotations

import contextlib
import io
import re
import struct
import zipfile
import zlib

from magicfs.domain.contents import Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.file_parts import DAMAGE
from magicfs.text.extract.office.hangul_files import HANGUL_SIGNATURE, HANGUL_TYPE
from magicfs.text.extract.office.old_iwork_files import GZIP_FORMAT, OLD_IWORK_TYPE
from magicfs.text.extract.office.ole_files import OleFile
from magicfs.text.extract.office.project_files import PROJECT_STREAMS, PROJECT_TYPE
from magicfs.text.extract.office.publisher_files import (
    PUBLISHER_TEXTS,
    PUBLISHER_TYPE,
    WORKS_SIGNATURE,
    WORKS_TEXTS,
    WORKS_TYPE,
)
from magicfs.text.extract.office.visio_files import VISIO_STREAM, VISIO_TYPE

_MAX_MEMBERS = 50_000
_MAX_UNPACKED_BYTES = 1 << 30
_UNCHECKED_UNPACKED_BYTES = 64 << 20
"""The compression ratio of a container that unpacks to no more is not checked."""
_MAX_COMPRESSION_RATIO = 200
"""Large real documents (spreadsheets) stay below 50; deflate reaches about 1000."""

_ENCRYPTED_FLAG, _SIZES_BEHIND_FLAG = 0x1, 0x8
_MEMBER, _IN_ZIP64 = b"PK\3\4", 0xFFFFFFFF
_MEMBER_HEAD = struct.Struct("<4s2xH10xII4x")
"""What stands before a member: its flags, and its sizes unless these stand behind it."""
_MAX_READ_BYTES = 1 << 20
"""The most bytes that are read of one member."""

ZIP = "application/zip"
OLE = "application/x-ole-storage"
VISIO = "application/vnd.ms-visio.drawing"
XMIND = "application/vnd.xmind.workbook"
IWORK_PREVIEW = "application/x-iwork-preview"
"""A document of iWork of before 2013: it holds what it looks like as a PDF file."""
_OOXML = "application/vnd.openxmlformats-officedocument."
_OOXML_TYPES = (
    # prefix of a member's name, type of the document
    ("word/", _OOXML + "wordprocessingml.document"),
    ("xl/workbook.bin", "application/vnd.ms-excel.sheet.binary.macroEnabled.12"),
    ("xl/", _OOXML + "spreadsheetml.sheet"),
    ("ppt/", _OOXML + "presentationml.presentation"),
    ("visio/", VISIO),
)
_OF_OOXML = frozenset({"[Content_Types].xml", "word/document.xml", "xl/workbook.xml", "ppt/presentation.xml"})
"""Members of which such a document has one at least, even where a program has left out the first one."""
_IWORK_TYPES = (
    ("Index/Slide", "application/x-iwork-keynote-sffkey"),
    ("Index/Tables/", "application/x-iwork-numbers-sffnumbers"),
    ("Index/Document.iwa", "application/x-iwork-pages-sffpages"),
)
_PREVIEW = "QuickLook/Preview.pdf"
_OLD_IWORK = re.compile(r"index\.(?:xml|apxl)(?:\.gz)?")
"""What a document of iWork of before 2013 has, beside its preview if it keeps one."""
_IWORK_NAMESPACE = b"//developer.apple.com/namespaces/"

_LOCKED_BY_IWORK = 25_000
"""Numbers of ways to compress that are no others' of a zip file."""

_MANIFEST = "META-INF/manifest.xml"
_STATED_TYPE = re.compile(rb"media-type=\"(application/vnd\.(?:oasis\.opendocument|sun\.xml)\.[a-z.-]{1,40})\"")
_IBOOK = "application/x-ibooks+zip"
_BOOK = "application/epub+zip"

ZIPPED_BOOK = "application/x-zip-compressed-fb2"
KMZ = "application/vnd.google-earth.kmz"
_TYPES_BY_SUFFIX = ((".fdseq", "application/vnd.ms-xpsdocument"), (".kml", KMZ))
"""Documents that a member in the uppermost folder tells."""
_TYPES_OF_ONE_MEMBER = (*_TYPES_BY_SUFFIX, (".fb2", ZIPPED_BOOK))
"""A book of FictionBook is usually kept in an archive of its own."""

ARCHIVE = Unreadable(SkipReason.BINARY, "an archive: not opened")
"""What is no document."""


def exact_type(content: bytes, mime_type: str) -> str | Unreadable:
    """The type of the document in a container, or why it is not read; the same type for any other file."""
    if mime_type == ZIP:
        return zip_type(content)
    return ole_type(content) if mime_type == OLE else mime_type


def zip_type(content: bytes) -> str | Unreadable:
    """The MIME type of the document in a zip container, or why it is not read."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as container:
            return _password_or_bomb(container, content) or _document_type(container)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError, OSError, struct.error) as error:
        return Unreadable(SkipReason.CORRUPT, f"a broken zip container: {error}")


def only_member(content: bytes) -> bytes:
    """The first member of a zip container that was inspected."""
    with zipfile.ZipFile(io.BytesIO(content)) as container:
        return container.read(container.infolist()[0])


def _password_or_bomb(container: zipfile.ZipFile, content: bytes) -> Unreadable | None:
    """Why a container is not parsed; None when it is."""
    members = container.infolist()
    if any(member.flag_bits & _ENCRYPTED_FLAG for member in members):
        return Unreadable(SkipReason.ENCRYPTED, "a container with a password")
    what = _bomb(members, len(content))
    if what and not all(_is_confirmed(member, content) for member in members[:_MAX_MEMBERS]):
        return Unreadable(SkipReason.CORRUPT, "a broken zip container: its directory is damaged")
    return Unreadable(SkipReason.BOMB, what) if what else None


def _bomb(members: list[zipfile.ZipInfo], size: int) -> str:
    """Why the members of a container of `size` bytes are too many or too large, by its directory; empty if not."""
    unpacked = sum(member.file_size for member in members)
    if len(members) > _MAX_MEMBERS:
        return f"holds {len(members)} members"
    if unpacked > _MAX_UNPACKED_BYTES or unpacked > max(_UNCHECKED_UNPACKED_BYTES, size * _MAX_COMPRESSION_RATIO):
        return f"{size} bytes that unpack to {unpacked}"
    return "members that overlap" if sum(member.compress_size for member in members) > size else ""


def _is_confirmed(member: zipfile.ZipInfo, content: bytes) -> bool:
    """Whether what stands before a member says what the directory says of it, as in every container that unpacks."""
    head = content[member.header_offset : member.header_offset + _MEMBER_HEAD.size]
    if len(head) < _MEMBER_HEAD.size:
        return False
    signature, flags, packed, unpacked = _MEMBER_HEAD.unpack(head)
    sizes = (packed, unpacked)
    are_behind = flags & _SIZES_BEHIND_FLAG or _IN_ZIP64 in sizes
    return signature == _MEMBER and (bool(are_behind) or sizes == (member.compress_size, member.file_size))


def _document_type(container: zipfile.ZipFile) -> str | Unreadable:
    names = container.namelist()
    if what := _protected(container, names):
        return Unreadable(SkipReason.ENCRYPTED, what)
    if declared := _declared_type(container, names):
        return declared.removesuffix("-template") if "opendocument" in declared else declared
    for suffix, mime_type in _TYPES_BY_SUFFIX if len(names) > 1 else _TYPES_OF_ONE_MEMBER:
        if any(name.lower().endswith(suffix) and "/" not in name for name in names):
            return mime_type
    is_ooxml = not _OF_OOXML.isdisjoint(names)
    for prefix, mime_type in _OOXML_TYPES if is_ooxml else _IWORK_TYPES:
        if any(name.startswith(prefix) for name in names):
            return mime_type
    is_map = {"content.json", "manifest.json", "metadata.json"}.issubset(names)
    return XMIND if is_map else _old_iwork_type(container, names) or ARCHIVE


def _old_iwork_type(container: zipfile.ZipFile, names: list[str]) -> str:
    """The type of a document of iWork of before 2013; empty for any other container."""
    index = next(filter(_OLD_IWORK.fullmatch, names), "")
    if not index:
        return ""
    if _PREVIEW in names:
        return IWORK_PREVIEW
    beginning = b""
    with contextlib.suppress(*DAMAGE):  # an archive is read as far as it is whole
        beginning = _read_member(container, index)
        if index.endswith(".gz"):
            beginning = zlib.decompressobj(GZIP_FORMAT).decompress(beginning, _MAX_READ_BYTES)
    return OLD_IWORK_TYPE if _IWORK_NAMESPACE in beginning else ""


def _declared_type(container: zipfile.ZipFile, names: list[str]) -> str:
    """The type that a container declares; empty where it declares none.

    OpenOffice 1 has no member for it, nor have documents that were packed again, but for their list of members.
    """
    if "mimetype" in names:
        declared = _read_member(container, "mimetype").decode("ascii", errors="replace").strip()
        return _BOOK if declared == _IBOOK else declared
    if _MANIFEST in names and "content.xml" in names:
        stated = _STATED_TYPE.search(_read_member(container, _MANIFEST))
        return stated[1].decode() if stated else ""
    return ""


def _protected(container: zipfile.ZipFile, names: list[str]) -> str:
    """What a document is that cannot be read without a password or a licence; empty for any other."""
    if _MANIFEST in names and b"encryption-data" in _read_member(container, _MANIFEST):
        return "an OpenDocument file with a password"
    if "META-INF/rights.xml" in names:
        return "an e-book with digital rights management"
    members = container.infolist()
    is_locked = any(_OLD_IWORK.fullmatch(one.filename) and one.compress_type >= _LOCKED_BY_IWORK for one in members)
    return "a document of iWork with a password" if is_locked else ""


def _read_member(container: zipfile.ZipFile, name: str) -> bytes:
    with container.open(name) as member:
        return member.read(_MAX_READ_BYTES)


_OLE_STREAM_HEAD_BYTES = 4096

_OLE_TYPES = (
    # name of a stream, type of the document
    ("WordDocument", "application/msword"),
    ("Workbook", "application/vnd.ms-excel"),
    ("Book", "application/vnd.ms-excel"),
    ("PowerPoint Document", "application/vnd.ms-powerpoint"),
    ("__properties_version1.0", "application/vnd.ms-outlook"),
    (PUBLISHER_TEXTS, PUBLISHER_TYPE),
    (WORKS_TEXTS, WORKS_TYPE),
    (VISIO_STREAM, VISIO_TYPE),
    *((stream, PROJECT_TYPE) for stream in PROJECT_STREAMS),
    ("FileHeader", HANGUL_TYPE),
)
_OLE_SIGNATURES = {HANGUL_TYPE: HANGUL_SIGNATURE, WORKS_TYPE: WORKS_SIGNATURE}
"""How that stream begins, where other programs have one of this name."""
_OLE_ENCRYPTED = ("EncryptedPackage", "EncryptedSummary")
_EXCEL_BOF_RECORD = 0x0809
_EXCEL_FILEPASS_RECORD = 0x2F
_EXCEL_MAX_RECORDS = 20
"""FILEPASS is among the first."""
_WORD_MAGICS = (0xA5DC, 0xA5EC, 0xA697, 0xA698, 0xA699)
_WORD_ENCRYPTED_FLAG = 0x0100
_SLIDES_USER_STREAM = "Current User"
_SLIDES_ENCRYPTED = 0xF3D1C4DF
"""What is at the twelfth byte of that stream in a presentation with a password."""


def ole_type(content: bytes) -> str | Unreadable:
    """The MIME type of the document in an OLE container, or why it is not read.

    Documents inside of it have streams of the same names, so those of its uppermost storage count.
    """
    try:
        ole = OleFile(content)
    except struct.error:
        return Unreadable(SkipReason.CORRUPT, "an OLE container that ends before it begins")
    names = {path for path in ole.paths if "/" not in path}
    if not names:
        return Unreadable(SkipReason.CORRUPT, "an OLE container whose directory is damaged")
    if any(name in ole for name in _OLE_ENCRYPTED):
        return Unreadable(SkipReason.ENCRYPTED, "an Office document with a password")
    for name, mime_type in _OLE_TYPES:
        if name in ole:
            start = ole.read(name)[:_OLE_STREAM_HEAD_BYTES]
            if not start.startswith(_OLE_SIGNATURES.get(mime_type, b"")):
                continue
            if _word_is_encrypted(start) or _excel_is_encrypted(start) or _slides_are_encrypted(ole):
                return Unreadable(SkipReason.ENCRYPTED, "an Office document with a password")
            return mime_type
    return Unreadable(SkipReason.BINARY, "an OLE container without a document")


def _integer(content: bytes, offset: int, size: int) -> int:
    """The little-endian number of `size` bytes; bytes beyond the end count as zero."""
    return int.from_bytes(content[offset : offset + size], "little")


def _word_is_encrypted(start: bytes) -> bool:
    return _integer(start, 0, 2) in _WORD_MAGICS and bool(_integer(start, 10, 2) & _WORD_ENCRYPTED_FLAG)


def _slides_are_encrypted(ole: OleFile) -> bool:
    user = ole.read(_SLIDES_USER_STREAM) if _SLIDES_USER_STREAM in ole else b""
    return _integer(user, 12, 4) == _SLIDES_ENCRYPTED


def _excel_is_encrypted(start: bytes) -> bool:
    offset = 0
    for _ in range(_EXCEL_MAX_RECORDS):
        record, length = _integer(start, offset, 2), _integer(start, offset + 2, 2)
        if offset == 0 and record != _EXCEL_BOF_RECORD:
            return False
        if record == _EXCEL_FILEPASS_RECORD:
            return True
        offset += 4 + length
    return False
