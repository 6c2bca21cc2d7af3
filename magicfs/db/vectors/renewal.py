"""The renewal of the multilingual model: searches use its former vectors until all are made anew in a better form.

The agent begins it, maintenance completes it. Runs in the caller's transaction. docs/adr/0030 says why.
"""

from __future__ import annotations

from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries
from magicfs.db.vectors.embedding_queue import enqueue_all_chunks
from magicfs.db.vectors.model_changes import stop_renewal
from magicfs.db.vectors.models import (
    has_all_vectors,
    live_models,
    lock_models,
    multilingual_model,
    renewing_model,
    set_state,
    upsert_model,
)
from magicfs.db.vectors.second_vectors import settle_all, start_pass
from magicfs.domain.models import IndexedModel, ModelSpec, ModelState

_SQL = load_queries("renewal")


def renew_multilingual(connection: Connection, spec: ModelSpec) -> bool:
    """Start to embed all chunks under `spec`, while searches keep using the present multilingual model.

    For the same model in a better form. Another renewing model is retired. Does nothing when `spec` is in use already.
    Returns whether it has begun.
    """
    lock_models(connection)
    second = multilingual_model(connection)
    if second is None or any(model.spec.is_model(spec) for model in live_models(connection)):
        return False
    stop_renewal(connection)
    model_id = upsert_model(connection, spec, ModelState.RENEWING)
    set_state(connection, model_id, ModelState.RENEWING)
    enqueue_all_chunks(connection, model_id)
    settle_all(connection)
    return True


def complete_renewal(connection: Connection) -> IndexedModel | None:
    """Have searches use the renewing model if no chunk that a file has lacks its vector. Returns the model, or None.

    Without a multilingual model there is nothing to renew any more.
    """
    renewing = renewing_model(connection)
    if renewing is None:
        return None
    lock_models(connection)
    renewing, second = renewing_model(connection), multilingual_model(connection)
    if second is None:
        stop_renewal(connection)
    if renewing is None or second is None or _would_lose_vectors(connection, renewing, second):
        return None
    if not has_all_vectors(connection, renewing):
        return None
    start_pass(connection)
    set_state(connection, second.id, ModelState.RETIRED)
    set_state(connection, renewing.id, ModelState.MULTILINGUAL)
    return IndexedModel(id=renewing.id, spec=renewing.spec, state=ModelState.MULTILINGUAL)


def _would_lose_vectors(connection: Connection, renewing: IndexedModel, second: IndexedModel) -> bool:
    """Whether a chunk failed under the renewing model that has a vector of the present one."""
    parameters = {"renewing": renewing.id, "present": second.id}
    return bool(fetch_one(connection.execute(_SQL["has_lost_chunks"], parameters))[0])
