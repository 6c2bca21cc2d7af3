"""Starts the process of supervisord for a state directory, and waits until it answers.

Used by `Supervisor`.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from magicfs.errors import ServerError
from magicfs.runtime.cleanup import CONFIGURATION_FILE, SUPERVISOR_MODULE
from magicfs.runtime.processes import dies_with_parent, require_limits, wait_until
from magicfs.runtime.supervisord_config import MIN_OPEN_FILES, MIN_PROCESSES

START_SECONDS = 60.0
"""Time for supervisord to answer on a busy machine; one that ends before is noticed at once."""


@dataclass(frozen=True, slots=True)
class SupervisorProcess:
    """A supervisord that was started here."""

    process: subprocess.Popen[bytes]
    """Kept as long as it runs: Popen warns of a child that nobody refers to any more."""
    log_file: Path
    log_begins: int
    """Where in its log file it began to write."""

    def wait_until_up(self, answers: Callable[[], bool]) -> None:
        """Wait until it `answers`. Raises `ServerError` when it ends, and when it does not in START_SECONDS."""

        def is_up() -> bool:
            if self.process.poll() is not None:
                complaint = complaint_in(self.log_file, self.log_begins)
                raise ServerError(f"the supervisor does not start: {complaint}see {self.log_file}")
            return answers()

        wait_until(is_up, seconds=START_SECONDS, failed=f"the supervisor does not answer: see {self.log_file}")


def start_supervisord(home: Path, *, tied: bool) -> SupervisorProcess:
    """Start supervisord for a state directory. A `tied` one ends with this process. Raises `ServerError`."""
    if importlib.util.find_spec("supervisor") is None:
        raise ServerError("supervisord is not installed: pip install 'magicfs[embedded]'")
    require_limits(files=MIN_OPEN_FILES, processes=MIN_PROCESSES)
    log_file = home / "log" / "supervisor.log"
    with log_file.open("ab") as log:
        begin = log.tell()
        process = subprocess.Popen(
            _command(home, tied=tied),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=home,
            env=_environment(home),
            start_new_session=True,
        )
    return SupervisorProcess(process, log_file, begin)


def _command(home: Path, *, tied: bool) -> list[str]:
    command = [sys.executable, "-P", "-m", SUPERVISOR_MODULE, "-c", str(home / CONFIGURATION_FILE)]
    return dies_with_parent(command, signal_name="TERM") if tied else command


def _environment(home: Path) -> dict[str, str]:
    """The environment of supervisord, without settings.

    These reach the parts through `parts.json` alone, where a later `up` can change them.
    """
    # With warnings as errors, supervisord ends each connection over one of its own libraries.
    dropped = ("MAGICFS_", "PYTHONWARNINGS")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
    return kept | {"MAGICFS_HOME": str(home)}


def complaint_in(log_file: Path, begin: int) -> str:
    """Why supervisord has ended, by what it has written from `begin` on: nothing, or a text and a colon."""
    with contextlib.suppress(OSError):
        lines = log_file.read_bytes()[begin:].decode("utf-8", errors="replace").splitlines()
        errors = [line.partition("Error: ")[2] for line in lines if "Error: " in line]
        return f"{errors[-1]}: " if errors else ""
    return ""
