"""Reads what data sets of SPSS (`.sav`, `.zsav`) say of their variables, and no data.

Runs in the child process, called by `own_readers`. Untrusted bytes; pure functions.
"""

from __future__ import annotations

import struct
from typing import Final

from magicfs.domain.contents import Document, Unreadable
from magicfs.text.extract.documents.data_sets import DAMAGE, DataSet, Variable, document_of
from magicfs.text.extract.documents.file_parts import FileParts
from magicfs.text.extract.plain.charsets import codec_of

SPSS_TYPE: Final = "application/x-spss-sav"

_VARIABLE, _VALUES, _USERS, _NOTES, _EXTENSION, _END = 2, 3, 4, 6, 7, 999
"""The kinds of records in a file of SPSS."""
_MACHINE, _LONG_NAMES, _CHARSET = 3, 13, 20
"""The kinds of extensions."""
_CHARSET_OF_MACHINE: Final = 7
_LABEL_OF_SPSS, _NAME_BYTES, _NOTE_BYTES, _VALUE_BYTES = slice(109, 173), 8, 80, 8
_FIRST_RECORD: Final = 176


def read_spss(content: bytes, *, parts: FileParts) -> Document | Unreadable:
    """A line for each variable of a data set, and for each of its values that has a label. One that is cut is counted.

    Raises `struct.error` for a file that ends before its first record.
    """
    return document_of(_SpssFile(content, parts).data_set(), SPSS_TYPE)


class _SpssFile:
    """The records before the data of a file of SPSS, in the order of bytes that it has."""

    def __init__(self, content: bytes, parts: FileParts) -> None:
        self._content = content
        self._parts = parts
        self._order = "<" if content[64:65] in {b"\2", b"\3"} else ">"
        self._place = _FIRST_RECORD
        self._variables: dict[int, tuple[Variable, bool]] = {}
        """By the number of the first of their values of eight bytes in a row, and whether they are numbers."""
        self._columns = 0
        self._values: dict[bytes | int, list[tuple[bytes, bytes]]] = {}
        self._notes: list[bytes] = []
        self._extensions: dict[int, bytes] = {}

    def data_set(self) -> DataSet:
        try:
            while self._read_record():
                pass
            self._parts.add()
        except DAMAGE:
            self._parts.add_unread("what follows the damage in its dictionary")
        long_names = dict(
            pair.partition(b"=")[::2] for pair in self._extensions.get(_LONG_NAMES, b"").rstrip(b"\0").split(b"\t")
        )
        variables = [
            variable._replace(name=long_names.get(variable.name, variable.name))
            for variable, _ in self._variables.values()
        ]
        title = self._content[_LABEL_OF_SPSS]
        return DataSet(title, self._notes, variables, self._values, self._charset())

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
            self._variables[self._columns] = (Variable(name, label, self._columns), width == 0)

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
