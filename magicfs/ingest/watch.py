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
from collections.abc import Callable, Iterable, Sequence

from magicfs.db.files import SeenFile
from magicfs.domain.files import FileStat, Root
from magicfs.errors import MagicFSError
from magicfs.ingest.paths import outermost
from magicfs.ingest.rules import RULE_FILES, Rules, rules_for
from magicfs.ingest.scan import Scanner
from magicfs.ingest.watches import Changes, Watches

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
