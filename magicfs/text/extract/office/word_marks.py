"""Finds the text of a Word 97 document that a person does not see: deleted by tracked changes, or hidden.

Runs in the child process, used by `word_files`. The formats of characters are in pages of the main stream, each with
the places where a format begins and the changes (`sprm`) that it makes. Pure functions.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

_PAGE_BYTES: Final = 512
_FORMATS: Final = 250
"""Where the main stream says where the table of those pages is."""
_PAGE_NUMBER: Final = 0x3FFFFF
_DELETED: Final = 0x0800
_HIDDEN: Final = 0x083C
_UNSEEN: Final = frozenset({_DELETED, _HIDDEN})
_MAY_BE_UNSEEN: Final = (struct.pack("<H", _DELETED), struct.pack("<H", _HIDDEN))
_OPERAND_BYTES: Final = {0: 1, 1: 1, 2: 2, 3: 4, 4: 2, 5: 2, 7: 3}
"""By the upper three bits of a change; one of the sixth kind states its length."""


def seen_only(main: bytes, table: bytes) -> bytes:
    """The main stream of a document with zeros for each character that is not seen: all others keep their places.

    Raises `struct.error` where the document is damaged.
    """
    start, size = struct.unpack_from("<II", main, _FORMATS)
    count = max(0, min(size, len(table) - start) - 4) // 8
    numbers = struct.unpack_from(f"<{count}I", table, start + 4 * (count + 1)) if count else ()
    pages = dict.fromkeys(number & _PAGE_NUMBER for number in numbers)
    unseen = sorted(
        place for page in pages for place in _unseen_in(main[page * _PAGE_BYTES : (page + 1) * _PAGE_BYTES])
    )
    seen = bytearray(main)
    done = 0
    for first, last in unseen:
        begin, end = max(first, done), min(last, len(main))
        if begin < end:
            seen[begin:end] = bytes(end - begin)
            done = end
    return bytes(seen)


def _unseen_in(page: bytes) -> Iterator[tuple[int, int]]:
    if len(page) < _PAGE_BYTES or not any(change in page for change in _MAY_BE_UNSEEN):
        return
    count = page[-1]
    if 5 * count + 4 >= _PAGE_BYTES:
        return
    places = struct.unpack_from(f"<{count + 1}I", page)
    for number in range(count):
        at = 2 * page[4 * (count + 1) + number]
        if at and _makes_unseen(page[at + 1 : at + 1 + page[at]]):
            yield places[number], places[number + 1]


def _makes_unseen(changes: bytes) -> bool:
    """Whether changes leave a text unseen: of several of one kind, the last counts."""
    unseen: set[int] = set()
    place = 0
    while place + 2 < len(changes):
        change = int.from_bytes(changes[place : place + 2], "little")
        if changes[place + 2] != 1:
            unseen.discard(change)
        elif change in _UNSEEN:
            unseen.add(change)
        place += 2 + _OPERAND_BYTES.get(change >> 13, 1 + changes[place + 2])
    return bool(unseen)
