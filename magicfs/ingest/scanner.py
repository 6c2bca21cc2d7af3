"""Brings the index in line with the disk: compares files with the index, and records what is new, changed and gone.

Used by the agent for whole roots, and by the watcher for the paths that events name. Scanning is the truth, events are
hints. The scanner reads no file's content; `row_writer` writes what it finds and notifies the workers, `root_records`
writes what becomes of the root. Files that are gone stay in the index while their root is missing, and until a person
confirms when most of the root is gone; see `deletion_guard`. Threads may share one scanner.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime

from magicfs.db.cluster import roots as roots_db
from magicfs.db.corpus import files as files_db
from magicfs.db.pool import Connection, Database
from magicfs.domain.files import SAVED_PRIORITY, USUAL_PRIORITY, SeenFile
from magicfs.domain.ids import RootId
from magicfs.domain.roots import RegisteredRoot, Root, Watch, encloses
from magicfs.errors import DatabaseError, HostTaken, MagicFSError, RootMissing
from magicfs.ingest import deletion_guard, row_writer
from magicfs.ingest.copies import without_replaceable
from magicfs.ingest.difference import Difference, LostFiles, ScanResult, compare, lost_files
from magicfs.ingest.ignore import IgnoreRules, rules_for
from magicfs.ingest.import_detector import ImportDetector
from magicfs.ingest.index_snapshot import IndexSnapshot, SnapshotCache
from magicfs.ingest.paths import outermost, parent_directory
from magicfs.ingest.recent_counter import RecentCounter
from magicfs.ingest.root_records import RootRecords
from magicfs.ingest.row_writer import RowWriter
from magicfs.ingest.silent_disks import SilentDisks
from magicfs.ingest.walk import Walk
from magicfs.jobs import JobQueue


class ScanStopped(MagicFSError):
    """A scan ended early because the agent stops. The next scan continues."""


class Scanner:
    """Scans roots of this host."""

    def __init__(
        self,
        database: Database,
        queue: JobQueue,
        *,
        hold: Callable[[Connection], None],
        stopping: Callable[[], bool],
        on_change: Callable[[], None],
    ) -> None:
        """Scans end early with `ScanStopped` once `stopping` returns True. `on_change` is called after files changed.

        Every transaction that writes begins with `hold`, which raises `HostTaken` when another machine has the host.
        """
        self._database = database
        self._stopping = stopping
        self._cache = SnapshotCache()
        self._writer = RowWriter(database, queue, self._cache, hold=hold, on_change=on_change)
        self._records = RootRecords(database, transaction=self._writer.transaction)
        self.disks = SilentDisks()
        self._imports = ImportDetector()
        self._deletions = RecentCounter(window_s=deletion_guard.DELETION_WINDOW_SECONDS)
        """Deleted files by root."""
        self._unlisted: dict[RootId, frozenset[bytes]] = {}
        """The directories that the last scan of each root could not list: those are in the log."""
        self._refused: dict[RootId, dict[bytes, str]] = {}
        """The directories of each root that the system refused to list when they were last looked at, and why."""
        self._inner_mounts: dict[RootId, tuple[bytes, ...]] = {}
        """Those that the last scan of each root has found: what an event is compared with may be older."""

    def record_watch(self, root: Root, watch: Watch) -> None:
        """Record how a root is watched from now on. A scan that begins later finds what has changed before."""
        self._records.record_watch(root, watch)

    def record_silent(self, root: Root) -> None:
        """Record that the disk of a root does not answer: it is missing until it does."""
        self._records.record_silent(root)

    def record_answer(self, root: Root) -> None:
        """Record that the disk of a root that was silent answers again, and its scan goes on."""
        self._records.record_answer(root)

    def scan(self, registered: RegisteredRoot, *, use_cache: bool = True) -> ScanResult:
        """Compare a whole root with the index and update the index. Records the root's state.

        Without `use_cache` the disk is compared with the database itself, whatever was seen there before.
        """
        try:
            root = self._records.verify(registered)
        except RootMissing:
            self._cache.drop(registered.root.id)
            return ScanResult(changed=0, deleted=0, complete=False)
        if not use_cache:
            self._cache.drop(root.id)
        start = self._records.begin_scan(root)
        if start.deletions_confirmed:
            root = self._records.forget_gone_mounts(root)
        self._inner_mounts[root.id] = root.inner_mounts
        # Directories of files that could not be opened are compared anew.
        self._cache.mark_stale(root.id, {parent_directory(path) for path in start.inaccessible})
        cached = self._cache.begin_scan(root.id, deletions=start.deletions)
        rules = IgnoreRules().enter(root.path, relative=b"")
        walk = self._walk(root, b"", rules)
        self.disks.begin_walk(root.id, walk)
        snapshot = IndexSnapshot(self._database, root.id, b"", cached)
        try:
            result = self._reconcile(
                root, walk, snapshot, began=start.began, deletions_confirmed=start.deletions_confirmed
            )
            self._records.end_scan(
                root,
                began=start.began,
                suspected_deletions=result.suspected_deletions,
                suspected_ignored=result.suspected_ignored,
                refused=walk.refused,
            )
            self._refused[root.id] = walk.refused
            self._unlisted[root.id] = frozenset(walk.unlisted)
        except BaseException:
            self._cache.drop(root.id)
            if start.deletions_confirmed:
                with contextlib.suppress(DatabaseError, HostTaken):
                    self._records.restore_deletion_confirmation(root)
            raise
        if result.suspected_deletions:
            self._cache.drop(root.id)
        else:
            self._cache.store(root.id, snapshot.listings_to_cache(walk.unlisted))
            self._cache.mark_stale(root.id, {parent_directory(path) for path in walk.stat_failed})
        return result

    def retain(self, roots: Collection[RootId]) -> None:
        """Free what is kept for roots other than these: they were removed."""
        self._cache.retain(roots)
        for kept in (self._unlisted, self._refused, self._inner_mounts):
            for removed in kept.keys() - set(roots):
                kept.pop(removed, None)

    def scan_directory(self, root: Root, directory: bytes) -> ScanResult:
        """Compare a directory of a root, and all below it, with the index. Stops after a full batch of changes."""
        with self._database.transaction() as connection:
            began = roots_db.database_time(connection)
        self._cache.mark_stale_below(root.id, [directory])
        rules = rules_for(root.path, directory)
        if rules is None:
            deleted, kept = self._writer.forget_ignored(root, directory)
            return ScanResult(changed=0, deleted=deleted, complete=not kept, suspected_deletions=kept)
        walk = self._walk(root, directory, rules)
        snapshot = IndexSnapshot(self._database, root.id, directory, None)
        result = self._reconcile(root, walk, snapshot, began=began, deletions_confirmed=False, from_event=True)
        if directory:
            # The directory may have replaced a file.
            self._writer.delete_unseen(root, [directory], began)
        self._cache.mark_stale(root.id, snapshot.seen_directories)
        self._note_refused(root, walk)
        return result

    def record(self, root: Root, seen: list[SeenFile]) -> None:
        """Record files that events named: those that a person saved before those of an import."""
        self._cache.mark_stale(root.id, {parent_directory(file.path) for file in seen})
        saved, imported = self._imports.split(root.id, seen)
        unmoved: set[int] = set()
        self._writer.record(root, saved, priority=SAVED_PRIORITY, unmoved=unmoved)
        self._writer.record(root, imported, priority=USUAL_PRIORITY, unmoved=unmoved)

    def delete(self, root: Root, paths: list[bytes]) -> bool:
        """Delete the rows at these paths and below them: events named the files, or the directories, that are gone.

        However many they are, somebody deleted them: a disk that disappears raises no event for a file. Returns False
        and deletes nothing when the root is not present: a full scan must decide.
        """
        # `rm -r` raises an event for each file and for each directory above it.
        return self._writer.delete(root, outermost(self._not_missing(root, paths))) is not None

    def paths_of_inodes(self, root: Root, inodes: set[int]) -> set[bytes]:
        """The indexed paths of these inodes."""
        with self._database.transaction() as connection:
            return files_db.paths_of_inodes(connection, root.id, inodes)

    def _walk(self, root: Root, top: bytes, rules: IgnoreRules) -> Walk:
        """A walk of a directory of a root, which logs what it cannot list unless the last scan could not either."""
        before = self._unlisted.get(root.id, frozenset())
        gone = {os.path.relpath(path, root.path) for path in deletion_guard.gone_mounts(self._with_inner_mounts(root))}
        return Walk(
            root=root.path, device=root.device, top=top, rules=rules, unlisted_before=before, without_mounts=gone
        )

    def _note_refused(self, root: Root, walk: Walk) -> None:
        """Record what the system refuses in a part of a root, if that is something else than before."""
        before = self._refused.get(root.id, {})
        elsewhere = {path: why for path, why in before.items() if walk.top and not encloses(walk.top, path)}
        if (refused := elsewhere | walk.refused) != before:
            self._records.record_refused(root, refused)
            self._refused[root.id] = refused

    def _with_inner_mounts(self, root: Root) -> Root:
        """The root with the inner mounts that its last scan has found: a watch may know those of an earlier one."""
        return replace(root, inner_mounts=self._inner_mounts.get(root.id, root.inner_mounts))

    def _not_missing(self, root: Root, paths: Collection[bytes]) -> set[bytes]:
        """The paths that are not below an inner mount that is gone."""
        return deletion_guard.not_missing(self._with_inner_mounts(root), paths)

    def _reconcile(
        self,
        root: Root,
        walk: Walk,
        snapshot: IndexSnapshot,
        *,
        began: datetime,
        deletions_confirmed: bool,
        from_event: bool = False,
    ) -> ScanResult:
        """Update the index from a walk. Deletes nothing when the deletions are suspicious or the root is absent.

        Files that are elsewhere do not count, nor ignored ones that nobody has read: nothing of them is lost.
        """
        difference = self._record_changes(root, walk, snapshot, from_event=from_event)
        if difference.unfinished:
            return ScanResult(changed=difference.changed, deleted=0, complete=False, unfinished=True)
        gone = difference.gone | snapshot.unseen_files(walk.unlisted)
        files = lost_files(walk, gone, difference.new_inodes) if gone else LostFiles([], [])
        complete = not walk.unlisted and not walk.stat_failed
        result = ScanResult(
            changed=difference.changed, deleted=0, complete=complete, was_long=from_event and difference.batches > 1
        )
        # Recent deletions elsewhere in the root say nothing about one directory.
        recent = 0 if walk.top else self._deletions.count(root.id)
        kept = snapshot.seen_files - len(difference.new_inodes)
        # What a person was asked about stays, whatever else has come into the root since.
        waits = bool(files.ignored) and self._records.is_suspect(root)

        def others() -> int:
            if waits:
                return 0
            return self._count_files(root) - files.count if walk.top and not kept else kept

        def is_suspect(lost: LostFiles) -> bool:
            deleted = recent + len(lost.deleted)
            are_gone = deletion_guard.is_suspicious(deleted=deleted, indexed=deleted + len(lost.ignored) + kept)
            if (lost.deleted and are_gone) or (lost.ignored and waits and from_event):
                return True
            return deletion_guard.is_emptied(ignored=len(lost.ignored), kept=others)

        lost = files
        if not deletions_confirmed and is_suspect(lost):
            # A full scan follows that of a directory, and may see the files themselves at other paths.
            lost = lost if from_event else without_replaceable(self._database, root, lost)
            if is_suspect(lost):
                return replace(result, suspected_deletions=files.count, suspected_ignored=len(files.ignored))
        with walk.asking(walk.top):
            is_there = deletion_guard.is_present(root) and self._not_missing(root, gone) == gone.keys()
        if gone and not is_there:
            # The root, or a mount in it, has gone since the scan began.
            return replace(result, complete=False, suspected_deletions=len(gone))
        deleted = self._writer.delete_unseen(root, list(gone), began)
        self._deletions.add(root.id, 0 if deletions_confirmed else len(lost.deleted))
        return replace(result, deleted=deleted)

    def _count_files(self, root: Root) -> int:
        with self._database.transaction() as connection:
            return files_db.count_files_of_root(connection, root.id)

    def _record_changes(self, root: Root, walk: Walk, snapshot: IndexSnapshot, *, from_event: bool) -> Difference:
        """Record new, moved and changed files in batches.

        A scan that an event requested ends after a full batch of files that are to be read. Files of a directory that
        was moved are none, but it may have so many that the moment of `as_of` must not go on meanwhile.
        """
        difference = Difference()
        batch: list[SeenFile] = []
        unmoved: set[int] = set()

        def record() -> None:
            is_saved = from_event and not self._imports.is_import(root.id, len(batch))
            priority = SAVED_PRIORITY if is_saved else USUAL_PRIORITY
            difference.changed += self._writer.record(root, batch, priority=priority, unmoved=unmoved)
            difference.batches += 1
            batch.clear()
            if self._stopping():
                raise ScanStopped("the scan was stopped: it continues when the agent starts again")

        for listing in walk.listings():
            if snapshot.note_listing(listing):
                continue
            for seen in compare(listing, walk, snapshot, difference):
                batch.append(seen)
                if len(batch) >= row_writer.BATCH_FILES:
                    record()
                    if from_event and difference.changed >= row_writer.BATCH_FILES:
                        difference.unfinished = True
                        return difference
                    if from_event and difference.batches == 1:
                        self.record_watch(root, Watch.MISSED)
        record()
        return difference
