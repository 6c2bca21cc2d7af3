"""What `.magic/` and the cache of results ask of the index, answered by the database.

Used by `mount`, which gives it to the tree. Each method is one transaction or statement; safe in any thread.
"""

from __future__ import annotations

from collections.abc import Sequence

from magicfs.db.as_of import read_as_of
from magicfs.db.cluster.roots import request_scan
from magicfs.db.corpus.failures import unindexed_files, unindexed_reasons
from magicfs.db.pool import Database
from magicfs.db.status import change_marker, read_status
from magicfs.domain.deadline import Deadline
from magicfs.domain.files import FailedFile
from magicfs.domain.results import AsOf
from magicfs.domain.status import IndexStatus


class DatabaseIndex:
    """The implementation of `magicfs.tree.magic.IndexQueries`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def change_marker(self, deadline: Deadline) -> str:
        """A text that differs after each change that searches can see. One round trip: each listing waits for it."""
        return self._database.read(change_marker, deadline)

    def as_of(self, deadline: Deadline) -> AsOf:
        """Up to which moment the index holds everything that was saved."""
        with self._database.transaction(deadline) as connection:
            return read_as_of(connection)

    def status(self) -> IndexStatus:
        """The state of the index."""
        with self._database.transaction() as connection:
            return read_status(connection)

    def request_scan(self, host: str) -> None:
        """Request a scan of the roots of a host."""
        with self._database.transaction() as connection:
            request_scan(connection, host=host)

    def unindexed_reasons(self) -> Sequence[str]:
        """The reasons why files are not indexed."""
        with self._database.transaction() as connection:
            return unindexed_reasons(connection)

    def unindexed_files(self, *, reason: str, limit: int) -> Sequence[FailedFile]:
        """Up to `limit` files that are not indexed for one reason."""
        with self._database.transaction() as connection:
            return unindexed_files(connection, reason=reason, limit=limit)
