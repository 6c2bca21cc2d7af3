"""The HNSW index over the active model's vectors: when to build it, and when to drop it.

An agent calls `maintain_index` every minute. Without the index, searches scan all vectors and are exact, which is as
quick for fewer than some ten thousand vectors. With the index, each insert takes one to three milliseconds; building it
takes about a third of one for each row, so it is dropped during a bulk load.
"""

from __future__ import annotations

import logging
from enum import Enum, auto

from psycopg import sql

from magicfs.db.models import active_model, partition
from magicfs.db.pool import Database
from magicfs.db.queries import load_queries
from magicfs.domain.models import IndexedModel

log = logging.getLogger(__name__)

_SQL = load_queries("vector_index")

MIN_INDEXED_ROWS = 50_000
"""The number of vectors from which an index is quicker than a scan."""

BUILD_LOCK = 0x6D616769_63667302
"""The advisory lock that lets one process in the cluster build or drop the index."""

_MAX_COUNTED_PENDING = 10_000_000


class IndexAction(Enum):
    """What `maintain_index` does."""

    NOTHING = auto()
    BUILD = auto()
    DROP = auto()


def choose_action(*, rows: int, pending: int, valid: bool | None, min_rows: int = MIN_INDEXED_ROWS) -> IndexAction:
    """The action that saves most time.

    `rows` includes the `pending` ones. `valid` is None without an index, False for one whose build was interrupted.
    """
    done = rows - pending
    if valid is False or (valid and pending > done):
        return IndexAction.DROP
    if valid is None and done >= min_rows and 10 * pending < done:
        return IndexAction.BUILD
    return IndexAction.NOTHING


def maintain_index(database: Database, *, min_rows: int = MIN_INDEXED_ROWS) -> IndexAction:
    """Build or drop the index of the active model's vectors, whichever `choose_action` says. Returns the action.

    Building takes about a minute for 200,000 vectors. It blocks no reads and writes.
    """
    with database.autocommit() as connection:
        model = active_model(connection)
        if model is None or connection.execute("SELECT pg_try_advisory_lock(%s)", (BUILD_LOCK,)).fetchone() != (True,):
            return IndexAction.NOTHING
        try:
            facts = connection.execute(
                _SQL["index_facts"],
                {
                    "model_id": model.id,
                    "table": f"embeddings_{model.id}",
                    "index": _index_name(model),
                    "max_pending": _MAX_COUNTED_PENDING,
                },
            ).fetchone()
            action = IndexAction.NOTHING
            if facts is not None:
                rows, pending, valid = facts
                action = choose_action(rows=rows, pending=pending, valid=valid, min_rows=min_rows)
            if action is IndexAction.DROP:
                log.info("dropping the vector index until the bulk load has ended")
                name = sql.Identifier(_index_name(model))
                connection.execute(sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(name))
            elif action is IndexAction.BUILD:
                log.info("building the vector index")
                connection.execute(_create_statement(model))
        finally:
            connection.execute("SELECT pg_advisory_unlock(%s)", (BUILD_LOCK,))
    return action


def _index_name(model: IndexedModel) -> str:
    return f"embeddings_{model.id}_vectors"


def _create_statement(model: IndexedModel) -> sql.Composed:
    """The statement that builds the index. Its expression equals the ORDER BY of searches, or they would not use it."""
    return sql.SQL("CREATE INDEX CONCURRENTLY {} ON {} USING hnsw ((vector::halfvec({})) halfvec_ip_ops)").format(
        sql.Identifier(_index_name(model)), partition(model.id), sql.Literal(model.spec.dimension)
    )
