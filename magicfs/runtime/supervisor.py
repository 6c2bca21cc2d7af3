"""The supervisor behind `magicfs up`: supervisord with a configuration of ours, on a socket in the state directory.

`Supervisor` starts, changes and stops the parts of a machine for the command line. It holds no state: `stored_parts`
has the parts that should run and the options of `up`, and supervisord says which parts do run. Changes are made under a
lock between processes, so that two commands take turns. It does not know whether a part works, only whether it runs.
One instance a thread.
"""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from magicfs.domain.parts import Part, UpOptions
from magicfs.domain.status import PartStatus
from magicfs.errors import ServerError
from magicfs.runtime.cleanup import CONFIGURATION_FILE, clean_up
from magicfs.runtime.processes import has_ended, is_listening, is_path, wait_until
from magicfs.runtime.program import program_version
from magicfs.runtime.stored_parts import StoredParts
from magicfs.runtime.supervisor_process import START_SECONDS, SupervisorProcess, start_supervisord
from magicfs.state_directory.directory import try_lock

if TYPE_CHECKING:
    from magicfs.runtime.supervisor_client import SupervisorClient

LOCK_SECONDS = 120.0
"""How long a command waits for another one. That may wait for Postgres to write its checkpoint, a minute at most, and
then for a supervisor to start."""

SILENT_SECONDS = 1.0
"""A wait that is longer is explained to who waits."""

GRACE_SECONDS = 30.0
"""Time for supervisord itself on a busy machine, which kills a part then, added to the time that a part has to stop."""


class Supervisor:
    """The parts of one state directory, and supervisord, which runs them."""

    def __init__(self, home: Path, *, answer_seconds: float | None = None) -> None:
        """`answer_seconds` is how long supervisord may take to answer, if it is not to have the time that it needs."""
        self._home = home
        self._answer_seconds = answer_seconds
        self._stored = StoredParts(home)
        self._run_dir = home / "run"
        self._socket = self._run_dir / "supervisor.sock"
        self._started: list[SupervisorProcess] = []

    @cached_property
    def _client(self) -> SupervisorClient:
        # Not at the top: a host of a cluster need not have the package supervisor.
        from magicfs.runtime.supervisor_client import SupervisorClient

        return SupervisorClient(self._socket, seconds=self._answer_seconds)

    def running(self) -> bool:
        """Whether there is a supervisor that answers and is not shutting down."""
        return self._socket.exists() and self._client.answers()

    def listens(self) -> bool:
        """Whether there is a supervisor, which may hang or be shutting down."""
        return is_listening(self._socket)

    def pid(self) -> int:
        """The supervisor's pid. Raises `ServerError` when none runs."""
        return self._client.pid()

    def stopped_pid(self) -> int | None:
        """The pid of the supervisor if a signal has stopped it, as that of a terminal or of a debugger; else None."""
        try:
            process = psutil.Process(int((self._run_dir / "supervisor.pid").read_text(encoding="ascii")))
            is_ours = any(is_path(word, self._home / CONFIGURATION_FILE) for word in process.cmdline())
            is_stopped = process.status() in {psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP}
        except (OSError, ValueError, psutil.Error):
            return None
        return process.pid if is_ours and is_stopped else None

    def wanted(self) -> list[Part]:
        """The parts that should run; none when no supervisor runs."""
        return self._stored.parts() if self.running() else []

    def has_changed_program(self) -> bool:
        """Whether a part runs that was started with another program than the one from which this one runs.

        What such a part imports from now on may not fit what it has imported.
        """
        programs = {part.program for part in self.wanted()} - {""}
        return bool(programs - {program_version()})

    def options(self) -> UpOptions | None:
        """The options of the last `up`, even if its supervisor was killed; None when there are none."""
        return self._stored.options()

    def store_options(self, options: UpOptions | None) -> None:
        """Store the options of the last `up` for the next one. Call it `locked`."""
        self._stored.store_options(options)

    def parts(self) -> list[PartStatus]:
        """The status of each part, in the order of starting; empty when no supervisor runs."""
        if not self.running():
            return []
        places = {part.name: part.place for part in self._stored.parts()}
        statuses = [self._part_status(info) for info in self._client.processes()]
        return sorted(statuses, key=lambda status: (places.get(status.name, 0), _natural(status.name)))

    def part(self, name: str) -> PartStatus | None:
        """The status of one part; None when there is no such part."""
        return next((status for status in self.parts() if status.name == name), None)

    @contextmanager
    def locked(self, *, remark: Callable[[str], None] = lambda _: None) -> Iterator[None]:
        """Keep other commands from starting and stopping parts.

        `remark` gets a line for a person when the lock is waited for. Raises `ServerError` when another command takes
        too long, and `ConfigError` where no lock can be taken.
        """
        held: list[int] = []
        silent_until = time.monotonic() + SILENT_SECONDS

        def is_locked() -> bool:
            nonlocal silent_until
            descriptor = try_lock(self._run_dir / "up.lock")
            held.extend(() if descriptor is None else (descriptor,))
            if not held and time.monotonic() > silent_until:
                silent_until = math.inf
                remark("waiting for another 'magicfs up' or 'down' to end")
            return bool(held)

        wait_until(
            is_locked,
            seconds=LOCK_SECONDS,
            failed="another 'magicfs up' or 'down' is still at work: try again when it has ended",
        )
        try:
            yield
        finally:
            os.close(held.pop())

    def apply(self, parts: Sequence[Part], *, options: UpOptions | None = None, tied: bool = False) -> bool:
        """Run exactly these parts; a part that runs and has not changed goes on undisturbed. Call it `locked`.

        `options` are stored for the next `up`. If no supervisor runs, `clean_up` is called and one is started; a `tied`
        one ends with the calling process. Returns whether one was started. Raises `ServerError`.
        """
        fresh = not self.running()
        if fresh:
            clean_up(self._home)
        former = {} if fresh else {part.name: part for part in self._stored.parts()}
        self._stored.store(parts, options)
        self._stored.reset_starts(part.name for part in parts if former.get(part.name) != part)
        if fresh:
            self._started.append(start_supervisord(self._home, tied=tied))
            self._started[-1].wait_until_up(self.running)
            return True
        added, changed, removed = self._client.reload()
        self.stop_parts([former[name] for name in (*changed, *removed) if name in former])
        for name in (*changed, *removed):
            self._client.remove(name)
        places = {part.name: part.place for part in parts}
        for name in sorted((*added, *changed), key=lambda name: places.get(name, 0)):
            self._client.add(name)
        self.start_halted([part for part in parts if part.name not in {*added, *changed}])
        return False

    def stop(self) -> bool:
        """Stop all parts in order, then the supervisor, then the processes of a killed one. Call it `locked`.

        Returns whether there was anything to stop. Raises `ServerError`.
        """
        stopped = self.running()
        if stopped:
            with contextlib.suppress(ServerError):  # it may be killed meanwhile: `clean_up` ends its parts
                self.stop_parts(self._stored.parts())
            self._end_supervisor()
        stopped |= clean_up(self._home)
        self._started = [started for started in self._started if started.process.poll() is None]
        self._stored.forget()
        return stopped

    def stop_parts(self, parts: Iterable[Part]) -> None:
        """Stop parts in the reverse order of their places, those of one place together. Waits for their ends."""
        by_place: dict[int, list[Part]] = {}
        for part in parts:
            by_place.setdefault(part.place, []).append(part)
        for _, group in sorted(by_place.items(), reverse=True):
            for part in group:
                self._client.stop(part.name)
            names = {part.name for part in group}
            wait_until(
                partial(self._have_ended, names),
                seconds=max(part.stop_seconds for part in group) + GRACE_SECONDS,
                failed=f"{', '.join(sorted(names))} does not stop: see 'magicfs status'",
            )

    def start_halted(self, parts: Sequence[Part]) -> None:
        """Start those of the running parts that a call has stopped which was interrupted, or killed, before its end.

        Call it `locked`. Raises `ServerError`.
        """
        if not parts:  # servers are elsewhere, and no supervisor may run yet
            return
        halted = {info["name"] for info in self._client.processes() if info["statename"] in {"STOPPING", "STOPPED"}}
        parts = sorted((part for part in parts if part.name in halted), key=lambda part: part.place)
        self.stop_parts(parts)
        self._stored.reset_starts(part.name for part in parts)
        for part in parts:
            self._client.start(part.name)

    def _have_ended(self, names: Collection[str]) -> bool:
        return not any(info["pid"] and info["name"] in names for info in self._client.processes())

    def _end_supervisor(self) -> None:
        try:
            process = psutil.Process(self._client.pid())
            self._client.shutdown()
        except (ServerError, psutil.Error):
            return
        wait_until(
            lambda: has_ended(process),
            seconds=sum(part.stop_seconds for part in self._stored.parts()) + START_SECONDS,
            failed=f"the supervisor (pid {process.pid}) does not stop: end it by hand",
        )

    def _part_status(self, info: dict[str, Any]) -> PartStatus:
        state = str(info["statename"]).lower()
        alive = bool(info["pid"])
        return PartStatus(
            name=str(info["name"]),
            state=state,
            pid=int(info["pid"]) or None,
            uptime_s=max(0.0, float(info["now"] - info["start"])) if alive else 0.0,
            restarts=max(0, self._stored.starts(info["name"]) - 1),
            detail="" if alive else str(info["spawnerr"] or info["description"]),
        )


def _natural(name: str) -> tuple[str, int]:
    """A key that sorts `embed-10` after `embed-9`."""
    stem, _, number = name.rpartition("-")
    return (stem, int(number)) if number.isdigit() else (name, 0)
