"""Compare a root with the index, and write down the difference. Scanning is the truth; watching is a hint.

A scan deletes only what it can know to be gone: after a full look, at a root that is present, on the device
it was added from. When most of a root is gone at once, it asks instead: a disk may be missing.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from datetime import datetime

from magicfs.db import files as files_db
from magicfs.db import roots as roots_db
from magicfs.db.pool import Database
from magicfs.db.roots import KnownRoot, RootState
from magicfs.domain.files import Root
from magicfs.ingest.rules import Rules, rules_for
from magicfs.ingest.walk import Walk
from magicfs.jobs import JobQueue

log = logging.getLogger(__name__)

BATCH = 1000
"""Files written in one transaction: the first ones are being read while the scan goes on."""

FEWEST_SUSPICIOUS = 10
"""Files. Fewer than this are read anew in a moment, should they come back."""


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What one scan found. `complete` is false when something could not be looked at."""

    changed: int
    deleted: int
    complete: bool
    suspect: int = 0
    """Files that seem to be gone but were kept, since they are most of the root."""


def is_suspicious(*, gone: int, known: int) -> bool:
    """Whether so much of a root is gone that a person should confirm before the index forgets it."""
    return gone >= FEWEST_SUSPICIOUS and 2 * gone > known


def presence(root: Root) -> tuple[RootState, str | None]:
    """Whether a root is there, on the device it was added from."""
    try:
        status = os.stat(root.path)
        os.scandir(root.path).close()
    except OSError as error:
        return RootState.MISSING, f"{error.strerror}: its files stay in the index until it is back"
    if status.st_dev != root.device:
        return RootState.MISSING, "another device is mounted there: remove the root and add it anew if that is meant"
    return RootState.PRESENT, None


class Scanner:
    """Scans roots of this host. Called from one thread at a time."""

    def __init__(self, database: Database, queue: JobQueue) -> None:
        self._database = database
        self._queue = queue

    def scan(self, known: KnownRoot) -> ScanResult:
        """Look at a whole root and bring the index in line with it."""
        root = known.root
        state, detail = presence(root)
        if state is not RootState.PRESENT:
            self._set_state(root, state, detail)
            return ScanResult(changed=0, deleted=0, complete=False)
        if known.state is RootState.MISSING:
            self._set_state(root, RootState.PRESENT, None)
        began = self._time()
        rules = Rules().enter(root.path, below=b"")
        walk = Walk(root=root.path, device=root.device, below=b"", rules=rules)
        result = self._reconcile(root, walk, began=began, may_delete=known.may_delete, priority=0)
        self._conclude(root, result, began)
        return result

    def scan_below(self, root: Root, below: bytes, *, priority: int) -> ScanResult:
        """Look at one directory of a root, such as one that has just appeared."""
        began = self._time()
        rules = rules_for(root.path, below)
        if rules is None:
            with self._database.transaction() as connection:
                deleted = files_db.delete_paths(connection, root.id, [below])
            return ScanResult(changed=0, deleted=deleted, complete=True)
        walk = Walk(root=root.path, device=root.device, below=below, rules=rules)
        return self._reconcile(root, walk, began=began, may_delete=False, priority=priority)

    def forget(self, root: Root, paths: list[bytes]) -> bool:
        """Forget files that are gone, and everything below those that were directories.

        Returns False, and forgets nothing, when that would be most of the root: a full scan is to decide.
        """
        with self._database.transaction() as connection:
            gone, known = files_db.count_paths(connection, root.id, paths)
            if is_suspicious(gone=gone, known=known):
                return False
            files_db.delete_paths(connection, root.id, paths)
        return True

    def _time(self) -> datetime:
        with self._database.transaction() as connection:
            return roots_db.database_time(connection)

    def _reconcile(self, root: Root, walk: Walk, *, began: datetime, may_delete: bool, priority: int) -> ScanResult:
        with self._database.transaction() as connection:
            known = {file.path: file for file in files_db.snapshot(connection, root.id, below=walk.below)}
        total = len(known)
        batch: list[files_db.SeenFile] = []
        arrived: set[int] = set()
        changed = 0
        for seen in walk.files():
            before = known.pop(seen.path, None)
            if before is not None and before.matches(seen.stat):
                continue
            if before is None:
                arrived.add(seen.stat.ino)
            batch.append(seen)
            if len(batch) >= BATCH:
                changed += self.record(root, batch, priority=priority)
                batch.clear()
        changed += self.record(root, batch, priority=priority)
        gone = [file for file in known.values() if not _is_below(file.path, walk.unseen)]
        complete = not walk.unseen
        lost = sum(not _is_elsewhere(root, file, arrived) for file in gone) if len(gone) >= FEWEST_SUSPICIOUS else 0
        if is_suspicious(gone=lost, known=total) and not may_delete:
            return ScanResult(changed=changed, deleted=0, complete=complete, suspect=lost)
        return ScanResult(changed=changed, deleted=self._delete(gone, began), complete=complete)

    def record(self, root: Root, seen: list[files_db.SeenFile], *, priority: int) -> int:
        """Write down new and changed files and ring for the workers. Returns how many there were."""
        if not seen:
            return 0
        with self._database.transaction() as connection:
            changed = len(files_db.upsert_files(connection, root.id, seen, priority=priority))
        if changed:
            self._queue.ring_extract(root.host)
        return changed

    def _delete(self, gone: list[files_db.IndexedFile], began: datetime) -> int:
        deleted = 0
        for start in range(0, len(gone), BATCH):
            with self._database.transaction() as connection:
                ids = [file.id for file in gone[start : start + BATCH]]
                deleted += files_db.delete_files(connection, ids, began=began)
        return deleted

    def _conclude(self, root: Root, result: ScanResult, began: datetime) -> None:
        if result.suspect:
            detail = (
                f"{result.suspect} files are gone at once and were kept in the index: "
                f"if that is meant, run 'magicfs scan --accept-deletions {root.name}'"
            )
            log.warning("root %s: %s", root.name, detail)
            with self._database.transaction() as connection:
                roots_db.record_scan(connection, root.id, began=began)
                roots_db.set_root_state(connection, root.id, state=RootState.SUSPECT, detail=detail)
            return
        with self._database.transaction() as connection:
            roots_db.record_scan(connection, root.id, began=began)

    def _set_state(self, root: Root, state: RootState, detail: str | None) -> None:
        if detail:
            log.warning("root %s: %s", root.name, detail)
        with self._database.transaction() as connection:
            roots_db.set_root_state(connection, root.id, state=state, detail=detail)


def _is_elsewhere(root: Root, file: files_db.IndexedFile, arrived: set[int]) -> bool:
    """Whether a file that was not met was moved within the root, or is there and merely no longer wanted."""
    return file.ino in arrived or os.path.lexists(os.path.join(root.path, file.path))


def _is_below(path: bytes, directories: list[bytes]) -> bool:
    return any(not directory or path.startswith(directory + b"/") for directory in directories)
