"""Counts of everything: what `status` prints, what `.magic/status.json` holds, and what a search calls coverage.

All counts are exact and come from indexes alone, so that a million chunks take a tenth of a second. A chunk is
counted while a file has it and the model has a row for it, whether its vector is there or not. What no file has any
more and maintenance has not swept yet is looked at chunk by chunk, and taken off; a search, which must not wait for
that, counts it still.
"""

from __future__ import annotations

from collections import Counter

from magicfs.db.models import active_model, building_model
from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries
from magicfs.domain.models import IndexedModel
from magicfs.domain.results import Coverage
from magicfs.domain.status import (
    ChunkCounts,
    FileCounts,
    IndexProgress,
    IndexStatus,
    MountStatus,
    RootStatus,
    WorkerStatus,
)

_SQL = load_queries("status")

ALIVE_SECONDS = 20.0
"""Workers and mounts report every few seconds; one that has not for this long is gone."""


def read_status(connection: Connection, *, alive_seconds: float = ALIVE_SECONDS) -> IndexStatus:
    """The state of the whole; workers and mounts count if they reported within `alive_seconds`."""
    active = active_model(connection)
    building = building_model(connection)
    by_root, by_state = _count_files(connection)
    alive = {"alive_seconds": alive_seconds}
    return IndexStatus(
        model=active.spec.label if active else None,
        building=building.spec.label if building else None,
        building_chunks=_count_owned_chunks(connection, building) if building else None,
        files=_file_counts(by_state),
        chunks=_count_owned_chunks(connection, active),
        roots=_roots(connection, by_root),
        workers=tuple(
            WorkerStatus(name=name, host=host, kind=kind, pid=pid)
            for name, host, kind, pid in connection.execute(_SQL["workers"], alive)
        ),
        mounts=tuple(
            MountStatus(host=host, path=path, pid=pid) for host, path, pid in connection.execute(_SQL["mounts"], alive)
        ),
    )


def read_coverage(connection: Connection, model: IndexedModel | None) -> Coverage:
    """How much of the corpus a search with `model` can see."""
    files = _file_counts(_count_files(connection)[1])
    chunks = _count_chunks(connection, model)
    return Coverage(files=files.total, indexed=files.indexed, chunks=chunks.total, embedded=chunks.embedded)


def read_progress(connection: Connection, *, host: str, root: str | None = None) -> IndexProgress:
    """How far the files of one host are, or those of a root by its name, as far as their roots are there.

    A file that can be found and keeps changing is none to wait for. Where there are files in other roots too, it costs
    a look at each chunk of these.
    """
    model = active_model(connection)
    roots = connection.execute(_SQL["whereabouts"]).fetchall()
    asked = [entry for entry in roots if (entry[1] == host if root is None else entry[2] == root)]
    ours = [root_id for root_id, _, _, present in asked if present]
    by_state: Counter[str] = Counter()
    for root_id, state, count in connection.execute(_SQL["files"]):
        if root_id in ours:
            by_state[state] += count
    resting = fetch_one(connection.execute(_SQL["resting"], {"roots": ours}))[0]
    by_state["pending"] -= resting
    by_state["indexed"] += resting
    if model is None or asked == roots:
        return IndexProgress(files=_file_counts(by_state), chunks=_count_owned_chunks(connection, model))
    row = fetch_one(connection.execute(_SQL["embeddings_of_roots"], {"model_id": model.id, "roots": ours}))
    return IndexProgress(files=_file_counts(by_state), chunks=_chunk_counts(*row))


def _count_files(connection: Connection) -> tuple[Counter[int], Counter[str]]:
    by_root: Counter[int] = Counter()
    by_state: Counter[str] = Counter()
    for root_id, state, count in connection.execute(_SQL["files"]):
        by_root[root_id] += count
        by_state[state] += count
    return by_root, by_state


def _file_counts(by_state: Counter[str]) -> FileCounts:
    return FileCounts(
        total=by_state.total(),
        pending=by_state["pending"],
        indexed=by_state["indexed"],
        skipped=by_state["skipped"],
        failed=by_state["failed"],
    )


def _count_owned_chunks(connection: Connection, model: IndexedModel | None) -> ChunkCounts:
    """Without those that no file has any more."""
    counts = _count_chunks(connection, model)
    if model is None:
        return counts
    unowned = _chunk_counts(*fetch_one(connection.execute(_SQL["unowned_embeddings"], {"model_id": model.id})))
    return ChunkCounts(
        total=counts.total - unowned.total,
        embedded=counts.embedded - unowned.embedded,
        failed=counts.failed - unowned.failed,
    )


def _count_chunks(connection: Connection, model: IndexedModel | None) -> ChunkCounts:
    if model is None:
        row = connection.execute(_SQL["chunks_without_model"]).fetchone()
        return ChunkCounts(total=row[0] if row else 0, embedded=0, failed=0)
    row = connection.execute(_SQL["embeddings"], {"model_id": model.id}).fetchone()
    return _chunk_counts(*(row or (0, 0, 0)))


def _chunk_counts(total: int, pending: int, failed: int) -> ChunkCounts:
    return ChunkCounts(total=total, embedded=total - pending - failed, failed=failed)


def _roots(connection: Connection, files: Counter[int]) -> tuple[RootStatus, ...]:
    return tuple(
        RootStatus(
            name=name,
            path=path,
            host=host,
            files=files[root_id],
            state=state,
            detail=detail,
            scanned_at=None if scanned_at is None else float(scanned_at),
        )
        for root_id, name, path, host, state, detail, scanned_at in connection.execute(_SQL["roots"])
    )
