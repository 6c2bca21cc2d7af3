"""Reads cells of tables of iWork as a person sees them: numbers, amounts, days, durations, texts, results of formulas.

Runs in the child process, used by `iwork_tables`. A cell is a head of twelve bytes, and after it the values and the
numbers of entries in lists of its table that its flags name. Documents of before 2019 have older cells. Pure functions.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from magicfs.text.extract.office.iwork_archives import Message
from magicfs.text.extract.office.iwork_formats import shown_duration, shown_moment, shown_number

_VERSION: Final = 5
_OLD_VERSIONS: Final = (2, 3, 4)
_HEAD_BYTES: Final = 12
_FLAGS, _OLD_FLAGS = 8, 4
"""The place of the flags in the head."""
_DECIMAL, _DOUBLE, _SECONDS, _TEXT, _RICH_TEXT = 0, 1, 2, 3, 4
_NUMBER_FORMAT, _CURRENCY_FORMAT, _DATE_FORMAT, _DURATION_FORMAT = 13, 14, 15, 16
_LAST_FLAG: Final = _DURATION_FORMAT
"""The flags by the number of their bit."""
_OLD_FORMAT: Final = -1
_OLD_ORDER: Final = (
    # flag, bytes, what it stands for of the above
    *((flag, 4, None) for flag in (0x2, 0x80, 0x400, 0x800)),
    (0x4, 4, _OLD_FORMAT),
    *((flag, 4, None) for flag in (0x8, 0x100)),
    (0x200, 4, _RICH_TEXT),
    *((flag, 4, None) for flag in (0x1000, 0x2000)),
    (0x10, 4, _TEXT),
    (0x20, 8, _DOUBLE),
    (0x40, 8, _SECONDS),
)
"""What a cell of before 2019 holds, in its order."""
_SIZES: Final = {_DECIMAL: 16, _DOUBLE: 8, _SECONDS: 8}
"""The bytes of what a flag names; of others, four."""
MAX_CELL_BYTES: Final = 128
"""More than a cell has before what is not read of it."""
_IS_NUMBER, _IS_TEXT, _IS_DATE, _IS_TRUTH, _IS_DURATION, _IS_RICH_TEXT, _IS_AMOUNT = 2, 3, 5, 6, 7, 9, 10
"""What a cell is."""

_DECIMAL_BIAS: Final = 0x1820
_MANTISSA: Final = (1 << 113) - 1


@dataclass(slots=True)
class CellLists:
    """The lists of a table that its cells refer to, by the numbers of their entries."""

    texts: Mapping[int, str] = field(default_factory=dict)
    rich_texts: Mapping[int, str] = field(default_factory=dict)
    formats: Mapping[int, Message] = field(default_factory=dict)
    old_formats: Mapping[int, Message] = field(default_factory=dict)
    """Those of cells of before 2019."""
    seen: set[int] = field(default_factory=set)
    """The entries of `texts` that a cell has shown."""


def cell_text(cell: bytes, lists: CellLists) -> str:
    """What a cell shows; empty for one with nothing, or with an error. Raises `struct.error` or `ValueError`."""
    version = cell[0]
    if version == _VERSION:
        kind, values = cell[1], _values(cell)
    elif version in _OLD_VERSIONS:
        kind, values = cell[1 if version == max(_OLD_VERSIONS) else 2], _old_values(cell)
    else:
        raise ValueError("a cell of an unknown version")
    show = _SHOWN.get(kind)
    return show(values, lists) if show else ""


def _values(cell: bytes) -> dict[int, bytes]:
    """What the flags of a cell name, by the number of their bit."""
    flags = struct.unpack_from("<I", cell, _FLAGS)[0]
    place = _HEAD_BYTES
    found: dict[int, bytes] = {}
    for flag in range(_LAST_FLAG + 1):
        if flags >> flag & 1:
            size = _SIZES.get(flag, 4)
            found[flag] = cell[place : place + size]
            place += size
    return found


def _old_values(cell: bytes) -> dict[int, bytes]:
    """What the flags of a cell of before 2019 name, by the numbers that the bits have in later ones."""
    flags = struct.unpack_from("<I", cell, _OLD_FLAGS)[0]
    place = _HEAD_BYTES
    found: dict[int, bytes] = {}
    for flag, size, meant in _OLD_ORDER:
        if flags & flag:
            if meant is not None:
                found[meant] = cell[place : place + size]
            place += size
    return found


def _number(values: Mapping[int, bytes], lists: CellLists) -> str:
    if _DECIMAL in values:
        number = _decimal(values[_DECIMAL])
    elif _DOUBLE in values:
        number = _double(values[_DOUBLE])
    else:
        return ""
    return shown_number(number, _format(values, lists, _CURRENCY_FORMAT) or _format(values, lists, _NUMBER_FORMAT))


def _text(values: Mapping[int, bytes], lists: CellLists) -> str:
    key = int.from_bytes(values.get(_TEXT, b""), "little")
    lists.seen.add(key)
    return lists.texts.get(key, "")


def _rich_text(values: Mapping[int, bytes], lists: CellLists) -> str:
    return lists.rich_texts.get(int.from_bytes(values.get(_RICH_TEXT, b""), "little"), "")


def _moment(values: Mapping[int, bytes], lists: CellLists) -> str:
    return shown_moment(_double(values.get(_SECONDS, b"")), _format(values, lists, _DATE_FORMAT))


def _duration(values: Mapping[int, bytes], lists: CellLists) -> str:
    return shown_duration(_double(values.get(_DOUBLE, b"")), _format(values, lists, _DURATION_FORMAT))


def _truth(values: Mapping[int, bytes], _: CellLists) -> str:
    return "TRUE" if _double(values.get(_DOUBLE, b"")) > 0 else "FALSE"


_SHOWN: Final[dict[int, Callable[[Mapping[int, bytes], CellLists], str]]] = {
    **dict.fromkeys((_IS_NUMBER, _IS_AMOUNT), _number),
    _IS_TEXT: _text,
    _IS_DATE: _moment,
    _IS_TRUTH: _truth,
    _IS_DURATION: _duration,
    _IS_RICH_TEXT: _rich_text,
}


def _format(values: Mapping[int, bytes], lists: CellLists, flag: int) -> Message | None:
    if _OLD_FORMAT in values:
        return lists.old_formats.get(int.from_bytes(values[_OLD_FORMAT], "little"))
    return lists.formats.get(int.from_bytes(values[flag], "little")) if flag in values else None


def _double(data: bytes) -> float:
    return float(struct.unpack("<d", data)[0])


def _decimal(data: bytes) -> float:
    """A decimal number of 128 bits: a sign, an exponent of fourteen bits, and a whole number."""
    if len(data) != _SIZES[_DECIMAL]:
        raise ValueError("a number that is cut off")
    bits = int.from_bytes(data, "little")
    exponent = (bits >> 113 & 0x3FFF) - _DECIMAL_BIAS
    return float(Decimal(bits & _MANTISSA).scaleb(exponent)) * (-1 if bits >> 127 else 1)
