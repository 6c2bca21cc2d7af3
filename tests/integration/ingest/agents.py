"""An agent in a thread of the test's process, and a queue that notes what the agent sends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from magicfs.config import Settings
from magicfs.domain.status import WorkerStatus
from magicfs.ingest.agent import Agent
from magicfs.ingest.host_claim import HostClaim
from tests.fakes.queue import SilentQueue
from tests.plugins.index import Index


class NotingQueue(SilentQueue):
    """Notes the notifications and the questions."""

    def __init__(self) -> None:
        self.embed: list[str | None] = []
        """The names of models, None for all workers."""
        self.maintenance = 0
        self.asked_for_workers = 0
        """The agent asks with each heartbeat, after it has renewed its claim."""

    def notify_embed(self, model: str | None = None) -> None:
        self.embed.append(model)

    def notify_maintenance(self) -> None:
        self.maintenance += 1

    def workers(self) -> list[WorkerStatus]:
        self.asked_for_workers += 1
        return []


def make_agent(settings: Settings, index: Index, queue: SilentQueue | None = None, **options: Any) -> Agent:
    """An agent that has claimed its host. Without a `queue` it notifies nobody; `options` are those of `Agent`."""
    claim = HostClaim(index.database, host=settings.host, machine="this")
    claim.renew()
    return Agent(settings, index.database, queue or SilentQueue(), claim, **options)


@contextmanager
def running(agent: Agent) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=agent.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
