"""Records of a model what an older version of MagicFS did not: its digest, its tokenizer and its languages.

Each host that has a model's files does so when it starts. The vectors stay: they are those of the same model. Runs in
the caller's transaction.
"""

from __future__ import annotations

from magicfs.db.pool import Connection
from magicfs.db.queries import load_queries
from magicfs.db.vectors.models import delete_retired, lock_models, multilingual_model, set_state
from magicfs.db.vectors.partitions import label_partition
from magicfs.db.vectors.second_vectors import settle_all, start_pass
from magicfs.domain.ids import ModelId
from magicfs.domain.models import IndexedModel, ModelSpec, ModelState

_SQL = load_queries("models")


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
    record_languages(connection, model.id, spec)
    if model.spec.digest == spec.digest or not _make_way(connection, model, spec):
        return False
    values = {"model_id": model.id, "digest": spec.digest, "former_digest": spec.former_digest}
    recorded = connection.execute(_SQL["set_digest"], values).rowcount == 1
    if recorded:
        label_partition(connection, model.id, spec)
    return recorded


def record_languages(connection: Connection, model: ModelId, spec: ModelSpec) -> None:
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
        delete_retired(connection, other)
    if ends_multilingual:
        settle_all(connection)
    return wins
