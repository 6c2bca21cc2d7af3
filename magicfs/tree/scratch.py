"""Scratch files: what programs make in a directory of results beside the results, while they save one.

Editors do not only write to a file. They write a temporary file and rename it over the old one, or rename the old one
to a backup and write a new one, and they put lock and swap files beside it. In `search/<query>/` all names that are no
results are scratch files: they lie in a private directory of this mount and end with it. One that is renamed onto a
result, or created in place of a result that was renamed away, replaces the content of the real file (`saving`).

Used by the directories of results. Safe in any thread.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import logging
import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from weakref import WeakValueDictionary

from magicfs.tree.locations import FileLocation
from magicfs.tree.nodes import Caller, Entry, Handle, not_found
from magicfs.tree.real_directories import RealDirectory
from magicfs.tree.real_files import RealHandle
from magicfs.tree.saving import copy_content, replace_content

log = logging.getLogger(__name__)

SCRATCH_PREFIX = "scratch-"
"""Of the names of directories with scratch files in the state directory's `run`."""
MOVED_SECONDS = 60.0
"""A result that was renamed away is back after this long, if nothing was created in its place: it was never gone."""


class SavingHandle(RealHandle):
    """An open scratch file that stands for the new content of a real file.

    The real file gets the content when the program flushes the file, and when it closes it.
    """

    def __init__(self, descriptor: int, save: Callable[[int], None], *, keep: Callable[[], Path]) -> None:
        """Call `save` with the descriptor, and `keep` for a content that cannot be saved when the file is closed."""
        super().__init__(descriptor)
        self._save = save
        self._keep = keep
        self._lock = threading.Lock()
        self._saved_size: int | None = None
        self._is_settled = False
        self.on_close: Callable[[], None] = lambda: None
        """Called once after the file is closed."""

    def write(self, offset: int, data: bytes) -> int:
        """Write all of `data`. May block."""
        self._saved_size = None
        return super().write(offset, data)

    def sync(self, *, data_only: bool) -> None:
        """Replace the content of the real file, flushed to the disk. May block."""
        del data_only
        with self._lock:
            if not self._is_settled:
                self._save_now()

    def settle(self, *, is_saved: bool) -> None:
        """End the connection with the real file, after its content is replaced, or without that. May block."""
        with self._lock:
            if is_saved and not self._is_settled and self.descriptor >= 0:
                self._save_now()
            self._is_settled = True

    def close(self) -> None:
        """Replace the content if something was written since it was flushed. May block.

        What cannot be saved is kept, and the log says where: the program does not learn of it.
        """
        with self._lock:
            if self.descriptor < 0:
                return
            try:
                if not self._is_settled:
                    self._save_now()
            except OSError as error:
                log.warning("could not save a file: %s; its content is in %s", error, self._keep())
            finally:
                self._is_settled = True
                super().close()
        # Called once, and forgotten: it refers to this handle.
        on_close, self.on_close = self.on_close, lambda: None
        on_close()

    def _save_now(self) -> None:
        size = os.fstat(self.descriptor).st_size
        if self._saved_size != size:
            self._save(self.descriptor)
            self._saved_size = size


class ScratchFiles:
    """The scratch files of one directory of results."""

    def __init__(self, path: Path, *, host: str, in_use: set[ScratchFiles]) -> None:
        """Keep them in the directory `path`, which is made when it is needed.

        As long as there is something to keep, this is a member of `in_use`.
        """
        self._path = path
        self._in_use = in_use
        self._directory = RealDirectory(FileLocation(host=host, root=os.fsencode(path), path=b""))
        self._lock = threading.Lock()
        self._names: set[bytes] = set()
        self._moved_at: dict[bytes, float] = {}
        """Results that a program has renamed away, and when, by the monotonic clock."""
        self._saving: dict[bytes, SavingHandle] = {}
        """The open files that were created in place of results."""

    def __contains__(self, name: bytes) -> bool:
        """Whether a scratch file has that name. Never blocks."""
        with self._lock:
            return name in self._names

    def has_moved(self, name: bytes) -> bool:
        """Whether the result of that name was renamed away. Never blocks."""
        with self._lock:
            moved_at = self._moved_at.get(name)
            return moved_at is not None and time.monotonic() - moved_at < MOVED_SECONDS

    def entry(self, name: bytes) -> Entry:
        """The scratch file of that name. Raises `FileNotFoundError`. May block."""
        if name not in self:
            raise not_found(name)
        return _uncached(self._directory.lookup(name))

    def entries(self) -> Sequence[Entry]:
        """All scratch files. May block."""
        with self._lock:
            names = sorted(self._names)
        return [_uncached(entry) for entry in self._directory.entries(names) if entry is not None] if names else []

    def create(self, name: bytes, *, mode: int, flags: int, caller: Caller) -> tuple[Entry, Handle]:
        """Create a scratch file. May block."""
        self._make_directory()
        entry, handle = self._directory.create_file(name, mode=mode, flags=flags, caller=caller)
        self._add(name)
        return _uncached(entry), handle

    def create_in_place(self, name: bytes, real: FileLocation, *, flags: int, caller: Caller) -> tuple[Entry, Handle]:
        """Create a file in place of a result that was renamed away: its content becomes that of the real file."""
        entry, handle = self.create(name, mode=0o600, flags=flags & ~os.O_ACCMODE | os.O_RDWR, caller=caller)

        def save(source: int) -> None:
            replace_content(real, source)

        saving = SavingHandle(os.dup(handle.descriptor), save, keep=lambda: self._keep(name))
        saving.on_close = lambda: self._end_saving(name, saving)
        handle.close()
        with self._lock:
            self._saving[name] = saving
        return entry, saving

    def settle(self, name: bytes, *, is_saved: bool) -> None:
        """Let a file that was created in place of a result be the result again, now and not when it is closed.

        Its content is that of the real file then, if it `is_saved`. Nothing happens for other names. May block.
        """
        with self._lock:
            saving = self._saving.get(name)
        if saving is not None:
            saving.settle(is_saved=is_saved)
            self._end_saving(name, saving)

    def _end_saving(self, name: bytes, saving: SavingHandle) -> None:
        with self._lock:
            is_latest = self._saving.get(name) is saving
            if is_latest:
                del self._saving[name]
        if is_latest:
            # In this order: at no moment nothing has the name.
            self.come_back(name)
            self.remove(name)

    def link(self, name: bytes, target: bytes, *, caller: Caller) -> Entry:
        """Make a symbolic link, as lock files of Emacs are. May block."""
        self._make_directory()
        entry = self._directory.make_link(name, target, caller=caller)
        self._add(name)
        return _uncached(entry)

    def remove(self, name: bytes) -> None:
        """Remove a scratch file. May block."""
        self._discard(name)
        with contextlib.suppress(FileNotFoundError):
            self._directory.remove(name, is_directory=False)

    def rename(self, name: bytes, new_name: bytes) -> None:
        """Rename a scratch file. May block."""
        os.rename(self._path / os.fsdecode(name), self._path / os.fsdecode(new_name))
        self._discard(name)
        self._add(new_name)

    def save(self, name: bytes, real: FileLocation, result: bytes) -> None:
        """Replace the content of a real file, the result of that name, by a scratch file, which ends. May block."""
        source = os.open(self._path / os.fsdecode(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            replace_content(real, source)
        finally:
            os.close(source)
        self.come_back(result)
        self.remove(name)

    def move_away(self, result: bytes, content: Handle, new_name: bytes) -> None:
        """Copy a result to a scratch file, and let its name be free until something is created there. May block."""
        self._make_directory()
        path = self._path / os.fsdecode(new_name)
        target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            copy_content(content.descriptor, target)
            os.fchmod(target, os.fstat(content.descriptor).st_mode & 0o7777)
        finally:
            os.close(target)
        self._add(new_name)
        with self._lock:
            self._moved_at[result] = time.monotonic()
            self._in_use.add(self)

    def come_back(self, result: bytes) -> None:
        """Show a result again that was renamed away. Never blocks."""
        with self._lock:
            self._moved_at.pop(result, None)
            self._forget_if_empty()

    def _keep(self, name: bytes) -> Path:
        """Move a scratch file to where it outlives the mount, and return its path."""
        self._discard(name)
        kept = self._path.parent.parent / f"unsaved-{secrets.token_hex(4)}-{os.fsdecode(name)}"
        with contextlib.suppress(OSError):
            (self._path / os.fsdecode(name)).rename(kept)
        return kept

    def _make_directory(self) -> None:
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _add(self, name: bytes) -> None:
        with self._lock:
            self._names.add(name)
            self._in_use.add(self)

    def _discard(self, name: bytes) -> None:
        with self._lock:
            self._names.discard(name)
            self._forget_if_empty()

    def _forget_if_empty(self) -> None:
        if not self._names and not self._moved_at:
            self._in_use.discard(self)


class ScratchDirectories:
    """The scratch files of all directories of results."""

    def __init__(self, path: Path, *, host: str) -> None:
        """`path` is a private directory of this mount."""
        self._path = path
        self._host = host
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._by_query: WeakValueDictionary[bytes, ScratchFiles] = WeakValueDictionary()
        self._in_use: set[ScratchFiles] = set()

    def of_query(self, query: bytes) -> ScratchFiles:
        """Those of one query."""
        with self._lock:
            files = self._by_query.get(query)
            if files is None:
                path = self._path / str(next(self._numbers))
                files = self._by_query[query] = ScratchFiles(path, host=self._host, in_use=self._in_use)
            return files


@contextmanager
def scratch_directory(path: Path) -> Iterator[None]:
    """The private directory of a mount, removed at its end; those of mounts that were killed are removed too.

    Its name begins with `SCRATCH_PREFIX`.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in path.parent.glob(SCRATCH_PREFIX + "*"):
        with contextlib.suppress(OSError), _locked(left):
            shutil.rmtree(left)
    path.mkdir(mode=0o700)
    with _locked(path):
        try:
            yield
        finally:
            shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Hold the lock of a directory. Raises `OSError` if another process holds it."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _uncached(entry: Entry) -> Entry:
    """The entry for a name that the kernel asks for each time: it may be that of a result the next moment."""
    return replace(entry, timeout_seconds=0.0)
