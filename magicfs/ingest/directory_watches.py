"""`DirectoryWatches`: which directories of a root have an inotify watch, as far as the system allows them.

Used by `WatchSet`, in the thread that reads events. Follows no changes by itself.
"""

from __future__ import annotations

import errno
import logging
import os
import time
from collections.abc import Collection

from magicfs.domain.roots import Root
from magicfs.ingest.ignore import rules_for
from magicfs.ingest.paths import SortedPaths
from magicfs.ingest.walk import Walk
from magicfs.ingest.watch_budget import WatchBudget
from magicfs.linux.inotify import Inotify, is_watch_limit

log = logging.getLogger(__name__)

RETRY_SECONDS = 60.0
"""Pause before a watch that the system has refused is tried again: the limit may be higher by then, or less in use."""


class DirectoryWatches:
    """The watched directories of a root, by their paths from it."""

    def __init__(self, root: Root, budget: WatchBudget, inotify: Inotify) -> None:
        """Take watches out of `budget`. None is taken yet."""
        self._root = root
        self._budget = budget
        self._inotify = inotify
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

    @property
    def directories(self) -> Collection[bytes]:
        """The watched directories; the root is the empty path."""
        return self._watch_of.keys()

    def directories_of(self, number: int) -> list[bytes]:
        """The directories that have a watch number."""
        return list(self._directories_of.get(number, ()))

    def number_of(self, directory: bytes) -> int:
        """The number of the watch of a directory. Raises `KeyError` without one."""
        return self._watch_of[directory]

    def give_back(self) -> None:
        """Give the watches back to the budget. The kernel ends them with the inotify instance."""
        self._budget.give_back(len(self._directories_of))

    def is_root_in_place(self) -> bool:
        """Whether the watched directory is still at the path of the root, as far as the kernel can tell."""
        try:
            # A directory that is watched keeps its number.
            return self._inotify.add(self._root.path) == self._watch_of.get(b"")
        except OSError as error:
            return error.errno not in {errno.ENOENT, errno.ENOTDIR}

    def retry_refused(self) -> bool:
        """Watch all directories if the system has refused one and does not any more. Returns whether all are now."""
        if self._refused is None or time.monotonic() < self._retry_at:
            return False
        self._retry_at = time.monotonic() + RETRY_SECONDS
        self._budget.refresh()
        try:
            self._watch(self._refused)
        except OSError as error:
            if is_watch_limit(error):
                return False
        self._refused = None
        self.watch_tree(b"")
        if self._refused is None:
            self.is_complete = True
            log.info("the system allows more watches: all directories of the root %s have one", self._root.name)
        return self.is_complete

    def watch_tree(self, directory: bytes) -> None:
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

    def unwatch_tree(self, directory: bytes) -> None:
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

    def watch_ended(self, directory: bytes, number: int) -> None:
        """Note that the kernel has ended the watch of a directory."""
        self._forget(directory, number)
        if self._watch_of.get(directory) == number:
            del self._watch_of[directory]

    def _handle_limit(self, directory: bytes) -> None:
        """Note that a directory was refused, and log the first one. Other errors are reported by the scan."""
        self._refused = directory
        if self.is_complete:
            self.is_complete = False
            self._retry_at = time.monotonic() + RETRY_SECONDS
            log.warning(
                "the system allows no more watches, of which other programs need some: raise"
                " fs.inotify.max_user_watches; until then, some changes of the root %s are found by the periodic scan"
                " only",
                self._root.name,
            )
