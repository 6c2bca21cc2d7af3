"""Which models the index has vectors of, and the partition of `embeddings` that each one has."""

from __future__ import annotations

from psycopg import sql

from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries
from magicfs.domain.ids import ModelId
from magicfs.domain.models import IndexedModel, ModelSpec, Precision
from magicfs.errors import ModelMismatch

_SQL = load_queries("models")


def active_model(connection: Connection) -> IndexedModel | None:
    """The model that searches use; None before the first `magicfs up`."""
    return _by_state(connection, state="active")


def building_model(connection: Connection) -> IndexedModel | None:
    """The model that is to replace the active one once it has all vectors."""
    return _by_state(connection, state="building")


def _by_state(connection: Connection, *, state: str) -> IndexedModel | None:
    row = connection.execute(_SQL["by_state"], {"state": state}).fetchone()
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
    """Make `spec` the model of an index that has none; harmless when it is that already.

    Raises `ModelMismatch` when the index has another one: changing it means to embed everything anew.
    """
    # Two roles starting at once must not both be the first.
    connection.execute("LOCK TABLE models IN SHARE ROW EXCLUSIVE MODE")
    active = active_model(connection)
    if active is not None and not _same(active.spec, spec):
        raise ModelMismatch(
            f"the index has vectors of {active.spec.label}, not of {spec.label}: "
            f"to change it run 'magicfs model use {spec.name}'"
        )
    model_id = _record(connection, spec, state="active")
    return IndexedModel(id=model_id, spec=spec)


def build_model(connection: Connection, spec: ModelSpec) -> IndexedModel:
    """Start to embed everything under `spec`, beside the active model, which searches go on using.

    What is being built already is given up, unless it is `spec` itself. To name the active model only gives up.
    """
    connection.execute("LOCK TABLE models IN SHARE ROW EXCLUSIVE MODE")
    building = building_model(connection)
    if building is not None and not _same(building.spec, spec):
        _set_state(connection, building.id, "retired")
    active = active_model(connection)
    if active is not None and _same(active.spec, spec):
        return active
    model_id = _record(connection, spec, state="building")
    _set_state(connection, model_id, "building")
    connection.execute(_SQL["enqueue_all_chunks"], {"model_id": model_id})
    return IndexedModel(id=model_id, spec=spec)


def complete_building(connection: Connection) -> IndexedModel | None:
    """Let searches use the model that is being built, once it has the vectors of all chunks that a file has.

    Returns it when that is now.
    """
    connection.execute("LOCK TABLE models IN SHARE ROW EXCLUSIVE MODE")
    building = building_model(connection)
    # Asked first: it reads one row, where the look at all chunks reads every one.
    if building is None or fetch_one(connection.execute(_SQL["pending"], {"model_id": building.id}))[0]:
        return None
    # A file that was being read when the building began may have brought chunks that it does not know.
    if connection.execute(_SQL["enqueue_all_chunks"], {"model_id": building.id}).rowcount:
        return None
    active = active_model(connection)
    if active is not None:
        _set_state(connection, active.id, "retired")
    _set_state(connection, building.id, "active")
    return building


def drop_retired(connection: Connection, *, after_s: float) -> int:
    """Delete the vectors of models that have been out of use for `after_s`. Returns how many models went."""
    # Somebody may be taking one of them back into use.
    connection.execute("LOCK TABLE models IN SHARE ROW EXCLUSIVE MODE")
    retired = [row[0] for row in connection.execute(_SQL["retired"], {"seconds": after_s})]
    for model_id in retired:
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(partition(ModelId(model_id))))
        connection.execute(_SQL["delete"], {"model_id": model_id})
    return len(retired)


def _same(one: ModelSpec, other: ModelSpec) -> bool:
    """Whether two specs name the same vectors; their calibration may differ."""
    return (one.name, one.precision) == (other.name, other.precision)


def _set_state(connection: Connection, model: ModelId, state: str) -> None:
    connection.execute(_SQL["set_state"], {"model_id": model, "state": state})


def _record(connection: Connection, spec: ModelSpec, *, state: str) -> ModelId:
    row = fetch_one(
        connection.execute(
            _SQL["insert"],
            {
                "name": spec.name,
                "precision": spec.precision.value,
                "dimension": spec.dimension,
                "max_tokens": spec.max_tokens,
                "query_prefix": spec.query_prefix,
                "floor": spec.floor,
                "ceiling": spec.ceiling,
                "state": state,
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
    """The table that holds the vectors of a model."""
    return sql.Identifier(f"embeddings_{model_id}")


def _ensure_partition(connection: Connection, *, model_id: int, dimension: int) -> None:
    name = partition(ModelId(model_id))
    if connection.execute("SELECT to_regclass(%s)", (f"embeddings_{model_id}",)).fetchone() != (None,):
        return
    connection.execute(
        sql.SQL("CREATE TABLE {} PARTITION OF embeddings FOR VALUES IN ({})").format(name, sql.Literal(model_id))
    )
    # A vector of another size never reaches the table, whoever writes it. Vectors stay in the row: a scan
    # that follows a pointer for each of them is several times slower.
    connection.execute(
        sql.SQL(
            "ALTER TABLE {} ADD CHECK (vector IS NULL OR vector_dims(vector) = {}), "
            "ALTER COLUMN vector SET STORAGE PLAIN, SET (autovacuum_vacuum_scale_factor = 0.05)"
        ).format(name, sql.Literal(dimension))
    )
