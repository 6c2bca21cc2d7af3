"""The supervisor behind `magicfs up`: supervisord with a configuration of ours, on a socket in the state directory.

`Supervisor` describes, starts, changes and stops what runs. It remembers nothing: what should run is in
`run/parts.json`, what does run is asked of supervisord. Changes are made under a lock between processes, so
two commands at once do not get into each other's way. The mount and the database are not its business.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from magicfs.domain.status import PartStatus
from magicfs.errors import ServerError
from magicfs.runtime import cleanup as leftovers
from magicfs.runtime.launch import PARTS_FILE, STARTS_FOLDER
from magicfs.runtime.parts import Part
from magicfs.runtime.processes import dies_with_parent, gone, wait_until
from magicfs.runtime.rpc import SupervisorClient
from magicfs.runtime.supervisord_config import render

START_SECONDS = 20.0
LOCK_SECONDS = 120.0
"""How long a command waits for another one that starts or stops things."""

POLL_SECONDS = 0.05
GRACE_SECONDS = 5.0
"""What supervisord may need beyond the time that a part has to stop."""


class Supervisor:
    """What runs for one state directory."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._run_dir = home / "run"
        self._client = SupervisorClient(self._run_dir / "supervisor.sock")
        # Only to take note of the ends of those that were started here.
        self._started: list[subprocess.Popen[bytes]] = []

    def running(self) -> bool:
        """Whether there is a supervisor that takes orders."""
        return (self._run_dir / "supervisor.sock").exists() and self._client.answers()

    def pid(self) -> int:
        """The supervisor's pid. Raises `ServerError` when there is none."""
        return self._client.pid()

    def wanted(self) -> list[Part]:
        """The parts that should run; none when no supervisor does."""
        if not self.running():
            return []
        return list(self.described().values())

    def described(self) -> dict[str, Part]:
        """The parts that were last asked for, whether a supervisor runs them or has been killed."""
        try:
            data = json.loads((self._home / PARTS_FILE).read_text(encoding="utf-8", errors="surrogateescape"))
            return {name: Part.from_json(name, part) for name, part in data.items()}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def parts(self) -> list[PartStatus]:
        """How each part does, in the order of starting; empty when no supervisor runs."""
        if not self.running():
            return []
        places = {part.name: part.place for part in self.described().values()}
        found = [self._part_status(info) for info in self._client.processes()]
        return sorted(found, key=lambda status: (places.get(status.name, 0), _natural(status.name)))

    def part(self, name: str) -> PartStatus | None:
        """How one part does; None when it is not there."""
        return next((status for status in self.parts() if status.name == name), None)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other commands from starting and stopping things. Raises `ServerError` when one takes too long."""
        descriptor = os.open(self._run_dir / "up.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            wait_until(
                lambda: _try_lock(descriptor),
                seconds=LOCK_SECONDS,
                failed="another 'magicfs up' or 'down' is still at work: try again when it is done",
            )
            yield
        finally:
            os.close(descriptor)

    def apply(self, parts: Sequence[Part], *, tied: bool = False) -> bool:
        """Make exactly these parts run; what runs already and has not changed is left alone. Call it `locked`.

        Starts a supervisor when there is none, after cleaning up behind a dead one; `tied` lets that one end
        with the calling process. Returns whether it started one. Raises `ServerError`.
        """
        fresh = not self.running()
        if fresh:
            leftovers.clean_up(self._home)
        former = {} if fresh else self.described()
        self._describe(parts)
        anew = [part.name for part in parts if former.get(part.name) != part]
        self._forget_starts(anew)
        if fresh:
            self._start(tied=tied)
            return True
        added, changed, removed = self._client.reload()
        self._stop([former[name] for name in (*changed, *removed) if name in former])
        for name in (*changed, *removed):
            self._client.remove(name)
        places = {part.name: part.place for part in parts}
        for name in sorted((*added, *changed), key=lambda name: places.get(name, 0)):
            self._client.add(name)
        return False

    def stop(self) -> bool:
        """Stop all parts in order, then the supervisor, and what a dead one has left. Call it `locked`.

        Returns whether there was anything to stop. Raises `ServerError`.
        """
        found = False
        if self.running():
            found = True
            with contextlib.suppress(ServerError):  # it may be killed meanwhile: what it leaves is cleaned up
                self._stop(self.described().values())
            self._end_supervisor()
        found |= leftovers.clean_up(self._home)
        self._started = [process for process in self._started if process.poll() is None]
        (self._home / PARTS_FILE).unlink(missing_ok=True)
        return found

    def _describe(self, parts: Sequence[Part]) -> None:
        """Write down what should run. Holds passwords of the settings, so it is for the owner alone."""
        (self._home / STARTS_FOLDER).mkdir(mode=0o700, exist_ok=True)
        described = {part.name: part.as_json() for part in parts}
        _write(self._home / PARTS_FILE, json.dumps(described, indent=1, ensure_ascii=True))
        _write(self._run_dir / "supervisord.conf", render(parts))

    def _forget_starts(self, names: Iterable[str]) -> None:
        for name in names:
            (self._home / STARTS_FOLDER / name).unlink(missing_ok=True)

    def _start(self, *, tied: bool) -> None:
        if importlib.util.find_spec("supervisor") is None:
            raise ServerError("supervisord is not installed: pip install 'magicfs[embedded]'")
        command = [sys.executable, "-P", "-m", "supervisor.supervisord", "-c", str(self._run_dir / "supervisord.conf")]
        if tied:
            command = dies_with_parent(command, signal_name="TERM")
        # Settings reach the parts through parts.json alone: there a second `up` can change them.
        environment = {key: value for key, value in os.environ.items() if not key.startswith("MAGICFS_")}
        environment["MAGICFS_HOME"] = str(self._home)
        log_file = self._home / "log" / "supervisor.log"
        with log_file.open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._home,
                env=environment,
                start_new_session=True,
            )
        self._started.append(process)

        def is_up() -> bool:
            if process.poll() is not None:
                raise ServerError(f"the supervisor does not start: see {log_file}")
            return self.running()

        wait_until(is_up, seconds=START_SECONDS, failed=f"the supervisor does not answer: see {log_file}")

    def _stop(self, parts: Iterable[Part]) -> None:
        """Stop parts, the last in the order of starting first, those with the same place at once."""
        chosen = sorted(parts, key=lambda part: -part.place)
        for place in sorted({part.place for part in chosen}, reverse=True):
            group = [part for part in chosen if part.place == place]
            for part in group:
                self._client.stop(part.name)
            names = {part.name for part in group}
            wait_until(
                lambda names=names: not names & self._alive(),  # type: ignore[misc]
                seconds=max(part.stop_seconds for part in group) + GRACE_SECONDS,
                failed=f"{', '.join(sorted(names))} does not stop: see 'magicfs status'",
            )

    def _alive(self) -> set[str]:
        return {info["name"] for info in self._client.processes() if info["pid"]}

    def _end_supervisor(self) -> None:
        try:
            process = psutil.Process(self._client.pid())
            self._client.shutdown()
        except (ServerError, psutil.Error):
            return
        wait_until(
            lambda: gone(process),
            seconds=sum(part.stop_seconds for part in self.described().values()) + START_SECONDS,
            failed=f"the supervisor (pid {process.pid}) does not stop: end it by hand",
        )

    def _part_status(self, info: dict[str, Any]) -> PartStatus:
        state = str(info["statename"]).lower()
        alive = bool(info["pid"])
        try:
            starts = (self._home / STARTS_FOLDER / info["name"]).stat().st_size
        except OSError:
            starts = 0
        return PartStatus(
            name=str(info["name"]),
            state=state,
            pid=int(info["pid"]) or None,
            uptime_s=max(0.0, float(info["now"] - info["start"])) if alive else 0.0,
            restarts=max(0, starts - 1),
            detail="" if alive else str(info["spawnerr"] or info["description"]),
        )


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write(path: Path, text: str) -> None:
    """Replace a file at once, readable by its owner alone."""
    draft = path.with_name(f"{path.name}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


def _natural(name: str) -> tuple[str, int]:
    """Sorts `embed-10` after `embed-9`."""
    stem, _, number = name.rpartition("-")
    return (stem, int(number)) if number.isdigit() else (name, 0)
