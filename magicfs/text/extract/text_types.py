"""Tells texts apart by how they begin: markup, mail, and what their extensions do not say.

Used by `detect`, on what has no signature. Pure functions; any thread.
"""

from __future__ import annotations

import codecs
import re

from magicfs.text.extract.file_types import TEXT_BY_EXTENSION, FileType, Route

_HTML = re.compile(
    rb"\A\s*(?:<\?xml[^>]{0,200}\?>\s*)?(?:<!--.{0,2000}?-->\s*)?<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL
)
_SVG = re.compile(rb"\A\s*(?:<svg\b|<(?:\?xml|!--|!DOCTYPE\s+svg).{0,2000}?<svg\b)", re.IGNORECASE | re.DOTALL)
_MAIL = re.compile(
    rb"\A(?:Return-Path|Received(?:-SPF)?|(?:Delivered|Envelope|Reply|In-Reply|Errors|X-Original)-To|Message-ID"
    rb"|MIME-Version|(?:X|ARC|DKIM|DomainKey|List|Content|Resent|Thread|Authentication)-[A-Za-z-]{1,40}|From|To|Cc|Bcc"
    rb"|Sender|Date|Subject|References|User-Agent|Importance|Priority|Organization|Status|Path|Newsgroups):[ \t]",
    re.IGNORECASE,
)
_JSON = re.compile(rb"(?:\xef\xbb\xbf)?\s{0,99}(?:\[\s{0,99})?\{\s{0,99}\"[^\"\n]{1,200}\"\s{0,9}:")
"""Many programs write their logs in it."""
_XML = re.compile(
    rb"(?:\xef\xbb\xbf)?\s{0,99}<(?:\?xml\b|!DOCTYPE\s|[A-Za-z][\w:.-]{0,40}(?:\s{1,9}[\w:.-]{1,40}=\"[^\"<]{0,500}\"){1,30}\s{0,9}/?>)"
)
_STATEMENT = re.compile(rb"(?:\{1:[^\n]{1,300}\{4:)?\s{0,9}:20:[^\n]{0,40}\n(?::21:[^\n]{0,40}\n)?:25:[^\n]{1,60}\n:28")
"""A statement of a bank in MT940, which banks name as they like."""
_MANIFEST = re.compile(rb"(?:\xef\xbb\xbf)?(?:Manifest|Signature)-Version:")
_SHARED_EXTENSIONS = {
    "log": (_JSON, "application/json"),
    "txt": (_STATEMENT, "text/x-mt940"),
    "mf": (_MANIFEST, "text/x-java-manifest"),
    **dict.fromkeys(("ts", "mm"), (_XML, "application/xml")),
}
"""Extensions that files of another type have too, by how these begin: translations of Qt, manifests of Java."""
_BEGINNINGS = (
    (_XML, "application/xml"),
    (_JSON, "application/json"),
    (re.compile(rb"(?:\xef\xbb\xbf)?BEGIN:VCALENDAR\r?\n", re.IGNORECASE), "text/calendar"),
    (re.compile(rb"(?:\xef\xbb\xbf)?BEGIN:VCARD\r?\n", re.IGNORECASE), "text/vcard"),
    (_STATEMENT, "text/x-mt940"),
)
"""The types of texts whose extension says nothing, by how they begin."""
_MAILBOX = re.compile(rb"\AFrom [^\n]{1,500}\n>?[A-Za-z][A-Za-z0-9-]{0,80}:[ \t]")
_MAIL_FIELDS = (b"\nsubject:", b"\nfrom:", b"\ndate:", b"\nreceived:", b"\nmime-version:", b"\nmessage-id:")
_MIN_MAIL_FIELDS = 3
_WEB_PAGE = re.compile(
    rb"\nmime-version:[^\n]{1,99}\n(?:[a-z-]{1,40}:[^\n]{1,200}\n){0,9}content-type:[ \t]{0,9}multipart/related;"
)
"""A web page with its pictures, which programs export as a document or a workbook too."""
_SENT_FIELDS = (b"\nreceived:", b"\nmime-version:", b"\nmessage-id:")
"""What programs write into a message, and people do not copy into a text."""
_DATED_MAILBOX = re.compile(
    rb"From [^\n]{1,200}[ \t]\d\d?:\d\d(?::\d\d)?[ \t][^\n]{0,20}\d{4}[^\n]{0,20}\n"
    rb"(?:From|Subject|Date|Received|[A-Z][A-Za-z]{0,40}-[A-Za-z-]{1,60}):[ \t]"
)

_MAIL_HEAD_BYTES = 32 * 1024
"""Signatures of servers come first in a message, and are long."""


def by_beginning(content: bytes, head: bytes) -> FileType | None:
    """The type of markup and mail, which their first bytes `head` tell; None for any other text."""
    if _HTML.match(head):
        return FileType(Route.MARKUP, "text/html")
    if _SVG.match(head):
        return FileType(Route.MARKUP, "image/svg+xml")
    if _MAILBOX.match(head):
        return FileType(Route.PARSE, "application/mbox")
    return FileType(Route.PARSE, "message/rfc822") if _looks_like_mail(content) else None


def type_of_shared_extension(extension: str, head: bytes) -> str | None:
    """The MIME type that an extension has less often, where a text begins like that type; None for any other."""
    beginning, mime_type = _SHARED_EXTENSIONS.get(extension, (None, ""))
    return mime_type if beginning is not None and beginning.match(head) else None


def _looks_like_mail(content: bytes) -> bool:
    """Whether the file begins like a mail message. Messages of a Maildir have no extension."""
    if not _MAIL.match(content):
        return False
    fields = b"\n" + content[:_MAIL_HEAD_BYTES].lower()
    if _WEB_PAGE.match(fields):
        return True
    return sum(field in fields for field in _MAIL_FIELDS) >= _MIN_MAIL_FIELDS


def mail_in_text(content: bytes) -> FileType | None:
    """The type of mail that is named as a text: web mail saves messages so, and mailing lists their archives."""
    head = content[:_MAIL_HEAD_BYTES].removeprefix(codecs.BOM_UTF8)
    if _DATED_MAILBOX.match(head):
        return FileType(Route.PARSE, "application/mbox")
    header, *body = re.split(rb"\r?\n\r?\n", head, maxsplit=1)
    fields = b"\n" + header.lower()
    is_sent = b"\nfrom:" in fields and any(field in fields for field in _SENT_FIELDS)
    # Headers alone are what somebody has copied to look at them.
    is_mail = is_sent and any(map(bytes.strip, body)) and _looks_like_mail(header)
    return FileType(Route.PARSE, "message/rfc822") if is_mail else None


def text_type(head: bytes) -> str:
    """The MIME type of a text file: that of a script by its interpreter, data by how they begin."""
    if not head.startswith(b"#!"):
        return next((mime_type for pattern, mime_type in _BEGINNINGS if pattern.match(head)), "text/plain")
    line = head.partition(b"\n")[0]
    for program, extension in ((b"python", "py"), (b"node", "js"), (b"perl", "pl"), (b"ruby", "rb"), (b"sh", "sh")):
        if program in line:
            return TEXT_BY_EXTENSION[extension]
    return "text/plain"
