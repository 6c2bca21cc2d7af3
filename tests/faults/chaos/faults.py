"""Random faults of the parts of MagicFS, from a seed. The supervisor starts again what dies."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil
import psycopg
import redis

from magicfs.config import Settings
from magicfs.runtime import postgres_cluster
from tasks.broker import redis_url
from tasks.queue_names import EMBED_QUEUE, extract_queue
from tests.plugins.commands import Commands

MAX_HANG_SECONDS = 5.0


@dataclass
class Faults:
    """Breaks the parts of one state directory."""

    commands: Commands
    settings: Settings
    randomness: random.Random
    by_name: dict[str, int] = field(default_factory=dict)

    def step(self) -> None:
        fault = self.randomness.choices(
            [self.crash_child, self.kill_child, self.kill_worker, self.kill_agent, self.flush_redis, self.kill_redis,
             self.duplicate_messages, self.cut_redis, self.hang_redis, self.stop_postgres, self.kill_postgres,
             self.kill_a_connection],
            weights=[8, 3, 2, 1, 3, 1, 3, 2, 1, 1, 1, 2],
        )[0]  # fmt: skip
        # A process that an earlier fault killed may vanish at any moment.
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if fault():
                self.by_name[fault.__name__] = self.by_name.get(fault.__name__, 0) + 1

    @property
    def count(self) -> int:
        return sum(self.by_name.values())

    def crash_child(self) -> bool:
        return self._kill(self._children, signal.SIGSEGV)

    def kill_child(self) -> bool:
        return self._kill(self._children, signal.SIGKILL)

    def kill_worker(self) -> bool:
        return self._kill(self._workers, signal.SIGKILL)

    def kill_agent(self) -> bool:
        return self._kill(lambda: self._running("agent"), signal.SIGKILL)

    def kill_redis(self) -> bool:
        servers = [process for process in self.commands.processes() if process.name() == "redis-server"]
        return self._kill(lambda: servers, signal.SIGKILL)

    def stop_postgres(self) -> bool:
        """Ask Postgres to stop, unless it recovers from a crash: version 18 then ends only when `down` kills it."""
        return self._accepts_connections() and self._signal_postgres(signal.SIGINT)

    def kill_postgres(self) -> bool:
        return self._signal_postgres(signal.SIGKILL)

    def kill_a_connection(self) -> bool:
        """Kill one backend of Postgres, which then restarts and recovers."""
        pid = postgres_cluster.server_pid(self.commands.home)
        if pid is None:
            return False
        backends = [child for child in psutil.Process(pid).children() if "magicfs" in " ".join(child.cmdline())]
        return self._kill(lambda: backends, signal.SIGKILL)

    def flush_redis(self) -> bool:
        with contextlib.suppress(redis.RedisError), self._redis() as client:
            client.flushall()
            return True
        return False

    def cut_redis(self) -> bool:
        """Close the connections of all workers and of the agent."""
        with contextlib.suppress(redis.RedisError), self._redis() as client:
            client.client_kill_filter(_type="normal", skipme=True)
            client.client_kill_filter(_type="pubsub", skipme=True)
            return True
        return False

    def hang_redis(self) -> bool:
        """Let Redis answer nothing for a few seconds."""
        for process in self.commands.processes():
            if process.name() == "redis-server":
                process.suspend()
                time.sleep(self.randomness.uniform(1.0, MAX_HANG_SECONDS))
                process.resume()
                return True
        return False

    def duplicate_messages(self) -> bool:
        repeated = 0
        with contextlib.suppress(redis.RedisError), self._redis() as client:
            for queue in (EMBED_QUEUE, extract_queue(self.settings.host)):
                messages = client.lrange(queue, 0, -1)
                if messages:
                    repeated += client.rpush(queue, *messages)
        return repeated > 0

    def _redis(self) -> redis.Redis:
        return redis.Redis.from_url(redis_url(self.settings.broker_dsn), socket_timeout=2)

    def _accepts_connections(self) -> bool:
        try:
            psycopg.connect(self.settings.database_dsn).close()
        except psycopg.OperationalError:
            return False
        return True

    def _signal_postgres(self, number: signal.Signals) -> bool:
        pid = postgres_cluster.server_pid(self.commands.home)
        if pid is None:
            return False
        os.kill(pid, number)
        return True

    def _running(self, *words: str) -> list[psutil.Process]:
        found = []
        for process in self.commands.processes():
            with contextlib.suppress(psutil.Error):
                if set(words) <= set(process.cmdline()):
                    found.append(process)
        return found

    def _workers(self) -> list[psutil.Process]:
        workers = self._running("worker")
        pids = {process.pid for process in workers}
        return [process for process in workers if process.ppid() not in pids]

    def _children(self) -> list[psutil.Process]:
        workers = self._running("worker")
        pids = {process.pid for process in workers}
        return [process for process in workers if process.ppid() in pids]

    def _kill(self, among: Callable[[], list[psutil.Process]], number: signal.Signals) -> bool:
        processes = among()
        if not processes:
            return False
        self.randomness.choice(processes).send_signal(number)
        return True
