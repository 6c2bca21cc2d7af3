"""What lies beside the results of one query: its scratch files, and which results were renamed away or are being saved.

Used by the directories of `search/`; decision 28 has the states of a name. Whoever changes names holds `changing`, and
whoever saves a file then holds its `content` too. Both are held while that blocks, so that nothing on the event loop
waits for them: what the event loop asks for has a lock of its own.
"""

from __future__ import annotations

import itertools
import logging
import math
import os
import stat
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Protocol

from magicfs.tree.kernel_names import ASKED_TIMEOUT_SECONDS, KernelNames
from magicfs.tree.locations import FileLocation
from magicfs.tree.names import MAX_NAME_BYTES, numbered
from magicfs.tree.nodes import Entry, ThreadPool, refused
from magicfs.tree.saving import Replacement, copying, version_of
from magicfs.tree.scratch_files import ResultPlace, ScratchFile, ScratchHandle, ScratchLink
from magicfs.tree.space import Space
from magicfs.tree.steps import WAIT_SECONDS, Steps, acquiring, timed_out

log = logging.getLogger(__name__)

_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
UNSAVED_SUFFIX = b".unsaved"
"""Of the name that a scratch file gets whose content could not become that of its result."""


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

    def set_in_use(self, directory: ScratchDirectory, *, is_in_use: bool) -> None:
        """Keep a directory, or let it go. Never blocks."""


class ScratchDirectory:
    """The scratch files of one query."""

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

    def entries(self) -> Sequence[Entry]:
        """All of them, by name. Their attributes are still to be read. Never blocks."""
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

    def create(
        self, name: bytes, *, mode: int, flags: int, result: ResultPlace | None = None
    ) -> tuple[ScratchFile, ScratchHandle]:
        """Create a file and open it; with `result` it is that one's new content. `changing` is held. May block."""
        self._place.space.take_file()
        try:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._path / os.fsdecode(name), _CREATE, stat.S_IMODE(mode))
        except BaseException:
            self._place.space.give_file()
            raise
        file = self._file(name, descriptor)
        handle = file.add_handle(descriptor, flags)
        if result is not None:
            self._connect(file, result)
        self._put(name, file)
        return file, handle

    def undo_create(self, file: ScratchFile, handle: ScratchHandle) -> None:
        """Remove a file of which a program was told that it could not be created. Nothing is saved. May block."""
        file.result = None
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
        if isinstance(entry, ScratchFile) and entry.result is not None and entry.result.name == name:
            with self._lock:
                self._moved[name] = entry
        self._put(new_name, entry)

    def copying(self, result: ResultPlace, source: int, new_name: bytes) -> Generator[None]:
        """Copy a result, which is open as `source`, to a new file of that name. `changing` is held.

        The result has moved there then; before that, nothing has changed.
        """
        status = os.fstat(source)
        space = self._place.space
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._place.drafts / f"{id(self):x}-{next(self._numbers)}"
        space.take_file()
        try:
            descriptor = os.open(draft, _CREATE, 0o600)
        except BaseException:
            space.give_file()
            raise
        taken = 0
        try:
            space.take(status.st_size)
            taken = status.st_size
            yield from copying(source, descriptor)
            os.fchmod(descriptor, stat.S_IMODE(status.st_mode) & 0o777)
            os.utime(descriptor, ns=(status.st_atime_ns, status.st_mtime_ns))
            self.remove(new_name)
            os.rename(draft, self._path / os.fsdecode(new_name))
        except BaseException:
            draft.unlink(missing_ok=True)
            space.give(taken)
            space.give_file()
            os.close(descriptor)
            raise
        file = self._file(new_name, descriptor, size=taken)
        file.copied = version_of(status) if version_of(os.fstat(source)) == version_of(status) else None
        os.close(descriptor)
        with self._lock:
            self._moved[result.name] = file
        self._put(new_name, file)

    def saving_as(self, name: bytes, result: ResultPlace) -> Generator[None]:
        """Save a scratch file as a result. Its name is gone then, and its handles are those of the real file.

        An empty file to which a program has still to write is saved when that has closed or flushed it. A copy of the
        real file is removed if neither has changed and no program can write to it: the real file was never gone.
        `changing` is held.
        """
        file = self.find(name)
        if not isinstance(file, ScratchFile):
            raise refused(name)
        yield from acquiring(file.content)
        try:
            if file.is_copy_of(result):
                self.remove(result.name)
                self.remove(name)
            elif file.has_writers() and file.is_empty():
                self._disconnect(result)
                if name != result.name:
                    self.rename(name, result.name)
                self._connect(file, result)
            else:
                yield from self._saving(file, result, ends=True)
        finally:
            file.content.release()

    def _saving_open(self, file: ScratchFile, *, when_complete: bool = False) -> Generator[None]:
        """Save the new content of a result; with `when_complete` only if no program writes to it any more."""
        # When it is complete, nobody waits for this.
        seconds = math.inf if when_complete else WAIT_SECONDS
        yield from acquiring(self.changing, seconds=seconds)
        try:
            yield from acquiring(file.content, seconds=seconds)
            try:
                result = file.result
                if result is not None and not (when_complete and file.has_writers()):
                    yield from self._saving(file, result, ends=file.name == result.name)
            finally:
                file.content.release()
        finally:
            self.changing.release()

    def _saving(self, file: ScratchFile, result: ResultPlace, *, ends: bool) -> Generator[None]:
        """Save a file, which `ends` then: it has become the real one. Otherwise it is a copy."""
        source = file.open_content()
        replacement = Replacement(result.location, records=self._place.records)
        try:
            yield from replacement.prepare(source)
            yield
            replacement.commit()
            self._disconnect(result)
            file.result = None
            if ends:
                self._end(file.name, file, result)
                file.become_real(replacement.descriptor, result.location.thread_pool)
            replacement.flush_name()
        finally:
            replacement.close()
            os.close(source)

    def _end(self, name: bytes, file: ScratchFile, result: ResultPlace) -> None:
        """Forget a file that has become a real one, and all that was in its place."""
        if self.find(name) is file:
            self._take(name)
        if name != result.name:
            self.remove(result.name)
        with self._lock:
            self._moved.pop(result.name, None)
            self._note_use()

    def _connect(self, file: ScratchFile, result: ResultPlace) -> None:
        """Let a file be the new content of a result; nothing else is that any more."""
        self._disconnect(result)
        file.result = result
        file.saving = lambda: Steps(result.location.thread_pool, self._saving_open(file))
        file.when_complete = lambda complete: self._place.in_thread(partial(self._finish, complete))

    def _disconnect(self, result: ResultPlace) -> None:
        with self._lock:
            entries = list(self._entries.values())
        for entry in entries:
            connected = entry.result if isinstance(entry, ScratchFile) else None
            if isinstance(entry, ScratchFile) and connected is not None and connected.location == result.location:
                entry.result = None

    def _finish(self, file: ScratchFile) -> None:
        """Save a file that its last program has closed. Nobody waits for that: what cannot be saved is kept."""
        try:
            Steps(None, self._saving_open(file, when_complete=True)).finish()
        except OSError as error:
            self._set_aside(file, error)
        finally:
            file.end_finishing()

    def _set_aside(self, file: ScratchFile, error: OSError) -> None:
        """Keep a file that cannot be saved, under another name, and let the result come back."""
        with self.changed(seconds=-1):
            result, file.result = file.result, None
            if result is None:
                return
            kept = file.name
            if self.find(result.name) is file:
                wanted = result.name[: MAX_NAME_BYTES - len(UNSAVED_SUFFIX)] + UNSAVED_SUFFIX
                kept = next(name for name in numbered(wanted) if self.find(name) is None)
                self.rename(result.name, kept)
            with self._lock:
                self._moved.pop(result.name, None)
        target, path = os.fsdecode(result.location.absolute), os.fsdecode(kept)
        log.warning("could not save %r: %s. What was written is beside it, as %r", target, error.strerror, path)

    def _file(self, name: bytes, descriptor: int, *, size: int = 0) -> ScratchFile:
        return ScratchFile(
            self._location(name), self._place.space, descriptor=descriptor, size=size, in_thread=self._place.in_thread
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
