"""Turn what the file system reports into looks at paths. Events are hints: each one only says where to look.

`Watcher.run` blocks in a thread of its own. What it finds is recorded through the `Scanner`; the periodic scan
may run at the same time, see docs/concurrency.md.
"""

from __future__ import annotations

import logging
import os
import stat
import threading
from collections.abc import Callable, Iterable, Sequence

from watchfiles import watch

from magicfs.db.files import SeenFile
from magicfs.domain.files import FileStat, Root
from magicfs.ingest.rules import RULE_FILES, rules_for
from magicfs.ingest.scan import Scanner

log = logging.getLogger(__name__)

QUIET_MS = 50
"""A burst of events is handled once nothing has come for this long ..."""

PATIENCE_MS = 400
"""... or once it has lasted this long: a file that is written all the time is looked at all the same."""

PRIORITY = 1
"""What a person just saved goes ahead of a bulk import ..."""

BULK = 200
"""... but a burst of more files than a person saves at once is a bulk import."""


OVERFLOW = 2000
"""Paths in one burst. The kernel drops events silently when too many come at once: look at everything then."""

IDLE_MS = 250
"""How often a quiet watch returns, to see whether it should stop."""


class Watcher:
    """Watches the roots of this host."""

    def __init__(self, scanner: Scanner, *, rescan: Callable[[Root], None]) -> None:
        """`rescan` is called with a root that needs a full scan, since events cannot be trusted to tell all."""
        self._scanner = scanner
        self._rescan = rescan

    def run(self, roots: Sequence[Root], stop: threading.Event) -> None:
        """Watch `roots` until `stop` is set. Ends early, after a warning, when the system refuses watches.

        Each root is rescanned as soon as its watch is in place: what changed before that raised no event.
        """
        paths = [os.fsdecode(root.path) for root in roots if os.path.isdir(root.path)]
        watching = False
        try:
            for changes in watch(
                *paths,
                watch_filter=None,
                debounce=PATIENCE_MS,
                step=QUIET_MS,
                stop_event=stop,
                rust_timeout=IDLE_MS,
                yield_on_timeout=True,
                recursive=True,
                ignore_permission_denied=True,
                raise_interrupt=False,
            ):
                if not watching:
                    watching = True
                    for root in roots:
                        self._rescan(root)
                if changes:
                    self.handle(roots, {os.fsencode(path) for _, path in changes})
        except (OSError, RuntimeError) as error:
            log.warning("cannot watch the roots (%s): changes are found by the periodic scan only", error)
            for root in roots:
                self._rescan(root)

    def handle(self, roots: Iterable[Root], paths: set[bytes]) -> None:
        """Look at the paths that events named, root by root."""
        for root in roots:
            prefix = root.path.rstrip(b"/") + b"/"
            below = sorted(path[len(prefix) :] for path in paths if path.startswith(prefix))
            if len(below) >= OVERFLOW or (root.path in paths and not os.path.isdir(root.path)):
                self._rescan(root)
            if below:
                self._look(root, below)

    def _look(self, root: Root, below: list[bytes]) -> None:
        gone: list[bytes] = []
        seen: list[SeenFile] = []
        directories: set[bytes] = set()
        for path in below:
            parent, _, name = path.rpartition(b"/")
            if name in RULE_FILES:
                directories.add(parent)
            status = _lstat(os.path.join(root.path, path))
            if status is None:
                gone.append(path)
            elif _is_directory(status):
                directories.add(path)
            else:
                self._meet(root, path, status, seen=seen, gone=gone)
        priority = PRIORITY if len(seen) <= BULK else 0
        self._scanner.save(root, seen, priority=priority)
        if gone and os.path.isdir(root.path) and not self._scanner.forget(root, gone):
            self._rescan(root)
        for directory in _outermost(directories):
            self._scanner.scan_below(root, directory, priority=priority)

    def _meet(
        self, root: Root, path: bytes, status: os.stat_result, *, seen: list[SeenFile], gone: list[bytes]
    ) -> None:
        """Sort a path that exists: a wanted regular file is seen, anything else is nothing to the index."""
        rules = rules_for(root.path, path.rpartition(b"/")[0])
        wanted = rules is not None and not rules.ignores(path, is_directory=False)
        if wanted and stat.S_ISREG(status.st_mode):
            seen.append(SeenFile(path, FileStat.of(status)))
        else:
            gone.append(path)


def _lstat(path: bytes) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except OSError:
        return None


def _is_directory(status: os.stat_result) -> bool:
    return stat.S_ISDIR(status.st_mode)


def _outermost(directories: set[bytes]) -> list[bytes]:
    """The directories that lie inside no other one of the set."""
    kept: list[bytes] = []
    for directory in sorted(directories):
        if not any(not other or directory == other or directory.startswith(other + b"/") for other in kept):
            kept.append(directory)
    return kept
