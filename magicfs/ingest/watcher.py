"""Watches roots with inotify, and updates the index where something changed.

Used by the agent. Events are hints: each one only names a path to compare with the disk, and where events are lost
the root is scanned. `Watcher.run` watches one root: it blocks in a thread of its own and starts another one that reads
events. All changes are recorded through the `Scanner`, which may scan at the same time; see docs/concurrency.md.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from magicfs.domain.files import SeenFile
from magicfs.domain.ids import RootId
from magicfs.domain.roots import Root, Watch
from magicfs.errors import MagicFSError
from magicfs.ingest.changed_paths import links_among, look_at
from magicfs.ingest.paths import outermost
from magicfs.ingest.scanner import Scanner
from magicfs.ingest.watch_budget import WatchBudget
from magicfs.ingest.watch_set import ChangedPaths, WatchSet
from magicfs.linux.mounts import is_shared_file_system

log = logging.getLogger(__name__)

DEBOUNCE_SECONDS = 0.05
"""Changes are processed once no event has come for this long ..."""

MAX_DEBOUNCE_SECONDS = 0.4
"""... or this long after the first event: a file that is written all the time is processed too."""

POLL_SECONDS = 1.0
"""How often an idle watch checks whether to stop."""

OTHER_ROOT_SECONDS = 1.0
"""How long what was moved away stays in the index if another root may have it now: its events come on their own ..."""

OTHER_ROOT_BUSY_SECONDS = 30.0
"""... and how long at most, while changes of that root are not processed that are as old: it may have many."""

RETRY_SECONDS = 0.1
"""Pause between two checks whether another root has processed them."""

_INSTANCES_HINT = "; raise fs.inotify.max_user_instances"


class Watcher:
    """Watches roots of this host, each one independently of the others."""

    def __init__(self, scanner: Scanner, *, rescan: Callable[[Root], None]) -> None:
        """`rescan` requests a full scan of a root, and is called when its events are incomplete."""
        self._scanner = scanner
        self._rescan = rescan
        self._budget = WatchBudget()
        self._processing = threading.Lock()
        """Roots take turns in the database, so that one connection serves all of them."""
        self._watched: dict[RootId, Root] = {}
        self._processed_until: dict[RootId, float] = {}
        """All changes of a watched root that are older are processed, as `time.monotonic` counts."""

    def run(self, root: Root, stop: threading.Event) -> bool:
        """Watch `root` until `stop` is set. Ends early, after a warning, when the watch itself fails.

        Returns False when the system refuses to watch at all. The root is rescanned once its watches are in place,
        because earlier changes raised no event.
        """
        try:
            watches = WatchSet(root, self._budget)
        except OSError as error:
            log.warning(
                "cannot watch the root %s (%s): its changes are found by the periodic scan only%s",
                root.name,
                error.strerror,
                _INSTANCES_HINT if error.errno == errno.EMFILE else "",
            )
            self._record(root, Watch.NONE)
            self._rescan(root)
            return False
        self._watched[root.id] = root
        try:
            with watches:
                self._record(root, Watch.BEGINS if _sees_all(root, watches) else Watch.NONE)
                self._rescan(root)
                self._process_events(root, watches, stop)
        finally:
            self._watched.pop(root.id, None)
            self._processed_until.pop(root.id, None)
        if not stop.is_set():
            self._record(root, Watch.NONE)
        return True

    def _record(self, root: Root, watch: Watch) -> None:
        """Record how a root is watched, before the scan that finds earlier changes. Without a database, do nothing."""
        with contextlib.suppress(MagicFSError), self._processing:
            self._scanner.record_watch(root, watch)

    def _process_events(self, root: Root, watches: WatchSet, stop: threading.Event) -> None:
        was_complete = watches.is_complete
        postponed: dict[bytes, float] = {}
        """Paths that were moved away, by the time at which that was known."""
        with _reading(root, watches, stop) as ended:
            while not stop.is_set() and not ended.is_set():
                changes = watches.take(
                    debounce_s=DEBOUNCE_SECONDS,
                    max_debounce_s=MAX_DEBOUNCE_SECONDS,
                    timeout_s=RETRY_SECONDS if postponed else POLL_SECONDS,
                )
                taken_at = time.monotonic()
                changes.paths |= self._take_due(root, postponed)
                if was_complete is not watches.is_complete:
                    was_complete = watches.is_complete
                    self._record(root, Watch.BEGINS if _sees_all(root, watches) else Watch.NONE)
                try:
                    if changes:
                        with self._processing:
                            again = self.process(root, changes)
                        postponed |= dict.fromkeys(again, taken_at)
                    self._processed_until[root.id] = changes.until
                except MagicFSError as error:
                    # When this is an outage, the scan meets it too, and says so once.
                    log.debug("changes could not be recorded, a scan follows: %s", error)
                    self._record(root, Watch.MISSED)
                    self._rescan(root)
                except Exception:
                    log.exception("processing changes failed, a scan follows")
                    self._record(root, Watch.MISSED)
                    self._rescan(root)

    def process(self, root: Root, changes: ChangedPaths) -> set[bytes]:
        """Update the index from the disk at the changed paths of a root. Returns those to compare once more, later."""
        if changes.lost_events:
            self._miss(root)
        if not changes.paths:
            return set()
        postponed = changes.moved_away if self._others(root) else set()
        return self._process_paths(root, sorted(changes.paths), postponed)

    def _others(self, root: Root) -> list[Root]:
        """The other roots that are watched to which something may be moved from a root without being copied."""
        others = list(self._watched.values())
        return [other for other in others if other.id != root.id and other.device == root.device]

    def _take_due(self, root: Root, postponed: dict[bytes, float]) -> set[bytes]:
        """Take the paths whose time has come out of `postponed`: no other root has what was moved from there."""
        now = time.monotonic()
        until = min((self._processed_until.get(other.id, float("-inf")) for other in self._others(root)), default=now)
        due = {
            path
            for path, at in postponed.items()
            if now >= at + (OTHER_ROOT_SECONDS if until >= at else OTHER_ROOT_BUSY_SECONDS)
        }
        for path in due:
            del postponed[path]
        return due

    def _process_paths(self, root: Root, paths: list[bytes], postponed: set[bytes]) -> set[bytes]:
        """Update the index at some paths. Those of `postponed` are not deleted now, but returned if they are gone."""
        found = look_at(root, paths)
        self._scanner.record(root, [*found.files, *self._other_links(root, found.files)])
        if not self._scan_directories(root, found.directories):
            # The full scan deletes what is gone, when it has seen where files that were moved are now.
            return set()
        # At the end: what is known of a file has followed it to its new path by now.
        deleted = [path for path in found.gone if path not in postponed]
        if deleted and not self._scanner.delete(root, deleted):
            self._rescan(root)
        return postponed.intersection(found.gone)

    def _other_links(self, root: Root, files: Sequence[SeenFile]) -> list[SeenFile]:
        """The other hard links to files: a change by one name raises no event for the others."""
        inodes = {file.stat.ino for file in files if file.has_links}
        if not inodes:
            return []
        return links_among(root, self._scanner.paths_of_inodes(root, inodes) - {file.path for file in files}, inodes)

    def _scan_directories(self, root: Root, directories: set[bytes]) -> bool:
        """Scan whole directories. Returns whether everything in them was seen.

        A full scan follows if not, because too much is new, and where deletions are suspicious.
        """
        seen_all = True
        for directory in outermost(directories):
            result = self._scanner.scan_directory(root, directory)
            if result.unfinished:
                seen_all = False
                self._miss(root)
            elif result.suspected_deletions or result.was_long:
                self._rescan(root)
        return seen_all

    def _miss(self, root: Root) -> None:
        """Record that changes are not known yet, and request the scan that finds them."""
        self._scanner.record_watch(root, Watch.MISSED)
        self._rescan(root)


@contextlib.contextmanager
def _reading(root: Root, watches: WatchSet, stop: threading.Event) -> Iterator[threading.Event]:
    """Read the events of a root in a thread until `stop` is set or the block ends. Yields what its end sets."""
    ended = threading.Event()

    def read() -> None:
        try:
            while not stop.is_set() and not ended.is_set():
                watches.read(timeout_s=POLL_SECONDS)
        except Exception:
            log.exception("reading inotify events failed")
        finally:
            ended.set()

    reader = threading.Thread(target=read, name=f"inotify-reader-{root.name}")
    reader.start()
    try:
        yield ended
    finally:
        ended.set()
        reader.join()


def _sees_all(root: Root, watches: WatchSet) -> bool:
    """Whether each change of a root raises an event here. Those that another machine makes on a shared disk do not."""
    return watches.is_complete and not is_shared_file_system(root.path)
