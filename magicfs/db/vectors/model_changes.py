"""The changes of an index from one model to another: the first one, its successor, and the multilingual one beside it.

`magicfs up` and `magicfs model` activate and build models, the agent starts the multilingual one (`multilingual` says
when), maintenance completes what was begun and deletes what was retired. Each change locks the models until the
caller's transaction ends.
"""

from __future__ import annotations

import shlex

from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries
from magicfs.db.vectors.embedding_queue import enqueue_all_chunks
from magicfs.db.vectors.model_digests import record_languages
from magicfs.db.vectors.models import (
    active_model,
    building_model,
    delete_retired,
    has_all_vectors,
    live_models,
    lock_models,
    multilingual_model,
    renewing_model,
    set_state,
    upsert_model,
)
from magicfs.db.vectors.second_vectors import settle_all, start_pass
from magicfs.domain.ids import ModelId
from magicfs.domain.models import IndexedModel, ModelSpec, ModelState
from magicfs.errors import ModelMismatch

_SQL = load_queries("models")


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
            f"to change it run 'magicfs model use {shlex.quote(spec.name)}'"
        )
    if active is not None:
        record_languages(connection, active.id, spec)
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


def drop_retired(connection: Connection, *, after_s: float) -> int:
    """Delete models that have been retired for `after_s` seconds, and their vectors. Returns the number of models."""
    # Another transaction may be about to use one of them again.
    lock_models(connection)
    retired = [row[0] for row in connection.execute(_SQL["retired_models"], {"seconds": after_s})]
    for model_id in retired:
        delete_retired(connection, ModelId(model_id))
    return len(retired)


def _has_had_multilingual(connection: Connection) -> bool:
    """Whether rows of the index may depend on the languages of documents."""
    return bool(fetch_one(connection.execute(_SQL["has_had_multilingual"]))[0])
