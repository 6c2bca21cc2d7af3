"""Models whose vectors the index has: their rows and states. `partitions` has the tables of their vectors.

`magicfs up` and `magicfs model` activate and build models; the embed workers, maintenance and searches read them. It
neither loads nor stores a model's files, see `magicfs.models`. Runs in the caller's transaction.
"""

from __future__ import annotations

from typing import Any

from magicfs.db.embedding_queue import enqueue_all_chunks
from magicfs.db.partitions import drop_partition, ensure_partition, label_partition
from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries
from magicfs.db.second_vectors import settle_all, start_pass
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


def all_models(connection: Connection) -> list[IndexedModel]:
    """The models of the index, the retired ones last: active, building, multilingual."""
    return [model_of_columns(row) for row in connection.execute(_SQL["all_models"])]


def record_digest(connection: Connection, model: IndexedModel, spec: ModelSpec) -> bool:
    """Record that the vectors of a model are those of `spec`, and keep them all.

    Also records its tokenizer and its languages. Does nothing when all of it is recorded already. A retired model that
    has the digest is deleted: its vectors are those of `model` too. When a model in use has it, `model` is retired
    instead. Returns whether the digest is new.
    """
    known = model.spec.digest in {spec.digest, spec.former_digest}
    if model.spec.dimension != spec.dimension or (model.spec.digest and not known):
        return False
    has_facts = model.spec.tokenizer and (model.spec.languages or not spec.languages)
    if model.spec.digest == spec.digest and has_facts:
        return False
    lock_models(connection)
    connection.execute(_SQL["set_tokenizer"], {"model_id": model.id, "tokenizer": spec.tokenizer})
    _record_languages(connection, model.id, spec)
    if model.spec.digest == spec.digest or not _make_way(connection, model, spec):
        return False
    values = {"model_id": model.id, "digest": spec.digest, "former_digest": spec.former_digest}
    recorded = connection.execute(_SQL["set_digest"], values).rowcount == 1
    if recorded:
        label_partition(connection, model.id, spec)
    return recorded


def _record_languages(connection: Connection, model: ModelId, spec: ModelSpec) -> None:
    """Record the languages of a model of an older version, which did not."""
    values = {"model_id": model, "languages": list(spec.languages)}
    is_new = spec.languages and connection.execute(_SQL["set_languages"], values).rowcount
    # The rows of chunks depend on them.
    if is_new and multilingual_model(connection) is not None:
        start_pass(connection)


def _make_way(connection: Connection, model: IndexedModel, spec: ModelSpec) -> bool:
    """Take the digest of `spec` from another row of the same model. Returns False if that one keeps it.

    The active row wins, then the one that is being built, then the multilingual one. A row in use that loses is
    retired.
    """
    row = connection.execute(_SQL["other_with_digest"], {"model_id": model.id, "digest": spec.digest}).fetchone()
    if row is None:
        return True
    state, other, state_of_other = ModelState(row[0]), ModelId(row[1]), ModelState(row[2])
    if state is ModelState.RETIRED:
        return False
    wins = state_of_other is not ModelState.ACTIVE
    ends_multilingual = (state_of_other if wins else state) is ModelState.MULTILINGUAL
    if ends_multilingual:
        start_pass(connection)
    set_state(connection, other if wins else model.id, ModelState.RETIRED)
    if wins:
        _delete_retired(connection, other)
    if ends_multilingual:
        settle_all(connection)
    return wins


def activate_model(connection: Connection, spec: ModelSpec) -> IndexedModel:
    """Make `spec` the active model of an index that has none. Does nothing when it is active already.

    Raises `ModelMismatch` when another model is active: changing it means embedding everything again.
    """
    # Only one of two roles that start at the same time may insert the first model.
    lock_models(connection)
    active = active_model(connection)
    if active is not None and not active.spec.is_model(spec):
        raise ModelMismatch(
            f"the index has vectors of {active.spec.full_label}, not of {spec.full_label}: "
            f"to change it run 'magicfs model use {spec.name}'"
        )
    if active is not None:
        _record_languages(connection, active.id, spec)
    model_id = upsert_model(connection, spec, ModelState.ACTIVE)
    return IndexedModel(id=model_id, spec=spec, state=ModelState.ACTIVE)


def build_model(connection: Connection, spec: ModelSpec) -> IndexedModel:
    """Start to embed all chunks under `spec`, while searches keep using the active model. Returns the model of `spec`.

    Another building model is retired. If `spec` is the active model, nothing else happens. If it is the multilingual
    one, its vectors are kept, and there is no second model any more.
    """
    lock_models(connection)
    depends_on_languages = _has_had_multilingual(connection)
    if depends_on_languages:
        start_pass(connection)
    building = building_model(connection)
    if building is not None and not building.spec.is_model(spec):
        set_state(connection, building.id, ModelState.RETIRED)
    active = active_model(connection)
    if active is not None and active.spec.is_model(spec):
        if depends_on_languages:
            settle_all(connection)
        return active
    second = multilingual_model(connection)
    if second is not None and second.spec.is_model(spec):
        stop_renewal(connection)
    model_id = upsert_model(connection, spec, ModelState.BUILDING)
    set_state(connection, model_id, ModelState.BUILDING)
    enqueue_all_chunks(connection, model_id)
    if depends_on_languages:
        settle_all(connection)
    return IndexedModel(id=model_id, spec=spec, state=ModelState.BUILDING)


def start_multilingual(connection: Connection, spec: ModelSpec) -> IndexedModel:
    """Start to embed all chunks under a second model, which searches use at once for the chunks that have its vectors.

    Those that the active model does not read wait with the priority that they have, all others as second vectors.
    Another multilingual model is retired. If `spec` is the active model, or the one that is being built, nothing
    happens. Returns the model of `spec`.
    """
    lock_models(connection)
    for model in live_models(connection):
        if model.spec.is_model(spec):
            return model
    start_pass(connection)
    second = multilingual_model(connection)
    if second is not None:
        set_state(connection, second.id, ModelState.RETIRED)
    model_id = upsert_model(connection, spec, ModelState.MULTILINGUAL)
    set_state(connection, model_id, ModelState.MULTILINGUAL)
    connection.execute(_SQL["record_multilingual"])
    enqueue_all_chunks(connection, model_id)
    settle_all(connection)
    return IndexedModel(id=model_id, spec=spec, state=ModelState.MULTILINGUAL)


def stop_multilingual(connection: Connection) -> bool:
    """Retire the multilingual model. Its vectors are kept for a while; the active model gets the chunks that it left.

    Chunks that only the multilingual model has embedded are found by their words until the other models have them.
    Returns whether there was one.
    """
    lock_models(connection)
    second = multilingual_model(connection)
    if second is None:
        return False
    start_pass(connection)
    set_state(connection, second.id, ModelState.RETIRED)
    stop_renewal(connection)
    settle_all(connection)
    return True


def stop_renewal(connection: Connection) -> None:
    """Retire the renewing model: there is nothing to renew any more, or it is in use already."""
    renewing = renewing_model(connection)
    if renewing is not None:
        set_state(connection, renewing.id, ModelState.RETIRED)


def _has_had_multilingual(connection: Connection) -> bool:
    """Whether rows of the index may depend on the languages of documents."""
    return bool(fetch_one(connection.execute(_SQL["has_had_multilingual"]))[0])


def complete_building(connection: Connection) -> IndexedModel | None:
    """Activate the building model if no chunk that a file has lacks a vector. Returns the model, or None.

    One that reads every language needs no multilingual model beside it: that is retired.
    """
    lock_models(connection)
    building = building_model(connection)
    if building is None or not has_all_vectors(connection, building):
        return None
    second = multilingual_model(connection)
    if second is not None:
        start_pass(connection)
        if not building.spec.languages:
            set_state(connection, second.id, ModelState.RETIRED)
    active = active_model(connection)
    if active is not None:
        set_state(connection, active.id, ModelState.RETIRED)
    set_state(connection, building.id, ModelState.ACTIVE)
    return IndexedModel(id=building.id, spec=building.spec, state=ModelState.ACTIVE)


def has_all_vectors(connection: Connection, model: IndexedModel) -> bool:
    """Whether no chunk that a file has waits for a vector of a model. Queues those without a row."""
    # The query for pending chunks comes first: it reads one row, where `enqueue_all_chunks` visits every chunk.
    if fetch_one(connection.execute(_SQL["has_pending_chunks"], {"model_id": model.id}))[0]:
        return False
    # A file that was being read when the model came may have added chunks without a row for it.
    return not enqueue_all_chunks(connection, model.id)


def drop_retired(connection: Connection, *, after_s: float) -> int:
    """Delete models that have been retired for `after_s` seconds, and their vectors. Returns the number of models."""
    # Another transaction may be about to use one of them again.
    lock_models(connection)
    retired = [row[0] for row in connection.execute(_SQL["retired_models"], {"seconds": after_s})]
    for model_id in retired:
        _delete_retired(connection, ModelId(model_id))
    return len(retired)


def _delete_retired(connection: Connection, model: ModelId) -> None:
    """Delete a retired model and its vectors."""
    drop_partition(connection, model)
    connection.execute(_SQL["delete_model"], {"model_id": model})


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
