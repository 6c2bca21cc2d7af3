"""Reads mail: messages and mailboxes, with the texts of attached files.

Runs in the child process, called by `kreuzberg_parser`, which reads the attached files. The standard library parses the
messages. A message is read as its subject, its people and its date, then its text, then its attachments by name. Each
message of a mailbox is a page. One thread.
"""

from __future__ import annotations

import contextlib
import email
import email.policy
import email.utils
import re
import time
from collections.abc import Iterator
from email.message import Message
from itertools import accumulate
from typing import Final

from magicfs.domain.contents import Document
from magicfs.domain.files import SkipReason
from magicfs.text.extract.charsets import codec_of
from magicfs.text.extract.left_out import left_out
from magicfs.text.extract.page_texts import PAGE_SEPARATOR
from magicfs.text.extract.part_count import PartCount, PartReader
from magicfs.text.extract.plain_text import clean, decode

MESSAGE_TYPE: Final = "message/rfc822"
MAILBOX_TYPE: Final = "application/mbox"

MAX_DEPTH: Final = 6
"""Messages in messages and parts in parts that are read."""
MAX_PARTS: Final = 500
"""Parts of one message that are read, those of attached messages included."""
_MAX_HEADER_CHARACTERS: Final = 2000
_MAX_NAME_CHARACTERS: Final = 255

_HEADERS: Final = (
    *("Subject", "From", "Reply-To", "To", "Cc", "Bcc", "Date"),
    *("Keywords", "Newsgroups", "List-Id", "Location", "Snapshot-Content-Location"),
    *("X-Gmail-Labels", "X-Mozilla-Keys", "X-Keywords", "X-Label"),
)
_EXTENSIONS: Final = {"calendar": "ics", "vcard": "vcf", "x-vcard": "vcf", "directory": "vcf", "ics": "ics"}
"""The extension for parts without a name, by the second half of their type; by default, that half itself."""
_DELIVERY_STATUS: Final = "message/delivery-status"
"""What a server says of a message that it could not deliver: fields, and no text."""
_SEALS: Final = ("application/pgp-", "application/pkcs7-", "application/x-pkcs7-")
_OWN_CODES: Final = ("utf", "iso-2022", "hz")
"""Charsets whose bytes are ASCII, or which state themselves."""

_MESSAGE_START: Final = re.compile(rb"(?:\A|(?<=\n))From [^\n]{0,500}\n(?=>?[A-Za-z][A-Za-z0-9-]{0,80}:)")
"""The line that separates the messages of a mailbox; a header follows it."""
_APPLE_LENGTH: Final = re.compile(rb"\A(\d{1,10})[ \t]*\r?\n")
"""The first line of a message of Apple Mail: the bytes of the message; a property list follows it."""
_ENCODED_WORD: Final = re.compile(rb"=\?([A-Za-z0-9._:-]{2,40})(?:\*[A-Za-z0-9-]{1,20})?\?(?=[BbQq]\?)")
"""The beginning of a text in a header that states its charset."""
_QUOTED_START: Final = re.compile(rb"^>(>*From )", re.MULTILINE)

_SIGNATURE: Final = "-- "
"""The line before a signature."""


class MailReader:
    """Reads messages until the time or the text is enough."""

    def __init__(
        self, read_part: PartReader, *, parts: PartCount, max_characters: int, parts_until: float, until: float
    ) -> None:
        """The moments are on the monotonic clock: after the first, attached files are named but not read."""
        self._read_part = read_part
        self._count = parts
        self._max_characters = max_characters
        self._parts_until = parts_until
        self._until = until
        self._parts = 0

    def read_message(self, content: bytes) -> Document:
        """The text of one message."""
        content = content.lstrip(b"\r\n")
        length = _APPLE_LENGTH.match(content)
        message = _parse(content[length.end() : length.end() + int(length[1])] if length else content)
        return Document(
            text=self._text(message),
            mime_type=MESSAGE_TYPE,
            title=_header(message, "Subject") or None,
            author=_header(message, "From") or None,
        )

    def read_mailbox(self, content: bytes) -> Document:
        """The texts of the messages of a mailbox, each one a page."""
        starts = [match.span() for match in _MESSAGE_START.finditer(content)] or [(0, 0)]
        pages: list[str] = []
        characters = cut_bytes = 0
        for index, (start, begin) in enumerate(starts):
            if characters > self._max_characters or time.monotonic() > self._until:
                cut_bytes = len(content) - start
                break
            end = starts[index + 1][0] if index + 1 < len(starts) else len(content)
            pages.append(self._page(content[begin:end], index + 1).rstrip() + PAGE_SEPARATOR)
            characters += len(pages[-1])
        page_starts = tuple(accumulate((len(page) for page in pages[:-1]), initial=0))
        return Document(text="".join(pages), mime_type=MAILBOX_TYPE, page_starts=page_starts, cut_bytes=cut_bytes)

    def _page(self, message: bytes, number: int) -> str:
        """The text of a message of a mailbox; empty for one at which the library fails."""
        try:
            text = self._text(_parse(_QUOTED_START.sub(rb"\1", message)))
        except Exception:  # noqa: BLE001  (the library raises anything about a malformed message)
            self._count.add_unread(f"message {number}")
            return ""
        self._count.add()
        return text

    def _text(self, message: Message) -> str:
        self._parts = 0
        return clean("\n".join(self._blocks(message, depth=0)))

    def _blocks(self, message: Message, *, depth: int) -> Iterator[str]:
        """Yield the headers of a message, then its texts."""
        headers = [f"{name}: {value}" for name in _HEADERS if (value := _header(message, name))]
        yield "\n".join(headers) + "\n"
        yield from self._part_blocks(message, depth=depth)

    def _part_blocks(self, part: Message, *, depth: int) -> Iterator[str]:
        self._parts += 1
        if depth > MAX_DEPTH or self._parts > MAX_PARTS:
            return
        kind = _content_type(part)
        if kind == "multipart/alternative":
            yield from self._best_alternative(part, depth=depth)
        elif kind == MESSAGE_TYPE and isinstance(part.get_payload(), list):
            for message in _children(part):
                yield "Attached message"
                yield from self._blocks(message, depth=depth + 1)
        elif kind == _DELIVERY_STATUS:
            for fields in _children(part):
                yield "\n".join(f"{name}: {_header(fields, name)}" for name in dict.fromkeys(fields.keys()))
        elif part.is_multipart():
            for child in _children(part):
                yield from self._part_blocks(child, depth=depth + 1)
        else:
            yield from self._leaf_blocks(part, kind)

    def _best_alternative(self, part: Message, *, depth: int) -> Iterator[str]:
        """Yield the texts of the first alternative that has any, the plain one; of the others, what it lacks."""
        best: list[str] = []
        for child in _children(part):
            blocks = list(self._part_blocks(child, depth=depth + 1))
            if any(block.strip() for block in best):
                blocks = left_out("\n".join(blocks).splitlines(), of="\n".join(best))
            best += blocks
        yield from best

    def _leaf_blocks(self, part: Message, kind: str) -> Iterator[str]:
        name = _file_name(part)
        try:
            content = part.get_payload(decode=True)
        except Exception:  # noqa: BLE001  (see `_header`)
            self._count.add_unread(name or kind)
            return
        content = content if isinstance(content, bytes) else b""
        is_attached = bool(name) and part.get_content_disposition() != "inline"
        if name:
            yield f"Attachment: {name}"
        # A multipart message whose boundary is missing is a text too.
        if (kind == "text/plain" or kind.startswith("multipart/")) and not is_attached:
            yield _plain_text(part, content)
        elif kind.startswith(_SEALS):
            return
        elif time.monotonic() > self._parts_until:
            self._count.add_unread(name or kind, SkipReason.TIMEOUT)
        else:
            second_half = kind.partition("/")[2]
            file_name = name or f"part.{_EXTENSIONS.get(second_half, second_half)}"
            is_text = kind.startswith("text/")
            yield self._read_part(_as_utf8(part, content) if is_text else content, file_name.encode())


def _parse(content: bytes) -> Message:
    if b"=?" in content:
        content = _ENCODED_WORD.sub(_with_known_charset, content)
    return email.message_from_bytes(content, policy=email.policy.default)


def _with_known_charset(match: re.Match[bytes]) -> bytes:
    """The beginning of an encoded word with the charset that programs mean by the name that it has."""
    codec = codec_of(match[1].decode("ascii"))
    return b"=?" + codec.encode() + b"?" if codec else match[0]


def _content_type(part: Message) -> str:
    try:
        return part.get_content_type()
    except Exception:  # noqa: BLE001  (see `_header`)
        return "application/octet-stream"


def _children(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [child for child in payload if isinstance(child, Message)] if isinstance(payload, list) else []


def _header(message: Message, name: str) -> str:
    """The decoded value of a header on one line. The library raises many exceptions about malformed ones."""
    try:
        value = str(message.get(name) or "")
    except Exception:  # noqa: BLE001
        raw = next((value for key, value in message.raw_items() if key.lower() == name.lower()), "")
        value = str(raw)
    if "\ufffd" in value:
        value = _without_charset(message, name) or value
    value = " ".join(clean(value).split())[:_MAX_HEADER_CHARACTERS]
    return _with_iso_date(value) if name == "Date" else value


def _without_charset(message: Message, name: str) -> str:
    """The value of a header that has bytes beyond ASCII, which state no charset; empty where it has none."""
    raw = next((str(value) for key, value in message.raw_items() if key.lower() == name.lower()), "")
    if raw.isascii():
        return ""
    return decode(raw.encode("utf-8", "surrogateescape")) or ""


def _with_iso_date(value: str) -> str:
    """A date as the message has it, and as people sort it."""
    try:
        return f"{value} ({email.utils.parsedate_to_datetime(value):%Y-%m-%d})"
    except (ValueError, TypeError, OverflowError):
        return value


def _file_name(part: Message) -> str:
    try:
        name = part.get_filename() or ""
    except Exception:  # noqa: BLE001  (see `_header`)
        return ""
    return " ".join(clean(str(name)).replace("/", " ").split())[:_MAX_NAME_CHARACTERS]


def _plain_text(part: Message, content: bytes) -> str:
    text = _declared(part, content)
    text = (decode(content) or "") if text is None else clean(text)
    if str(part.get_param("format", "")).lower() != "flowed":
        return text
    return _unflowed(text, keeps_blanks=str(part.get_param("delsp", "")).lower() != "yes")


def _unflowed(text: str, *, keeps_blanks: bool) -> str:
    """A text with its paragraphs in one piece (RFC 3676): a blank at the end of a line says that it goes on."""
    pieces: list[str] = []
    depth = ""
    goes_on = False
    for line in text.split("\n"):
        body = line.lstrip(">")
        quoted = line[: len(line) - len(body)]
        body = body.removeprefix(" ")
        if not (goes_on and quoted == depth and body.strip()):
            pieces.append(f"\n{quoted} " if quoted else "\n")
        depth, goes_on = quoted, body.endswith(" ") and body != _SIGNATURE and bool(body.strip())
        pieces.append(body[:-1] if goes_on and not keeps_blanks else body)
    return "".join(pieces)[1:]


def _as_utf8(part: Message, content: bytes) -> bytes:
    """A text in UTF-8, in whatever charset the message declares it. Many programs declare another one for UTF-8."""
    charset = part.get_content_charset() or ""
    if not charset.startswith(_OWN_CODES) and _is_utf8(content):
        return content
    text = _declared(part, content)
    return content if text is None else text.encode("utf-8", "replace")


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _declared(part: Message, content: bytes) -> str | None:
    """The content in its declared charset; None where it has none or is not in it."""
    charset = part.get_content_charset()
    for codec in (charset and codec_of(charset), charset):
        if codec:
            with contextlib.suppress(LookupError, UnicodeError):
                return content.decode(codec)
    return None
