"""Reads what data sets of SPSS (`.sav`, `.zsav`) and Stata 8 and later (`.dta`) say of their variables, and no data.

Runs in the child process, called by `own_readers`: names and labels of variables, labels of values, notes. The values
of a label stand below the first variable that has them. Untrusted bytes; pure functions.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Final, Literal, NamedTuple

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.file_parts import FileParts
from magicfs.text.extract.plain.charsets import codec_of
from magicfs.text.extract.plain.plain_text import clean, decode
from magicfs.text.extract.plain.text_bytes import CONTROLS

SPSS_TYPE: Final = "application/x-spss-sav"
STATA_TYPE: Final = "application/x-stata-dta"

_DAMAGE: Final = (struct.error, LookupError, ValueError)

_VARIABLE, _VALUES, _USERS, _NOTES, _EXTENSION, _END = 2, 3, 4, 6, 7, 999
"""The kinds of records in a file of SPSS."""
_MACHINE, _LONG_NAMES, _CHARSET = 3, 13, 20
"""The kinds of extensions."""
_CHARSET_OF_MACHINE: Final = 7
_LABEL_OF_SPSS, _NAME_BYTES, _NOTE_BYTES, _VALUE_BYTES = slice(109, 173), 8, 80, 8
_FIRST_RECORD: Final = 176

_TAGGED: Final = b"<stata_dta>"
_SETS, _SET, _SETS_END = b"<value_labels>", b"<lbl>", b"</value_labels>"
_WIDTHS: Final = {251: 1, 252: 2, 253: 4, 254: 4, 255: 8}
"""The bytes of a number in a row of Stata 8 to 12, by its kind; any other kind is the bytes of a text."""
_BYTE_ORDERS: Final[dict[str, Literal["little", "big"]]] = {"<": "little", ">": "big"}
_STATA_8, _STATA_13, _STATA_14 = 113, 117, 118
"""The versions of the format."""
_FIRST_MISSING: Final = 2_147_483_621
"""Numbers from it on stand for kinds of missing values."""


class _Variable(NamedTuple):
    name: bytes
    label: bytes
    values: bytes | int
    """What its labels of values are found by."""


_Set = tuple[bytes, Iterator[tuple[bytes, bytes]]]
"""The name of a set of labels, and values with what they mean."""


class _DataSet(NamedTuple):
    title: bytes
    notes: Sequence[bytes]
    variables: Sequence[_Variable]
    values: Mapping[bytes | int, Sequence[tuple[bytes, bytes]]]
    """Values and what they mean."""
    charset: str | None
    """Python's codec; None where the texts show it together, because the file states none."""


def read_spss(content: bytes, *, parts: FileParts) -> Document | Unreadable:
    """A line for each variable of a data set, and for each of its values that has a label. One that is cut is counted.

    Raises `struct.error` for a file that ends before its first record.
    """
    return _document(_SpssFile(content, parts).data_set(), SPSS_TYPE)


def read_stata(content: bytes, *, parts: FileParts) -> Document | Unreadable:
    """The same for Stata. Raises `struct.error`, `LookupError` or `ValueError` at damage before the variables."""
    read = _read_tagged if content.startswith(_TAGGED) else _read_old
    return _document(read(content, parts), STATA_TYPE)


def _document(data: _DataSet, mime_type: str) -> Document | Unreadable:
    title = _in_one_line(data.title)
    lines = [title, *map(_in_one_line, data.notes)]
    shown: set[bytes | int] = set()
    for variable in data.variables:
        lines.append(b": ".join(filter(None, map(_in_one_line, (variable.name, variable.label)))))
        if variable.values not in shown:
            shown.add(variable.values)
            lines += [b" = ".join(map(_in_one_line, pair)) for pair in data.values.get(variable.values, ())]
    stored = b"\n".join(filter(None, lines))
    said = (stored.decode(data.charset, "replace") if data.charset else decode(stored)) or stored.decode("latin-1")
    said = clean(said)
    if not said:
        return Unreadable(SkipReason.NO_TEXT)
    return Document(said, mime_type=mime_type, title=said.partition("\n")[0] if title else None)


def _in_one_line(stored: bytes) -> bytes:
    return b" ".join(stored.translate(None, CONTROLS).split())


class _SpssFile:
    """The records before the data of a file of SPSS, in the order of bytes that it has."""

    def __init__(self, content: bytes, parts: FileParts) -> None:
        self._content = content
        self._parts = parts
        self._order = "<" if content[64:65] in {b"\2", b"\3"} else ">"
        self._place = _FIRST_RECORD
        self._variables: dict[int, tuple[_Variable, bool]] = {}
        """By the number of the first of their values of eight bytes in a row, and whether they are numbers."""
        self._columns = 0
        self._values: dict[bytes | int, list[tuple[bytes, bytes]]] = {}
        self._notes: list[bytes] = []
        self._extensions: dict[int, bytes] = {}

    def data_set(self) -> _DataSet:
        try:
            while self._read_record():
                pass
            self._parts.add()
        except _DAMAGE:
            self._parts.add_unread("what follows the damage in its dictionary")
        long_names = dict(
            pair.partition(b"=")[::2] for pair in self._extensions.get(_LONG_NAMES, b"").rstrip(b"\0").split(b"\t")
        )
        variables = [
            variable._replace(name=long_names.get(variable.name, variable.name))
            for variable, _ in self._variables.values()
        ]
        title = self._content[_LABEL_OF_SPSS]
        return _DataSet(title, self._notes, variables, self._values, self._charset())

    def _take(self, count: int) -> bytes:
        taken = self._content[self._place : self._place + count]
        if count < 0 or len(taken) < count:
            raise ValueError("a record ends behind the file")
        self._place += count
        return taken

    def _numbers(self, count: int) -> tuple[int, ...]:
        return struct.unpack(f"{self._order}{count}i", self._take(4 * count))

    def _read_record(self) -> bool:
        """Whether another record follows."""
        (kind,) = self._numbers(1)
        if kind == _VARIABLE:
            self._read_variable()
        elif kind == _VALUES:
            self._read_values()
        elif kind == _NOTES:
            (count,) = self._numbers(1)
            self._notes += [self._take(_NOTE_BYTES) for _ in range(count)]
        elif kind == _EXTENSION:
            subtype, size, count = self._numbers(3)
            self._extensions[subtype] = self._take(size * count)
        elif kind != _END:
            raise ValueError("an unknown record")
        return kind != _END

    def _read_variable(self) -> None:
        width, has_label, missing, _, _ = self._numbers(5)
        name, label = self._take(_NAME_BYTES).rstrip(), b""
        if has_label:
            (size,) = self._numbers(1)
            label = self._take(size + -size % 4)[:size]
        self._take(_VALUE_BYTES * abs(missing))
        self._columns += 1
        if width >= 0:
            self._variables[self._columns] = (_Variable(name, label, self._columns), width == 0)

    def _read_values(self) -> None:
        (count,) = self._numbers(1)
        labels = []
        for _ in range(count):
            value, size = self._take(_VALUE_BYTES), self._take(1)[0]
            labels.append((value, self._take(size + -(size + 1) % _VALUE_BYTES)[:size]))
        kind, users = self._numbers(2)
        columns = self._numbers(users)
        if kind != _USERS:
            raise ValueError("labels of no variable")
        first = next((column for column in columns if column in self._variables), None)
        if first is not None:
            is_number = self._variables[first][1]
            self._values[first] = [(self._number(value) if is_number else value, label) for value, label in labels]

    def _number(self, value: bytes) -> bytes:
        return format(struct.unpack(f"{self._order}d", value)[0], "g").encode()

    def _charset(self) -> str | None:
        """Python's codec for the legacy charset that the file states; None where it states none."""
        stated = self._extensions.get(_CHARSET, b"").strip().decode("ascii", "replace")
        machine = self._extensions.get(_MACHINE, b"")
        if not stated and len(machine) > 4 * _CHARSET_OF_MACHINE:
            stated = f"cp{struct.unpack_from(f'{self._order}i', machine, 4 * _CHARSET_OF_MACHINE)[0]}"
        return codec_of(stated)


def _read_tagged(content: bytes, parts: FileParts) -> _DataSet:
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
    variables = [_Variable(*each) for each in zip(names, labels, sets, strict=True)]
    return _DataSet(title, (), variables, values, "utf-8" if is_unicode else None)


def _read_old(content: bytes, parts: FileParts) -> _DataSet:
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
        _Variable(*each) for each in zip(_pieces(names, 33), _pieces(labels, 81), _pieces(sets, 33), strict=True)
    ]
    return _DataSet(_text_of(content[10:91]), (), variables, values, None)


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
    except _DAMAGE:
        parts.add_unread("labels of values")
    return found


def _tagged_sets(content: bytes, order: str, name_bytes: int) -> Iterator[_Set]:
    """Yield the sets of a file of Stata 13 and later. Raises one of `_DAMAGE`."""
    place = content.rindex(_SETS) + len(_SETS)
    while not content.startswith(_SETS_END, place):
        if not content.startswith(_SET, place):
            raise ValueError("the sets have no end")
        labels, place = _set_at(content, place + len(_SET), order, name_bytes)
        yield labels
        place += len(_SET) + 1


def _old_sets(content: bytes, place: int, order: str, data_bytes: int) -> Iterator[_Set]:
    """Yield the sets behind the data of a file of Stata 8 to 12. Raises one of `_DAMAGE`."""
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
