"""What a file is, by its first bytes, and by its name only where these leave it open.

Cheap enough for every file of a source tree: the kinds that are never read (programs, sound, pictures) are
recognised here, without a parser. Containers (zip, OLE) are looked into by the child process. Pure; any thread.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from magicfs.text.extract.types import DAMAGED_IF_TEXTLESS, MAGIC, MARKUP_BY_EXTENSION, TEXT_BY_EXTENSION, TEXT_BY_NAME


class Route(enum.Enum):
    """What is done with a file."""

    DECODE = enum.auto()
    """It is text: decoded in this process."""
    MARKUP = enum.auto()
    """It is text in which markup has to be told from content: decoded here, parsed in the sandbox."""
    PARSE = enum.auto()
    """Parsed in the sandbox."""
    IMAGE = enum.auto()
    """A picture: text recognition, where it is installed."""
    ARCHIVE = enum.auto()
    """Not opened."""
    BINARY = enum.auto()
    """Holds no text."""
    DAMAGED = enum.auto()
    """Named like a document whose first bytes it lacks."""


@dataclass(frozen=True, slots=True)
class Format:
    """A file's type and what to do with it."""

    route: Route
    mime_type: str


_PDF_HEADER_BYTES = 1024
"""Readers accept this much before `%PDF-`."""

_HTML = re.compile(
    rb"\A\s*(?:<\?xml[^>]{0,200}\?>\s*)?(?:<!--.{0,2000}?-->\s*)?<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL
)
_SVG = re.compile(rb"\A\s*(?:<svg\b|<(?:\?xml|!--|!DOCTYPE\s+svg).{0,2000}?<svg\b)", re.IGNORECASE | re.DOTALL)
_MAIL = re.compile(
    rb"\A(?:Return-Path|Received|Delivered-To|Message-ID|MIME-Version|X-[A-Za-z-]{1,40}|From|To|Date|Subject):[ \t]",
    re.IGNORECASE,
)
_MAIL_FIELDS = (b"\nsubject:", b"\nfrom:", b"\ndate:", b"\nreceived:", b"\nmime-version:", b"\nmessage-id:")
_MAIL_FIELDS_NEEDED = 3


def detect(content: bytes, *, name: bytes) -> Format:
    """Say what `content` is; `name` is the file's own name."""
    head = content[:4096]
    extension = _extension(name)
    return _by_magic(content, head) or _by_extension(extension, head) or _by_looks(head) or _as_text(name.lower(), head)


def named_as_document(name: bytes) -> bool:
    """Whether a file of that name should need a parser."""
    extension = _extension(name)
    return extension in MARKUP_BY_EXTENSION or extension in DAMAGED_IF_TEXTLESS


def _extension(name: bytes) -> str:
    stem, dot, suffix = name.lower().rpartition(b".")
    return suffix.decode("ascii", errors="replace") if dot and stem else ""


def _by_magic(content: bytes, head: bytes) -> Format | None:
    for offset, magic, kind, mime_type in MAGIC:
        if head.startswith(magic, offset):
            return Format(Route[kind], mime_type)
    if head[4:8] == b"ftyp":
        return _iso_media(head[8:12])
    if head.startswith(b"RIFF") and head[8:12] in {b"WEBP", b"WAVE", b"AVI "}:
        return Format(Route.IMAGE, "image/webp") if head[8:12] == b"WEBP" else Format(Route.BINARY, "video/x-riff")
    if head.startswith(b"BM") and head[6:10] == b"\0\0\0\0":
        return Format(Route.IMAGE, "image/bmp")
    if b"%PDF-" in head[:_PDF_HEADER_BYTES]:
        return Format(Route.PARSE, "application/pdf")
    return Format(Route.ARCHIVE, "application/x-iso9660-image") if content[32769:32774] == b"CD001" else None


def _by_extension(extension: str, head: bytes) -> Format | None:
    if extension in MARKUP_BY_EXTENSION:
        kind, mime_type = MARKUP_BY_EXTENSION[extension]
        return Format(Route[kind], mime_type)
    if extension in TEXT_BY_EXTENSION:
        return Format(Route.DECODE, TEXT_BY_EXTENSION[extension])
    if extension in DAMAGED_IF_TEXTLESS and _is_textless(head):
        return Format(Route.DAMAGED, DAMAGED_IF_TEXTLESS[extension])
    return None


def _by_looks(head: bytes) -> Format | None:
    if _HTML.match(head):
        return Format(Route.MARKUP, "text/html")
    if _SVG.match(head):
        return Format(Route.MARKUP, "image/svg+xml")
    return Format(Route.PARSE, "message/rfc822") if _looks_like_mail(head) else None


def _as_text(name: bytes, head: bytes) -> Format:
    return Format(Route.DECODE, TEXT_BY_NAME.get(name) or _by_first_line(head))


def _iso_media(brand: bytes) -> Format:
    """Tell pictures from films in the container that both use."""
    if brand in {b"heic", b"heix", b"mif1", b"msf1"}:
        return Format(Route.IMAGE, "image/heic")
    if brand in {b"avif", b"avis"}:
        return Format(Route.IMAGE, "image/avif")
    return Format(Route.BINARY, "video/mp4")


def _is_textless(head: bytes) -> bool:
    """Whether these bytes are neither ASCII nor UTF-8 text."""
    if b"\0" in head:
        return True
    try:
        head[:4000].decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start < len(head[:4000]) - 4
    return False


def _looks_like_mail(head: bytes) -> bool:
    """Whether a file without a telling name is a message, as in a Maildir."""
    if not _MAIL.match(head):
        return False
    fields = b"\n" + head.lower()
    return sum(field in fields for field in _MAIL_FIELDS) >= _MAIL_FIELDS_NEEDED


def _by_first_line(head: bytes) -> str:
    """Tell scripts by the program they name."""
    if not head.startswith(b"#!"):
        return "application/xml" if head.lstrip().startswith(b"<?xml") else "text/plain"
    line = head.partition(b"\n")[0]
    for program, extension in ((b"python", "py"), (b"node", "js"), (b"perl", "pl"), (b"ruby", "rb"), (b"sh", "sh")):
        if program in line:
            return TEXT_BY_EXTENSION[extension]
    return "text/plain"
