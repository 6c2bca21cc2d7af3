"""The checks of the index: its hub, its servers, its models, and the parts that work on it.

Used by `checks`, which has those of the machine, and by `magicfs status --check`. Each returns the state of what is
checked, and raises `MagicFSError` with how to fix what is wrong. They change and start nothing. Main thread.
"""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable, Sequence
from operator import not_
from pathlib import Path
from typing import TYPE_CHECKING

from magicfs.cli import environment, failed_start, index_model, wiring
from magicfs.cli.index_reader import IndexReader
from magicfs.cli.part_logs import explain_failure
from magicfs.cli.stuck_parts import part_that_keeps_ending, parts_and_stuck, read_again, silent_mounts
from magicfs.config import Settings
from magicfs.domain.models import ModelSpec, ModelState, MultilingualMode
from magicfs.domain.parts import AGENT
from magicfs.domain.roots import RootState
from magicfs.errors import CheckFailed, DatabaseError, MagicFSError, ModelError, ModelMissing
from magicfs.ingest.watch_budget import agents_share
from magicfs.linux.inotify import inotify_init, max_user_watches
from magicfs.linux.mounts import is_shared_file_system
from magicfs.state_directory.home import POSTGRES_SOCKET

if TYPE_CHECKING:
    from magicfs.domain.status import PartStatus, RootStatus

HUB_SECONDS = 5.0
MAX_CLOCK_SKEW_SECONDS = 2.0

AGENT_SECONDS = 60.0
"""Time after its start within which an agent has leased its host."""

MIN_WATCHES = 65_536
"""The least limit of inotify watches that is in order; each directory takes one."""

ADVISED_WATCHES = 524_288
"""The limit that a person is told to set, or twice the present one if that is more."""


def clock_difference(theirs: float, *, asked_at: float, answered_at: float) -> float:
    """The least number of seconds by which another clock differs from this one, which was read before and after it.

    What lies between the two is what the answer took: much on a machine with too much to do.
    """
    return max(asked_at - theirs, theirs - answered_at, 0.0)


class IndexChecks:
    """The checks of one command. What has not answered one of them is not waited for by the next one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._index = IndexReader(settings)
        self._hub_failure: MagicFSError | None = None
        """Why the hub of this machine cannot be used, whose servers are out of reach then."""

    def all(self) -> dict[str, Callable[[], str]]:
        """The checks by their names, in the order in which they say most."""
        return {
            "hub": self.hub,
            "database": self.database,
            "broker": self.broker,
            "model": self.model,
            "languages": self.languages,
            "parts": self.parts,
            "roots": self.roots,
            "watches": self.watches,
        }

    def hub(self) -> str:
        """The hub of this machine, if it has joined one. Raises `MagicFSError` when that does not admit this host."""
        from magicfs.domain.deadline import Deadline

        settings = self._settings
        if settings.hub is None:
            own = settings.local_database
            return "this machine has an index of its own" if own else "this machine has joined no hub"
        from magicfs.gateway.hub import read_hub, require_admission
        from magicfs.gateway.identity import host_identity

        hub = read_hub(settings)
        try:
            require_admission(hub, host_identity(settings.home), Deadline(HUB_SECONDS))
        except MagicFSError as error:
            self._hub_failure = error
            raise
        return f"{hub.address} has admitted this host"

    def database(self) -> str:
        """Whether Postgres answers. Raises `MagicFSError` when it does not and should, is damaged, or late."""
        from magicfs.db.cluster.roots import database_time
        from magicfs.db.errors import DAMAGE_REMEDY
        from magicfs.db.storage import read_damage, require_writable
        from magicfs.runtime import postgres_cluster

        settings = self._settings
        kind = "of the hub" if settings.hub else "embedded"
        if settings.embedded_database:
            postgres_cluster.binaries()
        if settings.local_database and _is_off(settings, settings.run_dir / POSTGRES_SOCKET):
            return f"{kind}, not running: 'magicfs up' starts it"
        asked_at = time.time()
        theirs = self._index.read(database_time).timestamp()
        skew = clock_difference(theirs, asked_at=asked_at, answered_at=time.time())
        if skew > MAX_CLOCK_SKEW_SECONDS:
            raise CheckFailed(f"its clock and this one differ by {skew:.0f} seconds: set both by NTP")
        self._index.read(require_writable)
        if (damage := self._index.read(read_damage)) is not None:
            count, last = damage
            raise CheckFailed(
                f"it is damaged: {count} times it has met a damaged page, the last time at "
                f"{last.astimezone():%Y-%m-%d %H:%M}: {DAMAGE_REMEDY}"
            )
        return f"{kind}, answers" if settings.local_database else "answers"

    def broker(self) -> str:
        """Whether Redis takes messages. Raises `MagicFSError` when it does not and should."""
        from magicfs.runtime import redis

        settings = self._settings
        kind = "of the hub" if settings.hub else "embedded"
        if settings.embedded_broker:
            redis.binary()
        if settings.local_broker and _is_off(settings, redis.socket_path(settings.home)):
            return f"{kind}, not running: 'magicfs up' starts it"
        if self._hub_failure is not None:
            raise self._hub_failure
        wiring.require_broker(settings)
        return f"{kind}, takes messages" if settings.local_broker else "takes messages"

    def model(self) -> str:
        """The active model, if it is here or nothing here needs it yet.

        Raises `MagicFSError` when parts of this machine lack it, when it is damaged, or its successor is missing.
        """
        from magicfs.embedding.device import CUDA_PROVIDER, Device, providers

        settings, store = self._settings, index_model.model_store(self._settings)
        models = self._index.models()
        in_use = models.get(ModelState.ACTIVE)
        try:
            stored = index_model.resolve_model(settings, in_use)
        except ModelMissing as error:
            if isinstance(self._index.failure, DatabaseError):
                return "not known: the database cannot be read"
            # One that is stopped answers nothing, and its parts work on.
            if in_use is not None and environment.supervisor(settings).listens():
                raise CheckFailed(f"searches here find by words alone, and workers make no vectors: {error}") from error
            return f"{in_use.name if in_use else settings.model} is not on this machine yet: 'magicfs up' prepares it"
        store.verify(stored, full=True)
        _require_model(settings, models.get(ModelState.BUILDING))
        device = Device(settings.device)
        gpu = ", on a GPU" if CUDA_PROVIDER in providers(device, stored.spec.precision) else ""
        return stored.spec.label + gpu + (f" ({stored.notice})" if stored.notice else "")

    def languages(self) -> str:
        """The multilingual model, or why there is none. Raises `CheckFailed` when it is needed and missing."""
        from magicfs.db.vectors.multilingual import needs_multilingual, read_mode
        from magicfs.embedding.manifest import pull_command
        from magicfs.models.catalog import MULTILINGUAL_MODEL

        models, store = self._index.models(), index_model.model_store(self._settings)
        multilingual = models.get(ModelState.MULTILINGUAL)
        if multilingual is not None:
            stored = store.find_spec(multilingual)
            store.verify(stored, full=True)
            _require_model(self._settings, models.get(ModelState.RENEWING))
            return f"{stored.spec.label} beside the active model"
        if isinstance(self._index.failure, DatabaseError):
            return "not known: the database cannot be read"
        if not models:
            return "not known: the index does not run, or has no model yet"
        if all(not spec.languages for spec in models.values()):
            return "the active model reads every language"
        mode, is_needed = self._index.read(lambda connection: (read_mode(connection), needs_multilingual(connection)))
        if is_needed:
            raise CheckFailed(
                f"texts or questions need {MULTILINGUAL_MODEL}, which the agent prepares: if it takes more than a "
                f"minute for that, run '{pull_command(MULTILINGUAL_MODEL)}'"
            )
        if mode is MultilingualMode.NEVER:
            return "one model, because MAGICFS_MULTILINGUAL is 'never'"
        return "one model is enough for the texts and questions of the index"

    def parts(self) -> str:
        """How many parts run. Raises `CheckFailed` when one is stuck or does not stay up, or when none could start."""
        settings = self._settings
        running, stuck = parts_and_stuck(settings)
        stuck = stuck or read_again(lambda: self._silent_mounts(running), bool)
        if stuck:
            raise CheckFailed("; ".join(stuck))
        if not running:
            failed_start.require_none(settings.home)
            return "nothing is running"
        part = part_that_keeps_ending(environment.supervisor(settings), running)
        if part is not None:
            line = explain_failure(part.name, settings.log_dir / f"{part.name}.log", home=settings.home)
            raise CheckFailed(f"{part.name} does not stay up: {line}")
        has_begun = any(part.name == AGENT and part.uptime_s > AGENT_SECONDS for part in running)
        if has_begun and not read_again(self._index.has_agent, not_):
            raise CheckFailed(
                "the agent does not answer: run 'magicfs down', then 'magicfs up', "
                f"or see {settings.log_dir / AGENT}.log"
            )
        return f"{len(running)} running"

    def _silent_mounts(self, running: Sequence[PartStatus]) -> list[str]:
        """The mounts that run and do not answer; none when the index cannot be read, which `database` says."""
        from magicfs.db.cluster.heartbeats import live_mounts

        try:
            return silent_mounts(running, self._index.read(live_mounts), host=self._settings.host)
        except MagicFSError:
            return []

    def watches(self) -> str:
        """How many directories the agent may watch. Raises `CheckFailed` when that is too few, or was for a root."""
        limit = max_user_watches()
        roots = ", ".join(shlex.quote(root.name) for root in self._unwatched_roots())
        if not roots and limit >= MIN_WATCHES:
            return f"{agents_share(limit)} directories can be watched"
        which = f"not every directory of {roots}" if roots else f"only {agents_share(limit)} directories"
        setting = f"fs.inotify.max_user_watches={max(ADVISED_WATCHES, 2 * limit)}"
        if not can_watch():
            setting = "fs.inotify.max_user_instances=1024"
        raise CheckFailed(
            f"{which} can be watched: run 'sysctl {setting}'; until then only scans find changes in the others"
        )

    def roots(self) -> str:
        """How many roots this host has. Raises `CheckFailed` for one that is missing, or of which a part is."""
        roots = self._index.own_roots()
        if self._index.failure is not None:
            return "not known: the index cannot be read"
        troubled = [root for root in roots if root.state != RootState.PRESENT or root.detail]
        if troubled:
            raise CheckFailed("; ".join(f"{root.name} is {root.state}: {root.detail}" for root in troubled))
        return f"{len(roots)} present" if roots else "none: add one with 'magicfs roots add DIR'"

    def _unwatched_roots(self) -> list[RootStatus]:
        """The present roots of this host that the system does not let the agent watch as a whole."""
        unwatched = [
            root for root in self._index.own_roots() if root.state == RootState.PRESENT and root.watched is False
        ]
        return [root for root in unwatched if not is_shared_file_system(root.path)]


def _is_off(settings: Settings, socket: Path) -> bool:
    """Whether nothing listens on a socket of the state directory, and no supervisor is there to change that."""
    from magicfs.runtime.processes import is_listening

    return not is_listening(socket) and not environment.supervisor(settings).running()


def can_watch() -> bool:
    """Whether the system lets this user watch anything more."""
    try:
        os.close(inotify_init())
    except OSError:
        return False
    return True


def _require_model(settings: Settings, successor: ModelSpec | None) -> None:
    """Raise `CheckFailed` if the index makes vectors of a model, and this machine does not have it."""
    if successor is None:
        return
    try:
        index_model.resolve_model(settings, successor)
    except ModelError as error:
        raise CheckFailed(
            f"the index gets new vectors, of {successor.full_label}, and this machine makes none of them: {error}"
        ) from error
