"""Says what a wait for the index waits for, and why nothing moves: no room, no broker, no agent, or no worker.

Used by `waiting`. It reads the database and asks the broker; it starts nothing. Main thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from magicfs.cli import environment, index_model, wiring
from magicfs.cli.stuck_parts import CHANGED_PROGRAM, SUPERVISOR_SECONDS, short_of_memory
from magicfs.cli.terminal import counted
from magicfs.embedding.manifest import pull_command
from magicfs.errors import ModelError
from magicfs.search.render import shortage_line

if TYPE_CHECKING:
    from magicfs.config import Settings
    from magicfs.db.pool import Database
    from magicfs.domain.models import ModelSpec
    from magicfs.domain.status import BrokerStatus, IndexProgress, WorkerStatus

MAX_NAMES = 3
"""Roots that are named; of the others, the number is said."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What a wait for the roots of one host depends on."""

    host: str
    unscanned: Sequence[str]
    """The names of the roots whose scan has not ended."""
    progress: IndexProgress
    has_agent: bool
    """Whether an agent works the host."""
    broker: BrokerStatus
    workers: Sequence[WorkerStatus]
    """The workers of the cluster that answer; none while the broker does not."""
    lacked: str | None = None
    """The name of a model for whose vectors chunks wait, if no machine with embed workers has any such model."""
    free_bytes: int | None = None
    """What the disk of the database has left, while that is too little and nothing is indexed."""
    short_of_memory: Sequence[str] = ()
    """A line for each worker of this machine that the system keeps killing for want of memory."""
    has_changed_program: bool = False
    """Whether this machine runs another program than the one on its disk, of which tasks may fail."""


def read_situation(settings: Settings, database: Database, *, since: datetime, root: str | None) -> Situation:
    """The present situation of a wait. Takes up to three seconds, because it asks the broker and the workers."""
    from magicfs.db.cluster.heartbeats import has_agent
    from magicfs.db.cluster.roots import list_roots, list_unscanned
    from magicfs.db.status import models_with_backlog, read_progress
    from magicfs.db.storage import read_shortage

    with database.transaction() as connection:
        owners = [entry.root.host for entry in list_roots(connection) if entry.root.name == root]
        host = owners[0] if owners else settings.host
        unscanned = list_unscanned(connection, host=settings.host, root=root, since=since)
        progress = read_progress(connection, host=settings.host, since=since, root=root)
        agent = has_agent(connection, host=host)
        waited_for = [model.spec for model in models_with_backlog(connection)]
        free_bytes = read_shortage(connection)
    broker = wiring.probe_broker(settings)
    workers = wiring.job_queue(settings).workers() if broker.ok else []
    others_embed = any(worker.kind == "embed" and worker.host != settings.host for worker in workers)
    return Situation(
        host=host,
        unscanned=unscanned,
        progress=progress,
        has_agent=agent,
        broker=broker,
        workers=workers,
        lacked=None if others_embed else _lacked(settings, waited_for),
        free_bytes=free_bytes,
        short_of_memory=short_of_memory(settings),
        has_changed_program=environment.supervisor(settings, answer_seconds=SUPERVISOR_SECONDS).has_changed_program(),
    )


def _lacked(settings: Settings, models: Sequence[ModelSpec]) -> str | None:
    """The name of the first of the models, if this machine has none of them."""
    store = index_model.model_store(settings)
    for spec in models:
        with suppress(ModelError):
            store.find_spec(spec)
            return None
    return models[0].name if models else None


def explain(situation: Situation) -> str:
    """Explain in one line what a wait waits for, and why nothing moves. Pure."""
    files, chunks = situation.progress.files, situation.progress.chunks
    if situation.unscanned:
        return f"waiting for the scan of {_names(situation.unscanned)}: {_why_no_scan(situation)}"
    if files.pending:
        return f"waiting for {counted(files.pending, 'file')} to be read: {_why_no_work(situation, 'extract')}"
    missing = chunks.total - chunks.embedded - chunks.failed
    return f"waiting for the vectors of {counted(missing, 'chunk')}: {_why_no_work(situation, 'embed')}"


def _names(roots: Sequence[str]) -> str:
    others = len(roots) - MAX_NAMES
    return ", ".join(roots[:MAX_NAMES]) + (f" and {others} more" if others > 0 else "")


def _why_no_scan(situation: Situation) -> str:
    if not situation.has_agent:
        return f"no agent runs on {situation.host}: start 'magicfs up' or 'magicfs agent' there"
    return "the agent is at it; a large directory takes minutes"


def _why_no_work(situation: Situation, kind: str) -> str:
    """Why no worker of a kind does the work that waits."""
    if situation.free_bytes is not None:
        return shortage_line(situation.free_bytes)
    if not situation.broker.ok:
        return str(situation.broker.detail)
    # Files are read on their own host, chunks are embedded anywhere.
    place = f" on {situation.host}" if kind == "extract" else ""
    able = [worker for worker in situation.workers if worker.kind == kind]
    if not any(worker.host == situation.host or not place for worker in able):
        return f"no {kind} worker answers{place}: start 'magicfs up' or 'magicfs worker --queue {kind}'" + (
            " there" if place else ""
        )
    if kind == "embed" and situation.lacked:
        return f"no machine with an embed worker has the model: run '{pull_command(situation.lacked)}'"
    if not situation.has_agent:
        return f"no agent runs on {situation.host} to notify the workers: start 'magicfs up' or 'magicfs agent' there"
    short = [line for line in situation.short_of_memory if line.startswith(kind)]
    at_work = f"{counted(len(able), f'{kind} worker')} at work; one large file may take a minute: see 'magicfs status'"
    changed = [CHANGED_PROGRAM] if situation.has_changed_program else []
    return [*short, *changed, at_work][0]
