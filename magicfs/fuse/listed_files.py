"""What a directory of a root has under some names, read at once by the fast path.

Used by the handlers of listings. Reading may wait for the file system and runs in any thread; all else is the event
loop's. The library keeps no pointer to it for longer than a call.
"""

from __future__ import annotations

import contextlib
import ctypes
import struct
import time
from array import array
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from magicfs.domain.attributes import Attributes
from magicfs.fuse.fast_path import FAST_PATH
from magicfs.fuse.library_interface import LISTED_FILE
from magicfs.linux.files import status_and_birth
from magicfs.tree.directories import Entry
from magicfs.tree.identities import FileIdentity
from magicfs.tree.placed_nodes import GONE
from magicfs.tree.real.directories import RealDirectory

SEEN_BYTES = 52
"""What a `struct listed_file` begins with: identity and version, as in the records of packed nodes."""
_CTIME_MODE_LINKS = struct.Struct("=28xq40xII16x")
_ERROR = struct.Struct("=96xi")
"""The fields of a `struct listed_file` that are read here."""


class ListedFile(NamedTuple):
    """A file, directory or link, as the file system has just described it."""

    kind: int
    device: int
    number: int
    born_ns: int
    ctime_ns: int
    size: int
    mtime_ns: int
    atime_ns: int
    special_device: int
    blocks: int
    mode: int
    links: int
    uid: int
    gid: int
    name_offset: int
    error: int
    """The number of the error that reading gave; everything else is 0 then."""

    @classmethod
    def of(cls, record: bytes, start: int = 0) -> ListedFile:
        """What a `struct listed_file` holds that begins there."""
        return cls._make(LISTED_FILE.unpack_from(record, start))

    @property
    def identity(self) -> FileIdentity:
        """Which file it is."""
        return FileIdentity(self.kind, self.device, self.number, self.born_ns)

    @property
    def attributes(self) -> Attributes:
        """What `stat` shows of it."""
        return Attributes(
            mode=self.mode,
            size=self.size,
            uid=self.uid,
            gid=self.gid,
            atime_ns=self.atime_ns,
            mtime_ns=self.mtime_ns,
            ctime_ns=self.ctime_ns,
            links=self.links,
            device=self.special_device,
            blocks=self.blocks,
        )


class ListedFiles:
    """The files of a part of a listing, which begins at position `start`."""

    def __init__(self, directory: RealDirectory, names: Sequence[bytes], start: int) -> None:
        """Read what the directory has under these names. May block. Raises `ESTALE` as `RealDirectory.opened` does."""
        self.directory = directory
        self.names = names
        self.start, self.end = start, start + len(names)
        self.read_at = time.monotonic()
        self._joined_names = b"\0".join(names) + b"\0"
        self._files = ctypes.create_string_buffer(len(names) * LISTED_FILE.size)
        with directory.opened() as (descriptor, _):
            FAST_PATH.read_listed(descriptor, self._joined_names, self._files, len(names))
            self._found = self._files.raw
            self._others = dict(self._read_others(descriptor))
            """What the library cannot tell of, such as times of later centuries, by position."""

    def _read_others(self, descriptor: int) -> Iterator[tuple[int, Entry]]:
        for position, (error,) in enumerate(_ERROR.iter_unpack(self._found), self.start):
            if error and error not in GONE:
                name = self.names[position - self.start]
                with contextlib.suppress(FileNotFoundError):
                    yield position, self.directory.entry(name, *status_and_birth(descriptor, name))

    def seen(self, start: int, count: int) -> Iterator[tuple[bytes, bytes, int, int, int]]:
        """What packed nodes need of the files from a position on, `count` at most: names, and what was seen of each.

        With ctime, mode, and the number of links.
        """
        first = start - self.start
        end = min(first + count, len(self.names))
        found, size = self._found, LISTED_FILE.size
        for index, fields in enumerate(_CTIME_MODE_LINKS.iter_unpack(found[first * size : end * size]), first):
            yield self.names[index], found[index * size : index * size + SEEN_BYTES], *fields

    def names_from(self, start: int, count: int) -> Sequence[bytes]:
        """The names of `count` files from a position on."""
        return self.names[start - self.start : start - self.start + count]

    def entry(self, position: int) -> Entry | None:
        """The entry at a position; None if it vanished."""
        index = position - self.start
        name, file = self.names[index], ListedFile.of(self._found, index * LISTED_FILE.size)
        if file.error:
            return self._others.get(position)
        return self.directory.entry_of(name, file.identity, file.attributes)

    def prepare_entries(self, start: int, numbers: array[int], seconds: array[float], position: int) -> None:
        """Prepare entries of a reply with the files from `start` on, which get these inode numbers and timeouts."""
        FAST_PATH.prepare_entries(self._joined_names, self._address(start), numbers, seconds, position)

    def remember(self, start: int, numbers: array[int], count: int) -> None:
        """Leave the plain ones of `count` files from `start` on to the fast path, as `FastPath.remember` does."""
        location = self.directory.location
        FAST_PATH.remember_listed(
            (location.root, location.path), self._joined_names, self._address(start), numbers, count
        )

    def _address(self, start: int) -> int:
        return ctypes.addressof(self._files) + (start - self.start) * LISTED_FILE.size
