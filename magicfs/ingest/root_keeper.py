"""Keeps the roots of a host scanned and watched: which root is scanned when, and which is watched.

The agent gives it the roots again and again, and runs its two loops in threads. It scans and watches nothing itself:
`scanner` and `root_watch` do. Each scan has a thread of its own, and each watch has two.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Sequence
from datetime import datetime

from magicfs.config import Settings
from magicfs.domain.ids import RootId
from magicfs.domain.roots import RegisteredRoot, Root, RootState
from magicfs.ingest.outages import errors_logged
from magicfs.ingest.root_watch import RootWatch
from magicfs.ingest.scanner import Scanner
from magicfs.ingest.watcher import Watcher
from magicfs.logs import Outage

log = logging.getLogger(__name__)

COMPARE_SECONDS = 3600.0
"""The pause between two periodic scans that compare with the database itself, not with what earlier scans have seen."""

MISSING_SCAN_SECONDS = 5.0
"""Time between two scans of a missing root, so the most until its return is noticed."""

SCAN_TURN_SECONDS = 1.0
"""How long a scan has the disk for itself. Most end by then; the next root waits no longer for a large one."""

MAX_SCANS = 4
"""Scans at the same time. Each needs a database connection, and slows the others down."""

WATCH_RETRY_SECONDS = 10.0
"""Pause after a watch that failed. Each new watch begins with a scan of its root."""

WATCHES_SECONDS = 5.0
"""Pause between two checks of the watches when nothing is known to have changed."""


class RootKeeper:
    """Keeps the roots of one host scanned and watched."""

    def __init__(self, settings: Settings, scanner: Scanner, outage: Outage) -> None:
        """Errors of scans and watches go to the log by `outage`."""
        self._settings = settings
        self._scanner = scanner
        self._outage = outage
        self._watcher = Watcher(scanner, rescan=self.request_scan)
        self._roots: dict[RootId, RegisteredRoot] = {}
        self._last_scan: dict[RootId, float] = {}
        """When the last scan of each root began; a root without one is due now."""
        self._scan_wanted_at: dict[RootId, datetime | None] = {}
        """`scan_wanted_at` of each root when its last scan began: a later value is a new request."""
        self._compared_at: dict[RootId, float] = {}
        """When the last scan of each root began that compared with the database itself."""
        self._begun: set[RootId] = set()
        """The roots whose first scan has begun: they are watched from now on."""
        self._scans: dict[RootId, threading.Thread] = {}
        """The scans that go on. Each takes itself out at its end."""
        self._silent: set[RootId] = set()
        """The roots whose scans wait for a disk that does not answer."""
        self._scan_requested = threading.Event()
        self._roots_changed = threading.Event()

    def keep_roots(self, loaded: Sequence[RegisteredRoot]) -> bool:
        """Take over the roots of the host as they are now. Returns whether a scan of one is requested.

        It is, of those that are new or that somebody asked to scan.
        """
        new = {registered.root.id for registered in loaded} - self._roots.keys()
        former, self._roots = self._roots, {registered.root.id: registered for registered in loaded}
        if self._roots != former:
            self._roots_changed.set()
        is_requested = False
        for registered in loaded:
            root, request = registered.root, registered.scan_wanted_at
            if root.id in new:
                # Its first scan is due, and may have begun already: it is not requested again.
                self._scan_requested.set()
                is_requested = True
            elif request is not None and request != self._scan_wanted_at.get(root.id):
                self.request_scan(root)
                is_requested = True
        return is_requested

    def interrupt(self) -> None:
        """Let both loops look at once."""
        self._scan_requested.set()
        self._roots_changed.set()

    def request_scan(self, root: Root) -> None:
        """Scan a root soon, and once more if it is being scanned. Any thread."""
        self._last_scan.pop(root.id, None)
        self._scan_requested.set()

    def scan_roots(self, stop: threading.Event) -> None:
        """Scan roots that are due or that somebody asked to scan, until `stop` is set."""
        while not stop.is_set():
            self._scan_requested.clear()
            self._free_removed_roots(list(self._scans))
            with errors_logged(stop, self._outage, "silent disks"):
                self._note_silent_disks()
            for registered in self._due_roots():
                if stop.is_set() or len(self._scans.keys() - self._silent) >= MAX_SCANS:
                    break
                if registered.root.id not in self._scans:
                    try:
                        self._start_scan(registered, stop).join(SCAN_TURN_SECONDS)
                    except RuntimeError as error:
                        log.warning("the scan of root %s waits: %s", registered.root.name, error)
                        break
            # A scan that ends wakes this thread.
            not_scanned = [each for root_id, each in list(self._roots.items()) if root_id not in self._scans]
            pauses = [seconds for seconds in map(self._seconds_until_scan, not_scanned) if seconds > 0.0]
            self._scan_requested.wait(min([*pauses, MISSING_SCAN_SECONDS]))
        for scan in list(self._scans.values()):
            scan.join()

    def _note_silent_disks(self) -> None:
        """Record the roots whose disks do not answer: whoever waits for their scans need not wait any longer.

        And those whose disks answer again: a scan that goes on may take hours.
        """
        silent = self._scanner.disks.silent()
        for root_id in self._silent - silent:
            # What has ended has recorded what became of its root.
            if root_id in self._scans and root_id in self._roots:
                self._scanner.record_answer(self._roots[root_id].root)
            self._silent.discard(root_id)
        for root_id in silent - self._silent:
            if root_id in self._roots:
                self._scanner.record_silent(self._roots[root_id].root)
            self._silent.add(root_id)

    def _due_roots(self) -> list[RegisteredRoot]:
        """The roots that are to be scanned now, those first that are new or that somebody asked to scan."""
        due = [each for each in list(self._roots.values()) if self._seconds_until_scan(each) <= 0.0]
        return sorted(due, key=lambda each: each.root.id in self._last_scan)

    def _seconds_until_scan(self, registered: RegisteredRoot) -> float:
        """Seconds until the next scan of a root is due; 0 or less when it is."""
        missing = registered.state is RootState.MISSING
        pause = MISSING_SCAN_SECONDS if missing else self._settings.scan_seconds
        return self._last_scan.get(registered.root.id, float("-inf")) + pause - time.monotonic()

    def _free_removed_roots(self, scanned: Collection[RootId]) -> None:
        """Free what is kept for roots that were removed. Not for those that are being `scanned`: it is kept anew."""
        roots = {*self._roots, *scanned}
        for kept in (self._last_scan, self._scan_wanted_at, self._compared_at):
            for root_id in list(kept):
                if root_id not in roots:
                    kept.pop(root_id, None)
                    self._outage.ended(_scan_of(root_id))
        self._begun &= roots
        self._scanner.retain(roots)

    def _start_scan(self, registered: RegisteredRoot, stop: threading.Event) -> threading.Thread:
        """Scan a root in a thread of its own. What says when it is due next is up to date when this returns."""
        root, began = registered.root, time.monotonic()
        requested = registered.scan_wanted_at not in {None, self._scan_wanted_at.get(root.id)}
        compare = requested or began >= self._compared_at.get(root.id, float("-inf")) + COMPARE_SECONDS
        # Before the scan, so that a request during it leads to another one.
        self._last_scan[root.id] = began
        self._scan_wanted_at[root.id] = registered.scan_wanted_at
        if root.id not in self._begun:
            self._begun.add(root.id)
            self._roots_changed.set()
        if compare:
            self._compared_at[root.id] = began

        def scan() -> None:
            try:
                with errors_logged(stop, self._outage, _scan_of(root.id)):
                    self._scan(registered, began=began, compare=compare)
            finally:
                # Before the loop wakes: what was requested meanwhile begins then.
                del self._scans[root.id]
                self._scan_requested.set()

        thread = self._scans[root.id] = threading.Thread(target=scan, name=f"scan-{root.name}")
        try:
            thread.start()
        except RuntimeError:
            # The system allows no more threads.
            del self._scans[root.id]
            self._last_scan.pop(root.id, None)
            self._compared_at.pop(root.id, None)
            raise
        return thread

    def _scan(self, registered: RegisteredRoot, *, began: float, compare: bool) -> None:
        root = registered.root
        try:
            with self._scanner.disks.scanning(root.id):
                result = self._scanner.scan(registered, use_cache=not compare)
        except BaseException:
            self._last_scan.pop(root.id, None)
            self._compared_at.pop(root.id, None)
            raise
        if result.changed or result.deleted:
            seconds = time.monotonic() - began
            log.info(
                "scanned root %s in %.1f s: %d changed, %d deleted", root.name, seconds, result.changed, result.deleted
            )

    def watch_roots(self, stop: threading.Event) -> None:
        """Start and end the watches of the roots, until `stop` is set. Then waits for their end."""
        watches: dict[RootId, RootWatch] = {}
        while not stop.is_set():
            self._roots_changed.wait(WATCHES_SECONDS)
            self._roots_changed.clear()
            with errors_logged(stop, self._outage, "watches"):
                self._update_watches(watches)
        for watch in watches.values():
            watch.end()
        for watch in watches.values():
            watch.join()

    def _update_watches(self, watches: dict[RootId, RootWatch]) -> None:
        """Start the watches of present roots that have none, and end those of other roots. Waits for no watch."""
        present = {root.id: root for root in self._present_roots()}
        for root_id, watch in list(watches.items()):
            if present.get(root_id) != watch.root:
                watch.end()
            if watch.is_over():
                del watches[root_id]
        for root_id in present.keys() - watches.keys():
            watches[root_id] = RootWatch(
                self._watcher,
                self._outage,
                present[root_id],
                retry_s=WATCH_RETRY_SECONDS,
                refused_s=self._settings.scan_seconds,
                on_end=self._roots_changed.set,
            )

    def _present_roots(self) -> set[Root]:
        """The roots to watch. The first scan of a root begins before its watch, which takes a while for a large one."""
        return {
            registered.root
            for registered in self._roots.values()
            if registered.state is not RootState.MISSING and registered.root.id in self._begun
        }


def _scan_of(root: RootId) -> str:
    """The name of this work for the log of outages."""
    return f"scan of root {root}"
