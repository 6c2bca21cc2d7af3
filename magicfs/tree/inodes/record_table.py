"""Records with a name each, in pieces of memory that go back to the system when the records do.

Used for packed nodes. A million objects of their own would take three times the room, and leave holes in Python's
memory when most of them are gone. Records are found by a part of them whose hash they begin with. The table grows and
shrinks by one bucket at a time (linear hashing), so that no call moves all records. One thread at a time.
"""

from __future__ import annotations

import struct

from magicfs.linux.process import trim_heap

_FULL, _SPARSE = 32, 12
"""Records in a bucket, on average, at which the table grows and below which it shrinks."""
_FIRST_BUCKETS = 8
_END_OF_NAME = b"/"


class RecordTable:
    """Records of `size` bytes. The first eight are a number whose upper bits, above `hash_shift`, are the hash."""

    def __init__(self, size: int, *, hash_shift: int) -> None:
        self._size, self._shift = size, hash_shift
        self._buckets = [bytearray() for _ in range(_FIRST_BUCKETS)]
        self._names = [b""] * _FIRST_BUCKETS
        """The names of the records in each bucket, each with a slash at its end."""
        self._round = _FIRST_BUCKETS
        """The number of buckets when it had last doubled."""
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, record: bytes, name: bytes) -> None:
        """Add a record; it may be equal to another one. The name has no slash."""
        bucket = self._bucket(int.from_bytes(record[:8], "little") >> self._shift)
        self._buckets[bucket] += record
        self._names[bucket] += name + _END_OF_NAME
        self._count += 1
        if self._count > _FULL * len(self._buckets):
            self._grow()

    def find(self, number: int) -> tuple[int, int] | None:
        """The place of the record that begins with a number, until one is added or removed; None if there is none."""
        bucket = self._bucket(number >> self._shift)
        first = self._place(bucket, number)
        return None if first < 0 else (bucket, first)

    def has_part(self, hash_bits: int, part: bytes) -> bool:
        """Whether a record with this hash may have these bytes."""
        return part in self._buckets[self._bucket(hash_bits)]

    def record(self, place: tuple[int, int]) -> bytes:
        """The record at a place."""
        bucket, first = place
        return bytes(self._buckets[bucket][first : first + self._size])

    def name(self, place: tuple[int, int]) -> bytes:
        """The name of the record at a place."""
        bucket, first = place
        index = first // self._size
        return self._names[bucket].split(_END_OF_NAME, index + 1)[index]

    def replace(self, place: tuple[int, int], record: bytes) -> None:
        """Replace the record at a place by one that begins with the same number."""
        bucket, first = place
        self._buckets[bucket][first : first + self._size] = record

    def field(self, number: int, fields: struct.Struct) -> int | None:
        """A field of the record that begins with a number; None if there is none."""
        bucket = self._bucket(number >> self._shift)
        first = self._place(bucket, number)
        return None if first < 0 else int(fields.unpack_from(self._buckets[bucket], first)[0])

    def set_field(self, number: int, offset: int, value: bytes) -> None:
        """Replace a part of the record that begins with a number."""
        bucket = self._bucket(number >> self._shift)
        first = self._place(bucket, number) + offset
        self._buckets[bucket][first : first + len(value)] = value

    def numbers(self, hash_bits: int, part: bytes, offset: int) -> list[int]:
        """The numbers of the records that have this hash and these bytes at an offset; the latest first."""
        records, found = self._buckets[self._bucket(hash_bits)], []
        at = records.rfind(part)
        while at >= 0:
            first = at - offset
            if first % self._size == 0:
                found.append(int.from_bytes(records[first : first + 8], "little"))
            at = records.rfind(part, 0, at + len(part) - 1)
        return found

    def take(self, number: int) -> tuple[bytes, bytes]:
        """Remove the record that begins with a number, and return it with its name. Raises `KeyError`."""
        bucket = self._bucket(number >> self._shift)
        first = self._place(bucket, number)
        if first < 0:
            raise KeyError(number)
        records, names = self._buckets[bucket], self._names[bucket].split(_END_OF_NAME)
        record, name = bytes(records[first : first + self._size]), names.pop(first // self._size)
        del records[first : first + self._size]
        self._names[bucket] = _END_OF_NAME.join(names)
        self._count -= 1
        if self._count < _SPARSE * len(self._buckets) and len(self._buckets) > _FIRST_BUCKETS:
            self._shrink()
        return record, name

    def _place(self, bucket: int, number: int) -> int:
        """The offset of the record that begins with a number in its bucket; -1 if there is none."""
        part, records = number.to_bytes(8, "little"), self._buckets[bucket]
        at = records.find(part)
        while at > 0 and at % self._size:
            at = records.find(part, at + 1)
        return at

    def _bucket(self, hash_bits: int) -> int:
        """The index of the bucket for a hash."""
        bucket = hash_bits % (2 * self._round)
        return bucket if bucket < len(self._buckets) else bucket - self._round

    def _grow(self) -> None:
        """Add a bucket, and move half of the records of another one there."""
        old = len(self._buckets) - self._round
        records, names = self._buckets[old], self._names[old].split(_END_OF_NAME)
        self._buckets[old], self._names[old] = bytearray(), b""
        self._buckets.append(bytearray())
        self._names.append(b"")
        for index in range(len(records) // self._size):
            record = records[index * self._size : (index + 1) * self._size]
            bucket = self._bucket(int.from_bytes(record[:8], "little") >> self._shift)
            self._buckets[bucket] += record
            self._names[bucket] += names[index] + _END_OF_NAME
        if len(self._buckets) == 2 * self._round:
            self._round *= 2

    def _shrink(self) -> None:
        """Remove the last bucket, and put its records back into the one that they came from."""
        if len(self._buckets) == self._round:
            self._round //= 2
            trim_heap()
        records, names = self._buckets.pop(), self._names.pop()
        into = len(self._buckets) - self._round
        self._buckets[into] += records
        self._names[into] += names
