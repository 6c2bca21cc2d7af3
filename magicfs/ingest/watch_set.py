"""The watched directories of a root, and the paths that their inotify events name.

Used by `Watcher`. Says nothing of the index: which of the paths have changed is for others to compare.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from magicfs.domain.roots import Root
from magicfs.ingest.ignore import RULE_FILES, rules_for
from magicfs.ingest.paths import SortedPaths
from magicfs.ingest.walk import Walk
from magicfs.ingest.watch_budget import WatchBudget
from magicfs.linux.inotify import Event, Inotify, InotifyMask, is_watch_limit

log = logging.getLogger(__name__)

_ENTRY_APPEARED = InotifyMask.CREATE | InotifyMask.MOVED_TO
_DIRECTORY_GONE = InotifyMask.DELETE_SELF | InotifyMask.MOVE_SELF | InotifyMask.UNMOUNT | InotifyMask.IGNORED

_RETRY_SECONDS = 60.0
"""Pause before a watch that the system has refused is tried again: the limit may be higher by then, or less in use."""

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
        self._budget = budget
        self._inotify = Inotify()
        self._root = root
        self._directories_of: dict[int, list[bytes]] = {}
        """Directories by watch number. A directory that is mounted at a second place has one number for both."""
        self._watch_of: dict[bytes, int] = {}
        """Watch numbers by directory."""
        self._sorted_directories = SortedPaths(self._watch_of)
        self.is_complete = True
        """Whether the system has allowed every watch."""
        self._refused: bytes | None = None
        """A directory that the system has refused to watch; None if there is none."""
        self._retry_at = 0.0
        """When that is tried again, as `time.monotonic` counts."""
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
            self._watch_tree(b"")
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
        self._budget.give_back(len(self._directories_of))

    def read(self, *, timeout_s: float) -> None:
        """Read events and note the paths that they name. Returns after `timeout_s` without events.

        `take` returns both names of what was moved within the root, or none: it would be deleted under the old one.
        """
        self._follow_root()
        self._retry_refused()
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
            self._watch_tree(b"")
            self._noted.lost_events = True
            return
        for directory in list(self._directories_of.get(event.watch, ())):
            if event.name:
                self._handle_entry_event(directory, event)
            else:
                self._handle_directory_event(directory, event)

    def _handle_entry_event(self, directory: bytes, event: Event) -> None:
        """Handle an event about an entry of a watched directory."""
        path = directory + b"/" + event.name if directory else event.name
        if event.mask & InotifyMask.ISDIR:
            if event.mask & InotifyMask.MOVED_FROM:
                self._unwatch_tree(path)
            elif event.mask & (_ENTRY_APPEARED | InotifyMask.ATTRIB):
                # New permissions may allow a watch that was refused before.
                self._watch_tree(path)
        elif event.name in RULE_FILES:
            self._watch_tree(directory)
        self._noted.paths.add(path)
        if event.mask & InotifyMask.MOVED_FROM:
            self._noted.moved_away.add(path)

    def _handle_directory_event(self, directory: bytes, event: Event) -> None:
        """Handle an event about a watched directory itself. Its parent's watch reports the change of the entry."""
        if event.mask & InotifyMask.IGNORED:
            self._watch_ended(directory, event.watch)
        if event.mask & _DIRECTORY_GONE and not directory:
            self._unwatch_tree(b"")
            self._noted.lost_events = True

    def _follow_root(self) -> None:
        """Watch the root anew if it was gone and is back, or if another directory is at its path now."""
        if self._watch_of and time.monotonic() >= self._check_at:
            self._check_at = time.monotonic() + CHECK_SECONDS
            if not self._is_in_place():
                self._unwatch_tree(b"")
                self._noted.lost_events = True
        if not self._watch_of and os.path.isdir(self._root.path):
            self._watch_tree(b"")
            if self._watch_of:
                self._noted.lost_events = True

    def _is_in_place(self) -> bool:
        """Whether the watched directory is still at the path of the root, as far as the kernel can tell."""
        try:
            # A directory that is watched keeps its number.
            return self._inotify.add(self._root.path) == self._watch_of.get(b"")
        except OSError as error:
            return error.errno not in {errno.ENOENT, errno.ENOTDIR}

    def _retry_refused(self) -> None:
        """Watch all directories if the system has refused one and does not any more."""
        if self._refused is None or time.monotonic() < self._retry_at:
            return
        self._retry_at = time.monotonic() + _RETRY_SECONDS
        self._budget.refresh()
        try:
            self._watch(self._refused)
        except OSError as error:
            if is_watch_limit(error):
                return
        self._refused = None
        self._watch_tree(b"")
        if self._refused is None:
            self.is_complete = True
            self._noted.lost_events = True
            log.info("the system allows more watches: all directories of the root %s have one", self._root.name)

    def _watch_tree(self, directory: bytes) -> None:
        """Watch a directory and the directories below it that no rule ignores."""
        root = self._root
        rules = rules_for(root.path, directory)
        if rules is None:
            return
        for wanted in Walk(root=root.path, device=root.device, top=directory, rules=rules).directories():
            try:
                self._watch(wanted)
            except OSError as error:
                if is_watch_limit(error):
                    self._handle_limit(wanted)

    def _watch(self, directory: bytes) -> None:
        """Watch a directory. Raises `OSError`, as for the limit of the system when the budget is used up."""
        is_known = directory in self._watch_of
        if not is_known and not self._budget.take(of_root=len(self._directories_of)):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), directory)
        is_new = False
        try:
            number = self._inotify.add(os.path.join(self._root.path, directory) if directory else self._root.path)
            is_new = number not in self._directories_of
        finally:
            # Two names may have one watch, and another directory may have a known name.
            self._budget.give_back(int(not is_known) - int(is_new))
        if directory not in self._watch_of:
            self._sorted_directories.add(directory)
        directories = self._directories_of.setdefault(number, [])
        if directory not in directories:
            directories.append(directory)
        self._watch_of[directory] = number

    def _unwatch_tree(self, directory: bytes) -> None:
        """Stop watching a directory and all below it. One that was moved is watched anew under its new name."""
        for path in (directory, *self._sorted_directories.below(directory)):
            number = self._watch_of.pop(path, None)
            if number is not None and not self._forget(path, number):
                self._inotify.remove(number)

    def _forget(self, directory: bytes, number: int) -> bool:
        """Take a directory from those of a watch number. Returns whether others are left."""
        directories = self._directories_of.get(number, [])
        if directory in directories:
            directories.remove(directory)
        if not directories and self._directories_of.pop(number, None) is not None:
            self._budget.give_back(1)
        return bool(directories)

    def _watch_ended(self, directory: bytes, number: int) -> None:
        """The kernel has ended a watch."""
        self._forget(directory, number)
        if self._watch_of.get(directory) == number:
            del self._watch_of[directory]

    def _handle_limit(self, directory: bytes) -> None:
        """Note that a directory was refused, and log the first one. Other errors are reported by the scan."""
        self._refused = directory
        if self.is_complete:
            self.is_complete = False
            self._retry_at = time.monotonic() + _RETRY_SECONDS
            log.warning(
                "the system allows no more watches, of which other programs need some: raise"
                " fs.inotify.max_user_watches; until then, some changes of the root %s are found by the periodic scan"
                " only",
                self._root.name,
            )
