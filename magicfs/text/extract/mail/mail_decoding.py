"""Decodes what messages hold: headers, names of files and texts, in charsets that they state wrongly or not at all.

Runs in the child process, used by `mail`. The standard library parses the messages, and raises many exceptions about
malformed ones. Pure functions.
"""

from __future__ import annotations

import base64
import codecs
import contextlib
import email
import email.policy
import email.utils
import quopri
import re
from email.header import decode_header, make_header
from email.headerregistry import BaseHeader, HeaderRegistry
from email.message import Message
from functools import lru_cache
from typing import Final

from magicfs.text.extract.plain.charsets import codec_of, load_detector
from magicfs.text.extract.plain.plain_text import clean, decode

_MAX_HEADER_CHARACTERS: Final = 2000
_MAX_PARSED_CHARACTERS: Final = 8000
"""The length of a header that the library parses: it takes minutes for a longer one."""
_MAX_NAME_CHARACTERS: Final = 255
_FIRST_FULL_YEAR: Final = 1000
_OWN_CODES: Final = ("utf", "iso-2022", "hz")
"""Charsets whose bytes are ASCII, or which state themselves."""
_OF_ONE_BYTE: Final = ("iso-8859", "iso8859", "windows-125", "cp125", "latin")
"""Charsets in which no text that anybody writes is UTF-8, but for ASCII."""

_ENCODED_WORD: Final = re.compile(rb"=\?([A-Za-z0-9._:-]{2,40})(?:\*[A-Za-z0-9-]{1,20})?\?(?=[BbQq]\?)")
"""The beginning of a text in a header that states its charset."""
_PEOPLE: Final = frozenset({"From", "Reply-To", "To", "Cc", "Bcc"})
_QUOTED_NAME: Final = re.compile(r'"([^"\\,;:.()<>@\[\]]{1,200})"\s*(?=<)')
_BARE_ADDRESS: Final = re.compile(r"((?:\A|,)\s*)<([^<>,:]{1,300})>")
"""What a person does not see of a name and an address: quotation marks around words, brackets around nothing else."""
_FILE_NAME: Final = re.compile(r"""\b(?:file)?name[ \t]*=\s*(?:"([^"\r\n]+)"|([^\s";][^;\r\n]*))""", re.IGNORECASE)
_SIGNATURE: Final = "-- "
"""The line before a signature."""

_MAX_CACHED_CHARACTERS: Final = 500
_parsed_header: Final = HeaderRegistry()
_cached_header: Final = lru_cache(maxsize=512)(_parsed_header)

_CHARSETS: Final = (
    "iso8859-1 iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8 iso8859-9 iso8859-10"
    " iso8859-13 iso8859-14 iso8859-15 iso8859-16 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258"
    " cp437 cp850 cp852 cp866 cp874 koi8-r koi8-u mac-roman tis-620 gb2312 gbk gb18030 big5 euc-jp euc-kr cp932"
    " cp720 cp737 cp775 cp855 cp857 cp858 cp860 cp861 cp862 cp863 cp864 cp865 cp869 cp1125 mac-cyrillic mac-greek"
    " mac-iceland mac-latin2 mac-turkish johab big5hkscs euc-jis-2004 shift-jis-2004 koi8-t kz1048 ptcp154"
    " cp949 shift-jis iso2022-jp iso2022-kr hz utf-7 utf-8-sig utf-16 utf-16-le utf-16-be utf-32 utf-32-le"
    " utf-32-be ascii latin-1"
)
"""The charsets that mail declares, and those that are detected."""


def load_charsets() -> None:
    """Load the charsets and what detects them, which a process behind walls cannot read any more."""
    for charset in _CHARSETS.split():
        codecs.lookup(charset)
    load_detector()


def _header_of(name: str, value: str) -> BaseHeader:
    """A parsed header. The library asks for the type of each part four times, and parsing it takes a millisecond."""
    if len(value) > _MAX_PARSED_CHARACTERS:
        value = value[:_MAX_PARSED_CHARACTERS].rsplit(None, 1)[0]
    return (_cached_header if len(value) <= _MAX_CACHED_CHARACTERS else _parsed_header)(name, value)


_FOOTER: Final = re.compile(r"\r?\n[ \t\r]*\n(?=[A-Za-z0-9+/= \t]{0,200}[^A-Za-z0-9+/=\s])")
"""The end of a text in base64 before a line that is none."""
_NO_BASE64: Final = re.compile(r"[^A-Za-z0-9+/=]+")
_BEGINNING_CHARACTERS: Final = 400
_MAX_DAMAGE: Final = 2
_DAMAGED_SHARE: Final = 20
"""In base64, other signs are fewer than one in so many; in a text, each word is followed by one."""
_POLICY: Final = email.policy.default.clone(header_factory=_header_of)


def parse(content: bytes) -> Message:
    """The message in these bytes, in whatever charset of whatever name its headers are."""
    if b"=?" in content:
        content = _ENCODED_WORD.sub(_with_known_charset, content)
    return email.message_from_bytes(content, policy=_POLICY)


def _with_known_charset(match: re.Match[bytes]) -> bytes:
    """The beginning of an encoded word with the charset that programs mean by the name that it has."""
    codec = codec_of(match[1].decode("ascii"))
    return b"=?" + codec.encode() + b"?" if codec else match[0]


def content_type(part: Message) -> str:
    """The type of a part; that of any bytes where it states a malformed one."""
    try:
        return part.get_content_type()
    except Exception:
        return "application/octet-stream"


def children(part: Message) -> list[Message]:
    """The parts of a part; none of one that has a content."""
    payload = part.get_payload()
    return [child for child in payload if isinstance(child, Message)] if isinstance(payload, list) else []


def unpacked(message: Message, attached: Message) -> Message:
    """An attached message, which programs may have encoded although no standard allows it."""
    if message.keys() or not _is_base64(attached):
        return message
    try:
        return parse(base64.b64decode(str(message.get_payload()).encode("ascii", "ignore")))
    except ValueError:
        return message


def content_of(part: Message) -> bytes:
    """The decoded content of a part. What a mailing list has written below a text in base64 is a part of it.

    A text that people have copied with its headers is none of what these say.
    """
    content = part.get_payload(decode=True)
    content = content if isinstance(content, bytes) else b""
    kind = part.get_content_maintype()
    if kind not in {"text", "multipart"} or not _is_base64(part):
        return content
    raw = str(part.get_payload())
    if kind == "multipart" or not _looks_encoded(raw):
        del part["Content-Transfer-Encoding"]
        return bytes(part.get_payload(decode=True))
    footer = _FOOTER.search(raw)
    if footer is None:
        return content
    encoded = _NO_BASE64.sub("", raw[: footer.start()]).rstrip("=")
    text = base64.b64decode(encoded + "=" * (-len(encoded) % 4)) if len(encoded) % 4 != 1 else b""
    return text + raw[footer.start() :].encode("utf-8", "surrogateescape")


def _looks_encoded(raw: str) -> bool:
    """Whether the first paragraph is base64, maybe with a little damage."""
    paragraph = raw.replace("\r", "").strip().partition("\n\n")[0][:_BEGINNING_CHARACTERS].replace("\n", "")
    others = sum(map(len, _NO_BASE64.findall(paragraph)))
    return others <= max(_MAX_DAMAGE, len(paragraph) // _DAMAGED_SHARE)


def _is_base64(part: Message) -> bool:
    return str(part.get("Content-Transfer-Encoding", "")).strip().lower() == "base64"


_ENCODED_WORDS: Final = re.compile(
    r"=\?([\w-]{1,40})\?([bq])\?[^?\s]{0,2000}\?=(?:\s{1,9}=\?\1\?\2\?[^?\s]{0,2000}\?=)*", re.IGNORECASE
)


def header(message: Message, name: str) -> str:
    """The decoded value of a header on one line. The library raises many exceptions about malformed ones."""
    raw = _raw_header(message, name)[:_MAX_PARSED_CHARACTERS]
    if raw.isascii() and "=?" not in raw:
        value = _BARE_ADDRESS.sub(r"\1\2", _QUOTED_NAME.sub(r"\1 ", raw)) if name in _PEOPLE else raw
    else:
        try:
            value = str(message.get(name) or "")
        except Exception:
            value = raw
        if "\ufffd" in value and "=?" in raw:
            with contextlib.suppress(Exception):  # as above
                value = str(message.policy.header_fetch_parse(name, _ENCODED_WORDS.sub(_one_word, raw)))
    if "\ufffd" in value and not raw.isascii():
        value = _in_some_charset(raw) or value
    value = " ".join(clean(value[:_MAX_PARSED_CHARACTERS]).split())[:_MAX_HEADER_CHARACTERS]
    return _with_iso_date(value) if name == "Date" else value


def _raw_header(message: Message, name: str) -> str:
    """The first value of a header as it stands in the message; bytes beyond ASCII are surrogates."""
    wanted = name.lower()
    return next((str(value) for key, value in message.raw_items() if key.lower() == wanted), "")


def _one_word(words: re.Match[str]) -> str:
    """Encoded words that follow each other as one: some programs cut them in the middle of a character.

    What is not in the charset that they state, or in one that nobody knows, is in the one that is detected.
    """
    data = b"".join(
        quopri.decodestring(text, header=True) if words[2] in "qQ" else base64.b64decode(text + "==")
        for text in (word.split("?")[3] for word in words[0].split())
    )
    charset = words[1]
    if not _is_in_charset(data, charset):
        charset, data = "utf-8", (decode(data) or data.decode("ascii", "replace")).encode("utf-8", "replace")
    return f"=?{charset}?b?{base64.b64encode(data).decode()}?="


def _is_in_charset(data: bytes, charset: str) -> bool:
    """Whether bytes are in a charset, but for a few characters of several bytes that a program has cut."""
    try:
        text = data.decode(charset, "replace")
    except LookupError:
        return False
    lost, others = text.count("\ufffd"), sum(not sign.isascii() for sign in text)
    return not lost or (2 * lost <= others and not charset.lower().startswith(_OF_ONE_BYTE))


def _in_some_charset(raw: str) -> str:
    """A value that has bytes beyond ASCII, which state no charset; empty where it is no text."""
    return decode(raw.encode("utf-8", "surrogateescape")) or ""


def _with_iso_date(value: str) -> str:
    """A date as the message has it, and as people sort it. Programs of the year 2000 wrote it as the year 100."""
    try:
        date = email.utils.parsedate_to_datetime(value)
        year = date.year + 1900 if date.year < _FIRST_FULL_YEAR else date.year
    except (ValueError, TypeError, OverflowError):
        return value
    return f"{value} ({year}-{date:%m-%d})"


def file_name(part: Message) -> str:
    """The name of an attached file without folders; empty if there is none."""
    try:
        name = str(part.get_filename() or "")
    except Exception:
        name = ""
    stated = _stated_name(part)
    if stated and (not name or "\ufffd" in name or stated.startswith(f"{name} ")):
        name = stated
    return " ".join(clean(name).replace("/", " ").split())[:_MAX_NAME_CHARACTERS]


def _stated_name(part: Message) -> str:
    """The name of an attached file as many programs wrote it: without quotation marks, or in no stated charset."""
    for header_name in ("Content-Disposition", "Content-Type"):
        found = _FILE_NAME.search(_raw_header(part, header_name)[:_MAX_PARSED_CHARACTERS])
        if found:
            raw = found[1] or found[2]
            with contextlib.suppress(Exception):  # the library raises anything about encoded words
                words = decode_header(_ENCODED_WORDS.sub(_one_word, raw)) if raw.isascii() else None
                return _in_some_charset(raw) if words is None else str(make_header(words))
    return ""


def plain_text(part: Message, content: bytes) -> str:
    """The text of a part in its charset, its paragraphs in one piece where their lines are wrapped."""
    is_utf8 = (part.get_content_charset() or "").startswith(_OF_ONE_BYTE) and _is_utf8(content)
    text = content.decode() if is_utf8 else _declared(part, content)
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


def as_utf8(part: Message, content: bytes) -> bytes:
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
            with contextlib.suppress(LookupError, ValueError):
                return content.decode(codec)
    return None
