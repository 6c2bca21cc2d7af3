"""Which directories are watched, and what has changed in them since somebody asked.

Used by `Watcher`. A directory is watched before it is listed, so what appears in it meanwhile is in the list or in an
event. Ignored directories, other disks and what links point to are not watched. One thread calls `read`, another one
`take`.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from magicfs.domain.files import Root
from magicfs.domain.ids import RootId
from magicfs.ingest import inotify
from magicfs.ingest.inotify import Event, Inotify
from magicfs.ingest.rules import RULE_FILES, rules_for
from magicfs.ingest.walk import Walk

log = logging.getLogger(__name__)

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
