"""Models whose vectors the index has: their rows and states, and the partition of `embeddings` for each of them.

`magicfs up` and `magicfs model` activate and build models; the embed workers, maintenance and searches read them. It
neither loads nor stores a model's files, see `magicfs.models`. Runs in the caller's transaction.
"""

from __future__ import annotations

from psycopg import sql

from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries
from magicfs.domain.ids import ModelId
from magicfs.domain.models import IndexedModel, ModelSpec, ModelState, Precision
from magicfs.errors import ModelMismatch

_SQL = load_queries("models")


def active_model(connection: Connection) -> IndexedModel | None:
    """The model that searches use; None before the first `magicfs up`."""
    return _model_in_state(connection, ModelState.ACTIVE)


def building_model(connection: Connection) -> IndexedModel | None:
    """The model that replaces the active one as soon as it has all vectors; None if there is none."""
    return _model_in_state(connection, ModelState.BUILDING)


def _model_in_state(connection: Connection, state: ModelState) -> IndexedModel | None:
    row = connection.execute(_SQL["model_in_state"], {"state": state.value}).fetchone()
    if row is None:
        return None
    model_id, name, precision, dimension, max_tokens, query_prefix, floor, ceiling = row
    spec = ModelSpec(
        name=name,
        precision=Precision(precision),
        dimension=dimension,
        max_tokens=max_tokens,
        query_prefix=query_prefix,
        floor=floor,
        ceiling=ceiling,
    )
    return IndexedModel(id=ModelId(model_id), spec=spec)


def activate_model(connection: Connection, spec: ModelSpec) -> IndexedModel:
    """Make `spec` the active model of an index that has none. Does nothing when it is active already.

    Raises `ModelMismatch` when another model is active: changing it means embedding everything again.
    """
    # Only one of two roles that start at the same time may insert the first model.
    connection.execute("LOCK TABLE models IN SHARE ROW EXCLUSIVE MODE")
    active = active_model(connection)
    if active is not None and not _same_vectors(active.spec, spec):
        raise ModelMismatch(
            f"the index has vectors of {active.spec.label}, not of {spec.label}: "
            f"to change it run 'magicfs model use {spec.name}'"
        )
    model_id = _upsert_model(connection, spec, ModelState.ACTIVE)
    return IndexedModel(id=model_id, spec=spec)


def build_model(connection: Connection, spec: ModelSpec) -> IndexedModel:
    """Start to embed all chunks under `spec`, while searches keep using the active model. Returns the model of `spec`.

    Another building model is retired. If `spec` is the active model, nothing else happens.
    """
    connection.execute("LOCK TABLE models IN SHARE ROW EXCLUSIVE MODE")
    building = building_model(connection)
    if building is not None and not _same_vectors(building.spec, spec):
        _set_state(connection, building.id, ModelState.RETIRED)
    active = active_model(connection)
    if active is not None and _same_vectors(active.spec, spec):
        return active
    model_id = _upsert_model(connection, spec, ModelState.BUILDING)
    _set_state(connection, model_id, ModelState.BUILDING)
    connection.execute(_SQL["enqueue_all_chunks"], {"model_id": model_id})
    return IndexedModel(id=model_id, spec=spec)


def complete_building(connection: Connection) -> IndexedModel | None:
    """Activate the building model if no chunk that a file has lacks a vector. Returns the model, or None."""
    connection.execute("LOCK TABLE models IN SHARE ROW EXCLUSIVE MODE")
    building = building_model(connection)
    # The query for pending chunks comes first: it reads one row, where `enqueue_all_chunks` visits every chunk.
    if building is None or fetch_one(connection.execute(_SQL["has_pending_chunks"], {"model_id": building.id}))[0]:
        return None
    # A file that was being read when the building began may have added chunks without a row for this model.
    if connection.execute(_SQL["enqueue_all_chunks"], {"model_id": building.id}).rowcount:
        return None
    active = active_model(connection)
    if active is not None:
        _set_state(connection, active.id, ModelState.RETIRED)
    _set_state(connection, building.id, ModelState.ACTIVE)
    return building


def drop_retired(connection: Connection, *, after_s: float) -> int:
    """Delete models that have been retired for `after_s` seconds, and their vectors. Returns the number of models."""
    # Another transaction may be about to use one of them again.
    connection.execute("LOCK TABLE models IN SHARE ROW EXCLUSIVE MODE")
    retired = [row[0] for row in connection.execute(_SQL["retired_models"], {"seconds": after_s})]
    for model_id in retired:
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(partition(ModelId(model_id))))
        connection.execute(_SQL["delete_model"], {"model_id": model_id})
    return len(retired)


def _same_vectors(one: ModelSpec, other: ModelSpec) -> bool:
    """Whether two specs mean the same vectors. Their calibration may differ."""
    return (one.name, one.precision) == (other.name, other.precision)


def _set_state(connection: Connection, model: ModelId, state: ModelState) -> None:
    connection.execute(_SQL["set_state"], {"model_id": model, "state": state.value})


def _upsert_model(connection: Connection, spec: ModelSpec, state: ModelState) -> ModelId:
    """Store a model and its partition. A model that is stored already keeps its state; its calibration is updated."""
    row = fetch_one(
        connection.execute(
            _SQL["upsert_model"],
            {
                "name": spec.name,
                "precision": spec.precision.value,
                "dimension": spec.dimension,
                "max_tokens": spec.max_tokens,
                "query_prefix": spec.query_prefix,
                "floor": spec.floor,
                "ceiling": spec.ceiling,
                "state": state.value,
            },
        )
    )
    model_id, dimension = row
    if dimension != spec.dimension:
        raise ModelMismatch(
            f"{spec.label} has {spec.dimension} dimensions, the index knows it with {dimension}: "
            "give the changed model another name"
        )
    _ensure_partition(connection, model_id=model_id, dimension=dimension)
    return ModelId(model_id)


def partition(model_id: ModelId) -> sql.Identifier:
    """The name of the table with the vectors of a model."""
    return sql.Identifier(f"embeddings_{model_id}")


def _ensure_partition(connection: Connection, *, model_id: int, dimension: int) -> None:
    name = partition(ModelId(model_id))
    if connection.execute("SELECT to_regclass(%s)", (f"embeddings_{model_id}",)).fetchone() != (None,):
        return
    connection.execute(
        sql.SQL("CREATE TABLE {} PARTITION OF embeddings FOR VALUES IN ({})").format(name, sql.Literal(model_id))
    )
    # The check rejects a vector of another dimension. Plain storage keeps vectors in their rows: a scan that follows
    # a pointer for each of them is several times slower.
    connection.execute(
        sql.SQL(
            "ALTER TABLE {} ADD CHECK (vector IS NULL OR vector_dims(vector) = {}), "
            "ALTER COLUMN vector SET STORAGE PLAIN, SET (autovacuum_vacuum_scale_factor = 0.05)"
        ).format(name, sql.Literal(dimension))
    )
