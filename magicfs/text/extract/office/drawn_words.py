"""Finds the words that are drawn as shapes (WordArt) in old documents of Word, Excel and PowerPoint, such as titles.

Runs in the child process, used by the readers of these documents. Such a text is one of the properties of a shape, and
no text of the document. What is damaged is left out. Pure functions.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Final

from magicfs.text.extract.office.ole_files import OleFile

_STREAMS: Final = ("1Table", "0Table", "Data")
"""The streams that hold the drawings of a document of Word: one of the tables, and shapes that stand in a line."""
_PROPERTIES: Final = re.compile(
    rb"(?=[\x03\x13\x23\x33\x43\x53\x63\x73\x83\x93\xa3\xb3\xc3\xd3\xe3\xf3].\x0b\xf0)", re.DOTALL
)
"""How the properties of a shape begin: their number with a version, and the kind of the record."""
_HEAD: Final = struct.Struct("<HxxI")
_PROPERTY: Final = struct.Struct("<HI")
_VALUE_FOLLOWS: Final = 0x8000
"""The flag of a property whose value stands behind all properties; the number is its length."""
_NUMBER: Final = 0x3FFF
_WORDS: Final = 0x00C0
_MAX_BYTES: Final = 4096
"""Those of one text."""


def drawn_words(data: bytes) -> Iterator[str]:
    """Yield the texts of the shapes in the records of a drawing, in their order."""
    place = 0
    while (match := _PROPERTIES.search(data, place)) is not None:
        place = first = match.start() + _HEAD.size
        if first > len(data):
            return
        version, length = _HEAD.unpack_from(data, match.start())
        count = version >> 4
        if count * _PROPERTY.size <= length <= len(data) - first:
            place = first + length
            yield from _words(data, first, place, count)


def words_drawn_in_word(ole: OleFile) -> list[str]:
    """The texts of the shapes of a document of Word, each once."""
    texts = (text for name in _STREAMS if name in ole for text in drawn_words(ole.read(name)))
    return list(dict.fromkeys(texts))


def _words(data: bytes, first: int, end: int, count: int) -> Iterator[str]:
    """Yield the texts among so many properties, which stand between two places with what follows them."""
    value = first + _PROPERTY.size * count
    for place in range(first, value, _PROPERTY.size):
        number, size = _PROPERTY.unpack_from(data, place)
        if not number & _VALUE_FOLLOWS:
            continue
        if number & _NUMBER == _WORDS and value + size <= end and size <= _MAX_BYTES:
            text = data[value : value + size].decode("utf-16-le", "replace").partition("\0")[0]
            yield from filter(None, (line.strip() for line in text.splitlines()))
        value += size
