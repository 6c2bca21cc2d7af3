"""`MemoryKills`: how often the kernel has killed the child of a worker for want of memory, in a file of `run/`.

The parent of a worker records it, each child reads how long it waits before it takes memory again, and `magicfs status`
and `magicfs doctor` read it of all workers of the machine. The file outlives the parent, which Celery ends with its
first child. Any thread and process.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from magicfs.linux.files import replace_file

SUFFIX = ".killed"

FIRST_PAUSE_SECONDS = 1.0
MAX_PAUSE_SECONDS = 60.0
"""A child waits before it takes memory again, twice as long after each kill. To load a model in vain takes two seconds
of a core. A child that waits for longer would count as one that does not start."""

STEADY_SECONDS = 60.0
"""A child that has lived so long after its pause has enough memory."""

FORGOTTEN_SECONDS = 900.0
"""The last kill says nothing any more after this time: whoever would have recorded another one is gone."""


class Kills(NamedTuple):
    """The kills of a worker's children since one had enough memory."""

    times: int
    first_at: float
    """When the first one was noticed, in seconds since the epoch."""
    last_at: float

    @property
    def pause_s(self) -> float:
        """How long the next child waits."""
        return min(FIRST_PAUSE_SECONDS * 2.0 ** min(self.times - 1, 30), MAX_PAUSE_SECONDS)


class MemoryKills:
    """The kills of the children of one worker."""

    def __init__(self, run_dir: Path, worker: str, *, clock: Callable[[], float] = time.time) -> None:
        """`worker` is its name on this machine."""
        self._path = run_dir / f"{worker}{SUFFIX}"
        self._clock = clock

    def read(self) -> Kills | None:
        """The kills, unless there are none, or the last one is long ago or in the future of a clock that was set."""
        try:
            kills = Kills(*json.loads(self._path.read_text("ascii")))
            is_recent = 0 <= self._clock() - kills.last_at < FORGOTTEN_SECONDS
        except (OSError, ValueError, TypeError):
            return None
        return kills if is_recent else None

    def record(self) -> Kills:
        """Count one more. On a disk that takes no file it is forgotten."""
        now, former = self._clock(), self.read()
        kills = Kills(1, now, now) if former is None else Kills(former.times + 1, former.first_at, now)
        with suppress(OSError):
            replace_file(self._path, json.dumps(kills))
        return kills

    def end(self) -> None:
        """Forget them: the worker ends on request, or has enough memory."""
        with suppress(OSError):
            self._path.unlink()

    def child_lives(self, seconds: float) -> None:
        """Forget them if a child that has lived for `seconds` has enough memory."""
        kills = self.read()
        if kills is not None and seconds >= kills.pause_s + STEADY_SECONDS:
            self.end()


def killed_workers(run_dir: Path) -> dict[str, Kills]:
    """The workers of this machine that lack memory now, by name, and the kills of each."""
    names = sorted(path.name.removesuffix(SUFFIX) for path in run_dir.glob(f"*{SUFFIX}"))
    found = {name: MemoryKills(run_dir, name).read() for name in names}
    return {name: kills for name, kills in found.items() if kills is not None}
