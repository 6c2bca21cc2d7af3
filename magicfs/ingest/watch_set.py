"""The changes in the watched directories of a root: the paths that their inotify events name.

Used by `Watcher`. Says nothing of the index: which of the paths have changed is for others to compare.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from magicfs.domain.roots import Root
from magicfs.ingest.directory_watches import DirectoryWatches
from magicfs.ingest.ignore import DECIDING_NAMES
from magicfs.ingest.watch_budget import WatchBudget
from magicfs.linux.inotify import Event, Inotify, InotifyMask

log = logging.getLogger(__name__)

_ENTRY_APPEARED = InotifyMask.CREATE | InotifyMask.MOVED_TO
_DIRECTORY_GONE = InotifyMask.DELETE_SELF | InotifyMask.MOVE_SELF | InotifyMask.UNMOUNT | InotifyMask.IGNORED

CHECK_SECONDS = 5.0
"""Pause between two checks whether the watched directory is still at the path of the root: no event tells that one
above it was renamed."""

_NEW_NAME_SECONDS = 0.1
"""How long the new name of what was moved is waited for: a program may move file after file out of the root."""


@dataclass(slots=True)
class ChangedPaths:
    """The paths that events named. Mutable: `WatchSet` adds to it until `WatchSet.take` returns it."""

    paths: set[bytes] = field(default_factory=set)
    """Relative to the root. A directory stands for everything in it."""
    moved_away: set[bytes] = field(default_factory=set)
    """The paths from which something was moved to another name, which may be in another root."""
    lost_events: bool = False
    """Whether the events are incomplete: the root needs a full scan."""
    until: float = float("-inf")
    """All that has happened before this time is here or in earlier changes, as `time.monotonic` counts."""

    def __bool__(self) -> bool:
        return bool(self.paths or self.lost_events)


class WatchSet:
    """The watched directories of a root, and the changes in them that nobody has taken yet.

    One thread calls `read`, another one `take`.
    """

    def __init__(self, root: Root, budget: WatchBudget) -> None:
        """Watch the root, as far as `budget` has watches. Raises `OSError` when the system refuses."""
        self._inotify = Inotify()
        self._root = root
        self.watches = DirectoryWatches(root, budget, self._inotify)
        self._check_at = time.monotonic() + CHECK_SECONDS
        """When the path of the root is checked, on the same clock."""
        self._noted = ChangedPaths()
        """What the events of this reading name."""
        self._changed = threading.Condition()
        self._changes = ChangedPaths()
        self._first_change = self._last_change = 0.0
        self._had_none_at = float("-inf")
        """When the kernel had no event last."""
        try:
            self.watches.watch_tree(b"")
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        self._inotify.close()
        self.watches.give_back()

    @property
    def is_complete(self) -> bool:
        """Whether the system has allowed every watch."""
        return self.watches.is_complete

    def read(self, *, timeout_s: float) -> None:
        """Read events and note the paths that they name. Returns after `timeout_s` without events.

        `take` returns both names of what was moved within the root, or none: it would be deleted under the old one.
        """
        self._follow_root()
        if self.watches.retry_refused():
            self._noted.lost_events = True
        self._read_events(timeout_s)
        until = time.monotonic() + _NEW_NAME_SECONDS
        # Whether that was all.
        mask = self._read_events(0.0)
        while mask & InotifyMask.MOVED_FROM and time.monotonic() < until:
            # The new name is the next event, if it is in the root.
            mask = self._read_events(0.0)
        with self._changed:
            if self._noted:
                noted, self._noted = self._noted, ChangedPaths()
                self._last_change = time.monotonic()
                if not self._changes:
                    self._first_change = self._last_change
                self._changes.paths |= noted.paths
                self._changes.moved_away |= noted.moved_away
                self._changes.lost_events |= noted.lost_events
                self._changed.notify()
            self._changes.until = self._had_none_at

    def _read_events(self, timeout_s: float) -> int:
        """Read events and note their paths. Returns the mask of the last one, 0 without any."""
        mask, asked_at = 0, time.monotonic()
        for event in self._inotify.read(timeout_s=timeout_s):
            self._handle_event(event)
            mask = event.mask
        if not mask:
            self._had_none_at = asked_at
        return mask

    def take(self, *, debounce_s: float, max_debounce_s: float, timeout_s: float) -> ChangedPaths:
        """The changes since the last call.

        Waits until none has come for `debounce_s`, at most until `max_debounce_s` after the first one. Returns no
        changes after `timeout_s` without any.
        """
        with self._changed:
            self._changed.wait_for(lambda: bool(self._changes), timeout_s)
            while self._changes:
                deadline = min(self._last_change + debounce_s, self._first_change + max_debounce_s)
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    break
                self._changed.wait(remaining)
            changes, self._changes = self._changes, ChangedPaths(until=self._changes.until)
            return changes

    def _handle_event(self, event: Event) -> None:
        if event.mask & InotifyMask.Q_OVERFLOW:
            log.info("the kernel has dropped inotify events: the root %s will be scanned", self._root.name)
            self.watches.watch_tree(b"")
            self._noted.lost_events = True
            return
        for directory in self.watches.directories_of(event.watch):
            if event.name:
                self._handle_entry_event(directory, event)
            else:
                self._handle_directory_event(directory, event)

    def _handle_entry_event(self, directory: bytes, event: Event) -> None:
        """Handle an event about an entry of a watched directory."""
        path = directory + b"/" + event.name if directory else event.name
        if event.mask & InotifyMask.ISDIR:
            if event.mask & InotifyMask.MOVED_FROM:
                self.watches.unwatch_tree(path)
            elif event.mask & (_ENTRY_APPEARED | InotifyMask.ATTRIB):
                # New permissions may allow a watch that was refused before.
                self.watches.watch_tree(path)
        elif event.name in DECIDING_NAMES:
            self.watches.watch_tree(directory)
        self._noted.paths.add(path)
        if event.mask & InotifyMask.MOVED_FROM:
            self._noted.moved_away.add(path)

    def _handle_directory_event(self, directory: bytes, event: Event) -> None:
        """Handle an event about a watched directory itself. Its parent's watch reports the change of the entry."""
        if event.mask & InotifyMask.IGNORED:
            self.watches.watch_ended(directory, event.watch)
        if event.mask & _DIRECTORY_GONE and not directory:
            self.watches.unwatch_tree(b"")
            self._noted.lost_events = True

    def _follow_root(self) -> None:
        """Watch the root anew if it was gone and is back, or if another directory is at its path now."""
        if self.watches.directories and time.monotonic() >= self._check_at:
            self._check_at = time.monotonic() + CHECK_SECONDS
            if not self.watches.is_root_in_place():
                self.watches.unwatch_tree(b"")
                self._noted.lost_events = True
        if not self.watches.directories and os.path.isdir(self._root.path):
            self.watches.watch_tree(b"")
            if self.watches.directories:
                self._noted.lost_events = True
