"""Records with a name each, in pieces of memory that go back to the system when the records do.

Used by the nodes at rest. A million objects of their own would take three times the room, and leave holes in Python's
memory when most of them are gone. Records are found by a part of them whose hash they begin with. The table grows and
shrinks by one shelf at a time (linear hashing), so nothing ever waits for all of it. One thread at a time.
"""

from __future__ import annotations

import struct

from magicfs.linux.process import trim_heap

_FULL, _SPARSE = 32, 12
"""Records on a shelf, on average, when the table grows and when it shrinks."""
_FIRST_SHELVES = 8
_END_OF_NAME = b"/"


class RecordTable:
    """Records of `size` bytes. The first eight are a number whose upper bits, above `hash_shift`, are the hash."""

    def __init__(self, size: int, *, hash_shift: int) -> None:
        self._size, self._shift = size, hash_shift
        self._shelves = [bytearray() for _ in range(_FIRST_SHELVES)]
        self._names = [b""] * _FIRST_SHELVES
        """Those of the records on each shelf, each with a slash at its end."""
        self._round = _FIRST_SHELVES
        """How many shelves there were when the table last had twice as many as before."""
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, record: bytes, name: bytes) -> None:
        """Add a record; it may be equal to another one. The name has no slash."""
        shelf = self._shelf(int.from_bytes(record[:8], "little") >> self._shift)
        self._shelves[shelf] += record
        self._names[shelf] += name + _END_OF_NAME
        self._count += 1
        if self._count > _FULL * len(self._shelves):
            self._grow()

    def find(self, number: int) -> tuple[int, int] | None:
        """The place of the record that begins with a number, until one is added or removed; None if there is none."""
        shelf = self._shelf(number >> self._shift)
        first = self._place(shelf, number)
        return None if first < 0 else (shelf, first)

    def has_part(self, hash_bits: int, part: bytes) -> bool:
        """Whether a record with this hash may have these bytes."""
        return part in self._shelves[self._shelf(hash_bits)]

    def record(self, place: tuple[int, int]) -> bytes:
        """The record at a place."""
        shelf, first = place
        return bytes(self._shelves[shelf][first : first + self._size])

    def name(self, place: tuple[int, int]) -> bytes:
        """The name of the record at a place."""
        shelf, first = place
        index = first // self._size
        return self._names[shelf].split(_END_OF_NAME, index + 1)[index]

    def replace(self, place: tuple[int, int], record: bytes) -> None:
        """Replace the record at a place by one that begins with the same number."""
        shelf, first = place
        self._shelves[shelf][first : first + self._size] = record

    def field(self, number: int, fields: struct.Struct) -> int | None:
        """A field of the record that begins with a number; None if there is none."""
        shelf = self._shelf(number >> self._shift)
        first = self._place(shelf, number)
        return None if first < 0 else int(fields.unpack_from(self._shelves[shelf], first)[0])

    def set_field(self, number: int, offset: int, value: bytes) -> None:
        """Replace a part of the record that begins with a number."""
        shelf = self._shelf(number >> self._shift)
        first = self._place(shelf, number) + offset
        self._shelves[shelf][first : first + len(value)] = value

    def numbers(self, hash_bits: int, part: bytes, offset: int) -> list[int]:
        """The numbers of the records that have this hash and these bytes at an offset; the latest first."""
        records, found = self._shelves[self._shelf(hash_bits)], []
        at = records.rfind(part)
        while at >= 0:
            first = at - offset
            if first % self._size == 0:
                found.append(int.from_bytes(records[first : first + 8], "little"))
            at = records.rfind(part, 0, at + len(part) - 1)
        return found

    def take(self, number: int) -> tuple[bytes, bytes]:
        """Remove the record that begins with a number, and return it with its name. Raises `KeyError`."""
        shelf = self._shelf(number >> self._shift)
        first = self._place(shelf, number)
        if first < 0:
            raise KeyError(number)
        records, names = self._shelves[shelf], self._names[shelf].split(_END_OF_NAME)
        record, name = bytes(records[first : first + self._size]), names.pop(first // self._size)
        del records[first : first + self._size]
        self._names[shelf] = _END_OF_NAME.join(names)
        self._count -= 1
        if self._count < _SPARSE * len(self._shelves) and len(self._shelves) > _FIRST_SHELVES:
            self._shrink()
        return record, name

    def _place(self, shelf: int, number: int) -> int:
        """Where the record that begins with a number is on its shelf; -1 if there is none."""
        part, records = number.to_bytes(8, "little"), self._shelves[shelf]
        at = records.find(part)
        while at > 0 and at % self._size:
            at = records.find(part, at + 1)
        return at

    def _shelf(self, hash_bits: int) -> int:
        """The index of the shelf for a hash."""
        shelf = hash_bits % (2 * self._round)
        return shelf if shelf < len(self._shelves) else shelf - self._round

    def _grow(self) -> None:
        """Add a shelf, and move half of the records of another one there."""
        old = len(self._shelves) - self._round
        records, names = self._shelves[old], self._names[old].split(_END_OF_NAME)
        self._shelves[old], self._names[old] = bytearray(), b""
        self._shelves.append(bytearray())
        self._names.append(b"")
        for index in range(len(records) // self._size):
            record = records[index * self._size : (index + 1) * self._size]
            shelf = self._shelf(int.from_bytes(record[:8], "little") >> self._shift)
            self._shelves[shelf] += record
            self._names[shelf] += names[index] + _END_OF_NAME
        if len(self._shelves) == 2 * self._round:
            self._round *= 2

    def _shrink(self) -> None:
        """Take the last shelf away, and put its records on the one that they came from."""
        if len(self._shelves) == self._round:
            self._round //= 2
            trim_heap()
        records, names = self._shelves.pop(), self._names.pop()
        into = len(self._shelves) - self._round
        self._shelves[into] += records
        self._names[into] += names
