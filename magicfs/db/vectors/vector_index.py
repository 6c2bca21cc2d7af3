"""The HNSW index over the vectors of a model that searches use: when to build it, and when to drop it.

An agent calls `maintain_index` every minute. Without the index, searches scan all vectors and are exact, which is as
quick for ten thousand vectors. With the index, each insert takes one to three milliseconds; building it takes about a
third of one for each row, so it is dropped during a bulk load. A build is quick while its graph fits into
memory: it gets memory by the number of rows, up to half of what the server's machine has free.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import Enum, auto

import psycopg
from psycopg import sql

from magicfs.db.pool import Connection, Database, fetch_one
from magicfs.db.queries import load_queries
from magicfs.db.server_resources import ServerResources, read_server_resources
from magicfs.db.storage import read_shortage
from magicfs.db.vectors.models import searched_models
from magicfs.db.vectors.partitions import build_missing_indexes, partition
from magicfs.domain.models import IndexedModel
from magicfs.domain.status import VectorIndexBuild

log = logging.getLogger(__name__)

_SQL = load_queries("vector_index")

MIN_INDEXED_ROWS = 25_000
"""The number of vectors from which an index is worth its upkeep: a scan takes twice as long then (docs/adr/0026)."""

BUILD_LOCK = 0x6D616769_63667302
"""The advisory lock that lets one process in the cluster build or drop the index."""

_MAX_COUNTED_PENDING = 10_000_000
"""Waiting chunks that are counted at most: counting takes time in proportion to them."""

CONNECTIONS = 20
"""Connections of a vector in the graph (m), twice as many in its lowest layer. With pgvector's own 16, a search misses
half as many again of the nearest vectors, or more; with 24, it misses a third fewer, and a build takes a quarter longer
(docs/adr/0026)."""

CONSIDERED_BY_BUILD = 64
"""Vectors that are considered when one is connected (ef_construction): as many as pgvector considers by itself."""

GRAPH_BYTES_PER_ROW = 1050
"""What the graph of an index under construction takes for each row beside the vector: with 24 connections, 971 were
measured."""

MEMORY_PART = 0.5
"""The part of the server's free memory that a build takes at most."""

MAX_BUILD_WORKERS = 7
"""Parallel workers of a build at most. Postgres has 8 worker processes unless it is told otherwise."""


@dataclass(frozen=True, slots=True)
class BuildSettings:
    """Postgres settings for one build."""

    memory_kb: int
    """`maintenance_work_mem`. A graph that does not fit is built several times more slowly."""
    workers: int
    """`max_parallel_maintenance_workers`, beside the process that builds."""


class IndexAction(Enum):
    """What `maintain_index` does."""

    NOTHING = auto()
    BUILD = auto()
    DROP = auto()


def choose_action(*, vectors: int, pending: int, valid: bool | None, min_rows: int = MIN_INDEXED_ROWS) -> IndexAction:
    """The action that saves most time.

    `pending` is the number of vectors that come soon: second vectors come for hours and are no bulk load. `valid` is
    None without an index, False for one whose build was interrupted.
    """
    if valid is False or (valid and pending > vectors):
        return IndexAction.DROP
    if valid is None and vectors >= min_rows and 10 * pending < vectors:
        return IndexAction.BUILD
    return IndexAction.NOTHING


def choose_build_settings(
    *, rows: int, dimension: int, configured_kb: int, server: ServerResources | None
) -> BuildSettings | None:
    """The settings with which the graph fits into memory and all cores build it; None for those of the server.

    `configured_kb` is the server's `maintenance_work_mem`, the least that is chosen.
    """
    if server is None:
        return None
    # A vector of halves, and some rows more than were counted.
    needed = int(1.2 * rows * (2 * dimension + GRAPH_BYTES_PER_ROW))
    memory_kb = max(configured_kb, min(needed, int(MEMORY_PART * server.memory_bytes)) >> 10)
    return BuildSettings(memory_kb=memory_kb, workers=min(server.cores - 1, MAX_BUILD_WORKERS))


def maintain_index(database: Database, *, min_rows: int = MIN_INDEXED_ROWS) -> IndexAction:
    """Build or drop the index of each searched model's vectors, whichever `choose_action` says.

    Returns the first action that is not NOTHING. Does nothing while the disk has no room. Building takes about a minute
    for 200,000 vectors. It blocks no reads and writes. What partitions lack of other indexes is built first, see
    `magicfs.db.vectors.partitions`.
    """
    with database.autocommit() as connection:
        models = searched_models(connection)
        if read_shortage(connection) is not None:
            return IndexAction.NOTHING
        if not models or connection.execute("SELECT pg_try_advisory_lock(%s)", (BUILD_LOCK,)).fetchone() != (True,):
            return IndexAction.NOTHING
        try:
            build_missing_indexes(connection)
            actions = [_maintain_index_of(connection, model, min_rows=min_rows) for model in models]
        finally:
            connection.execute("SELECT pg_advisory_unlock(%s)", (BUILD_LOCK,))
    return next((action for action in actions if action is not IndexAction.NOTHING), IndexAction.NOTHING)


def _maintain_index_of(connection: Connection, model: IndexedModel, *, min_rows: int) -> IndexAction:
    facts = connection.execute(
        _SQL["index_facts"],
        {
            "model_id": model.id,
            "table": f"embeddings_{model.id}",
            "index": _index_name(model),
            "max_pending": _MAX_COUNTED_PENDING,
        },
    ).fetchone()
    if facts is None:
        return IndexAction.NOTHING
    rows, pending, second_vectors, valid = facts
    vectors = rows - pending - second_vectors
    action = choose_action(vectors=vectors, pending=pending, valid=valid, min_rows=min_rows)
    if action is IndexAction.DROP:
        log.info("dropping the vector index of %s until the bulk load has ended", model.spec.label)
        _drop(connection, model)
    elif action is IndexAction.BUILD:
        _build(connection, model, rows=vectors)
    return action


def read_build(connection: Connection, model: IndexedModel) -> VectorIndexBuild | None:
    """The progress of the build of a model's index; None when none runs."""
    row = connection.execute(_SQL["build_progress"], {"table": f"embeddings_{model.id}"}).fetchone()
    return None if row is None else VectorIndexBuild(phase=row[0], done=row[1], total=row[2])


def _build(connection: Connection, model: IndexedModel, *, rows: int) -> None:
    configured_kb = fetch_one(connection.execute(_SQL["maintenance_memory_kb"]))[0]
    settings = choose_build_settings(
        rows=rows,
        dimension=model.spec.dimension,
        configured_kb=configured_kb,
        server=read_server_resources(connection),
    )
    if settings is None:
        log.info("building the vector index")
        connection.execute(_create_statement(model))
        return
    try:
        _build_with(connection, model, settings)
    except psycopg.OperationalError as error:
        if settings.workers == 0 or not (error.sqlstate or "").startswith("53"):
            raise
        # Parallel workers share the graph in /dev/shm, which is small in many containers.
        log.warning("building the vector index in one process, because %s", str(error).splitlines()[0])
        _drop(connection, model)
        _build_with(connection, model, BuildSettings(memory_kb=settings.memory_kb, workers=0))


def _build_with(connection: Connection, model: IndexedModel, settings: BuildSettings) -> None:
    log.info("building the vector index: %d MB, %d parallel workers", settings.memory_kb >> 10, settings.workers)
    values = {"maintenance_work_mem": settings.memory_kb, "max_parallel_maintenance_workers": settings.workers}
    for name, value in values.items():
        connection.execute(sql.SQL("SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))
    try:
        connection.execute(_create_statement(model))
    finally:
        if not connection.closed:
            for name in values:
                connection.execute(sql.SQL("RESET {}").format(sql.Identifier(name)))


def _drop(connection: Connection, model: IndexedModel) -> None:
    name = sql.Identifier(_index_name(model))
    connection.execute(sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(name))


def _index_name(model: IndexedModel) -> str:
    return f"embeddings_{model.id}_vectors"


def _create_statement(model: IndexedModel) -> sql.Composed:
    """The statement that builds the index. Its expression equals the ORDER BY of searches, or they would not use it."""
    return sql.SQL(
        "CREATE INDEX CONCURRENTLY {name} ON {partition} USING hnsw ((vector::halfvec({dimension})) halfvec_ip_ops)"
        " WITH (m = {connections}, ef_construction = {considered})"
    ).format(
        name=sql.Identifier(_index_name(model)),
        partition=partition(model.id),
        dimension=sql.Literal(model.spec.dimension),
        connections=sql.Literal(CONNECTIONS),
        considered=sql.Literal(CONSIDERED_BY_BUILD),
    )
