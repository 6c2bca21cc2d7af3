"""The index of a model's vectors: made when it pays, dropped while a bulk load would pay for it row by row.

Below some ten thousand vectors an exact scan is as quick and finds everything. An insert into the index costs one
to three milliseconds, building it anew about a third of one for each row. Searches are exact while there is none.
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
"""Vectors from which on an index is quicker than a scan."""

ADVISORY_LOCK = 0x6D616769_63667302
"""One builder in the cluster."""


class IndexAction(Enum):
    """What is to be done."""

    NOTHING = auto()
    BUILD = auto()
    DROP = auto()


def decide(*, rows: int, pending: int, valid: bool | None, worth: int = MIN_INDEXED_ROWS) -> IndexAction:
    """What pays. `rows` has the pending ones in it; `valid` is None without an index, False for a half-made one."""
    done = rows - pending
    if valid is False or (valid and pending > done):
        return IndexAction.DROP
    if valid is None and done >= worth and 10 * pending < done:
        return IndexAction.BUILD
    return IndexAction.NOTHING


def maintain_index(database: Database, *, worth: int = MIN_INDEXED_ROWS) -> IndexAction:
    """Do for the active model's vectors what pays.

    Building takes about a minute for 200,000 vectors; reads and writes go on meanwhile.
    """
    with database.autocommit() as connection:
        model = active_model(connection)
        if model is None or connection.execute("SELECT pg_try_advisory_lock(%s)", (ADVISORY_LOCK,)).fetchone() != (
            True,
        ):
            return IndexAction.NOTHING
        try:
            facts = connection.execute(
                _SQL["facts"],
                {
                    "model_id": model.id,
                    "table": f"embeddings_{model.id}",
                    "index": _name(model),
                    "most_pending": 10_000_000,
                },
            ).fetchone()
            upkeep = IndexAction.NOTHING
            if facts is not None:
                upkeep = decide(rows=facts[0], pending=facts[1], valid=facts[2], worth=worth)
            if upkeep is IndexAction.DROP:
                log.info("dropping the index of vectors until the bulk load is over")
                connection.execute(sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(sql.Identifier(_name(model))))
            elif upkeep is IndexAction.BUILD:
                log.info("building the index of vectors")
                connection.execute(_create(model))
        finally:
            connection.execute("SELECT pg_advisory_unlock(%s)", (ADVISORY_LOCK,))
    return upkeep


def _name(model: IndexedModel) -> str:
    return f"embeddings_{model.id}_vectors"


def _create(model: IndexedModel) -> sql.Composed:
    """The very expression that searches order by, or it would not serve them."""
    return sql.SQL("CREATE INDEX CONCURRENTLY {} ON {} USING hnsw ((vector::halfvec({})) halfvec_ip_ops)").format(
        sql.Identifier(_name(model)), partition(model.id), sql.Literal(model.spec.dimension)
    )
