"""Reads sections of OneNote (`.one`): pages, titles, what was recognised in pictures, and the files that are attached.

Runs in the child process, called by `own_readers`. A section is a store of properties with their revisions. Each
text stands behind its length, which tells it from other data; what programs name themselves is left out. Untrusted
bytes; pure functions. https://learn.microsoft.com/openspecs/office_file_formats/ms-one
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.file_parts import FileParts
from magicfs.text.extract.documents.missing_texts import missing_lines
from magicfs.text.extract.pdf.page_texts import PAGE_SEPARATOR
from magicfs.text.extract.plain.plain_text import clean

ONENOTE_TYPE: Final = "application/onenote"

_LENGTH: Final = re.compile(
    rb"(?s)(?=(?:[\x04-\xff]\0|.[\x01-\xff])\0\0"
    rb"(?:[\t\n\r\x20-\x7e\xa0-\xff]\0|[\t\x20-\x7e][\x20-\x7e\x80-\xff]|.[\x01-\x06\x09\x0e-\x11\x1e-\x20\x30\x34-\x9f\xac-\xd7]))"
)
"""The length of a text below 64 KB, and how a text begins: in Latin letters, in those of one byte, or in others."""
_LENGTH_BYTES: Final = 4
_MIN_CHARACTERS: Final = 3
_MIN_CHARACTERS_OF_SYLLABLES: Final = 2
_HAN, _HANGUL = 1, 2
_FIRST_HANGUL: Final = "\uac00"
_MIN_SHARE: Final = 0.6
"""The share of a text that are letters, digits and blanks."""
_SHOWN: Final = frozenset("\t\n\r\x0b")
_ONE_BYTE: Final = re.compile(rb"[\t\n\r\x20-\x7e\x80-\xff]*")
_OF_PROGRAM: Final = re.compile(
    r"Page(?:Title|DateTime)|h[1-6]|cite|blockquote|code|<.*|\{?[0-9A-Fa-f-]{36}\}?|[\w ]{0,20}\.onetoc2"
    r"|(?:Calibri|Consolas|Segoe UI|Arial|Cambria|Verdana|Tahoma|Times New Roman|Courier New|Microsoft YaHei|SimSun"
    r"|MS Gothic|Yu Gothic|Meiryo)(?: Light| UI)?",
    re.DOTALL,
)
"""Names of styles and fonts, and data of programs."""
_FILE: Final = bytes.fromhex("e716e3bd65261145a4c48d4d0b7a9eac")
"""What stands before an attached file and its size."""
_FILE_END: Final = bytes.fromhex("22a7fb71790f0b4abb13899256426b24")
"""What stands behind it, and behind the zeros that fill its last eight bytes."""
_FILE_HEAD_BYTES, _UNUSED_BYTES, _PADDING_BYTES = 24, 12, 7
_MAX_TEXTS: Final = 100_000
_Utf16 = codecs.getincrementaldecoder("utf-16-le")
_HEAD_BYTES: Final = 128
"""Those of a text which are looked at first: most data that look like a length stand before other data."""
_MAX_READ_SHARE: Final = 4
"""How often the bytes of a file are read at most, for data that turn out to be no texts."""
_LATIN_END: Final = 0x250
_CHINESE: Final = re.compile("[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]")
_CHINESE_TEXT: Final = re.compile("[\t\n\r\x0b -~\u2010-\u2026\u3000-\u30ff\u4e00-\u9fff\uff00-\uffef]*")
"""Other data look like rare characters."""


def read_onenote(content: bytes, *, parts: FileParts) -> Document | Unreadable:
    """The texts of a section, each one once, in the order of the file, then those of the files that are attached.

    Some may be from before they were changed.
    """
    files = list(_attached(content))
    ends = [0, *(file.stop for file in files)]
    starts = [*(file.start for file in files), len(content)]
    pages = b"".join(content[end:start] for end, start in zip(ends, starts, strict=True)) if files else content
    text = "\n".join(dict.fromkeys(islice(_texts(pages), _MAX_TEXTS)))
    attached = missing_lines((_text_of_file(content[file], parts) for file in files), in_text=text)
    text = PAGE_SEPARATOR.join(filter(None, (text, *attached)))
    return Document(text=clean(text), mime_type=ONENOTE_TYPE) if text else Unreadable(SkipReason.NO_TEXT)


def _attached(content: bytes) -> Iterator[slice]:
    """Yield where the files are that are attached to a page, pictures too.

    A file whose size is damaged ends where the next end is marked, and one that is cut with the section.
    """
    last_end = content.rfind(_FILE_END)
    end = 0
    while (begin := content.find(_FILE, end)) >= 0:
        size = int.from_bytes(content[begin + len(_FILE) : begin + _FILE_HEAD_BYTES], "little")
        begin += _FILE_HEAD_BYTES + _UNUSED_BYTES
        end = min(begin + size, len(content))
        if begin <= last_end and content.find(_FILE_END, end, end + _PADDING_BYTES + len(_FILE_END)) < 0:
            end = content.find(_FILE_END, begin)
        yield slice(begin, end)


def _text_of_file(content: bytes, parts: FileParts) -> str:
    if parts.is_time_over:
        parts.add_unread("an attached file", SkipReason.TIMEOUT)
        return ""
    return parts.read(content, b"")


def _texts(content: bytes) -> Iterator[str]:
    end = 0
    left = _MAX_READ_SHARE * len(content)
    for match in _LENGTH.finditer(content):
        begin = match.start() + _LENGTH_BYTES
        if begin < end:
            continue
        data_end = min(begin + int.from_bytes(content[match.start() : begin], "little"), len(content))
        if not _may_be_text(content[begin : min(begin + _HEAD_BYTES, data_end)]):
            continue
        if data_end - begin > _HEAD_BYTES:
            if data_end - begin > left:
                continue
            left -= data_end - begin
        text = _text(content[begin:data_end])
        if text and not _OF_PROGRAM.fullmatch(text):
            yield text
            end = data_end


def _may_be_text(head: bytes) -> bool:
    """Whether a text may begin in this way; false only where none does."""
    if _ONE_BYTE.fullmatch(head.rstrip(b"\0")):
        return True
    try:
        # The second half of the last character may be missing.
        text = _Utf16().decode(head).rstrip("\0")
    except UnicodeDecodeError:
        return False
    return _is_shown(text) and not _is_mixed(text)


def _text(data: bytes) -> str:
    """The text that the data are; empty for other data."""
    narrow = data.rstrip(b"\0")
    if _ONE_BYTE.fullmatch(narrow):
        text = narrow.decode("cp1252", "replace")
        return text.strip() if text.isascii() and _is_text(text, _MIN_CHARACTERS) else ""
    try:
        text = data.decode("utf-16-le").rstrip("\0")
    except UnicodeDecodeError:
        return ""
    least = _MIN_CHARACTERS_OF_SYLLABLES if _families(text) & {_HAN, _HANGUL} else _MIN_CHARACTERS
    return text.strip() if not _is_mixed(text) and _is_text(text, least) else ""


def _is_mixed(text: str) -> bool:
    """Whether a text has letters that stand in no text together."""
    return len(_families(text)) > 1 or bool(_CHINESE.search(text) and not _CHINESE_TEXT.fullmatch(text))


def _is_text(text: str, least: int) -> bool:
    if len(text) < least or not any(map(str.isalpha, text)):
        return False
    usual = sum(character.isalnum() or character.isspace() for character in text)
    return usual >= _MIN_SHARE * len(text) and _is_shown(text)


def _is_shown(text: str) -> bool:
    return all(sign.isprintable() or sign in _SHOWN for sign in text)


def _families(text: str) -> set[int]:
    return {_family(letter) for letter in text if letter.isalpha()} - {0}


def _family(letter: str) -> int:
    """0 for Latin letters, which stand in texts of all scripts, else a number for scripts that stand together."""
    if ord(letter) < _LATIN_END:
        return 0
    if _CHINESE.match(letter):
        return _HAN
    return _HANGUL + (ord(letter) >> 8 if letter < _FIRST_HANGUL else 0)
