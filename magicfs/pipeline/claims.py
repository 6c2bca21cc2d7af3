"""What becomes of the claims that a worker cannot finish: it returns them, and it begins with those that it has lost.

Used by `ExtractService` and `EmbedService`. A claim that is neither finished nor returned would keep its rows from
every worker until its lease ends. A worker loses one when the database is away, when the answer to a commit is lost, or
when a crash of the database takes the last commits along (`lazy_commit`), so that it does not know of its loss: before
it claims anything, all claims under its name are lost ones, and it releases them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from magicfs.db.pool import Connection, Database
from magicfs.errors import DatabaseError

log = logging.getLogger(__name__)


def return_early(database: Database, give_back: Callable[[Connection], object], *, what: str) -> None:
    """Return claims before their leases end: `give_back` does it, `what` names them in the log.

    When the database refuses even that, the worker releases them before it claims the next time.
    """
    try:
        database.run_in_transaction(give_back)
    except DatabaseError as error:
        log.warning("%s cannot be returned now and wait: %s", what, error)
