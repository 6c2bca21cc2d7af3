"""Detects a file's type from its first bytes, and from its name where the bytes do not decide.

Used by `FileExtractor` on every file, so it runs no parser. The tables are in `file_types`; `text_types` tells texts
apart. The child process detects which document a zip or OLE container holds (`container`). Pure functions; any thread.
"""

from __future__ import annotations

import codecs
import re
from typing import Final, Literal

from magicfs.text.extract.documents.dbase_tables import DBASE_TYPE, is_dbase_table
from magicfs.text.extract.encrypted_files import encrypted_type
from magicfs.text.extract.file_types import (
    CPIO_MAGICS,
    DAMAGED_IF_NOT_TEXT,
    MARKUP_BY_EXTENSION,
    OFFICE_XML,
    PARSED_EXTENSIONS,
    RAW_TYPE,
    SIGNATURES,
    TEXT_BY_EXTENSION,
    TEXT_BY_NAME,
    FileType,
    Route,
)
from magicfs.text.extract.media.atoms import is_old_film
from magicfs.text.extract.media.metafiles import drawing_type
from magicfs.text.extract.plain.text_bytes import has_many_controls
from magicfs.text.extract.text_types import by_beginning, mail_in_text, text_type, type_of_shared_extension

_PDF_HEADER_BYTES = 1024
"""PDF readers accept `%PDF-` within the first bytes, up to this many. Texts about types have it too, but no objects."""

_OF_WORDS = frozenset({b"GIF87a", b"GIF89a", b"IIRO", b"IIRS", b"MMOR", b"AIFF", b"AIFC", b"!BDN", *CPIO_MAGICS})
"""Signatures that a text may begin with, or has soon."""
_SYNC, _SYNC_BYTES = 0xFF, 2
"""How frames of sound begin."""
_SENTENCE_ON_PDF = re.compile(rb"%PDF-\S{0,10}[ \t]{1,9}[A-Za-z]")
_PDF_OBJECT = re.compile(rb"(?<![^\s\0])\d{1,10}\s{1,9}\d{1,5}\s{1,9}obj\b")
"""How an object of a PDF file begins. All have some."""

_FLAT_DOCUMENT = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?xml.{0,200}?\?>\s*)?(?:<!--.{0,2000}?-->\s*)*<office:document\b", re.DOTALL
)
_DIAGRAM = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?xml.{0,200}?\?>\s*)?(?:<!--.{0,500}?-->\s*)?<mxfile[\s>]", re.DOTALL
)
_OFFICE_XML = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*<\?xml.{0,200}?\?>.{0,500}?<(?:[\w-]{1,20}:)?(wordDocument|Workbook|package)\s"
    rb"[^<>]{0,3000}\"(?:http://schemas\.microsoft\.com/office/|urn:schemas-microsoft-com:office:spreadsheet)",
    re.DOTALL,
)
_SIGNED = re.compile(
    rb"\x30(?:[\x00-\x80]|\x81.|\x82..|\x83...|\x84....)"
    rb"(?:\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07[\x02\x03]|\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01[\x17\x1f])"
    rb"|(?:-----BEGIN (?:PKCS7|CMS)-----\s{1,4})?M[A-Za-z0-9+/]{1,6}"
    rb"(?:YJKoZIhvcNAQc[CD]|GCSqGSIb3DQEHA[qw]|BgkqhkiG9w0BBw[KM])",
    re.DOTALL,
)
"""Files in what signs or encrypts them (CMS), also in base64, and files with a time stamp."""
_LOSSLESS = (
    (re.compile(rb"MAC [\x00-\xff][\x0e-\x10]"), "audio/x-ape"),
    (re.compile(rb"wvpk[\x00-\xff]{4}[\x02-\x10]\x04"), "audio/x-wavpack"),
    (re.compile(rb"MPCKSH|MP\+[\x07\x17\x27]"), "audio/x-musepack"),
    (re.compile(rb"TTA1[\x01-\x03]\0"), "audio/x-tta"),
)
"""Sound whose first letters may begin a text too, with what follows them."""
_SKIPPED_FRAME: Final = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")
"""How what programs write beside the frames of Zstandard and LZ4 begins: its length follows."""
_MAX_SKIPPED_FRAMES: Final = 20
_BINARY_CPIO: Final[dict[bytes, Literal["little", "big"]]] = {b"\xc7\x71": "little", b"\x71\xc7": "big"}
"""How binary archives of cpio begin, and the order of their bytes."""
_CPIO_HEADER_BYTES: Final = 26
_LHA: Final = re.compile(rb".{2}-(?:lh[0-7dx]|lz[s45])-.{13}[\0-\3]", re.DOTALL)
"""How the header of a member of LHA begins: its size, how it is compressed, and its own version."""
_KINDS_OF_FILES: Final = frozenset({0o01, 0o02, 0o04, 0o06, 0o10, 0o12, 0o14})
"""The upper bits of the mode of a file."""
_RIFF_TYPES = {
    b"WEBP": (Route.IMAGE, "image/webp"),
    b"WAVE": (Route.MEDIA, "audio/x-wav"),
    b"AVI ": (Route.MEDIA, "video/x-msvideo"),
}
_PACKETS = 10
_HEAD_BYTES = 4096


def detect(content: bytes, *, name: bytes) -> FileType:
    """The type of a file from its bytes and its name without folders. Plain text if no rule recognises it."""
    head = content[:_HEAD_BYTES]
    return (
        _by_signature(content, head)
        or (mail_in_text(content) if _extension(name) == "txt" else None)
        or _by_extension(_extension(name), head)
        or by_beginning(content, head)
        or FileType(Route.DECODE, TEXT_BY_NAME.get(name.lower()) or text_type(head))
    )


def has_document_extension(name: bytes) -> bool:
    """Whether the extension is that of a type that needs a parser."""
    extension = _extension(name)
    return extension in MARKUP_BY_EXTENSION or extension in DAMAGED_IF_NOT_TEXT or extension in PARSED_EXTENSIONS


def _extension(name: bytes) -> str:
    stem, dot, suffix = name.lower().rpartition(b".")
    return suffix.decode("ascii", errors="replace") if dot and stem else ""


def _by_signature(content: bytes, head: bytes) -> FileType | None:
    for offset, signature, route, mime_type in SIGNATURES:
        if head.startswith(signature, offset):
            return None if _is_about(signature, content, head) else FileType(route, mime_type)
    if (encrypted := encrypted_type(head)) is not None:
        return FileType(Route.ENCRYPTED, encrypted)
    if head[4:8] == b"ftyp":
        return _iso_media(head[8:12])
    if head.startswith(b"RIFF") and head[8:12] in _RIFF_TYPES:
        return FileType(*_RIFF_TYPES[head[8:12]])
    if _SIGNED.match(head):
        return FileType(Route.PARSE, "application/pkcs7-mime")
    return _by_pattern(content, head)


def _is_about(signature: bytes, content: bytes, head: bytes) -> bool:
    """Whether a text only begins with the letters of a signature, as one about the format does."""
    if signature == b"%PDF-":
        return _SENTENCE_ON_PDF.match(head) is not None and not _PDF_OBJECT.search(content) and not _is_not_text(head)
    # Sound begins with two bytes that are letters of Russian: `яс`.
    is_sync = signature[0] == _SYNC and len(signature) == _SYNC_BYTES
    return (is_sync or signature in _OF_WORDS) and not _is_not_text(head)


def _by_pattern(content: bytes, head: bytes) -> FileType | None:
    """The type by signatures that have several parts, or that stand deeper in the file."""
    if _is_transport_stream(head):
        return FileType(Route.MEDIA, "video/mp2t")
    # The length of the pictures may be the end of a line and a few letters.
    if is_old_film(head) and b"\0" in head:
        return FileType(Route.MEDIA, "video/mp4")
    if head.startswith(b"BM") and head[6:10] == b"\0\0\0\0":
        return FileType(Route.IMAGE, "image/bmp")
    archive = FileType(Route.ARCHIVE, found) if (found := _archive_type(head)) else None
    table = FileType(Route.PARSE, DBASE_TYPE) if is_dbase_table(head) else None
    drawing = FileType(Route.PARSE, drawn) if (drawn := drawing_type(head)) else None
    told = archive or table or drawing or _by_sound(head) or _by_root(head) or _by_first_frame(content)
    if told is not None:
        return told
    if b"%PDF-" in head[:_PDF_HEADER_BYTES] and _PDF_OBJECT.search(content):
        return FileType(Route.PARSE, "application/pdf")
    return FileType(Route.ARCHIVE, "application/x-iso9660-image") if content[32769:32774] == b"CD001" else None


def _archive_type(head: bytes) -> str | None:
    """The type of an archive that begins with the header of its first member."""
    if _LHA.match(head):
        return "application/x-lzh-compressed"
    return "application/x-cpio" if _is_binary_cpio(head) else None


def _is_binary_cpio(head: bytes) -> bool:
    """Whether it is a cpio archive as the program of GNU makes it unless told otherwise, of either order of bytes."""
    order = _BINARY_CPIO.get(head[:2])
    if order is None or len(head) < _CPIO_HEADER_BYTES:
        return False
    mode, name_bytes = (int.from_bytes(head[at : at + 2], order) for at in (6, 20))
    end = _CPIO_HEADER_BYTES + name_bytes - 1
    return mode >> 12 in _KINDS_OF_FILES and name_bytes > 1 and head.find(b"\0", _CPIO_HEADER_BYTES) == end


def _by_first_frame(content: bytes) -> FileType | None:
    """The type of a compressed file that begins with frames that are skipped."""
    position = 0
    for _ in range(_MAX_SKIPPED_FRAMES):
        if not _SKIPPED_FRAME.match(content, position):
            break
        position += 8 + int.from_bytes(content[position + 4 : position + 8], "little")
    first = content[position : position + 4] if position else b""
    return next((FileType(route, kind) for at, sign, route, kind in SIGNATURES if not at and sign == first), None)


def _by_sound(head: bytes) -> FileType | None:
    """The type of a song whose first letters may begin a text too."""
    found = next((mime_type for beginning, mime_type in _LOSSLESS if beginning.match(head)), None)
    return FileType(Route.MEDIA, found) if found else None


def _by_root(head: bytes) -> FileType | None:
    """The type of a document in one piece of XML, by its root."""
    if b"<office:document" in head and _FLAT_DOCUMENT.match(head):
        return FileType(Route.MARKUP, _flat_type(head))
    if b"icrosoft" in head and (office := _OFFICE_XML.match(head)):
        return FileType(Route.MARKUP, OFFICE_XML[office[1]])
    if b"<mxfile" in head and _DIAGRAM.match(head):
        return FileType(Route.PARSE, "application/vnd.jgraph.mxfile")
    return None


def _flat_type(head: bytes) -> str:
    """The type of an OpenDocument file in one piece of XML."""
    stated = re.search(rb"vnd\.oasis\.opendocument\.([a-z]{4,20})", head)
    kind = stated[1].decode() if stated else "text"
    return f"application/vnd.oasis.opendocument.{kind}-flat-xml"


def _by_extension(extension: str, head: bytes) -> FileType | None:
    if extension in MARKUP_BY_EXTENSION:
        return FileType(*MARKUP_BY_EXTENSION[extension])
    if (other_type := type_of_shared_extension(extension, head)) is not None:
        return FileType(Route.DECODE, other_type)
    if extension in TEXT_BY_EXTENSION:
        return FileType(Route.DECODE, TEXT_BY_EXTENSION[extension])
    if extension in DAMAGED_IF_NOT_TEXT and _is_not_text(head):
        return FileType(Route.DAMAGED, DAMAGED_IF_NOT_TEXT[extension])
    return None


def _is_transport_stream(head: bytes) -> bool:
    """Whether the file is a film of a camera: packets of 188 bytes, in some after a time of 4, begin with a `G`."""
    return any(
        len(head) > first + size * _PACKETS and set(head[first : first + size * _PACKETS : size]) == {ord("G")}
        for first, size in ((0, 188), (4, 192))
    )


def _iso_media(brand: bytes) -> FileType:
    """The type of an ISO base media file: some image formats are stored in this video container."""
    if brand in {b"heic", b"heix", b"mif1", b"msf1"}:
        return FileType(Route.IMAGE, "image/heic")
    if brand in {b"avif", b"avis"}:
        return FileType(Route.IMAGE, "image/avif")
    if brand == b"crx ":
        return FileType(Route.IMAGE, RAW_TYPE)
    return FileType(Route.MEDIA, "audio/mp4" if brand[:3] in {b"M4A", b"M4B"} else "video/mp4")


def _is_not_text(head: bytes) -> bool:
    """Whether these bytes are no text: tables that old programs export as `.xls` may be in any charset."""
    if b"\0" in head:
        return not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        head[:4000].decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start < len(head[:4000]) - 4 and has_many_controls(head)
    return False
