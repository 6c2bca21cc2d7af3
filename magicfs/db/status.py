"""Counts of files and chunks, for `magicfs status`, `.magic/status.json` and the coverage of a search.

All counts are exact and come from indexes alone, so that a million chunks take a tenth of a second. A chunk counts if
the model has a row for it, with or without a vector. Orphan chunks, which no file has and maintenance has not swept
yet, are counted one by one and subtracted; a search, which must be quick, includes them.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from magicfs.db import words
from magicfs.db.heartbeats import live_mounts, live_workers
from magicfs.db.models import active_model, building_model
from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries
from magicfs.db.vector_index import read_build
from magicfs.domain.models import IndexedModel
from magicfs.domain.results import Coverage
from magicfs.domain.status import ChunkCounts, FileCounts, IndexProgress, IndexStatus, RootStatus, coverage_of

_SQL = load_queries("status")


def read_status(connection: Connection) -> IndexStatus:
    """The state of the whole index, and the workers and mounts that are alive."""
    active = active_model(connection)
    building = building_model(connection)
    by_root, by_state = _count_files(connection)
    return IndexStatus(
        model=active.spec.label if active else None,
        building=building.spec.label if building else None,
        building_chunks=_count_chunks_without_orphans(connection, building) if building else None,
        files=_file_counts(by_state),
        chunks=_count_chunks_without_orphans(connection, active),
        roots=_roots(connection, by_root),
        workers=live_workers(connection),
        mounts=live_mounts(connection),
        vector_index_build=read_build(connection, active) if active else None,
        words=words.read_progress(connection),
    )


def read_coverage(connection: Connection, model: IndexedModel | None) -> Coverage:
    """The part of the corpus that a search with `model` covers."""
    return coverage_of(_file_counts(_count_files(connection)[1]), _count_chunks(connection, model))


def read_progress(connection: Connection, *, host: str, since: datetime, root: str | None = None) -> IndexProgress:
    """The progress of the files of one host, or of one root by its name. Missing roots do not count.

    A file that keeps changing counts as indexed once it was read after `since`, the database's time. Unless the
    selected roots are all roots, this visits each chunk of their files.
    """
    model = active_model(connection)
    roots = connection.execute(_SQL["roots_by_host"]).fetchall()
    selected = [entry for entry in roots if (entry[1] == host if root is None else entry[2] == root)]
    root_ids = [root_id for root_id, _, _, present in selected if present]
    by_state: Counter[str] = Counter()
    for root_id, state, count in connection.execute(_SQL["count_files"]):
        if root_id in root_ids:
            by_state[state] += count
    changing = fetch_one(connection.execute(_SQL["count_changing_files"], {"roots": root_ids, "since": since}))[0]
    by_state["pending"] -= changing
    by_state["indexed"] += changing
    if model is None or selected == roots:
        return IndexProgress(files=_file_counts(by_state), chunks=_count_chunks_without_orphans(connection, model))
    row = fetch_one(connection.execute(_SQL["count_embeddings_of_roots"], {"model_id": model.id, "roots": root_ids}))
    return IndexProgress(files=_file_counts(by_state), chunks=_chunk_counts(*row))


def change_marker(connection: Connection) -> str:
    """A text that changes with every commit that changes what searches see, and with no other one."""
    return str(fetch_one(connection.execute(_SQL["change_marker"]))[0])


def _count_files(connection: Connection) -> tuple[Counter[int], Counter[str]]:
    """The number of files by root, and by state."""
    by_root: Counter[int] = Counter()
    by_state: Counter[str] = Counter()
    for root_id, state, count in connection.execute(_SQL["count_files"]):
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
        named=by_state["named"],
    )


def _count_chunks_without_orphans(connection: Connection, model: IndexedModel | None) -> ChunkCounts:
    counts = _count_chunks(connection, model)
    if model is None:
        return counts
    row = fetch_one(connection.execute(_SQL["count_embeddings_of_orphans"], {"model_id": model.id}))
    orphans = _chunk_counts(*row)
    return ChunkCounts(
        total=counts.total - orphans.total,
        embedded=counts.embedded - orphans.embedded,
        failed=counts.failed - orphans.failed,
    )


def _count_chunks(connection: Connection, model: IndexedModel | None) -> ChunkCounts:
    if model is None:
        row = connection.execute(_SQL["count_chunks"]).fetchone()
        return ChunkCounts(total=row[0] if row else 0, embedded=0, failed=0)
    row = connection.execute(_SQL["count_embeddings"], {"model_id": model.id}).fetchone()
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
        for root_id, name, path, host, state, detail, scanned_at in connection.execute(_SQL["list_roots"])
    )
