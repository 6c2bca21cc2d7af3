"""Reads mail: messages and mailboxes, with the texts of attached files.

Runs in the child process, called by `document_parser`; `files_inside` reads the attached files. The standard library
parses the messages. A message is read as its subject, its people and its date, then its text, then its attachments by
name. Each message of a mailbox is a page. One thread.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from email.message import Message
from itertools import accumulate
from typing import Final

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.file_parts import FileParts
from magicfs.text.extract.documents.missing_texts import missing_texts
from magicfs.text.extract.mail.enriched_text import ENRICHED_TYPES, without_commands
from magicfs.text.extract.mail.mail_decoding import (
    as_utf8,
    children,
    content_of,
    content_type,
    file_name,
    header,
    parse,
    plain_text,
    unpacked,
)
from magicfs.text.extract.mail.mailboxes import FIRST_MESSAGE, NEXT_MESSAGE
from magicfs.text.extract.mail.signed_files import SIGNED_TYPE, signed_content
from magicfs.text.extract.mail.uuencoded import without_files
from magicfs.text.extract.pdf.page_texts import PAGE_SEPARATOR
from magicfs.text.extract.plain.plain_text import clean, decode

MESSAGE_TYPE: Final = "message/rfc822"
MAILBOX_TYPE: Final = "application/mbox"

MAX_DEPTH: Final = 20
"""Messages in messages and parts in parts that are read: each forwarded message adds two, one with pictures four."""
MAX_PARTS: Final = 500
"""Parts of one message that are read, those of attached messages included."""
_HEADERS: Final = (
    *("Subject", "From", "Reply-To", "To", "Cc", "Bcc", "Date"),
    *("Keywords", "Newsgroups", "List-Id", "Location", "Snapshot-Content-Location"),
    *("X-Gmail-Labels", "X-Mozilla-Keys", "X-Keywords", "X-Label"),
)
_EXTENSIONS: Final = {"calendar": "ics", "vcard": "vcf", "x-vcard": "vcf", "directory": "vcf", "ics": "ics"}
"""The extension for parts without a name, by the second half of their type; by default, that half itself."""
_REPORTS: Final = frozenset(
    f"message/{kind}"
    for kind in (
        *("delivery-status", "global-delivery-status", "disposition-notification"),
        *("global-disposition-notification", "feedback-report", "tracking-status"),
    )
)
"""What programs say of a message, such as one that could not be delivered: fields, and seldom a text."""
_CODE_OF_PAGES: Final = frozenset(
    {"text/css", "text/javascript", "application/javascript", "application/x-javascript", "text/ecmascript"}
)
"""What a saved page has beside its text; an attached file of this type has a name."""
_SEALS: Final = ("application/pgp-", "application/pkcs7-", "application/x-pkcs7-")
_SIGNED: Final = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
"""A part that holds the whole of a signed message; the other seals are beside it."""
_PART_OF_MAIL: Final = re.compile(rb"\s{0,9}(?:Content-[A-Za-z-]{4,30}|MIME-Version):", re.IGNORECASE)
_APPLE_LENGTH: Final = re.compile(rb"\A(\d{1,10})[ \t]*\r?\n")
"""The first line of a message of Apple Mail: the bytes of the message; a property list follows it."""
_BEFORE_MESSAGE: Final = re.compile(rb"\A(?:\xef\xbb\xbf)?[\r\n]*(?:>From [^\n]{0,500}\n)?")
"""What editors and mailboxes put before a message: a byte order mark, blank lines, its line in a mailbox."""
_QUOTED_START: Final = re.compile(rb"^>(>*From )", re.MULTILINE)


class MailReader:
    """Reads messages until the time or the text is enough."""

    def __init__(self, parts: FileParts, *, max_bytes: int, until: float) -> None:
        """Messages are read until a moment on the monotonic clock; attached files while there is time for parts.

        `max_bytes` is the limit of a text.
        """
        self._parts = parts
        self._max_bytes = max_bytes
        self._until = until
        self._visited = 0
        """The parts of the present message that were looked at."""
        self._seen: set[int] = set()

    def read_message(self, content: bytes) -> Document:
        """The text of one message."""
        content = _BEFORE_MESSAGE.sub(b"", content, count=1)
        length = _APPLE_LENGTH.match(content)
        message = parse(content[length.end() : length.end() + int(length[1])] if length else content)
        return Document(
            text=self._text(message),
            mime_type=MESSAGE_TYPE,
            title=header(message, "Subject") or None,
            author=header(message, "From") or None,
        )

    def read_mailbox(self, content: bytes, *, begin: Callable[[int], None] | None = None) -> Document:
        """The texts of the messages of a mailbox, each one a page: those of the last ones, if there are too many.

        `begin` is told the number of each message, from 1, before it is read: the last one comes first.
        """
        first = [match.span()] if (match := FIRST_MESSAGE.match(content)) else []
        starts = first + [(match.start() + 1, match.end()) for match in NEXT_MESSAGE.finditer(content)] or [(0, 0)]
        ends = [*(start for start, _ in starts[1:]), len(content)]
        pages: list[str] = []
        size = 0
        # Mail programs append what comes.
        for number, ((_, start), end) in reversed(list(enumerate(zip(starts, ends, strict=True), 1))):
            if begin is not None:
                begin(number)
            page = self._page(content[start:end], number).rstrip() + PAGE_SEPARATOR
            size += len(page.encode("utf-8"))
            if pages and size > self._max_bytes:
                break
            pages.append(page)
            if time.monotonic() > self._until:
                break
        pages.reverse()
        left_out = len(starts) - len(pages)
        return Document(
            text="".join(pages),
            mime_type=MAILBOX_TYPE,
            page_starts=tuple(accumulate((len(page) for page in pages[:-1]), initial=0)),
            first_page=left_out + 1,
            cut_bytes=starts[left_out][0] - starts[0][0],
        )

    def _page(self, message: bytes, number: int) -> str:
        """The text of a message of a mailbox; empty for one at which the library fails."""
        try:
            text = self._text(parse(_QUOTED_START.sub(rb"\1", message)))
        except Exception:  # the library raises anything about a malformed message
            self._parts.add_unread(f"message {number}")
            return ""
        self._parts.add()
        return text

    def _text(self, message: Message) -> str:
        self._visited = 0
        self._seen.clear()
        return clean("\n".join(self._blocks(message, depth=0)))

    def _blocks(self, message: Message, *, depth: int) -> Iterator[str]:
        """Yield the headers of a message, then its texts."""
        headers = [f"{name}: {value}" for name in _HEADERS if (value := header(message, name))]
        yield "\n".join(headers) + "\n"
        yield from self._part_blocks(message, depth=depth)

    def _part_blocks(self, part: Message, *, depth: int) -> Iterator[str]:
        self._visited += 1
        if depth > MAX_DEPTH or self._visited > MAX_PARTS:
            return
        if time.monotonic() > self._until:
            self._parts.add_unread("further parts", SkipReason.TIMEOUT)
            return
        kind = content_type(part)
        if kind == "multipart/alternative" and part.is_multipart():
            yield from self._best_alternative(part, depth=depth)
        elif kind in _REPORTS and isinstance(part.get_payload(), list):
            for fields in children(part):
                yield "\n".join(f"{name}: {header(fields, name)}" for name in dict.fromkeys(fields.keys()))
                yield from filter(str.strip, self._part_blocks(fields, depth=depth + 1))
        elif kind.startswith("message/") and isinstance(part.get_payload(), list):
            yield from self._attached_messages(part, depth=depth)
        elif part.is_multipart():
            for child in children(part):
                yield from self._part_blocks(child, depth=depth + 1)
        else:
            yield from self._leaf_blocks(part, kind, depth=depth)

    def _attached_messages(self, part: Message, *, depth: int) -> Iterator[str]:
        if name := file_name(part):
            yield f"Attachment: {name}"
        for message in children(part):
            yield "Attached message"
            yield from self._blocks(unpacked(message, part), depth=depth + 1)

    def _best_alternative(self, part: Message, *, depth: int) -> Iterator[str]:
        """Yield the texts of the first alternative that has any, the plain one; of the others, what it lacks."""
        best: list[str] = []
        for child in children(part):
            blocks = list(self._part_blocks(child, depth=depth + 1))
            if any(block.strip() for block in best):
                blocks = missing_texts("\n".join(blocks).splitlines(), in_text="\n".join(best))
            best += blocks
        yield from best

    def _leaf_blocks(self, part: Message, kind: str, *, depth: int) -> Iterator[str]:
        name = file_name(part)
        try:
            content = content_of(part)
        except Exception:  # as above
            self._parts.add_unread(name or kind)
            return
        is_attached = bool(name) and part.get_content_disposition() != "inline"
        if name:
            yield f"Attachment: {name}"
        # A multipart message whose boundary is missing is a text too.
        if (kind == "text/plain" or kind.startswith("multipart/")) and not is_attached:
            content, files = without_files(content)
            yield plain_text(part, content)
            for file in files:
                yield f"Attachment: {decode(file.name) or ''}"
                yield self._read_attached(file.content, file.name)
        elif kind in ENRICHED_TYPES and not is_attached:
            yield without_commands(plain_text(part, content), kind)
        elif kind in _SIGNED:
            yield from self._signed_blocks(content, name, depth=depth)
        elif kind.startswith(_SEALS) or (kind in _CODE_OF_PAGES and not name):
            return
        else:
            second_half = kind.partition("/")[2]
            inner_name = name or f"part.{_EXTENSIONS.get(second_half, second_half)}"
            is_text = kind.startswith("text/")
            yield self._read_attached(as_utf8(part, content) if is_text else content, inner_name.encode())

    def _read_attached(self, content: bytes, name: bytes) -> str:
        """The text of a file; empty for one that the message has twice, as invitations are in the text and attached."""
        if self._parts.is_time_over:
            self._parts.add_unread(decode(name) or "", SkipReason.TIMEOUT)
            return ""
        digest = hash(content.replace(b"\r\n", b"\n").strip())
        if digest in self._seen:
            self._parts.add()
            return ""
        text = self._parts.read(content, name)
        if text:
            self._seen.add(digest)
        return text

    def _signed_blocks(self, content: bytes, name: str, *, depth: int) -> Iterator[str]:
        """Yield the texts of a part, or of a file, that is inside of what signs it."""
        try:
            signed = signed_content(content)
        except (ValueError, IndexError):
            self._parts.add_unread(name or SIGNED_TYPE)
            return
        if isinstance(signed, Unreadable):
            if signed.reason is SkipReason.ENCRYPTED:
                self._parts.add_unread(name or SIGNED_TYPE, SkipReason.ENCRYPTED)
        elif is_part_of_mail(signed):
            yield from self._part_blocks(parse(signed), depth=depth + 1)
        else:
            yield self._parts.read(signed, name.removesuffix(".p7m").encode())


def is_part_of_mail(content: bytes) -> bool:
    """Whether bytes that were signed are a part of a message, as S/MIME signs it."""
    return _PART_OF_MAIL.match(content) is not None
