"""Who wrote the comments of a document of Word 97 to 2003, and where each begins among their texts.

Runs in the child process, used by `word_files`, which reads the texts. Pure functions.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final

_REFERENCES: Final = 186
_TEXTS: Final = 194
_AUTHORS: Final = 442
"""Where the head of a document says which parts of its table these lists are."""
_REFERENCE_BYTES: Final = 30
_NUMBER_OF_AUTHOR: Final = 20
"""Where in the reference of a comment its author is named."""
_MAX_COMMENTS: Final = 10_000
_MAX_AUTHORS: Final = 0x10000
"""No comment can name a further one."""


def authors_of_comments(main: bytes, table: bytes) -> dict[int, str]:
    """The author of each comment, by the place in the text of all comments at which it begins; none where damaged."""
    try:
        return _authors(main, table)
    except struct.error:
        return {}


def with_authors(comments: bytes, authors: Mapping[int, str]) -> bytes:
    """The texts of all comments, in UTF-16, each after its author."""
    pieces: list[bytes] = []
    before = 0
    for place, author in sorted(authors.items()):
        pieces += [comments[before : 2 * place], f"{author}: ".encode("utf-16-le")]
        before = 2 * place
    return b"".join([*pieces, comments[before:]])


def _authors(main: bytes, table: bytes) -> dict[int, str]:
    references, texts, names = (
        table[start : start + size]
        for start, size in (struct.unpack_from("<II", main, place) for place in (_REFERENCES, _TEXTS, _AUTHORS))
    )
    count = (len(references) - 4) // (4 + _REFERENCE_BYTES)
    authors = _strings(names) if count > 0 else []
    found: dict[int, str] = {}
    for number in range(min(count, len(texts) // 4, _MAX_COMMENTS)):
        entry = 4 * (count + 1) + number * _REFERENCE_BYTES
        (author,) = struct.unpack_from("<H", references, entry + _NUMBER_OF_AUTHOR)
        (place,) = struct.unpack_from("<I", texts, 4 * number)
        if author < len(authors) and authors[author].strip():
            found[place] = authors[author]
    return found


def _strings(data: bytes) -> list[str]:
    """Texts in UTF-16, each after the number of its characters."""
    found: list[str] = []
    place = 0
    while place + 2 <= len(data) and len(found) < _MAX_AUTHORS:
        length = 2 * struct.unpack_from("<H", data, place)[0]
        found.append(data[place + 2 : place + 2 + length].decode("utf-16-le", "replace"))
        place += 2 + length
    return found
