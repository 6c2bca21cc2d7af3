"""Parts that only sleep, for tests of the supervisor."""

from __future__ import annotations

import sys

import psutil

from magicfs.domain.parts import Part
from magicfs.runtime.processes import dies_with_parent
from magicfs.runtime.supervisor import Supervisor


def sleeper(name: str, *, place: int = 50, **environment: str) -> Part:
    command = dies_with_parent([sys.executable, "-c", "import time; time.sleep(1000)"], signal_name="TERM")
    return Part(name=name, command=tuple(command), place=place, environment=environment)


def is_asleep(sleeper: psutil.Process) -> bool:
    """Whether it runs, and not only `setpriv` with what it is to run: that may not have asked for the signal yet."""
    return sleeper.name() != "setpriv" and "sleep" in " ".join(sleeper.cmdline())


def pids(supervisor: Supervisor) -> dict[str, int | None]:
    return {part.name: part.pid for part in supervisor.parts()}
