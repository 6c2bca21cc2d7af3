"""A Redis of a test's own, which the test fills, stops and damages."""

from __future__ import annotations

import itertools
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from redis import Redis, RedisError

from magicfs.runtime import redis
from magicfs.runtime.processes import wait_until

PASSWORD = "s3cretpassw0rd"


_ports = itertools.count(10_000)
"""Below those that the kernel gives to connections: one of them could be taken while the server of a test is away."""


def free_port() -> int:
    """A port of this machine, which other processes of tests, of any run, do not choose before this one ends."""
    for port in _ports:
        with socket.socket() as probe, socket.socket(socket.AF_UNIX) as claim, suppress(OSError):
            claim.bind(f"\0magicfs-tests-port-{port}")
            probe.bind(("127.0.0.1", port))
            # Stays open as long as this process runs.
            claim.detach()
            return port
    raise AssertionError


class Client(Redis):
    """Has a connection for the length of a command: the server of a test may stop at any time."""

    def execute_command(self, *arguments: Any, **options: Any) -> Any:
        try:
            return super().execute_command(*arguments, **options)
        finally:
            self.close()


@dataclass
class Broker:
    """A Redis server on a TCP port, with a password."""

    port: int = field(default_factory=free_port)
    address: str = "127.0.0.1"
    prefix: tuple[str, ...] = ()
    """The command that starts it, such as one that enters a network namespace."""
    socket: Path | None = None
    """Where the test reaches it, if not at its address."""
    process: subprocess.Popen[bytes] | None = None
    password: str = PASSWORD
    """The password that it asks for now."""

    @property
    def url(self) -> str:
        """Its address, with the first password."""
        return f"redis://:{PASSWORD}@{self.address}:{self.port}/0"

    @property
    def client(self) -> Client:
        if self.socket is not None:
            return Client(unix_socket_path=str(self.socket), password=self.password)
        return Client(port=self.port, password=self.password)

    def start(self) -> None:
        options = {"port": str(self.port), "bind": self.address, "requirepass": PASSWORD, "save": "", "dir": "/tmp"}
        if self.socket is not None:
            options["unixsocket"] = str(self.socket)
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        self.process = subprocess.Popen(
            [*self.prefix, redis.binary(), *words], stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        )
        wait_until(self._answers, seconds=120, failed="the test's own Redis does not start")

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except RedisError:
            return False

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
            self.process = None

    def hang(self) -> None:
        """Let the server take connections and answer nothing."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def change_password(self, password: str) -> None:
        """Ask for another password from now on, and close all connections."""
        self.client.config_set("requirepass", password)
        self.password = password
        self.client.client_kill_filter(_type="normal", skipme=True)

    def fill(self) -> None:
        """Make every write that needs memory fail."""
        self.client.config_set("maxmemory", "1")

    def make_room(self) -> None:
        self.client.config_set("maxmemory", "0")


@pytest.fixture
def broker() -> Iterator[Broker]:
    broker = Broker()
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()
