"""Turn what the file system reports into looks at paths. Events are hints: each one only says where to look.

`Watcher.run` blocks in a thread of its own and has another one read the events. What it finds is recorded through
the `Scanner`; the periodic scan may run at the same time, see docs/concurrency.md.
"""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from magicfs.domain.files import FileStat, SeenFile
from magicfs.domain.ids import RootId
from magicfs.domain.roots import Root
from magicfs.errors import MagicFSError
from magicfs.ingest import inotify
from magicfs.ingest.ignore import RULE_FILES, Rules, rules_for
from magicfs.ingest.inotify import Event, Inotify
from magicfs.ingest.scanner import Scanner
from magicfs.ingest.walk import Walk, outermost

log = logging.getLogger(__name__)

QUIET_SECONDS = 0.05
"""A burst of events is handled once nothing has come for this long ..."""

PATIENCE_SECONDS = 0.4
"""... or once it has lasted this long: a file that is written all the time is looked at all the same."""

IDLE_SECONDS = 0.25
"""How often a quiet watch returns, to see whether it should stop."""


class Watcher:
    """Watches the roots of this host."""

    def __init__(self, scanner: Scanner, *, rescan: Callable[[Root], None]) -> None:
        """`rescan` is called with a root that needs a full scan, since events cannot be trusted to tell all."""
        self._scanner = scanner
        self._rescan = rescan

    def run(self, roots: Sequence[Root], stop: threading.Event) -> bool:
        """Watch `roots` until `stop` is set. Ends early, after a warning, when the watch itself fails.

        Returns False when the system refuses to watch: then it will do so again. Each root is rescanned as soon as its
        watch is in place: what changed before that raised no event.
        """
        try:
            watches = Watches(roots)
        except OSError as error:
            log.warning("cannot watch the roots (%s): changes are found by the periodic scan only", error)
            for root in roots:
                self._rescan(root)
            return False
        with watches:
            for root in roots:
                self._rescan(root)
            self._follow(roots, watches, stop)
        return True

    def _follow(self, roots: Sequence[Root], watches: Watches, stop: threading.Event) -> None:
        ended = threading.Event()

        def read() -> None:
            try:
                while not stop.is_set() and not ended.is_set():
                    watches.read(timeout_s=IDLE_SECONDS)
            except Exception:
                log.exception("reading events failed")
            finally:
                ended.set()

        reader = threading.Thread(target=read, name="watch-reader")
        reader.start()
        try:
            while not stop.is_set() and not ended.is_set():
                changes = watches.take(quiet_s=QUIET_SECONDS, patience_s=PATIENCE_SECONDS, timeout_s=IDLE_SECONDS)
                try:
                    self.handle(roots, changes)
                except MagicFSError as error:
                    log.warning("what has changed is left to a scan: %s", error)
                    self._rescan_changed(roots, changes)
                except Exception:
                    log.exception("looking at what has changed failed: it is left to a scan")
                    self._rescan_changed(roots, changes)
        finally:
            ended.set()
            reader.join()

    def _rescan_changed(self, roots: Sequence[Root], changes: Changes) -> None:
        """What events told could not be written down; a database that restarts is the usual reason."""
        for root in roots:
            if root.id in changes.doubtful or root.id in changes.paths:
                self._rescan(root)

    def handle(self, roots: Iterable[Root], changes: Changes) -> None:
        """Look at the paths that events named, root by root."""
        for root in roots:
            if root.id in changes.doubtful:
                self._rescan(root)
            if root.id in changes.paths:
                self._look(root, sorted(changes.paths[root.id]))

    def _look(self, root: Root, below: list[bytes]) -> None:
        gone: list[bytes] = []
        seen: list[SeenFile] = []
        linked: set[int] = set()
        directories: set[bytes] = set()
        rules: dict[bytes, Rules | None] = {}
        for path in below:
            parent, _, name = path.rpartition(b"/")
            if name in RULE_FILES:
                directories.add(parent)
            try:
                status = _lstat(os.path.join(root.path, path))
            except OSError:
                # Nothing can be concluded; the periodic scan will see.
                continue
            if status is None:
                gone.append(path)
            elif stat.S_ISDIR(status.st_mode):
                directories.add(path)
            elif self._is_wanted(root, path, status, rules):
                file = SeenFile(path, FileStat.of(status))
                seen.append(file)
                if status.st_nlink > 1:
                    linked.add(file.stat.ino)
            else:
                gone.append(path)
        seen += self._other_names(root, linked, known={file.path for file in seen})
        self._scanner.save(root, seen)
        if gone and not self._scanner.forget(root, gone):
            self._rescan(root)
        self._look_into(root, directories)

    def _look_into(self, root: Root, directories: set[bytes]) -> None:
        """Look at whole directories. A full scan decides what seems to be gone, and goes on where there is much."""
        for directory in outermost(directories):
            result = self._scanner.scan_below(root, directory)
            if result.suspect or result.unfinished:
                self._rescan(root)

    def _is_wanted(self, root: Root, path: bytes, status: os.stat_result, known: dict[bytes, Rules | None]) -> bool:
        """Whether a path that exists is a wanted regular file. `known` keeps the rules of directories."""
        if not stat.S_ISREG(status.st_mode):
            return False
        parent = path.rpartition(b"/")[0]
        if parent not in known:
            known[parent] = rules_for(root.path, parent)
        rules = known[parent]
        return rules is not None and not rules.ignores(path, is_directory=False)

    def _other_names(self, root: Root, inodes: set[int], *, known: set[bytes]) -> list[SeenFile]:
        """The other names of files that have several: a change by one name raises no event for the others."""
        if not inodes:
            return []
        statuses: dict[bytes, os.stat_result | None] = {}
        for path in self._scanner.names_of(root, inodes) - known:
            with contextlib.suppress(OSError):
                statuses[path] = _lstat(os.path.join(root.path, path))
        return [
            file
            for path, status in statuses.items()
            if status is not None
            and stat.S_ISREG(status.st_mode)
            and (file := SeenFile(path, FileStat.of(status))).stat.ino in inodes
        ]


def _lstat(path: bytes) -> os.stat_result | None:
    """The status of what is there; None when it is gone. Raises `OSError` when that cannot be told."""
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


_APPEARED = inotify.CREATE | inotify.MOVED_TO
_GONE = inotify.DELETE_SELF | inotify.MOVE_SELF | inotify.UNMOUNT | inotify.IGNORED


@dataclass(slots=True)
class Changes:
    """Where to look."""

    paths: dict[RootId, set[bytes]] = field(default_factory=dict)
    """Relative to the root; a directory stands for everything in it."""
    doubtful: set[RootId] = field(default_factory=set)
    """Roots whose events do not tell all."""

    def __bool__(self) -> bool:
        return bool(self.paths or self.doubtful)


class Watches:
    """The watched directories of some roots."""

    def __init__(self, roots: Iterable[Root]) -> None:
        """Watch the roots. Raises `OSError` when the system refuses."""
        self._inotify = Inotify()
        self._roots = {root.id: root for root in roots}
        self._places: dict[int, tuple[RootId, bytes]] = {}
        self._numbers: dict[RootId, dict[bytes, int]] = {root: {} for root in self._roots}
        self._full = False
        self._arrived = threading.Condition()
        self._changes = Changes()
        self._first = self._last = 0.0
        try:
            for root in self._roots.values():
                self._cover(root, b"")
        except BaseException:
            self._inotify.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._inotify.close()

    def read(self, *, timeout_s: float) -> None:
        """Wait for events and note what they say; return after a while in any case."""
        self._recover_roots()
        for event in self._inotify.read(timeout_s=timeout_s):
            self._understand(event)

    def take(self, *, quiet_s: float, patience_s: float, timeout_s: float) -> Changes:
        """What has changed since the last call, once nothing more has come for `quiet_s` or it has lasted `patience_s`.

        Nothing after `timeout_s` without a change.
        """
        with self._arrived:
            self._arrived.wait_for(lambda: bool(self._changes), timeout_s)
            while self._changes:
                now = time.monotonic()
                left = min(self._last + quiet_s, self._first + patience_s) - now
                if left <= 0:
                    break
                self._arrived.wait(left)
            changes, self._changes = self._changes, Changes()
            return changes

    def _note(self, root: RootId, path: bytes | None) -> None:
        """Note a changed path, or, with None, that the whole root must be looked at."""
        with self._arrived:
            self._last = time.monotonic()
            if not self._changes:
                self._first = self._last
            if path is None:
                self._changes.doubtful.add(root)
            else:
                self._changes.paths.setdefault(root, set()).add(path)
            self._arrived.notify()

    def _understand(self, event: Event) -> None:
        if event.mask & inotify.OVERFLOW:
            log.info("more happened at once than the system reports: all roots are looked at")
            for root in self._roots.values():
                self._cover(root, b"")
                self._note(root.id, None)
            return
        place = self._places.get(event.watch)
        if place is None:
            return
        root, directory = self._roots[place[0]], place[1]
        if not event.name:
            self._understand_itself(root, directory, event)
            return
        path = directory + b"/" + event.name if directory else event.name
        if event.mask & inotify.IS_DIRECTORY:
            if event.mask & inotify.MOVED_FROM:
                self._uncover(root, path)
            elif event.mask & _APPEARED:
                self._cover(root, path)
            elif event.mask & inotify.ATTRIB:
                # Its rights may have changed: what could not be watched before perhaps can be now.
                self._cover(root, path)
        elif event.name in RULE_FILES:
            self._cover(root, directory)
        self._note(root.id, path)

    def _understand_itself(self, root: Root, directory: bytes, event: Event) -> None:
        """An event about a watched directory and not about an entry; that of its parent says the rest."""
        if event.mask & inotify.IGNORED:
            self._forget(root, directory, event.watch)
        if event.mask & _GONE and not directory:
            self._uncover(root, b"")
            self._note(root.id, None)

    def _recover_roots(self) -> None:
        """Watch roots again that are back after they were gone."""
        for root in self._roots.values():
            if not self._numbers[root.id] and os.path.isdir(root.path):
                self._cover(root, b"")
                if self._numbers[root.id]:
                    self._note(root.id, None)

    def _cover(self, root: Root, below: bytes) -> None:
        """Watch a directory and what is wanted below it."""
        rules = rules_for(root.path, below)
        if rules is None:
            return
        for directory in Walk(root=root.path, device=root.device, below=below, rules=rules).directories():
            try:
                number = self._inotify.add(os.path.join(root.path, directory) if directory else root.path)
            except OSError as error:
                self._complain(error)
                continue
            self._places[number] = (root.id, directory)
            self._numbers[root.id][directory] = number

    def _uncover(self, root: Root, below: bytes) -> None:
        """Stop watching a directory and all below it: under its new name, if it has one, it is covered anew."""
        numbers = self._numbers[root.id]
        within = below + b"/"
        for directory in [path for path in numbers if not below or path == below or path.startswith(within)]:
            number = numbers.pop(directory)
            self._places.pop(number, None)
            self._inotify.remove(number)

    def _forget(self, root: Root, directory: bytes, number: int) -> None:
        """The kernel has ended a watch by itself."""
        self._places.pop(number, None)
        if self._numbers[root.id].get(directory) == number:
            del self._numbers[root.id][directory]

    def _complain(self, error: OSError) -> None:
        """A directory that is gone or closed is for the scan to find out about; a limit is for a person to raise."""
        if inotify.is_limit(error) and not self._full:
            self._full = True
            log.warning(
                "the system allows no more watches: raise fs.inotify.max_user_watches; until then, some changes are"
                " found by the periodic scan only"
            )
