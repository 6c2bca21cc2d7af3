"""An agent in a thread of the test's process, and a queue that notes what the agent sends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from magicfs.config import Settings
from magicfs.db.pool import Database
from magicfs.domain.status import WorkerStatus
from magicfs.ingest.agent import Agent
from magicfs.ingest.host_lease import HostLease
from magicfs.runtime.processes import wait_until
from tests.fakes.queue import SilentQueue


class NotingQueue(SilentQueue):
    """Notes the notifications and the questions."""

    def __init__(self) -> None:
        self.embed: list[str | None] = []
        """The names of models, None for all workers."""
        self.extract: list[str] = []
        """Hosts."""
        self.maintenance = 0
        self.asked_for_workers = 0
        """The agent asks with each heartbeat, after it has renewed its lease."""

    def notify_embed(self, model: str | None = None) -> None:
        self.embed.append(model)

    def notify_extract(self, host: str) -> None:
        self.extract.append(host)

    def notify_maintenance(self) -> None:
        self.maintenance += 1

    def workers(self) -> list[WorkerStatus]:
        self.asked_for_workers += 1
        return []


class CountingAgent(Agent):
    """Counts its checks for waiting work, so that a test waits for some of them and not for a time."""

    checks = 0
    """How many have ended."""

    def load_roots_and_notify(self) -> None:
        super().load_roots_and_notify()
        self.checks += 1


def make_agent(
    settings: Settings,
    database: Database,
    queue: SilentQueue | None = None,
    *,
    lease: HostLease | None = None,
    background_paused: Callable[[], bool] = lambda: False,
    start_multilingual: Callable[[threading.Event], bool] = lambda _: False,
) -> CountingAgent:
    """An agent that has leased its host. Without a `queue` it notifies nobody."""
    if lease is None:
        lease = HostLease(database, host=settings.host, machine="this", boot="")
        lease.renew()
    return CountingAgent(
        settings,
        database,
        queue or SilentQueue(),
        lease,
        background_paused=background_paused,
        start_multilingual=start_multilingual,
    )


def wait_for_looks(agent: CountingAgent, count: int) -> None:
    """Wait for the next looks. All that the look before the last of them has led to is done then."""
    last = agent.checks + count
    wait_until(lambda: agent.checks >= last, seconds=60, failed="the agent does not look")


def let_idle(agent: CountingAgent) -> None:
    """Make an agent idle that has no work. Its first look, which finds a root, makes it busy."""
    wait_for_looks(agent, 1)
    agent.activity.busy_until = 0.0


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
