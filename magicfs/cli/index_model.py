"""The model of the index: which one it is, and whether this machine has it.

Used by the commands and by the composition root `wiring`. An index without a model gets that of this machine; from then
on the model is found by its digest. It loads no model. The functions run in any thread.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from magicfs.cli.environment import database_for_command
from magicfs.config import Settings
from magicfs.embedding.manifest import pull_command, remake_advice
from magicfs.errors import DatabaseError, ModelCorrupt, ModelError, ModelMismatch, ModelMissing, ServerError, UsageError

if TYPE_CHECKING:
    from magicfs.db.pool import Connection, Database
    from magicfs.domain.models import IndexedModel, ModelSpec, ModelState, StoredModel
    from magicfs.models.store import ModelStore

log = logging.getLogger(__name__)


def model_store(settings: Settings) -> ModelStore:
    """The models of this machine."""
    from magicfs.models.store import ModelStore

    return ModelStore(settings.model_dir)


def resolve_model(
    settings: Settings, spec: ModelSpec | None, *, pull_progress: Callable[[str], None] | None = None
) -> StoredModel:
    """The stored model of `spec`; with None, the model of the settings or the fallback that replaces it.

    `spec` is a model of the index, None for an index without one. With `pull_progress`, a missing or damaged model is
    pulled, and the callable gets lines for a person. Raises `ModelError`; `ModelMismatch` when this machine has, or
    pulls, other files under the name of `spec`.
    """
    store = model_store(settings)
    try:
        if spec is not None:
            return store.find_spec(spec)
        stored = store.find_or_fallback(settings.model, settings.precision)
    except (ModelMissing, ModelCorrupt, ModelMismatch):
        if pull_progress is None:
            raise
        if spec is None:
            return store.pull(settings.model, precision=settings.precision, report=pull_progress)
        pulled = store.pull(spec.name, precision=str(spec.precision), renew=True, report=pull_progress)
        return _find_pulled(store, spec, pulled)
    if stored.notice and pull_progress is not None:
        pull_progress(stored.notice)
    return stored


def _find_pulled(store: ModelStore, spec: ModelSpec, pulled: StoredModel) -> StoredModel:
    """The stored model of `spec`. Raises `ModelMismatch` when what was just pulled is another one."""
    try:
        return store.find_spec(spec)
    except ModelMismatch as error:
        if store.find_better_form(spec) is not None:
            raise
        raise ModelMismatch(
            f"the index uses {spec.full_label} and 'model pull' gives {pulled.spec.full_label} here: copy the model's "
            f"folder from a host that has it, or {remake_advice(spec.name)}"
        ) from error


def models_in_use(settings: Settings) -> dict[ModelState, ModelSpec]:
    """The models of the index by their roles, without retired ones; none when no database answers. For a command."""
    from magicfs.db.vectors.models import live_models

    try:
        with database_for_command(settings) as database, database.transaction() as connection:
            return {model.state: model.spec for model in live_models(connection)}
    except (DatabaseError, ServerError):
        return {}


def record_digests(settings: Settings, database: Database) -> None:
    """Record in the index what this machine knows about its models, and an older version did not record.

    That is their digests, tokenizers and languages. Their vectors stay. A model that is not on this machine waits for a
    host that has it.
    """
    from magicfs.db.vectors.model_digests import record_digest
    from magicfs.db.vectors.models import all_models

    with database.transaction() as connection:
        models = all_models(connection)
    for model in models:
        try:
            stored = model_store(settings).find_spec(model.spec)
        except ModelError as error:
            if not model.spec.digest:
                log.info("%s gets no digest here: %s", model.spec.label, error)
            continue
        if database.run_in_transaction(partial(record_digest, model=model, spec=stored.spec)):
            log.info("the index uses %s", stored.spec.full_label)


def ensure_active_model(settings: Settings, database: Database) -> None:
    """Activate this machine's model if the index has no active model. Raises `ModelError`.

    Models of an older version get the digests of those on this machine.
    """
    record_digests(settings, database)
    if active_spec(database) is not None:
        return
    _activate(database, resolve_model(settings, None).spec)


def _activate(database: Database, spec: ModelSpec) -> ModelSpec:
    """Make a model the active one of an index without any. Returns the spec in the index. Raises `ModelMismatch`."""
    from magicfs.db.vectors.model_changes import activate_model

    return database.run_in_transaction(lambda connection: activate_model(connection, spec)).spec


def use_model(database: Database, spec: ModelSpec) -> IndexedModel | None:
    """Have the index use a model: build it beside the active one, or activate it if there is none.

    Returns the model that was active before, or None.
    """
    from magicfs.db.vectors.model_changes import activate_model, build_model
    from magicfs.db.vectors.models import active_model

    def use(connection: Connection) -> IndexedModel | None:
        active = active_model(connection)
        if active is None:
            activate_model(connection, spec)
        else:
            build_model(connection, spec)
        return active

    return database.run_in_transaction(use)


def pull_active_model(settings: Settings, database: Database, *, progress: Callable[[str], None]) -> ModelSpec:
    """The active model of the index, pulled if this machine lacks it. An index without a model gets this machine's.

    Models of an older version get the digests of those on this machine. `progress` gets lines for a person, even when
    the model of the index cannot be had here. Raises `ModelError` when neither the index nor this machine has one.
    """
    record_digests(settings, database)
    active = active_spec(database)
    try:
        stored = resolve_model(settings, active, pull_progress=progress)
    except ModelError as error:
        if active is None:
            raise
        # Another pull gives the same other weights.
        until = "" if isinstance(error, ModelMismatch) else f" until '{pull_command(active.name)}' succeeds"
        progress(f"{_what_does_not_run(settings, active)}{until}: {error}")
        return active
    if active is not None:
        record_digests(settings, database)
    return _activate(database, stored.spec)


def _what_does_not_run(settings: Settings, active: ModelSpec) -> str:
    """What a machine without the model of the index does not do, for a person."""
    try:
        find_tokenizer(settings, active)
    except ModelError:
        return "this machine reads and embeds nothing, and searches by words alone"
    return "this machine embeds nothing, and searches by words alone"


def require_known_model(settings: Settings, database: Database, name: str) -> None:
    """Raise `UsageError` when neither the index nor this machine has a model of that name."""
    from magicfs.db.vectors.models import live_models

    with database.transaction() as connection:
        known = [model.spec for model in live_models(connection)]
    known += [model.spec for model in model_store(settings).list()]
    if not any(spec.is_named(name) for spec in known):
        raise UsageError(f"there is no model '{name}': 'magicfs status' and 'magicfs model list' show those there are")


def find_tokenizer(settings: Settings, spec: ModelSpec) -> Path:
    """The path of the tokenizer of the index's model, which may be that of another model here. Raises `ModelError`."""
    try:
        return resolve_model(settings, spec).tokenizer_path
    except ModelError as error:
        path = model_store(settings).find_tokenizer(spec)
        if path is None:
            raise
        log.warning("files are read with the same tokenizer of another model, and embedded elsewhere: %s", error)
        return path


def active_spec(database: Database) -> ModelSpec | None:
    """The active model of the index; None when it has none."""
    from magicfs.db.vectors.models import active_model

    with database.transaction() as connection:
        active = active_model(connection)
    return active.spec if active else None
