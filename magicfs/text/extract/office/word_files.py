"""Reads the text of Word documents of before 2007 as a person reads it: without the codes of fields, with notes.

Runs in the child process, called by `old_office`. kreuzberg reads the running text of Word 97 with the codes of
fields as if they were words, no notes and headers, and no older documents. This also reads Word 2, 6 and 95, and Write
of Windows 3. Pure functions.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from typing import Final

from magicfs.text.extract.documents.missing_texts import missing_texts
from magicfs.text.extract.office.ole_files import OleFile
from magicfs.text.extract.office.word_comments import authors_of_comments, with_authors
from magicfs.text.extract.office.word_equations import shown_by_equation
from magicfs.text.extract.office.word_marks import seen_only
from magicfs.text.extract.plain.charsets import detected_charset
from magicfs.text.extract.plain.plain_text import clean
from magicfs.text.extract.plain.plausibility import OF_TWO_BYTES

WORD_TYPE: Final = "application/msword"
OLD_WORD_TYPE: Final = "application/x-word-2"
WRITE_TYPE: Final = "application/x-mswrite"

_WORD_6: Final = 0xA5DC
_WORD_6_OF_EAST_ASIA: Final = range(0xA697, 0xA69A)
"""Word 6 and 95 for Japanese, Chinese and Korean, whose text is in UTF-16."""
_WORD_97: Final = 0xA5EC
_COMPLEX: Final = 0x0004
_SECOND_TABLE: Final = 0x0200
_PIECES: Final = 2
"""The kind of block that lists the pieces of the text."""
_COMPRESSED: Final = 0x40000000
_MAX_CHARACTERS: Final = 64 << 20
_WRITE_START: Final = 128
_COMMENTS: Final = 3
"""The number of the part of a text that has the comments."""

_CODE_PAGES: Final = {
    **dict.fromkeys((0x05, 0x0E, 0x15, 0x18, 0x1A, 0x1B, 0x1C, 0x24), "cp1250"),
    **dict.fromkeys((0x02, 0x19, 0x22, 0x23, 0x2F), "cp1251"),
    0x08: "cp1253",
    0x1F: "cp1254",
    0x0D: "cp1255",
    0x01: "cp1256",
    0x2A: "cp1258",
    0x1E: "cp874",
    **dict.fromkeys((0x25, 0x26, 0x27), "cp1257"),
    0x11: "cp932",
    0x12: "cp949",
    0x04: "gb18030",
}
"""By the language that a document of before Word 97 states, whose text has one byte a character."""

_FIELD: Final = re.compile("[\x13-\x15]")
_LINK: Final = re.compile(r'HYPERLINK\s+"((?:https?|ftp|mailto):[^"\s]{1,2000})"')
_SIGNS: Final = {
    **dict.fromkeys(range(0x20), None),
    0x09: "\t",
    0x0A: "\n",
    0x0B: "\n",
    0x0C: "\n\n",
    0x0D: "\n\n",
    0x0E: "\n",
    0x1E: "-",
    0x1F: None,
}
_MANY_LINES: Final = re.compile(r"\n(?:[ \t]*\n){2,}")
_ROW_END: Final = "\x07\x07"
_CELL_END: Final = "\x07"


def read_word(ole: OleFile) -> str:
    """The text of a document: its running text, then notes, headers, comments and boxes, then addresses of links.

    Raises `struct.error`, `KeyError` or `ValueError` where it is damaged.
    """
    main = ole.read("WordDocument")
    authors: Mapping[int, str] = {}
    magic, _, _, language, _, flags = struct.unpack_from("<6H", main)
    if magic == _WORD_97:
        lengths: tuple[int, ...] = struct.unpack_from("<3I4x4I", main, 76)
        table = ole.read("1Table" if flags & _SECOND_TABLE else "0Table")
        start, size = struct.unpack_from("<II", main, 418)
        text = _pieces(seen_only(main, table), table[start : start + size], charset=None)
        authors = authors_of_comments(main, table)
    elif magic == _WORD_6 or magic in _WORD_6_OF_EAST_ASIA:
        lengths = struct.unpack_from("<3I4x4I", main, 52)
        start, size = struct.unpack_from("<II", main, 352)
        first, last = struct.unpack_from("<II", main, 24)
        charset = _charset(main[first:last], language) if magic == _WORD_6 else None
        lengths = () if charset in OF_TWO_BYTES else lengths
        is_in_pieces = flags & _COMPLEX and size
        text = (
            _pieces(main, main[start : start + size], charset=charset)
            if is_in_pieces
            else main[first:last].decode(charset or "utf-16-le", "replace")
        )
    else:
        raise ValueError("no document of Word 6 or later")
    return _as_read(text, lengths, authors)


def read_old_word(content: bytes) -> str:
    """The text of a document of Word 2. Raises `struct.error` for a damaged one."""
    language, first, last = struct.unpack_from("<6xH16xII", content)
    return _as_read(content[first:last].decode(_charset(content[first:last], language), "replace"), ())


def read_write(content: bytes) -> str:
    """The text of a document of Write. Raises `struct.error` for a damaged one."""
    end = struct.unpack_from("<14xI", content)[0]
    text = content[_WRITE_START:end]
    return _as_read(text.decode(_charset(text, 0), "replace"), ())


def _charset(text: bytes, language: int) -> str:
    """The charset of a text that states its language, which is often that of the program alone."""
    return _CODE_PAGES.get(language & 0xFF) or detected_charset(text) or "cp1252"


def _pieces(main: bytes, blocks: bytes, *, charset: str | None) -> str:
    """The text whose pieces are in `main`, where `blocks` says. With a charset, none is in UTF-16."""
    place = 0
    while place < len(blocks) and blocks[place] != _PIECES:
        place += 3 + struct.unpack_from("<H", blocks, place + 1)[0]
    size = struct.unpack_from("<I", blocks, place + 1)[0]
    table = blocks[place + 5 : place + 5 + size]
    count = (len(table) - 4) // 12
    if count < 1:
        raise ValueError("a document without pieces")
    ends = struct.unpack_from(f"<{count + 1}I", table)
    texts: list[str] = []
    characters = 0
    for number in range(count):
        length = ends[number + 1] - ends[number]
        characters += length
        if length < 0 or characters > _MAX_CHARACTERS:
            raise ValueError("pieces that overlap")
        offset = struct.unpack_from("<I", table, 4 * (count + 1) + 8 * number + 2)[0]
        if charset is not None:
            texts.append(main[offset : offset + length].decode(charset, "replace"))
        elif offset & _COMPRESSED:
            offset = (offset & ~_COMPRESSED) // 2
            texts.append(main[offset : offset + length].decode("cp1252", "replace"))
        else:
            texts.append(main[offset : offset + 2 * length].decode("utf-16-le", "replace"))
    return "".join(texts)


def _as_read(text: str, lengths: tuple[int, ...], authors: Mapping[int, str] | None = None) -> str:
    """A text as it is shown; of its parts after the first, the lines with words of their own.

    `authors` are those of comments, by the places at which these begin in their part. The lengths count a character
    beyond the Basic Multilingual Plane twice.
    """
    units = text.encode("utf-16-le", "surrogatepass")
    parts: list[str] = []
    links: list[str] = []
    place = 0
    for number, length in enumerate(lengths if any(lengths) else (len(units) // 2,)):
        whole = units[place : place + 2 * length]
        if number == _COMMENTS and authors:
            whole = with_authors(whole, authors)
        part, more = _without_fields(whole.decode("utf-16-le", "replace"))
        parts.append(part)
        links += more
        place += 2 * length
    lines = (line.strip() for part in parts[1:] for line in part.split("\n"))
    return "\n".join([parts[0], *missing_texts([*filter(None, lines), *links], in_text=parts[0])])


def _without_fields(text: str) -> tuple[str, list[str]]:
    """A text with the results of its fields, not their codes, and the addresses of its links."""
    shown: list[str] = []
    links: list[str] = []
    ended = _ended_fields(text)
    in_code: list[bool] = []
    codes = 0
    place = 0
    for match in _FIELD.finditer(text):
        piece = text[place : match.start()]
        place = match.end()
        if codes:
            links += _LINK.findall(piece)
            if match[0] == "\x15" and codes == 1:  # it has no result
                equation = shown_by_equation(piece)
                shown.append(equation.text)
                links += filter(None, [equation.reading])
        else:
            shown.append(piece)
        if match[0] == "\x13":
            # A code without an end is a damaged document, or none at all.
            if match.start() in ended:
                in_code.append(True)
                codes += 1
        elif in_code:
            codes -= in_code.pop()
            if match[0] == "\x14":
                in_code.append(False)
    shown.append(text[place:])
    cells = "".join(shown).replace(_ROW_END, "\n").replace(_CELL_END, "\t")
    return _MANY_LINES.sub("\n\n", clean(cells.translate(_SIGNS))), links


def _ended_fields(text: str) -> frozenset[int]:
    """Where the fields begin whose code has an end."""
    ended: set[int] = set()
    begun: list[int] = []
    for match in _FIELD.finditer(text):
        if match[0] == "\x13":
            begun.append(match.start())
        elif begun:
            ended.add(begun[-1])
            if match[0] == "\x15":
                begun.pop()
    return frozenset(ended)
