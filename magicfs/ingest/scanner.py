"""Compare a root with the index, and write down the difference. Scanning is the truth; watching is a hint.

A scan deletes only what it can know to be gone: after a full look, at a root that is present, on the device
it was added from. When most of a root is gone at once, it asks instead: a disk may be missing.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from magicfs.db import files as files_db
from magicfs.db import roots as roots_db
from magicfs.db.pool import Database, retry_on_conflict
from magicfs.domain.files import SeenFile
from magicfs.domain.roots import RegisteredRoot, Root, RootState
from magicfs.errors import DatabaseConflict, DatabaseError, DatabaseUnavailable, MagicFSError
from magicfs.ingest.deletion_guard import (
    DELETIONS_SECONDS,
    FEWEST_SUSPICIOUS,
    SAMPLE_FILES,
    Absent,
    KnownFiles,
    Lately,
    device_of,
    is_suspicious,
)
from magicfs.ingest.ignore import Rules, rules_for
from magicfs.ingest.index_snapshot import Before, Memory
from magicfs.ingest.walk import Listing, Walk
from magicfs.jobs import JobQueue

log = logging.getLogger(__name__)

BATCH = 1000
"""Files written in one transaction: the first ones are being read while the scan goes on."""

PRIORITY = 1
"""What a person just saved goes ahead of a bulk import ..."""

IMPORT_SECONDS = 10.0
BULK = 50
FEW = 10
"""... but while more than BULK files come within so many seconds, only where no more than FEW come to a directory. What
lies in new directories is then part of the import."""


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What one scan found. `complete` is false when something could not be looked at."""

    changed: int
    deleted: int
    complete: bool
    suspect: int = 0
    """Files that seem to be gone but were kept, since they are most of the root."""
    unfinished: bool = False
    """There is so much that is new that a full scan is to go on: events must not wait for it."""


class ScanStopped(MagicFSError):
    """A scan was broken off, since the agent stops: the next one goes on where it was."""


class Scanner:
    """Scans roots of this host. Threads may share one."""

    def __init__(self, database: Database, queue: JobQueue, *, stopping: Callable[[], bool] = lambda: False) -> None:
        """Once `stopping` says so, scans end early with `ScanStopped`."""
        self._stopping = stopping
        self._database = database
        self._queue = queue
        self._memory = Memory()
        self._deletions = Lately(window_s=DELETIONS_SECONDS)
        self._saved = Lately(window_s=IMPORT_SECONDS)
        """Files that events pointed to, by root, and by root and directory."""

    def scan(self, known: RegisteredRoot) -> ScanResult:
        """Look at a whole root and bring the index in line with it."""
        try:
            root = self._present(known.root)
        except Absent as absence:
            if (known.state, known.detail) != (RootState.MISSING, str(absence)):
                self._set_state(known.root, RootState.MISSING, str(absence))
            self._memory.forget(known.root.id)
            return ScanResult(changed=0, deleted=0, complete=False)
        if known.state is RootState.MISSING:
            self._set_state(root, RootState.PRESENT, None)
        began, may_delete = self._begin(root)
        walk = Walk(root=root.path, device=root.device, below=b"", rules=Rules().enter(root.path, below=b""))
        before = Before(self._database, root.id, b"", self._memory.recall(root.id))
        try:
            result = self._reconcile(root, walk, before, began=began, may_delete=may_delete)
            self._conclude(root, result, began)
        except BaseException:
            self._memory.forget(root.id)
            if may_delete:
                with contextlib.suppress(DatabaseError), self._database.transaction() as connection:
                    roots_db.restore_deletion_confirmation(connection, root.id)
            raise
        if result.suspect:
            self._memory.forget(root.id)
        else:
            self._memory.keep(root.id, before.to_remember(walk.unseen))
            self._memory.doubt(root.id, {path.rpartition(b"/")[0] for path in walk.unsure})
        return result

    def scan_below(self, root: Root, below: bytes) -> ScanResult:
        """Look at one directory of a root, such as one that has just appeared, or at the beginning of a large one."""
        with self._database.transaction() as connection:
            began = roots_db.database_time(connection)
        self._memory.doubt_below(root.id, [below])
        rules = rules_for(root.path, below)
        if rules is None:
            with self._database.transaction() as connection:
                deleted = files_db.delete_paths(connection, root.id, [below])
            return ScanResult(changed=0, deleted=deleted, complete=True)
        walk = Walk(root=root.path, device=root.device, below=below, rules=rules)
        before = Before(self._database, root.id, below, None)
        result = self._reconcile(root, walk, before, began=began, may_delete=False, saved=True)
        if below:
            # A file that had its name is no more.
            self._delete(root, [below], began)
        self._memory.doubt(root.id, before.met)
        return result

    def save(self, root: Root, seen: list[SeenFile]) -> None:
        """Write down files that an event has pointed to."""
        directories = Counter(file.path.rpartition(b"/")[0] for file in seen)
        self._memory.doubt(root.id, directories)
        for directory, count in directories.items():
            self._saved.note((root.id, directory), count)
        busy: set[bytes] = set()
        if self._is_import(root, seen):
            busy = {directory for directory in directories if self._saved.count((root.id, directory)) > FEW}
        urgent = [file for file in seen if file.path.rpartition(b"/")[0] not in busy]
        self._record(root, urgent, priority=PRIORITY)
        if busy:
            bulk = [file for file in seen if file.path.rpartition(b"/")[0] in busy]
            self._record(root, bulk, priority=0)

    def _is_import(self, root: Root, seen: list[SeenFile]) -> bool:
        """Whether these files, with those that events pointed to a moment ago, are more than a person saves."""
        self._saved.note(root.id, len(seen))
        return self._saved.count(root.id) > BULK

    def names_of(self, root: Root, inodes: set[int]) -> set[bytes]:
        """The paths under which the index has these inodes."""
        with self._database.transaction() as connection:
            return files_db.paths_of_inodes(connection, root.id, inodes)

    def forget(self, root: Root, paths: list[bytes]) -> bool:
        """Forget files that are gone, and everything below those that were directories.

        Returns False, and forgets nothing, when that would be most of the root, together with what was forgotten a
        moment ago, or when the root itself is not there: a full scan is to decide.
        """
        return retry_on_conflict(lambda: self._forget(root, paths))

    def _forget(self, root: Root, paths: list[bytes]) -> bool:
        with self._database.transaction() as connection:
            gone = files_db.count_files_under(connection, root.id, paths)
            if not gone:
                return True
            lately = self._deletions.count(root.id)
            # To count the whole root takes a while, so it is left where few are gone.
            if gone + lately >= FEWEST_SUSPICIOUS:
                known = files_db.count_files_of_root(connection, root.id)
                if is_suspicious(gone=gone + lately, known=known + lately):
                    return False
            if not _is_there(root):
                return False
            self._memory.doubt_below(root.id, paths)
            files_db.delete_paths(connection, root.id, paths)
            self._deletions.note(root.id, gone)
        return True

    def _present(self, root: Root) -> Root:
        """The root as it is there now. Raises `Absent`."""

        def known_files() -> KnownFiles:
            with self._database.transaction() as connection:
                return files_db.sample_files(connection, root.id, limit=SAMPLE_FILES)

        device = device_of(root, known_files)
        if device == root.device:
            return root
        log.info("root %s has another device number, and is the same tree", root.name)
        with self._database.transaction() as connection:
            roots_db.set_device(connection, root.id, device=device)
        return replace(root, device=device)

    def _begin(self, root: Root) -> tuple[datetime, bool]:
        """The database's time, and whether a person has confirmed that what is not there is to be forgotten.

        A confirmation holds for one scan. The directories of files that could not be opened are looked at again.
        """
        with self._database.transaction() as connection:
            unopened = files_db.inaccessible_paths(connection, root.id)
            began = roots_db.database_time(connection)
            may_delete = roots_db.consume_deletion_confirmation(connection, root.id)
        self._memory.doubt(root.id, {path.rpartition(b"/")[0] for path in unopened})
        return began, may_delete

    def _reconcile(
        self, root: Root, walk: Walk, before: Before, *, began: datetime, may_delete: bool, saved: bool = False
    ) -> ScanResult:
        """Bring the index in line with a walk. `saved` says that events pointed here."""
        difference = self._write_down(root, walk, before, saved=saved)
        if difference.unfinished:
            return ScanResult(changed=difference.changed, deleted=0, complete=False, unfinished=True)
        gone = difference.gone | before.unmet(walk.unseen)
        lost = count_lost(root, gone, difference.arrived)
        result = ScanResult(changed=difference.changed, deleted=0, complete=not walk.unseen and not walk.unsure)
        # What the rest of the root has lost says nothing of one directory.
        lately = lost + (0 if walk.below else self._deletions.count(root.id))
        known = lately + before.count_met() - len(difference.arrived)
        if lost and not may_delete and is_suspicious(gone=lately, known=known):
            return replace(result, suspect=lost)
        if gone and not _is_there(root):
            return replace(result, complete=False, suspect=len(gone))
        deleted = self._delete(root, list(gone), began)
        self._deletions.note(root.id, lost)
        return replace(result, deleted=deleted)

    def _write_down(self, root: Root, walk: Walk, before: Before, *, saved: bool) -> Difference:
        """Record what is new or has changed, a batch at a time."""
        found = Difference()
        batch: list[SeenFile] = []

        def record() -> None:
            urgent = saved and not self._is_import(root, batch)
            found.changed += self._record(root, batch, priority=PRIORITY if urgent else 0)
            batch.clear()
            if self._stopping():
                raise ScanStopped("the scan was broken off: it goes on with the next start")

        for listing in walk.listings():
            if before.holds(listing):
                continue
            for seen in compared(listing, walk, before, found):
                batch.append(seen)
                if len(batch) >= BATCH:
                    record()
                    if saved:
                        found.unfinished = True
                        return found
        record()
        return found

    def _record(self, root: Root, seen: list[SeenFile], *, priority: int) -> int:
        """Write down new and changed files and ring for the workers. Returns how many there were."""
        if not seen:
            return 0
        changed = self._upsert(root, seen, priority=priority)
        if changed:
            self._queue.notify_extract(root.host)
        return changed

    def _upsert(self, root: Root, seen: list[SeenFile], *, priority: int) -> int:
        """Write files down, all but those that the database refuses."""

        def write() -> int:
            with self._database.transaction() as connection:
                return len(files_db.upsert_files(connection, root.id, seen, priority=priority))

        try:
            return retry_on_conflict(write)
        except (DatabaseUnavailable, DatabaseConflict):
            raise
        except DatabaseError as error:
            if len(seen) == 1:
                path = os.path.join(root.path, seen[0].path)
                log.warning("%s cannot be indexed: %s", files_db.display_path(path), error)
                return 0
            middle = len(seen) // 2
            return sum(self._upsert(root, part, priority=priority) for part in (seen[:middle], seen[middle:]))

    def _delete(self, root: Root, gone: list[bytes], began: datetime) -> int:
        def delete(paths: list[bytes]) -> int:
            with self._database.transaction() as connection:
                return files_db.delete_unseen(connection, root.id, paths, began=began)

        batches = [gone[start : start + BATCH] for start in range(0, len(gone), BATCH)]
        return sum(retry_on_conflict(partial(delete, batch)) for batch in batches)

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


def _is_there(root: Root) -> bool:
    """Whether the root's directory is there, on its device: its disk may have gone since the look at its files."""
    try:
        return os.lstat(root.path).st_dev == root.device
    except OSError:
        return False


@dataclass(slots=True)
class Difference:
    """How the directories that a walk met differ from what was there before."""

    changed: int = 0
    arrived: set[int] = field(default_factory=set)
    """Inode numbers of files under paths that are new."""
    gone: dict[bytes, int] = field(default_factory=dict)
    """Inode numbers of files that were not met, by path."""
    unfinished: bool = False


def compared(listing: Listing, walk: Walk, before: Before, found: Difference) -> Iterator[SeenFile]:
    """The files of a directory that are new or have changed; which ones arrived and are gone goes into `found`."""
    known = before.signatures(listing.path)
    prefix = listing.path + b"/" if listing.path else b""
    for name, signature in listing.signatures().items():
        old = known.pop(name, None)
        if old == signature:
            continue
        if old is None:
            found.arrived.add(signature[3])
        if seen := walk.look(prefix + name):
            yield seen
    missed = {prefix + name: signature[3] for name, signature in known.items()}
    found.gone |= {path: ino for path, ino in missed.items() if path not in walk.unsure}


def count_lost(root: Root, gone: dict[bytes, int], arrived: set[int]) -> int:
    """How many of the files that were not met were neither moved within the root nor are merely unwanted now."""
    return sum(ino not in arrived and not os.path.lexists(os.path.join(root.path, path)) for path, ino in gone.items())
