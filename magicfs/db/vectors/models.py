"""The models whose vectors the index has: their rows and states. `partitions` has the tables of their vectors.

The embed workers, maintenance and searches read them; `model_changes` has the steps from one model to another. It
neither loads nor stores a model's files, see `magicfs.models`. Runs in the caller's transaction.
"""

from __future__ import annotations

from typing import Any

from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries
from magicfs.db.vectors.embedding_queue import enqueue_all_chunks
from magicfs.db.vectors.partitions import drop_partition, ensure_partition, label_partition
from magicfs.domain.ids import ModelId
from magicfs.domain.models import SEARCHED_STATES, IndexedModel, ModelSpec, ModelState, Precision
from magicfs.domain.scales import corpus_scale
from magicfs.errors import ModelMismatch

_SQL = load_queries("models")


def active_model(connection: Connection) -> IndexedModel | None:
    """The model that searches use; None before the first `magicfs up`."""
    return _model_in_state(connection, ModelState.ACTIVE)


def building_model(connection: Connection) -> IndexedModel | None:
    """The model that replaces the active one as soon as it has all vectors; None if there is none."""
    return _model_in_state(connection, ModelState.BUILDING)


def multilingual_model(connection: Connection) -> IndexedModel | None:
    """The model that searches use beside the active one; None if there is none."""
    return _model_in_state(connection, ModelState.MULTILINGUAL)


def renewing_model(connection: Connection) -> IndexedModel | None:
    """The model that replaces the multilingual one as soon as it has all vectors; None if there is none."""
    return _model_in_state(connection, ModelState.RENEWING)


def searched_models(connection: Connection) -> list[IndexedModel]:
    """The models whose vectors searches use: the active one, then the multilingual one."""
    return _models_in_states(connection, *SEARCHED_STATES)


def live_models(connection: Connection) -> list[IndexedModel]:
    """The models whose vectors are made: the active, the building, the multilingual, then the renewing one."""
    return _models_in_states(
        connection, ModelState.ACTIVE, ModelState.BUILDING, ModelState.MULTILINGUAL, ModelState.RENEWING
    )


def all_models(connection: Connection) -> list[IndexedModel]:
    """The models of the index, the retired ones last: active, building, multilingual."""
    return [model_of_columns(row) for row in connection.execute(_SQL["all_models"])]


def _models_in_states(connection: Connection, *states: ModelState) -> list[IndexedModel]:
    rows = connection.execute(_SQL["models_in_states"], {"states": [state.value for state in states]})
    return [model_of_columns(row) for row in rows]


def _model_in_state(connection: Connection, state: ModelState) -> IndexedModel | None:
    return next(iter(_models_in_states(connection, state)), None)


def model_of_columns(row: tuple[Any, ...]) -> IndexedModel:
    """The model in a row of the fragment `models`: id, state, scale, and the fields of a spec in their order."""
    model_id, state, scale, name, precision, *others, languages = row
    fields: list[Any] = [name, Precision(precision), *others, tuple(languages)]
    return IndexedModel(
        id=ModelId(model_id), spec=ModelSpec(*fields), state=ModelState(state), scale=corpus_scale(scale)
    )


def spec_of(connection: Connection, model: ModelId) -> ModelSpec | None:
    """The spec of a model by its id; None when it has been deleted."""
    row = connection.execute(_SQL["model_by_id"], {"model_id": model}).fetchone()
    return model_of_columns(row).spec if row else None


def has_all_vectors(connection: Connection, model: IndexedModel) -> bool:
    """Whether no chunk that a file has waits for a vector of a model. Queues those without a row."""
    # The query for pending chunks comes first: it reads one row, where `enqueue_all_chunks` visits every chunk.
    if fetch_one(connection.execute(_SQL["has_pending_chunks"], {"model_id": model.id}))[0]:
        return False
    # A file that was being read when the model came may have added chunks without a row for it.
    return not enqueue_all_chunks(connection, model.id)


def lock_models(connection: Connection) -> None:
    """Let no other transaction change the models of the index until this one ends. Reads go on."""
    connection.execute("LOCK TABLE models IN SHARE ROW EXCLUSIVE MODE")


def set_state(connection: Connection, model: ModelId, state: ModelState) -> None:
    """Give a model another state. The caller has locked the models."""
    connection.execute(_SQL["set_state"], {"model_id": model, "state": state.value})


def upsert_model(connection: Connection, spec: ModelSpec, state: ModelState) -> ModelId:
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
                "digest": spec.digest,
                "former_digest": spec.former_digest,
                "digests": list(spec.digests),
                "tokenizer": spec.tokenizer,
                "languages": list(spec.languages),
                "floor_across": spec.floor_across,
                "ceiling_across": spec.ceiling_across,
                "state": state.value,
            },
        )
    )
    model_id, dimension = row
    if dimension != spec.dimension:
        raise ModelMismatch(
            f"{spec.full_label} has {spec.dimension} dimensions, the index knows it with {dimension}: "
            "give the changed model another name"
        )
    if ensure_partition(connection, ModelId(model_id), dimension=dimension):
        label_partition(connection, ModelId(model_id), spec)
    return ModelId(model_id)


def delete_retired(connection: Connection, model: ModelId) -> None:
    """Delete a retired model and its vectors."""
    drop_partition(connection, model)
    connection.execute(_SQL["delete_model"], {"model_id": model})
