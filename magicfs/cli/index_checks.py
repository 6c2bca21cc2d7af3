"""The checks of the index: its hub, its servers, its models, and the parts that work on it.

Used by `checks`, which has those of the machine; `check_parts` also by `magicfs status --check`. Each returns the state
of what is checked, and raises `MagicFSError` with how to fix what is wrong. They change and start nothing. Main thread.
"""

from __future__ import annotations

import time
from pathlib import Path

from magicfs.cli import environment, index_model, wiring
from magicfs.cli.part_readiness import last_line
from magicfs.config import Settings
from magicfs.domain.models import ModelState, MultilingualMode
from magicfs.domain.parts import AGENT
from magicfs.errors import CheckFailed, MagicFSError, ModelError, ModelMissing
from magicfs.home import POSTGRES_SOCKET

HUB_SECONDS = 5.0
MAX_CLOCK_SKEW_SECONDS = 2.0

AGENT_SECONDS = 60.0
"""Time after its start within which an agent has leased its host."""


def check_hub(settings: Settings) -> str:
    """The hub of this machine, if it has joined one. Raises `MagicFSError` when that does not admit this host."""
    from magicfs.domain.deadline import Deadline

    if settings.hub is None:
        return "this machine has an index of its own" if settings.local_database else "this machine has joined no hub"
    from magicfs.gateway.hub import read_hub, require_admission
    from magicfs.gateway.identity import host_identity

    hub = read_hub(settings)
    require_admission(hub, host_identity(settings.home), Deadline(HUB_SECONDS))
    return f"{hub.address} has admitted this host"


def check_database(settings: Settings) -> str:
    """Whether Postgres answers. Raises `MagicFSError` when it does not and should, or when its clock differs."""
    from magicfs.db.roots import database_time
    from magicfs.runtime import postgres

    kind = "of the hub" if settings.hub else "embedded"
    if settings.embedded_database:
        postgres.binaries()
    if settings.local_database and _is_off(settings, settings.run_dir / POSTGRES_SOCKET):
        return f"{kind}, not running: 'magicfs up' starts it"
    with environment.database_for_command(settings) as database, database.transaction() as connection:
        skew = abs(database_time(connection).timestamp() - time.time())
    if skew > MAX_CLOCK_SKEW_SECONDS:
        raise CheckFailed(f"its clock and this one differ by {skew:.0f} seconds: set both by NTP")
    return f"{kind}, answers" if settings.local_database else "answers"


def _is_off(settings: Settings, socket: Path) -> bool:
    """Whether nothing listens on a socket of the state directory, and no supervisor is there to change that."""
    from magicfs.runtime.processes import is_listening

    return not is_listening(socket) and not environment.supervisor(settings).running()


def check_broker(settings: Settings) -> str:
    """Whether Redis takes messages. Raises `MagicFSError` when it does not and should."""
    from magicfs.runtime import redis

    kind = "of the hub" if settings.hub else "embedded"
    if settings.embedded_broker:
        redis.binary()
    if settings.local_broker and _is_off(settings, redis.socket_path(settings.home)):
        return f"{kind}, not running: 'magicfs up' starts it"
    wiring.require_broker(settings)
    return f"{kind}, takes messages" if settings.local_broker else "takes messages"


def check_model(settings: Settings) -> str:
    """The active model, if it is here. Raises `MagicFSError` when it is damaged, or its successor is missing."""
    from magicfs.embedding.device import CUDA_PROVIDER, Device, providers

    store = index_model.model_store(settings)
    in_use = index_model.models_in_use(settings).get(ModelState.ACTIVE)
    try:
        stored = index_model.resolve_model(settings, in_use)
    except ModelMissing:
        return f"{in_use.name if in_use else settings.model} is not on this machine yet: 'magicfs up' prepares it"
    store.verify(stored, full=True)
    _require_successor(settings, ModelState.BUILDING)
    device = Device(settings.device)
    gpu = ", on a GPU" if CUDA_PROVIDER in providers(device, stored.spec.precision) else ""
    return stored.spec.label + gpu + (f" ({stored.notice})" if stored.notice else "")


def _require_successor(settings: Settings, state: ModelState) -> None:
    """Raise `CheckFailed` if the index makes vectors of a model in that state, and this machine does not have it."""
    successor = index_model.models_in_use(settings).get(state)
    if successor is None:
        return
    try:
        index_model.resolve_model(settings, successor)
    except ModelError as error:
        raise CheckFailed(
            f"the index gets new vectors, of {successor.full_label}, and this machine makes none of them: {error}"
        ) from error


def check_languages(settings: Settings) -> str:
    """The multilingual model, or why there is none. Raises `CheckFailed` when it is needed and missing."""
    from magicfs.db.multilingual import needs_multilingual, read_mode
    from magicfs.embedding.manifest import pull_command
    from magicfs.models.catalog import MULTILINGUAL_MODEL

    models, store = index_model.models_in_use(settings), index_model.model_store(settings)
    multilingual = models.get(ModelState.MULTILINGUAL)
    if multilingual is not None:
        stored = store.find_spec(multilingual)
        store.verify(stored, full=True)
        _require_successor(settings, ModelState.RENEWING)
        return f"{stored.spec.label} beside the active model"
    if not models:
        return "not known: the index does not run, or has no model yet"
    if all(not spec.languages for spec in models.values()):
        return "the active model reads every language"
    with environment.database_for_command(settings) as database, database.transaction() as connection:
        mode, is_needed = read_mode(connection), needs_multilingual(connection)
    if is_needed:
        raise CheckFailed(
            f"texts or questions need {MULTILINGUAL_MODEL}, which the agent prepares: if it takes more than a minute "
            f"for that, run '{pull_command(MULTILINGUAL_MODEL)}'"
        )
    if mode is MultilingualMode.NEVER:
        return "one model, because MAGICFS_MULTILINGUAL is 'never'"
    return "one model is enough for the texts and questions of the index"


def check_parts(settings: Settings) -> str:
    """How many parts run. Raises `CheckFailed` when one of them does not stay up, or the agent hangs."""
    supervisor = environment.supervisor(settings)
    running = supervisor.parts() if settings.run_dir.is_dir() else []
    if not running:
        return "nothing is running"
    failing = [part for part in running if part.state not in {"running", "starting"}]
    if failing:
        part = failing[0]
        raise CheckFailed(f"{part.name} does not stay up: {last_line(settings.log_dir / f'{part.name}.log')}")
    if any(part.name == AGENT and part.uptime_s > AGENT_SECONDS for part in running) and not _has_agent(settings):
        raise CheckFailed(
            f"the agent does not answer: run 'magicfs down', then 'magicfs up', or see {settings.log_dir / AGENT}.log"
        )
    return f"{len(running)} running"


def _has_agent(settings: Settings) -> bool:
    """Whether the agent has its host. What is wrong with the database, `check_database` says."""
    from magicfs.db.heartbeats import has_agent

    try:
        with environment.database_for_command(settings) as database, database.transaction() as connection:
            return has_agent(connection, host=settings.host)
    except MagicFSError:
        return True
