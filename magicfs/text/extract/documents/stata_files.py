"""Reads what data sets of Stata 8 and later (`.dta`) say of their variables, and no data.

Runs in the child process, called by `own_readers`. Untrusted bytes; pure functions.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Final, Literal

from magicfs.domain.contents import Document, Unreadable
from magicfs.text.extract.documents.data_sets import DAMAGE, DataSet, Variable, document_of
from magicfs.text.extract.documents.file_parts import FileParts

STATA_TYPE: Final = "application/x-stata-dta"

_TAGGED: Final = b"<stata_dta>"
_SETS, _SET, _SETS_END = b"<value_labels>", b"<lbl>", b"</value_labels>"
_WIDTHS: Final = {251: 1, 252: 2, 253: 4, 254: 4, 255: 8}
"""The bytes of a number in a row of Stata 8 to 12, by its kind; any other kind is the bytes of a text."""
_BYTE_ORDERS: Final[dict[str, Literal["little", "big"]]] = {"<": "little", ">": "big"}
_STATA_8, _STATA_13, _STATA_14 = 113, 117, 118
"""The versions of the format."""
_FIRST_MISSING: Final = 2_147_483_621
"""Numbers from it on stand for kinds of missing values."""

_Set = tuple[bytes, Iterator[tuple[bytes, bytes]]]
"""The name of a set of labels, and values with what they mean."""


def read_stata(content: bytes, *, parts: FileParts) -> Document | Unreadable:
    """A line for each variable of a data set, and for each of its values that has a label. One that is cut is counted.

    Raises one of `DAMAGE` at damage before the variables.
    """
    read = _read_tagged if content.startswith(_TAGGED) else _read_old
    return document_of(read(content, parts), STATA_TYPE)


def _read_tagged(content: bytes, parts: FileParts) -> DataSet:
    """A file of Stata 13 and later, whose parts stand between tags."""
    order = ">" if _after(content, b"<byteorder>", 3) == b"MSF" else "<"
    release = int(_after(content, b"<release>", 3))
    is_unicode = release > _STATA_13
    count = int.from_bytes(_after(content, b"<K>", 4 if release > _STATA_14 else 2), _BYTE_ORDERS[order])
    name_bytes, label_bytes, size_bytes = (129, 321, 2) if is_unicode else (33, 81, 1)
    size = int.from_bytes(_after(content, b"<label>", size_bytes), _BYTE_ORDERS[order])
    title = _after(content, b"<label>", size_bytes + size)[size_bytes:]
    names, sets, labels = (
        _pieces(_after(content, tag, count * width), width)
        for tag, width in (
            (b"<varnames>", name_bytes),
            (b"<value_label_names>", name_bytes),
            (b"<variable_labels>", label_bytes),
        )
    )
    values = _known_sets(_tagged_sets(content, order, name_bytes), parts)
    variables = [Variable(*each) for each in zip(names, labels, sets, strict=True)]
    return DataSet(title, (), variables, values, "utf-8" if is_unicode else None)


def _read_old(content: bytes, parts: FileParts) -> DataSet:
    """A file of Stata 8 to 12."""
    version, order = content[0], ">" if content[1] == 1 else "<"
    count, rows = struct.unpack_from(f"{order}HI", content, 4)
    format_bytes = 49 if version > _STATA_8 else 12
    widths = (count, 33 * count, 2 * (count + 1), format_bytes * count, 33 * count, 81 * count)
    places = list(accumulate(widths, initial=10 + 81 + 18))
    if places[-1] > len(content):
        raise ValueError("it ends before its variables do")
    kinds, names, _, _, sets, labels = (
        content[place : place + width] for place, width in zip(places, widths, strict=False)
    )
    data_bytes = rows * sum(_WIDTHS.get(kind, kind) for kind in kinds)
    values = _known_sets(_old_sets(content, places[-1], order, data_bytes), parts)
    variables = [
        Variable(*each) for each in zip(_pieces(names, 33), _pieces(labels, 81), _pieces(sets, 33), strict=True)
    ]
    return DataSet(_text_of(content[10:91]), (), variables, values, None)


def _after(content: bytes, tag: bytes, count: int) -> bytes:
    begin = content.index(tag) + len(tag)
    return content[begin : begin + count]


def _pieces(data: bytes, width: int) -> list[bytes]:
    """The texts in a row of places of one width."""
    return [_text_of(data[place : place + width]) for place in range(0, len(data), width)]


def _text_of(place: bytes) -> bytes:
    return place.partition(b"\0")[0]


def _known_sets(sets: Iterable[_Set], parts: FileParts) -> dict[bytes | int, list[tuple[bytes, bytes]]]:
    """The labels of values by the names of their sets: those before the damage in a file that is damaged or cut."""
    found: dict[bytes | int, list[tuple[bytes, bytes]]] = {}
    try:
        for name, labels in sets:
            found.setdefault(name, []).extend(labels)
        parts.add()
    except DAMAGE:
        parts.add_unread("labels of values")
    return found


def _tagged_sets(content: bytes, order: str, name_bytes: int) -> Iterator[_Set]:
    """Yield the sets of a file of Stata 13 and later. Raises one of `DAMAGE`."""
    place = content.rindex(_SETS) + len(_SETS)
    while not content.startswith(_SETS_END, place):
        if not content.startswith(_SET, place):
            raise ValueError("the sets have no end")
        labels, place = _set_at(content, place + len(_SET), order, name_bytes)
        yield labels
        place += len(_SET) + 1


def _old_sets(content: bytes, place: int, order: str, data_bytes: int) -> Iterator[_Set]:
    """Yield the sets behind the data of a file of Stata 8 to 12. Raises one of `DAMAGE`."""
    kind = size = 1
    while kind or size:
        kind, size = struct.unpack_from(f"{order}bi", content, place)
        if size < 0:
            raise ValueError("a field leads back")
        place += 5 + size
    place += data_bytes
    if place > len(content):
        raise ValueError("it ends inside of its data")
    while place < len(content):
        labels, place = _set_at(content, place, order, name_bytes=33)
        yield labels


def _set_at(content: bytes, place: int, order: str, name_bytes: int) -> tuple[_Set, int]:
    """A set, and where it ends."""
    (size,) = struct.unpack_from(f"{order}I", content, place)
    name = _text_of(content[place + 4 : place + 4 + name_bytes])
    table = place + 4 + name_bytes + 3
    return (name, _labels(content[table : table + size], order)), table + size


def _labels(table: bytes, order: str) -> Iterator[tuple[bytes, bytes]]:
    """Yield the values of a set with their labels. Raises `struct.error` or `ValueError` at damage."""
    count, _ = struct.unpack_from(f"{order}2i", table)
    left = len(table)
    numbers = struct.unpack_from(f"{order}{2 * count}i", table, 8)
    texts = table[8 + 8 * count :]
    for place, value in zip(numbers[:count], numbers[count:], strict=True):
        if place < 0:
            continue
        # Texts lie apart from one another, so that they are no longer than all that there is.
        end = texts.find(b"\0", place, place + left)
        if end < 0:
            raise ValueError("a label without its end")
        left -= end - place
        yield b"%d" % value if value < _FIRST_MISSING else b"missing", texts[place:end]
