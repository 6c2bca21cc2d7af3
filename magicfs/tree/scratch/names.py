"""The names beside the results of one query: its scratch files, and which results were renamed away.

The base of `ScratchDirectory`, which copies and saves files. docs/adr/0028 has the states of a name. Whoever changes
names holds `changing`, even while that blocks, so that nothing on the event loop waits for it: what the event loop asks
for has a lock of its own.
"""

from __future__ import annotations

import itertools
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from magicfs.domain.attributes import Attributes
from magicfs.tree.directories import Entry
from magicfs.tree.kernel_names import ASKED_TIMEOUT_SECONDS, KernelNames
from magicfs.tree.locations import FileLocation
from magicfs.tree.nodes import Link, ThreadPool
from magicfs.tree.saving import Version
from magicfs.tree.scratch.files import Saver, ScratchFile
from magicfs.tree.scratch.handles import ScratchHandle
from magicfs.tree.scratch.space import Space
from magicfs.tree.steps import WAIT_SECONDS, timed_out

CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class ScratchLink(Link):
    """A symbolic link among the scratch files of a query, such as a lock of Emacs. Nothing of it is on the disk."""

    attribute_timeout_seconds = ASKED_TIMEOUT_SECONDS

    def __init__(self, key: bytes, target: bytes, *, made_at_ns: int) -> None:
        super().__init__(b"l" + key)
        self._target = target
        self._made_at_ns = made_at_ns

    def target(self) -> bytes:
        """The path that it holds. Never blocks."""
        return self._target

    def cached_attributes(self) -> Attributes:
        """The attributes of a link of the user of the mount."""
        return Attributes.of_virtual(mode=stat.S_IFLNK | 0o777, mounted_at_ns=self._made_at_ns, size=len(self._target))

    def attributes(self) -> Attributes:
        """The attributes that `cached_attributes` returns. Never blocks."""
        return self.cached_attributes()


class HeldNames(Protocol):
    """The names of results, some of which have to be kept. Safe in any thread."""

    def hold(self, query: bytes, name: bytes) -> None:
        """Give this name to no file that does not have it, and drop no name of this query."""

    def release(self, query: bytes, name: bytes) -> None:
        """End what `hold` began."""


class ScratchPlace(Protocol):
    """What the scratch files of all queries share."""

    path: Path
    """A directory for the directories of queries."""
    drafts: Path
    """A directory for copies that are not complete."""
    records: Path
    """The directory of records of `saving`."""
    host: str
    space: Space
    names: HeldNames

    def in_thread(self, call: Callable[[], object]) -> None:
        """Call a function that may block in a thread. Never blocks."""

    def set_in_use(self, directory: ScratchNames, *, is_in_use: bool) -> None:
        """Record whether a directory has to stay in memory: it has scratch files. Never blocks."""


class ScratchNames(Saver):
    """The names of the scratch files of one query. `ScratchDirectory` saves the files."""

    def __init__(self, query: bytes, place: ScratchPlace) -> None:
        self.changing = threading.Lock()
        self.kernel_names = KernelNames()
        self._query = query
        self._place = place
        self._path = place.path / os.fsdecode(query)
        self._lock = threading.Lock()
        self._entries: dict[bytes, ScratchFile | ScratchLink] = {}
        self._moved: dict[bytes, ScratchFile] = {}
        """The results that were renamed away, by their names: what they were renamed to."""
        self._numbers = itertools.count()

    @property
    def thread_pool(self) -> ThreadPool:
        """The pool of the file system of the state directory. Never blocks."""
        return self._location(b"").thread_pool

    def find(self, name: bytes) -> ScratchFile | ScratchLink | None:
        """The scratch file of that name, or the new content of the result of that name. Never blocks."""
        with self._lock:
            return self._entries.get(name)

    def has_moved(self, name: bytes) -> bool:
        """Whether the result of that name was renamed to something that is still there. Never blocks."""
        with self._lock:
            return name in self._moved and name not in self._entries

    def finishing(self, name: bytes) -> threading.Event | None:
        """The event that is set when the save of a closed file ends, also in vain; None without one. Never blocks."""
        entry = self.find(name)
        return entry.finishing if isinstance(entry, ScratchFile) else None

    def entries(self) -> Sequence[Entry]:
        """The scratch files and links, by name, without their attributes. Never blocks."""
        with self._lock:
            return [entry_of(name, node) for name, node in sorted(self._entries.items())]

    @contextmanager
    def changed(self, *, seconds: float = WAIT_SECONDS) -> Iterator[None]:
        """Hold `changing`. Raises `TimeoutError` if another change takes that long. May block."""
        if not self.changing.acquire(timeout=seconds):
            raise timed_out()
        try:
            yield
        finally:
            self.changing.release()

    def create(self, name: bytes, *, mode: int, flags: int) -> tuple[ScratchFile, ScratchHandle]:
        """Create a file and open it. `changing` is held. May block."""
        self._place.space.take_file()
        try:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._path / os.fsdecode(name), CREATE, stat.S_IMODE(mode))
        except BaseException:
            self._place.space.give_file()
            raise
        file = self._file(name, descriptor)
        handle = file.add_handle(descriptor, flags)
        self._put(name, file)
        return file, handle

    def undo_create(self, file: ScratchFile, handle: ScratchHandle) -> None:
        """Remove a file whose creation was reported as failed. Nothing is saved. May block."""
        file.disconnect()
        with self.changed(seconds=-1):
            if self.find(file.name) is file:
                self.remove(file.name)
        handle.close()

    def link(self, name: bytes, target: bytes) -> ScratchLink:
        """Make a symbolic link. `changing` is held. Never blocks."""
        self._place.space.take_file()
        key = os.fsencode(self._path) + b"/%d" % next(self._numbers)
        link = ScratchLink(key, target, made_at_ns=time.time_ns())
        self._put(name, link)
        return link

    def remove(self, name: bytes) -> None:
        """Remove a name, if it is there. Open files stay open, and are not saved. `changing` is held. May block."""
        entry = self._take(name)
        with self._lock:
            for result in [result for result, copy in self._moved.items() if copy is entry]:
                del self._moved[result]
            self._note_use()
        if isinstance(entry, ScratchFile):
            entry.disappear()
        elif entry is not None:
            self._place.space.give_file()

    def rename(self, name: bytes, new_name: bytes) -> None:
        """Rename, in place of what has the new name. `changing` is held. May block."""
        entry = self._entries[name]
        self.remove(new_name)
        if isinstance(entry, ScratchFile):
            os.rename(entry.path, self._path / os.fsdecode(new_name))
            entry.place = self._location(new_name)
        self._take(name)
        pending = entry.pending if isinstance(entry, ScratchFile) else None
        if isinstance(entry, ScratchFile) and pending is not None and pending.result.name == name:
            with self._lock:
                self._moved[name] = entry
        self._put(new_name, entry)

    def _file(self, name: bytes, descriptor: int, *, size: int = 0, copied: Version | None = None) -> ScratchFile:
        return ScratchFile(
            self._location(name),
            self._place.space,
            descriptor=descriptor,
            size=size,
            copied=copied,
            saver=self,
            in_thread=self._place.in_thread,
        )

    def _location(self, name: bytes) -> FileLocation:
        path = os.fsencode(self._query) + (b"/" + name if name else b"")
        return FileLocation(host=self._place.host, root=os.fsencode(self._place.path), path=path)

    def _put(self, name: bytes, entry: ScratchFile | ScratchLink) -> None:
        self.kernel_names.edit()
        self._place.names.hold(self._query, name)
        with self._lock:
            self._entries[name] = entry
            self._note_use()

    def _take(self, name: bytes) -> ScratchFile | ScratchLink | None:
        with self._lock:
            entry = self._entries.pop(name, None)
            self._note_use()
        if entry is not None:
            self._place.names.release(self._query, name)
        return entry

    def _note_use(self) -> None:
        self._place.set_in_use(self, is_in_use=bool(self._entries or self._moved))


def entry_of(name: bytes, node: ScratchFile | ScratchLink) -> Entry:
    """The entry of a scratch file. The kernel asks for its name each time: it may be that of a result next time."""
    return Entry(name, node, node.cached_attributes(), timeout_seconds=ASKED_TIMEOUT_SECONDS)
