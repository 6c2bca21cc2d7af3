"""Counts of files and chunks, for `magicfs status` and `metrics`, `.magic/status.json` and the coverage of a search.

All counts are exact and come from indexes alone, so that a million chunks take a tenth of a second. A chunk counts if
the active model has a row for it, with or without a vector. It is found by meaning when it waits for no vector but a
second one. Orphan chunks, which no file has and maintenance has not swept yet, are counted one by one and subtracted; a
search, which must be quick, includes them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from magicfs.db.as_of import read_as_of
from magicfs.db.cluster.heartbeats import live_mounts, live_workers
from magicfs.db.cluster.hosts import list_hosts
from magicfs.db.corpus import words
from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries
from magicfs.db.schema import require_not_newer
from magicfs.db.storage import read_shortage
from magicfs.db.vectors.models import live_models
from magicfs.db.vectors.vector_index import read_build
from magicfs.domain.models import IndexedModel, ModelState
from magicfs.domain.results import Coverage
from magicfs.domain.status import (
    ChunkCounts,
    FileCounts,
    IndexMeasures,
    IndexProgress,
    IndexStatus,
    ModelStatus,
    RootStatus,
    coverage_of,
)

_SQL = load_queries("status")

COVERAGE_SQL = _SQL["coverage"]
"""What a search covers, as one JSON object; a search reads it with other things in one statement. `roots` is None."""


class _Rows(NamedTuple):
    """The rows of a model."""

    total: int
    waiting: int
    second_vectors: int
    """Those that wait for a second vector."""
    failed: int
    unread: int
    """Those in languages that the model does not read: they get no vector of it."""

    def with_second(self, *, waiting: int, failed: int) -> _Rows:
        """These rows, and the chunks that wait or failed under the multilingual model alone."""
        return self._replace(waiting=self.waiting + waiting, failed=self.failed + failed)

    def without(self, others: _Rows) -> _Rows:
        return _Rows(*(mine - other for mine, other in zip(self, others, strict=True)))


def read_status(connection: Connection) -> IndexStatus:
    """The state of the whole index, and the workers and mounts that are alive."""
    by_root, by_state = _count_files(connection)
    models = _live_models(connection)
    rows = {role: _count_rows_without_orphans(connection, model) for role, model in models.items()}
    active, building = models.get(ModelState.ACTIVE), models.get(ModelState.BUILDING)
    searched = (active, models.get(ModelState.MULTILINGUAL))
    builds = (read_build(connection, model) for model in searched if model is not None)
    return IndexStatus(
        model=active.spec.label if active else None,
        building=building.spec.label if building else None,
        building_chunks=_chunk_counts(rows[ModelState.BUILDING]) if building else None,
        files=_file_counts(by_state),
        chunks=_chunks_found(connection, models, rows),
        roots=_roots(connection, by_root),
        workers=live_workers(connection),
        mounts=live_mounts(connection),
        vector_index_build=next((build for build in builds if build is not None), None),
        words=words.read_progress(connection),
        models=tuple(_model_status(models[role], role, rows[role]) for role in models),
        hosts=list_hosts(connection),
        free_bytes=read_shortage(connection),
        pending_pages=fetch_one(connection.execute(_SQL["count_pending_pages"]))[0],
    )


def read_measures(connection: Connection) -> IndexMeasures:
    """What `magicfs metrics` shows beside the status. Takes as long as `read_status`, or less."""
    size, schema = fetch_one(connection.execute(_SQL["database_size"]))
    complete_until = read_as_of(connection).moment
    return IndexMeasures(
        reasons=dict(connection.execute(_SQL["count_reasons"]).fetchall()),
        failed_chunks={
            (model, reason): count for model, reason, count in connection.execute(_SQL["count_failed_chunks"])
        },
        database_bytes=size,
        schema=schema,
        complete_until=None if complete_until is None else complete_until.timestamp(),
    )


def coverage_of_counts(counts: Mapping[str, Any]) -> Coverage:
    """The part of the corpus that a search covers, from the counts that `COVERAGE_SQL` returns."""
    rows = {
        ModelState(state): _Rows(total, waiting, second_vectors, failed, unread=0)
        for state, (total, waiting, second_vectors, failed) in (counts["models"] or {}).items()
    }
    files, pages = _file_counts(Counter(counts["files"] or {})), counts["pending_pages"]
    found = rows.get(ModelState.ACTIVE)
    if found is None:
        return coverage_of(files, ChunkCounts(total=counts["chunks"], embedded=0, failed=0), pending_pages=pages)
    second = rows.get(ModelState.MULTILINGUAL)
    if second is not None:
        waiting = second.waiting - (counts["waiting_twice"] or 0)
        found = found.with_second(waiting=waiting, failed=counts["failed_alone"] or 0)
    return coverage_of(files, _chunk_counts(found), pending_pages=pages)


def read_progress(connection: Connection, *, host: str, since: datetime, root: str | None = None) -> IndexProgress:
    """The progress of the files of one host, or of one root by its name. Missing roots do not count.

    A file that keeps changing counts as indexed once it was read after `since`, the database's time. Unless the
    selected roots are all roots, this visits each chunk of their files.
    """
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
    chunks = _chunks_of_roots(connection, None if selected == roots else root_ids)
    return IndexProgress(files=_file_counts(by_state), chunks=chunks)


def models_with_backlog(connection: Connection) -> list[IndexedModel]:
    """The models that searches use and under which chunks wait to be found by meaning."""
    models = [model for role, model in _live_models(connection).items() if role is not ModelState.BUILDING]
    return [model for model in models if _count_rows(connection, model).waiting]


def change_marker(connection: Connection) -> str:
    """A text that changes with every commit that changes what searches see, and with no other one.

    Raises `SchemaError` when the schema is newer than this program.
    """
    marker, version = fetch_one(connection.execute(_SQL["change_marker"], prepare=True))
    require_not_newer(version)
    return str(marker)


def _count_files(connection: Connection) -> tuple[defaultdict[int, Counter[str]], Counter[str]]:
    """The number of files by state: of each root, and of all."""
    by_root: defaultdict[int, Counter[str]] = defaultdict(Counter)
    by_state: Counter[str] = Counter()
    for root_id, state, count in connection.execute(_SQL["count_files"]):
        by_root[root_id][state] += count
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


def _live_models(connection: Connection) -> dict[ModelState, IndexedModel]:
    """The models whose vectors are made, by their roles."""
    return {model.state: model for model in live_models(connection)}


def _chunks_of_roots(connection: Connection, roots: Sequence[int] | None) -> ChunkCounts:
    """The chunks of the files of some roots, with None those of all files."""
    models = _live_models(connection)
    rows = {
        role: _count_rows_without_orphans(connection, model)
        if roots is None
        else _count_rows_of_roots(connection, model, roots)
        for role, model in models.items()
    }
    return _chunks_found(connection, models, rows, roots)


def _count_rows_of_roots(connection: Connection, model: IndexedModel, roots: Sequence[int]) -> _Rows:
    values = {"model_id": model.id, "roots": roots}
    return _Rows(*fetch_one(connection.execute(_SQL["count_embeddings_of_roots"], values)))


def _count_rows_without_orphans(connection: Connection, model: IndexedModel) -> _Rows:
    orphans = connection.execute(_SQL["count_embeddings_of_orphans"], {"model_id": model.id})
    return _count_rows(connection, model).without(_Rows(*fetch_one(orphans)))


def _count_rows(connection: Connection, model: IndexedModel) -> _Rows:
    return _Rows(*fetch_one(connection.execute(_SQL["count_embeddings"], {"model_id": model.id})))


def _chunks_found(
    connection: Connection,
    models: Mapping[ModelState, IndexedModel],
    rows: Mapping[ModelState, _Rows],
    roots: Sequence[int] | None = None,
) -> ChunkCounts:
    """The chunks that are found by meaning: by the active model, or by the multilingual one where that reads alone.

    `rows` has the counts of each of the `models`, and `roots` restricts the failed chunks as it does these counts.
    """
    active, multilingual = models.get(ModelState.ACTIVE), models.get(ModelState.MULTILINGUAL)
    if active is None:
        row = connection.execute(_SQL["count_chunks"]).fetchone()
        return ChunkCounts(total=row[0] if row else 0, embedded=0, failed=0)
    found = rows[ModelState.ACTIVE]
    if multilingual is not None:
        failed = fetch_one(connection.execute(_SQL["count_failed_alone"], {"roots": roots}))[0]
        waiting = rows[ModelState.MULTILINGUAL].waiting
        if waiting and found.waiting + found.failed:
            waiting -= fetch_one(connection.execute(_SQL["count_waiting_twice"], {"roots": roots}))[0]
        found = found.with_second(waiting=waiting, failed=failed)
    return _chunk_counts(found)


def _chunk_counts(rows: _Rows) -> ChunkCounts:
    return ChunkCounts(total=rows.total, embedded=rows.total - rows.waiting - rows.failed, failed=rows.failed)


def _model_status(model: IndexedModel, role: ModelState, rows: _Rows) -> ModelStatus:
    return ModelStatus(
        name=model.spec.name,
        precision=model.spec.precision,
        role=role,
        total=rows.total,
        pending=rows.waiting,
        second_vectors=rows.second_vectors,
        failed=rows.failed,
        unread=rows.unread,
    )


def _roots(connection: Connection, files: Mapping[int, Counter[str]]) -> tuple[RootStatus, ...]:
    return tuple(
        RootStatus(
            name=name,
            path=path,
            host=host,
            files=_file_counts(files[root_id]),
            state=state,
            detail=detail,
            scanned_at=None if scanned_at is None else float(scanned_at),
            watched=watched,
        )
        for root_id, name, path, host, state, detail, scanned_at, watched in connection.execute(_SQL["list_roots"])
    )
