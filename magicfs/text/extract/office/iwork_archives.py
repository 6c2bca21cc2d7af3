"""Reads the archives of iWork documents: pieces that Snappy has compressed, and in them objects in Protocol Buffers.

Runs in the child process, used by `iwork_files`, `iwork_tables` and `iwork_cells`. The numbers of kinds and fields
stand where they are used. Pure functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from magicfs.text.extract.office.snappy import uncompressed

_IDENTIFIER: Final = 1
"""The field of the head of an object with its number, and the only field of a reference to it."""
_MESSAGE: Final = 2
_KIND, _SIZE = 1, 3
"""The fields of what a head says of each message of its object."""
_MAX_NUMBER_BITS: Final = 70

_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5
"""How a field is written, in its lowest three bits."""


class Stored(NamedTuple):
    """An object of an archive."""

    identifier: int
    kind: int
    data: bytes


class Message:
    """The fields of a message, by their numbers; what is missing, or of another type, is empty or zero."""

    def __init__(self, data: bytes) -> None:
        """Raises `ValueError` or `IndexError` for what is no message."""
        self._fields: dict[int, list[int | bytes]] = {}
        for field, value in _fields(data):
            self._fields.setdefault(field, []).append(value)

    def number(self, field: int) -> int:
        """A whole number."""
        value = self._fields.get(field, (0,))[0]
        return value if isinstance(value, int) else 0

    def all_bytes(self, field: int) -> list[bytes]:
        """The values of a field that are bytes."""
        return [value for value in self._fields.get(field, ()) if isinstance(value, bytes)]

    def data(self, field: int) -> bytes:
        """The first value of a field that is bytes."""
        return next(iter(self.all_bytes(field)), b"")

    def texts(self, field: int) -> list[str]:
        """The values of a field that are texts."""
        return [value.decode("utf-8", "replace") for value in self.all_bytes(field)]

    def text(self, field: int) -> str:
        """The first value of a field that is a text."""
        return next(iter(self.texts(field)), "")

    def messages(self, field: int) -> list[Message]:
        """The values of a field that are messages; one that is damaged has no fields."""
        return [message_of(value) for value in self.all_bytes(field)]

    def message(self, field: int) -> Message:
        """The first value of a field that is a message."""
        return message_of(self.data(field))

    def references(self, field: int) -> list[int]:
        """The identifiers of the objects that are referred to."""
        return [message.number(_IDENTIFIER) for message in self.messages(field)]

    def reference(self, field: int) -> int:
        """The identifier of the object that is referred to; zero for none."""
        return self.message(field).number(_IDENTIFIER)


def message_of(data: bytes) -> Message:
    """The message in these bytes; one without fields where they are damaged."""
    try:
        return Message(data)
    except (ValueError, IndexError):
        return Message(b"")


def unpacked(archive: bytes, *, most_bytes: int) -> bytes:
    """The objects of an archive, which is pieces that their length precedes. Raises `ValueError` or `IndexError`."""
    return b"".join(_pieces(archive, most_bytes=most_bytes))


def objects(data: bytes) -> Iterator[Stored]:
    """Yield the objects: a head says how long each is. Raises `ValueError` or `IndexError` at damage."""
    place = 0
    while place < len(data):
        length, place = _number(data, place)
        head = Message(data[place : place + length])
        place += length
        for said in head.messages(_MESSAGE):
            size = said.number(_SIZE)
            yield Stored(head.number(_IDENTIFIER), said.number(_KIND), data[place : place + size])
            place += size


def _pieces(archive: bytes, *, most_bytes: int) -> Iterator[bytes]:
    place = 0
    while place + 4 <= len(archive):
        length = int.from_bytes(archive[place + 1 : place + 4], "little")
        piece = uncompressed(archive[place + 4 : place + 4 + length], most_bytes=most_bytes)
        most_bytes -= len(piece)
        yield piece
        place += 4 + length


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the number of each field with its value."""
    place = 0
    while place < len(message):
        key, place = _number(message, place)
        way = key & 7
        if way == _VARINT:
            value, place = _number(message, place)
            yield key >> 3, value
            continue
        if way == _BYTES:
            length, place = _number(message, place)
        elif way in {_EIGHT_BYTES, _FOUR_BYTES}:
            length = 8 if way == _EIGHT_BYTES else 4
        else:
            raise ValueError("a field that is written in an unknown way")
        yield key >> 3, message[place : place + length]
        place += length


def _number(data: bytes, place: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and the place after it."""
    number = 0
    for shift in range(0, _MAX_NUMBER_BITS, 7):
        byte = data[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if not byte & 0x80:  # the highest bit says that there are more
            return number, place
    raise ValueError("a number that does not end")
