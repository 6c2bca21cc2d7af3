"""The scratch files of a mount: where they lie, and what becomes of them when the mount ends or was killed.

A mount has a directory of its own for them in the state directory, which it locks as long as it lives. What is still
there at its end, or when a mount finds the directory of one that was killed, is text that was not saved: it is moved to
`unsaved/` in the state directory, and never deleted. Used by `magicfs.fuse.mount` and by the directories of `search/`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from weakref import WeakValueDictionary

from magicfs.linux.locks import lock_descriptor, take_lock
from magicfs.tree.saving import remove_recorded
from magicfs.tree.scratch.directories import ScratchDirectory
from magicfs.tree.scratch.names import HeldNames, ScratchNames
from magicfs.tree.scratch.space import Space

log = logging.getLogger(__name__)

SCRATCH_PREFIX = "scratch-"
"""The names of the directories of mounts begin so, in the state directory's `run`."""
UNSAVED = "unsaved"
"""The folder of the state directory for what was not saved."""
END_SECONDS = 30.0
"""The end of a mount waits this long for files that are being saved."""
CLEAR_SECONDS = 5.0
"""The start of a mount waits this long for what killed ones have left: the file system of a root may hang."""
_FILES, _DRAFTS, _RECORDS = "files", "drafts", "records"


class Scratch:
    """The scratch files of all queries. Safe in any thread."""

    def __init__(self, path: Path, *, host: str, names: HeldNames, space: Space | None = None) -> None:
        """`path` is the directory of this mount, as `scratch_directory` makes it."""
        self.path = path / _FILES
        self.drafts = path / _DRAFTS
        self.records = path / _RECORDS
        self.host = host
        self.names = names
        self.space = space or Space(path)
        self._lock = threading.Lock()
        self._directories: WeakValueDictionary[bytes, ScratchDirectory] = WeakValueDictionary()
        self._in_use: set[ScratchNames] = set()
        self._calls = 0
        self._is_idle = threading.Condition(self._lock)

    def of_query(self, query: bytes) -> ScratchDirectory:
        """The scratch directory of one query. Never blocks."""
        with self._lock:
            directory = self._directories.get(query)
            if directory is None:
                directory = self._directories[query] = ScratchDirectory(query, self)
            return directory

    def set_in_use(self, directory: ScratchNames, *, is_in_use: bool) -> None:
        """Record whether a directory has to stay in memory: it has scratch files. Never blocks."""
        with self._lock:
            (self._in_use.add if is_in_use else self._in_use.discard)(directory)

    def in_thread(self, call: Callable[[], object]) -> None:
        """Call a function that may block in a thread. Never blocks."""
        with self._lock:
            self._calls += 1
        threading.Thread(target=self._call, args=(call,), daemon=True).start()

    def wait(self, *, seconds: float = END_SECONDS) -> None:
        """Wait for the calls in threads, up to that time."""
        with self._lock:
            self._is_idle.wait_for(lambda: self._calls == 0, timeout=seconds)

    def _call(self, call: Callable[[], object]) -> None:
        try:
            call()
        except Exception:
            log.exception("a scratch file could not be closed")
        finally:
            with self._lock:
                self._calls -= 1
                self._is_idle.notify_all()


@contextmanager
def scratch_directory(home: Path, run_dir: Path) -> Iterator[Path | None]:
    """The directory for the scratch files of a mount, in `run_dir` of the state directory `home`.

    Takes care of what mounts that were killed have left, and at its end of what is left there. None where the state
    directory cannot be written to.
    """
    with contextlib.ExitStack() as held:
        try:
            path = _make_directory(home, run_dir, held)
        except OSError as error:
            log.warning("cannot write to %s (%s): results are saved in place only", run_dir, error.strerror)
            yield None
            return
        try:
            yield path
        finally:
            keep_unsaved(path, home)


def _make_directory(home: Path, run_dir: Path, held: contextlib.ExitStack) -> Path:
    """A new directory, which is locked until `held` ends."""
    run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = run_dir / f"{SCRATCH_PREFIX}{secrets.token_hex(6)}"
    # No other mount may take the new directory for that of a killed one.
    clearing = []
    clearing_lock = take_lock(run_dir / "scratch.lock")
    try:
        for left in run_dir.glob(SCRATCH_PREFIX + "*"):
            lock = contextlib.ExitStack()
            with contextlib.suppress(OSError):
                lock.enter_context(_locked(left))
                clearing.append(threading.Thread(target=_clear, args=(left, home, lock), daemon=True))
        for directory in (path, path / _FILES, path / _DRAFTS, path / _RECORDS):
            directory.mkdir(mode=0o700)
        held.enter_context(_locked(path))
    finally:
        os.close(clearing_lock)
    ends_at = time.monotonic() + CLEAR_SECONDS
    for thread in clearing:
        thread.start()
    for thread in clearing:
        thread.join(max(0.0, ends_at - time.monotonic()))
    return path


def _clear(left: Path, home: Path, lock: contextlib.ExitStack) -> None:
    """Take care of what a killed mount has left, and end the `lock` of its directory."""
    with lock:
        keep_unsaved(left, home)


def keep_unsaved(left: Path, home: Path) -> None:
    """Move what is in the directory of a mount that has ended to where people find it, and remove the directory.

    Empty files are not kept. What cannot be moved stays where it is, and the next mount tries again.
    """
    try:
        count = _prune(left / _FILES)
        if count:
            kept = home / UNSAVED / f"{time.strftime('%Y-%m-%d_%H-%M-%S')}-{secrets.token_hex(2)}"
            kept.parent.mkdir(mode=0o700, exist_ok=True)
            (left / _FILES).rename(kept)
            log.warning(
                "%d files of search/ were not saved: look at them in %s, and delete what you do not need", count, kept
            )
        # Copies that were not complete: what they are copies of is where it was.
        _remove_files(left / _DRAFTS)
        # The last, since the file system of a root may hang or refuse.
        remove_recorded(left / _RECORDS)
        left.rmdir()
    except OSError as error:
        log.warning("cannot clear away what a mount has left in %s: %s", left, error)


def _prune(directory: Path) -> int:
    """Remove empty files, then empty directories, and return the number of files that are left."""
    count = 0
    for parent, folders, files in os.walk(directory, topdown=False):
        for name in files:
            file = Path(parent, name)
            status = file.lstat()
            if stat.S_ISREG(status.st_mode) and status.st_size:
                count += 1
            else:
                file.unlink()
        del folders
        with contextlib.suppress(OSError):
            Path(parent).rmdir()
    return count


def _remove_files(directory: Path) -> None:
    if directory.is_dir():
        for file in directory.iterdir():
            file.unlink()
        directory.rmdir()


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Hold the lock of a directory. Raises `BlockingIOError` if another process holds it."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if not lock_descriptor(descriptor):
            raise BlockingIOError
        yield
    finally:
        os.close(descriptor)
