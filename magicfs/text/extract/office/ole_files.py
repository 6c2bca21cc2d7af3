"""Reads compound files (OLE), the containers of Office of before 2007 and of Outlook: their storages and streams.

Runs in the child process, used by `container` and the readers of such documents. Damage costs the streams behind it: a
chain of sectors that is broken ends there, and one that is a ring is read once. One thread.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

_SECTOR_SHIFTS: Final = (9, 12)
_MINI_SECTOR_BYTES: Final = 64
_ENTRY_BYTES: Final = 128
_NAME_BYTES: Final = 64
_MAX_ENTRIES: Final = 65_536
_FIRST_FATS: Final = 109
_LAST_SECTOR: Final = 0xFFFFFFF9
"""Higher numbers say that a chain ends, or that a sector is of another kind."""
_NO_ENTRY: Final = 0xFFFFFFFF
_STORAGE, _STREAM, _ROOT = 1, 2, 5
_CHILD_OF_ROOT: Final = 76
"""Where in the directory the number stands of the first entry in the root."""


class _Entry(NamedTuple):
    start: int
    size: int


class OleFile:
    """A compound file in memory."""

    def __init__(self, content: bytes) -> None:
        """Read the tables. Raises `struct.error` for a content that is shorter than a header."""
        self._content = content
        (shift,) = struct.unpack_from("<H", content, 30)
        self._sector_bytes = 1 << (shift if shift in _SECTOR_SHIFTS else _SECTOR_SHIFTS[0])
        self._storages: dict[str, int] = {}
        directory, self._mini_limit, mini_fat = struct.unpack_from("<I4xII", content, 48)
        self._fat = self._read_fat()
        self._mini_fat = _numbers(self._chain(mini_fat))
        self._mini_stream = b""
        self._entries: dict[str, _Entry] = {}
        self._directory_start = (directory + 1) * self._sector_bytes
        self._read_directory(self._chain(directory))
        # Names are compared without regard to case.
        self._paths = {path.casefold(): path for path in reversed(self._entries)}

    @property
    def paths(self) -> list[str]:
        """The streams, those inside of storages with their path, such as `ObjectPool/_1/Workbook`."""
        return list(self._entries)

    def __contains__(self, path: str) -> bool:
        return path.casefold() in self._paths

    def read(self, path: str) -> bytes:
        """The bytes of a stream; fewer than it says where the file is damaged. Raises `KeyError`."""
        entry = self._entries[self._paths[path.casefold()]]
        if entry.size >= self._mini_limit:
            return self._chain(entry.start, size=entry.size)
        found = bytearray()
        for number in _followed(entry.start, self._mini_fat):
            start = number * _MINI_SECTOR_BYTES
            found += self._mini_stream[start : start + _MINI_SECTOR_BYTES]
            if len(found) >= entry.size:
                break
        return bytes(found[: entry.size])

    def with_root(self, storage: str) -> bytes:
        """The file with a storage, given by its path, in the place of its root. Raises `KeyError`."""
        place = self._directory_start + _CHILD_OF_ROOT
        child = struct.pack("<I", self._storages[storage])
        return b"".join((self._content[:place], child, self._content[place + len(child) :]))

    def _read_fat(self) -> tuple[int, ...]:
        sectors = list(struct.unpack_from(f"<{_FIRST_FATS}I", self._content, 76))
        following = struct.unpack_from("<I", self._content, 68)[0]
        seen: set[int] = set()
        while following <= _LAST_SECTOR and following not in seen:
            seen.add(following)
            numbers = _numbers(self._sector(following))
            if not numbers:
                break
            sectors += numbers[:-1]
            following = numbers[-1]
        # The table says of each sector of the file what follows it; a damaged one may name a sector of itself often.
        most = len(self._content) * 4 // self._sector_bytes**2 + 1
        named = [number for number in sectors if number <= _LAST_SECTOR]
        return _numbers(b"".join(map(self._sector, named[:most])))

    def _sector(self, number: int) -> bytes:
        start = (number + 1) * self._sector_bytes
        return self._content[start : start + self._sector_bytes]

    def _chain(self, start: int, *, size: int | None = None) -> bytes:
        found = bytearray()
        for number in _followed(start, self._fat):
            sector = self._sector(number)
            found += sector
            if len(sector) < self._sector_bytes or (size is not None and len(found) >= size):
                break
        return bytes(found if size is None else found[:size])

    def _read_directory(self, directory: bytes) -> None:
        pending = [(0, "")]
        seen: set[int] = set()
        while pending and len(seen) < _MAX_ENTRIES:
            number, folder = pending.pop()
            place = number * _ENTRY_BYTES
            if number == _NO_ENTRY or number in seen or place + _ENTRY_BYTES > len(directory):
                continue
            seen.add(number)
            length, kind, left, right, child = struct.unpack_from("<HBxIII", directory, place + _NAME_BYTES)
            start, size = struct.unpack_from("<II", directory, place + 116)
            name = directory[place : place + max(0, min(length, _NAME_BYTES) - 2)].decode("utf-16-le", "replace")
            if kind == _STREAM:
                self._entries.setdefault(folder + name, _Entry(start, size))
            if kind == _ROOT and number == 0:
                self._mini_stream = self._chain(start, size=size)
                pending.append((child, ""))
                continue
            if kind == _STORAGE:
                self._storages.setdefault(folder + name, child)
                pending.append((child, f"{folder}{name}/"))
            pending += [(left, folder), (right, folder)]


def _numbers(data: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(data) // 4}I", data[: len(data) // 4 * 4])


def _followed(start: int, table: tuple[int, ...]) -> list[int]:
    """The numbers of a chain of sectors, until it ends, leaves the table or comes back."""
    numbers: dict[int, None] = {}
    while start < len(table) and start not in numbers:
        numbers[start] = None
        start = table[start]
    return list(numbers)
