"""What the checks of one command read of the index. After a failure it is not waited for again.

Used by `index_checks`. Main thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from magicfs.cli import environment
from magicfs.config import Settings
from magicfs.domain.models import ModelSpec, ModelState
from magicfs.errors import DatabaseError, MagicFSError, ServerError

if TYPE_CHECKING:
    from magicfs.db.pool import Connection
    from magicfs.domain.status import RootStatus

T = TypeVar("T")


class IndexReader:
    """Reads the index, each time in a transaction of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.failure: DatabaseError | ServerError | None = None
        """Why the index could not be read."""

    def read(self, work: Callable[[Connection], T]) -> T:
        """The result of `work` in a transaction. Raises at once what reading the index has raised before."""
        if self.failure is not None:
            raise self.failure
        try:
            with environment.database_for_command(self._settings) as database, database.transaction() as connection:
                return work(connection)
        except (DatabaseError, ServerError) as error:
            self.failure = error
            raise

    def models(self) -> Mapping[ModelState, ModelSpec]:
        """The models of the index by their roles; none when it cannot be read, which the check of the database says."""
        from magicfs.db.vectors.models import live_models

        try:
            return self.read(lambda connection: {model.state: model.spec for model in live_models(connection)})
        except (DatabaseError, ServerError):
            return {}

    def own_roots(self) -> list[RootStatus]:
        """The roots of this host; none when the index cannot be read, which the check of the database says."""
        from magicfs.db.status import read_status

        try:
            roots = self.read(read_status).roots
        except MagicFSError:
            return []
        return [root for root in roots if root.host == self._settings.host]

    def has_agent(self) -> bool:
        """Whether the agent has its host. True when the index cannot be read."""
        from magicfs.db.cluster.heartbeats import has_agent

        try:
            return self.read(lambda connection: has_agent(connection, host=self._settings.host))
        except MagicFSError:
            return True
