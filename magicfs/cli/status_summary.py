"""The state of the index and of this machine, as `magicfs status` shows it.

Used by `commands.status`; `status_output` renders it. `stuck_parts` asks the parts of this machine, and `db.status`
reads what the index says. Main thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from magicfs.cli import environment, wiring
from magicfs.cli.stuck_parts import parts_and_stuck, read_again, silent_mounts
from magicfs.config import Settings
from magicfs.db.status import read_status
from magicfs.domain.parts import AGENT
from magicfs.domain.status import BrokerStatus, IndexStatus, PartStatus
from magicfs.linux.disk import why_no_writes
from magicfs.search.render import coverage_json, status_json


@dataclass(frozen=True, slots=True)
class Summary:
    """What the command shows."""

    index: IndexStatus
    broker: BrokerStatus
    parts: Sequence[PartStatus]
    stuck: Sequence[str] = ()
    """What runs on this machine and does nothing, and what to do about it."""

    def as_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return {
            **status_json(self.index),
            "coverage": coverage_json(self.index.coverage),
            "broker": {"ok": self.broker.ok, "detail": self.broker.detail},
            "queues": self.broker.queues,
            "parts": [asdict(part) for part in self.parts],
            "stuck": list(self.stuck),
        }


def collect(settings: Settings, *, watching: bool = False) -> Summary:
    """The state of the index and of this machine.

    While somebody is `watching`, it is collected again in a second: it waits for no report that may come, and writes
    nothing to the disk of the embedded database that would have to be flushed.
    """
    parts, stuck = parts_and_stuck(settings)
    is_final = watching or bool(stuck)
    index = read_again(
        lambda: read_index(settings),
        lambda index: (
            not is_final
            and _lacks_reports(index, parts, host=settings.host)
            # No report is written to a full disk.
            and not refused_by_disk(settings, index, flush=False)
        ),
    )
    broker = wiring.probe_broker(settings)
    if broker.ok and not index.workers:
        # No agent has recorded recently which workers answer: ask them.
        index = replace(index, workers=tuple(wiring.job_queue(settings).workers()))
    # The agent forgets one that has ended within seconds.
    workers = tuple(worker for worker in index.workers if not settings.has_ended(worker.name))
    index = replace(index, workers=workers)
    stuck = stuck or silent_mounts(parts, index.mounts, host=settings.host)
    return Summary(index, broker, parts, [*refused_by_disk(settings, index, flush=not watching), *stuck])


def refused_by_disk(settings: Settings, index: IndexStatus, *, flush: bool = True) -> list[str]:
    """Why the disk of the embedded database takes nothing, unless the index says so: the agent sees no quota.

    With `flush`, the disk itself is asked, and not only its file system.
    """
    if not settings.embedded_database or index.free_bytes is not None:
        return []
    refused = why_no_writes(settings.home, flush=flush)
    return [] if refused is None else [f"{refused}, and the work goes on"]


def read_index(settings: Settings) -> IndexStatus:
    """The state of the index. Raises `DatabaseError`."""
    with environment.database_for_command(settings) as database, database.transaction() as connection:
        return read_status(connection)


def _lacks_reports(index: IndexStatus, parts: Sequence[PartStatus], *, host: str) -> bool:
    """Whether a part of this machine runs and has not reported lately."""
    has_silent_agent = host in index.silent_hosts and any(
        part.name == AGENT and part.state == "running" for part in parts
    )
    return has_silent_agent or bool(silent_mounts(parts, index.mounts, host=host))
