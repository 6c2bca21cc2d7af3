"""`mirror/`: the source trees of this machine as they are. Needs no database once the roots are known.

Links are shown as links and never followed. Files are read and written in place; nothing is created or removed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from magicfs.domain.attributes import Attributes
from magicfs.domain.roots import Root
from magicfs.linux import open_below
from magicfs.tree.files import REAL_SECONDS, FileLocation, RealFile
from magicfs.tree.nodes import Directory, Entry, Node, ReadyEntries, ThreadPool, missing
from magicfs.tree.virtual import OurDirectory

_NOWHERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


class MirrorDirectory(OurDirectory):
    """`mirror/` itself: one entry a root."""

    def __init__(self, *, host: str, born_ns: int) -> None:
        super().__init__(b"mirror", born_ns=born_ns)
        self._host = host
        self._guard = threading.Lock()
        self._roots: dict[bytes, Root] = {}

    def show(self, roots: Iterable[Root]) -> None:
        """These are the roots from now on; those of other machines are left out. Safe in any thread."""
        found = {root.name.encode("utf-8", "replace"): root for root in roots if root.host == self._host}
        with self._guard:
            self._roots = found

    def peek(self, name: bytes) -> Entry | None:
        """Knows which names are roots."""
        self._root(name)
        return None

    def lookup(self, name: bytes) -> Entry:
        """A root's directory, which must be there. May block."""
        root = self._root(name)
        place = FileLocation(host=self._host, root=root.path, path=b"")
        return _entry(name, place, place.status())

    def list(self) -> ReadyEntries:
        """The roots that are there. May block."""
        with self._guard:
            names = sorted(self._roots)
        entries = []
        for name in names:
            with contextlib.suppress(OSError):
                entries.append(self.lookup(name))
        return ReadyEntries(entries)

    def _root(self, name: bytes) -> Root:
        with self._guard:
            root = self._roots.get(name)
        if root is None:
            raise missing(name)
        return root


class RealDirectory(Directory):
    """A directory of a root."""

    lane = ThreadPool.FILES
    attributes_seconds = REAL_SECONDS

    def __init__(self, place: FileLocation) -> None:
        super().__init__(b"r" + place.key)
        self._place = place

    def known_attributes(self) -> Attributes | None:
        """The same, if it can be said at once."""
        status = self._place.status_now()
        return Attributes.of(status) if status is not None and stat.S_ISDIR(status.st_mode) else None

    def attributes(self) -> Attributes:
        """What `lstat` says, but nobody may create or remove here. May block."""
        status = self._place.status()
        if not stat.S_ISDIR(status.st_mode):
            raise missing(self._place.path)
        return Attributes.of(status)

    def peek(self, name: bytes) -> Entry | None:
        """What is there under that name, if it can be said at once."""
        place = _below(self._place, name)
        status = place.status_now()
        return None if status is None else _entry(name, place, status)

    def lookup(self, name: bytes) -> Entry:
        """What is there under that name. May block."""
        place = _below(self._place, name)
        return _entry(name, place, place.status())

    def list(self) -> OnDisk:
        """The names; what they stand for is looked up as they are asked for. May block."""
        descriptor = open_below(self._place.root, self._place.path or b".", flags=os.O_RDONLY | os.O_DIRECTORY)
        try:
            return OnDisk(self._place, sorted(os.fsencode(name) for name in os.listdir(descriptor)))
        finally:
            os.close(descriptor)

    def may(self, mode: int) -> bool:
        """To list and to enter, if the file system lets this process. May block."""
        if mode & os.W_OK:
            return False
        with self._place.looked_at() as descriptor:
            return os.access(f"/proc/self/fd/{descriptor}", mode, effective_ids=True)


@dataclass(frozen=True, slots=True)
class OnDisk:
    """The entries of a real directory, by the names that it had when it was opened."""

    place: FileLocation
    names: Sequence[bytes]
    waits: bool = field(default=True, init=False)

    def batch(self, start: int, count: int) -> Sequence[tuple[int, Entry]]:
        """What is still there of the next `count` names, or of those after them. May block."""
        found: list[tuple[int, Entry]] = []
        while not found and start < len(self.names):
            for position, name in enumerate(self.names[start : start + count], start + 1):
                try:
                    place = _below(self.place, name)
                    found.append((position, _entry(name, place, place.status())))
                except OSError as error:
                    if error.errno not in _NOWHERE:
                        raise
            start += count
        return found


class Link(Node):
    """A symbolic link of a root."""

    lane = ThreadPool.FILES
    attributes_seconds = REAL_SECONDS

    def __init__(self, place: FileLocation) -> None:
        super().__init__(b"l" + place.key)
        self._place = place

    def attributes(self) -> Attributes:
        """What `lstat` says. May block."""
        return Attributes.of(self._place.status())

    def target(self) -> bytes:
        """Where it points. May block."""
        with self._place.looked_at() as descriptor:
            return os.readlink(b"", dir_fd=descriptor)


class Special(Node):
    """A FIFO, socket or device of a root: it is seen, and its data never come through here."""

    lane = ThreadPool.FILES
    attributes_seconds = REAL_SECONDS

    def __init__(self, place: FileLocation) -> None:
        super().__init__(b"s" + place.key)
        self._place = place

    def attributes(self) -> Attributes:
        """What `lstat` says. May block."""
        return Attributes.of(self._place.status())


def _below(place: FileLocation, name: bytes) -> FileLocation:
    return FileLocation(host=place.host, root=place.root, path=place.path + b"/" + name if place.path else name)


def _entry(name: bytes, place: FileLocation, status: os.stat_result) -> Entry:
    attributes = Attributes.of(status)
    return Entry(name, _node(place, attributes.mode), attributes, seconds=REAL_SECONDS)


def _node(place: FileLocation, mode: int) -> Node:
    if stat.S_ISDIR(mode):
        return RealDirectory(place)
    if stat.S_ISREG(mode):
        return RealFile(place, here=True)
    return Link(place) if stat.S_ISLNK(mode) else Special(place)
