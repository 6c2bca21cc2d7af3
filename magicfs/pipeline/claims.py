"""What becomes of a worker's claims when the database goes away: they are returned, or released when it is back.

Used by `ExtractService` and `EmbedService`, each with an instance of its own. It claims nothing. A claim that is
neither finished nor returned would keep its rows from every worker until its lease ends. Belongs to one thread.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from magicfs.db.pool import Connection, Database, retry_on_conflict
from magicfs.errors import DatabaseError, DatabaseUnavailable

log = logging.getLogger(__name__)


class WorkerClaims:
    """The claims of one worker that it does not finish."""

    def __init__(self, database: Database, *, release: Callable[[Connection], object]) -> None:
        """`release` releases all claims under the worker's name, and refunds their attempts."""
        self._database = database
        self._release = release
        self._has_lost_some = False
        """Whether the worker may have claims that it does not know or could not return."""

    @contextmanager
    def none_lost(self) -> Iterator[None]:
        """A context in which the worker claims and works. It begins with the release of claims that were lost before.

        The answer to a commit may be lost, so that the worker does not know what it has claimed. Before it claims
        anything, all claims under its name are lost ones.
        """
        if self._has_lost_some:
            with self._database.transaction() as connection:
                self._release(connection)
            self._has_lost_some = False
        try:
            yield
        except DatabaseUnavailable:
            self._has_lost_some = True
            raise

    def return_early(self, give_back: Callable[[Connection], object], *, what: str) -> None:
        """Return claims before their leases end: `give_back` does it, `what` names them in the log.

        When the database refuses even that, they are released before the worker claims the next time.
        """

        def give_back_in_transaction() -> None:
            with self._database.transaction() as connection:
                give_back(connection)

        try:
            retry_on_conflict(give_back_in_transaction)
        except DatabaseError as error:
            log.warning("%s cannot be returned now and wait: %s", what, error)
            self._has_lost_some = True
