"""What the index records of a root: whether it is there, when it was scanned, how it is watched, what was confirmed.

Used by the scanner. Threads may share it.
"""

from __future__ import annotations

import errno
import logging
import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime

from magicfs.db.as_of import record_watch
from magicfs.db.cluster import roots as roots_db
from magicfs.db.corpus import files as files_db
from magicfs.db.pool import Connection, Database
from magicfs.domain.files import display_path
from magicfs.domain.roots import RegisteredRoot, Root, RootState, Watch
from magicfs.errors import RootMissing
from magicfs.ingest.deletion_guard import SAMPLE_FILES, FileSample, gone_mounts, verify_root

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ScanStart:
    """What the index says of a root when a scan of it begins."""

    began: datetime
    """The database's time."""
    deletions: int
    """The statements that have deleted files of the root."""
    deletions_confirmed: bool
    """Whether a person has confirmed the deletions in a suspect root, for this scan."""
    inaccessible: Sequence[bytes]
    """The paths of files that could not be opened."""


class RootRecords:
    """Reads and writes the records of roots of this host."""

    def __init__(self, database: Database, *, transaction: Callable[[], AbstractContextManager[Connection]]) -> None:
        """What writes is a `transaction`, which raises `HostTaken` when another machine has the host."""
        self._database = database
        self._transaction = transaction

    def verify(self, registered: RegisteredRoot) -> Root:
        """The root with its present device number and mount. Records those, and whether it is there, when they are new.

        Raises `RootMissing` when the root is absent, or something else is in its place.
        """
        root = registered.root
        try:
            found = verify_root(root, lambda: self._sample(root))
        except RootMissing as error:
            if (registered.state, registered.detail) != (RootState.MISSING, str(error)):
                self._set_state(root, RootState.MISSING, str(error))
            raise
        if found != root and root.mount_point is not None:
            log.info("root %s has a new device number or mount and is the same tree", root.name)
        if (found, found.inner_mounts) != (root, root.inner_mounts):
            self._set_place(found)
        if registered.state is RootState.MISSING:
            self._set_state(root, RootState.PRESENT, None)
        return found

    def forget_gone_mounts(self, root: Root) -> Root:
        """The root without the inner mounts that are gone: a person has confirmed that their files are deleted."""
        gone = gone_mounts(root)
        found = replace(root, inner_mounts=tuple(path for path in root.inner_mounts if path not in gone))
        if gone:
            self._set_place(found)
        return found

    def record_watch(self, root: Root, watch: Watch) -> None:
        """Record how a root is watched from now on."""
        with self._transaction() as connection:
            record_watch(connection, root.id, watch)

    def begin_scan(self, root: Root) -> ScanStart:
        """What the index says of a root. A confirmation of deletions is used up by that."""
        with self._transaction() as connection:
            return ScanStart(
                inaccessible=files_db.inaccessible_paths(connection, root.id),
                began=roots_db.database_time(connection),
                deletions=roots_db.count_deletion_statements(connection, root.id),
                deletions_confirmed=roots_db.consume_deletion_confirmation(connection, root.id),
            )

    def is_suspect(self, root: Root) -> bool:
        """Whether the root waits for a person who confirms deletions."""
        with self._database.transaction() as connection:
            return roots_db.is_suspect(connection, root.id)

    def restore_deletion_confirmation(self, root: Root) -> None:
        """Keep for the next scan what a person has confirmed for one that did not end."""
        with self._transaction() as connection:
            roots_db.restore_deletion_confirmation(connection, root.id)

    def end_scan(
        self,
        root: Root,
        *,
        began: datetime,
        suspected_deletions: int,
        suspected_ignored: int,
        refused: Mapping[bytes, str],
    ) -> None:
        """Record the end of a scan. The root is suspect if files are kept because too many are gone or ignored.

        `refused` are the directories that could not be listed.
        """
        if not suspected_deletions:
            with self._transaction() as connection:
                roots_db.record_scan(connection, root.id, began=began, detail=_refusal(root, refused))
            return
        deleted = suspected_deletions - suspected_ignored
        by_rules = f"{suspected_ignored} files are ignored by new rules (.magicfsignore, .ignore, .gitignore)"
        which = f"{deleted} files are gone" if deleted else by_rules
        also = f", and {by_rules}," if deleted and suspected_ignored else ""
        undo = ", else take the rules back" if suspected_ignored else ""
        detail = (
            f"{which}{also} at once and were kept in the index: "
            f"if that is meant, run 'magicfs scan --accept-deletions {shlex.quote(root.name)}'{undo}"
        )
        log.warning("root %s: %s", root.name, detail)
        with self._transaction() as connection:
            roots_db.record_scan(connection, root.id, began=began)
            roots_db.set_root_state(connection, root.id, state=RootState.SUSPECT, detail=detail)

    def record_silent(self, root: Root) -> None:
        """Record that the disk of a root does not answer."""
        detail = "its disk does not answer, like a share without its server: its files stay in the index until it does"
        self._set_state(root, RootState.MISSING, detail)

    def record_answer(self, root: Root) -> None:
        """Record that a disk that did not answer does: its root is missing no more."""
        with self._transaction() as connection:
            roots_db.end_missing(connection, root.id)

    def record_refused(self, root: Root, refused: Mapping[bytes, str]) -> None:
        """Record which directories of a root that is there cannot be listed by now, and what the system says."""
        with self._transaction() as connection:
            roots_db.set_detail_of_present(connection, root.id, detail=_refusal(root, refused))

    def _sample(self, root: Root) -> FileSample:
        with self._database.transaction() as connection:
            return files_db.sample_files(connection, root.id, limit=SAMPLE_FILES)

    def _set_place(self, root: Root) -> None:
        with self._transaction() as connection:
            roots_db.set_place(connection, root)

    def _set_state(self, root: Root, state: RootState, detail: str | None) -> None:
        if detail:
            log.warning("root %s: %s", root.name, detail)
        with self._transaction() as connection:
            roots_db.set_root_state(connection, root.id, state=state, detail=detail)


def _refusal(root: Root, refused: Mapping[bytes, str]) -> str | None:
    """What a person is told of directories that cannot be listed; None without any."""
    if not refused:
        return None
    path, why = min(refused.items())
    first = display_path(os.path.join(root.path, path) if path else root.path)
    which = f"1 directory cannot be listed ({first}"
    if len(refused) > 1:
        which = f"{len(refused)} directories cannot be listed (such as {first}"
    remedy = "each scan tries again"
    if why in {os.strerror(errno.EACCES), os.strerror(errno.EPERM)}:
        remedy = "let the user who runs the agent read what is to be found, and leave out the rest by a .magicfsignore"
    return f"{which}: {why.lower()}): {remedy}"
