"""The multilingual model of the index on this machine: when the index gets one, and how a command prepares it.

Used by the commands, which say so, and by `multilingual_starter`, which does it for the agent. It loads no model.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from magicfs.cli.index_model import model_store, resolve_model
from magicfs.config import Settings
from magicfs.embedding.manifest import pull_command
from magicfs.errors import ModelError, ModelMismatch
from magicfs.models.catalog import MULTILINGUAL_MODEL

if TYPE_CHECKING:
    from magicfs.db.pool import Connection, Database
    from magicfs.domain.models import ModelSpec, StoredModel

log = logging.getLogger(__name__)

WITHOUT_IT = "texts and questions in other languages are found by their words alone on this machine"
"""The beginning of the line for a person where the model cannot be had."""


def declare_multilingual(settings: Settings, database: Database) -> None:
    """Tell the index this host's setting. With `never`, the index has no multilingual model from now on."""
    from magicfs.db.vectors.model_changes import stop_multilingual
    from magicfs.db.vectors.multilingual import declare_mode
    from magicfs.domain.models import MultilingualMode

    def declare(connection: Connection) -> bool:
        mode = declare_mode(connection, host=settings.host, mode=MultilingualMode(settings.multilingual))
        return mode is MultilingualMode.NEVER and stop_multilingual(connection)

    if database.run_in_transaction(declare):
        log.info("the index has no multilingual model any more: MAGICFS_MULTILINGUAL is 'never'")


def ensure_multilingual(settings: Settings, database: Database, *, progress: Callable[[str], None]) -> None:
    """Start the multilingual model if the index needs one. Pulls it, and one that the index has, to this machine.

    `progress` gets lines for a person, even when the model cannot be had here.
    """
    from magicfs.db.vectors.models import multilingual_model
    from magicfs.db.vectors.multilingual import needs_multilingual

    with database.transaction() as connection:
        model = multilingual_model(connection)
        is_needed = model is None and needs_multilingual(connection)
    try:
        if model is not None:
            resolve_model(settings, model.spec, pull_progress=progress)
        elif is_needed:
            start(database, _pulled(settings, progress).spec)
    except ModelMismatch as error:
        progress(f"{WITHOUT_IT}: {error}")
    except ModelError as error:
        name = model.spec.name if model else MULTILINGUAL_MODEL
        progress(f"{WITHOUT_IT} until '{pull_command(name)}' succeeds: {error}")


def _pulled(settings: Settings, progress: Callable[[str], None]) -> StoredModel:
    """The model in the form of this version, or in an older one that this machine has if that fails."""
    store, precision = model_store(settings), settings.precision
    try:
        return store.pull(MULTILINGUAL_MODEL, precision=precision, renew=True, report=progress)
    except ModelError:
        with suppress(ModelError):
            return store.find(MULTILINGUAL_MODEL, precision)
        raise


def start(database: Database, spec: ModelSpec) -> bool:
    """Start the prepared model, unless the index does not need it any more. Returns whether it was started."""
    from magicfs.db.vectors.multilingual import start_if_needed

    is_started = database.run_in_transaction(lambda connection: start_if_needed(connection, spec))
    if is_started:
        log.info("the index gets vectors of %s, for the languages that its first model does not read", spec.full_label)
    return is_started


def renew(database: Database, spec: ModelSpec) -> bool:
    """Start a better form of the multilingual model of the index. Returns whether it was started."""
    from magicfs.db.vectors.renewal import renew_multilingual

    is_begun = database.run_in_transaction(lambda connection: renew_multilingual(connection, spec))
    if is_begun:
        log.info("the index gets better vectors, of %s; searches use those of before until then", spec.full_label)
    return is_begun
