"""Prepares the multilingual model for an agent, in a process of its own, and has the index begin with it.

Made by the composition root. It loads no model.
"""

from __future__ import annotations

import logging
import os
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from magicfs.cli import multilingual
from magicfs.cli.index_model import model_store
from magicfs.config import Settings
from magicfs.errors import ModelCorrupt, ModelError, ModelMismatch
from magicfs.models.catalog import MULTILINGUAL_MODEL

if TYPE_CHECKING:
    from magicfs.db.pool import Connection, Database
    from magicfs.domain.ids import ModelId
    from magicfs.domain.models import ModelSpec, StoredModel

log = logging.getLogger(__name__)

COUNT_FACTOR = 50
"""The pause after a count of the languages of an index is this many times as long as the count, or longer."""

FIRST_RETRY_SECONDS = 60.0
MAX_RETRY_SECONDS = 3600.0
"""The pause after a failure to prepare the model doubles with each one, up to this."""

STOP_POLL_SECONDS = 0.25


class MultilingualStarter:
    """Starts the multilingual model when the index needs one. For one thread of an agent.

    Each call looks, and returns soon if nothing has changed. A call that prepares the model takes a minute.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        *,
        pull: Callable[[threading.Event, str], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`pull` puts the model of a precision into this machine's store, or raises `ModelError`.

        It ends early at the event. Pauses are in seconds of `clock`.
        """
        self._clock = clock
        self._settings = settings
        self._database = database
        self._pull = pull or (lambda stop, precision: pull_in_process(settings, stop, precision))
        self._seen: object = None
        """What the last count that found no need has seen."""
        self._found: tuple[ModelId, ModelId | None] | None = None
        """The multilingual and the renewing model of the index, of which this machine has what it can have."""
        self._next_check = self._next_pull = clock()
        self._failures = 0
        self._said = ""

    def __call__(self, stop: threading.Event) -> bool:
        """Start the model if it is needed, or a better form of it. Returns whether it has. Raises `DatabaseError`."""
        from magicfs.db.vectors.models import multilingual_model, renewing_model

        if self._clock() < self._next_check:
            return False
        with self._database.transaction() as connection:
            model, renewing = multilingual_model(connection), renewing_model(connection)
            is_needed = model is None and self._is_needed(connection)
        try:
            if model is not None:
                present = (model.id, renewing.id if renewing else None)
                return present != self._found and self._renew(model.spec, present, stop)
            if is_needed:
                stored = self._stored(stop)
                if stored is not None:
                    return multilingual.start(self._database, stored.spec)
        except ModelError as error:
            self._warn(f"{multilingual.WITHOUT_IT}: {error}" + ("; it is tried again" if is_needed else ""))
        return False

    def _warn(self, reason: str) -> None:
        """Log why something is as it is, once."""
        if reason != self._said:
            self._said = reason
            log.warning("%s", reason)

    def _renew(self, spec: ModelSpec, present: tuple[ModelId, ModelId | None], stop: threading.Event) -> bool:
        """Have the vectors of the model made anew if this version prepares it in a better form than the index has.

        Searches use those of before meanwhile. A machine gets the better form even where another host has begun it, or
        has completed it. Returns whether it has begun. Raises `ModelError` when this machine cannot get the model of
        the index.
        """
        better = self._better_form(spec)
        if better is None and self._is_outdated(spec):
            try:
                if not self._pull_in_turn(stop, spec.precision):
                    return False
            except ModelError as error:
                model_store(self._settings).find_spec(spec)
                self._warn(f"the vectors of {spec.label} stay those of an older version: {error}; it is tried again")
                return False
            better = self._better_form(spec)
            if better is None:
                model_store(self._settings).find_spec(spec)
        self._found = present
        _, renewing = present
        return better is not None and renewing is None and multilingual.renew(self._database, better.spec)

    def _better_form(self, spec: ModelSpec) -> StoredModel | None:
        """The better form of the model on this machine; None without one, and for a damaged one, to be pulled again."""
        with suppress(ModelCorrupt):
            return model_store(self._settings).find_better_form(spec)
        return None

    def _is_outdated(self, spec: ModelSpec) -> bool:
        """Whether this machine has the model only in an older form than this version prepares.

        Raises `ModelError` when it has neither that of the index nor an older form of it.
        """
        store = model_store(self._settings)
        try:
            stored = store.find_spec(spec)
        except ModelMismatch:
            stored = store.find(spec.name, spec.precision)
            if store.has_present_form(stored):
                raise
        return not store.has_present_form(stored)

    def _is_needed(self, connection: Connection) -> bool:
        """Whether the index needs the model. Counts languages only if something has changed since the last count."""
        from magicfs.db.status import change_marker
        from magicfs.db.vectors.multilingual import is_asked_foreign, needs_multilingual, read_mode

        seen = (change_marker(connection), read_mode(connection), is_asked_foreign(connection))
        if seen == self._seen:
            return False
        began = self._clock()
        is_needed = needs_multilingual(connection)
        if not is_needed:
            self._seen = seen
        now = self._clock()
        self._next_check = now + COUNT_FACTOR * (now - began)
        return is_needed

    def _stored(self, stop: threading.Event) -> StoredModel | None:
        """The model on this machine, after pulling it if need be; None when `stop` was set, or before the next try.

        One in an older form is used only when the pull fails: its vectors would soon be made anew.
        """
        store, precision = model_store(self._settings), self._settings.precision
        older = None
        with suppress(ModelError):
            older = store.find(MULTILINGUAL_MODEL, precision)
            if store.has_present_form(older):
                return older
        try:
            is_pulled = self._pull_in_turn(stop, precision)
        except ModelError:
            if older is None:
                raise
            return older
        return store.find(MULTILINGUAL_MODEL, precision) if is_pulled else None

    def _pull_in_turn(self, stop: threading.Event, precision: str) -> bool:
        """Pull the model. Returns False when `stop` was set, and before the time of the next try."""
        if self._clock() < self._next_pull:
            return False
        pause = min(FIRST_RETRY_SECONDS * 2**self._failures, MAX_RETRY_SECONDS)
        self._failures += 1
        try:
            self._pull(stop, precision)
        finally:
            self._next_pull = self._clock() + pause
        return not stop.is_set()


def pull_in_process(settings: Settings, stop: threading.Event, precision: str) -> None:
    """Pull the model in a process of its own, whose memory is free afterwards. Raises `ModelError`.

    The process ends with this one, and early when `stop` is set.
    """
    from magicfs.runtime.parts import module_command
    from magicfs.runtime.processes import dies_with_parent

    arguments = ("model", "pull", MULTILINGUAL_MODEL, "--precision", precision)
    log.info("preparing %s, in a process of its own", MULTILINGUAL_MODEL)
    with subprocess.Popen(
        dies_with_parent(list(module_command("magicfs.cli", *arguments)), signal_name="TERM"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "MAGICFS_HOME": str(settings.home)},
    ) as process:
        reader = threading.Thread(target=lambda: lines.extend(process.stderr or ()), daemon=True)
        lines: list[str] = []
        reader.start()
        while process.poll() is None:
            if stop.wait(STOP_POLL_SECONDS):
                process.terminate()
                return
        reader.join()
    if process.returncode != 0:
        reason = lines[-1].strip().removeprefix("magicfs: ") if lines else f"it ended with code {process.returncode}"
        raise ModelError(reason)
