"""Time of the processor that work takes here and in the database, and its memory.

Other work on the machine hardly changes these, as it does the time that passes. The server must be on this machine.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

CONNECTED = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND datname = current_database()"
BUILDING = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX%' AND datname = current_database()"
"""A process that helps with a statement shows the statement of its leader."""
CHECK_SECONDS = 0.2


def processor_ms(pids: list[int]) -> float:
    """The milliseconds of the processor that this process and others have used."""
    return time.process_time() * 1000 + sum(map(_used_ms, pids))


def connected(dsn: str) -> list[int]:
    """The server's processes that serve the connections that are open."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        own = connection.info.backend_pid
        return [pid for (pid,) in connection.execute(CONNECTED) if pid != own]


@dataclass(slots=True)
class Build:
    """What the build of an index used, by process, as far as it was seen."""

    processor_ms: dict[int, float] = field(default_factory=dict)
    peak_mb: dict[int, float] = field(default_factory=dict)

    @property
    def longest_s(self) -> float:
        """Seconds of the processor in the process that used most: how long the build takes with a core for each."""
        return max(self.processor_ms.values(), default=0.0) / 1000

    @property
    def all_s(self) -> float:
        """Seconds of the processor in all processes together."""
        return sum(self.processor_ms.values()) / 1000

    @property
    def memory_mb(self) -> float:
        """The most memory that one of its processes had, most of which they share."""
        return max(self.peak_mb.values(), default=0.0)


@contextmanager
def watched_build(dsn: str) -> Iterator[Build]:
    """What the build of an index that runs in the block uses."""
    build, ended = Build(), threading.Event()

    def watch() -> None:
        before: dict[int, float] = {}
        with psycopg.connect(dsn, autocommit=True) as connection:
            own = connection.info.backend_pid
            while not ended.wait(CHECK_SECONDS):
                for (pid,) in connection.execute(BUILDING):
                    if pid != own and (peak := peak_mb(pid)):
                        used = _used_ms(pid)
                        build.processor_ms[pid] = used - before.setdefault(pid, used)
                        build.peak_mb[pid] = peak

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield build
    finally:
        ended.set()
        thread.join()


def _used_ms(pid: int) -> float:
    """The milliseconds of the processor that a process has used; 0 when it has ended."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6
    except (OSError, IndexError):
        return 0.0


def peak_mb(pid: int) -> float:
    """The most memory that a process has had, in MB; 0 when it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1000 for line in status.splitlines() if line.startswith("VmHWM")), 0.0)
