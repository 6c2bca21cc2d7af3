"""A host that serves its files and the client of another one, and what runs a server in a thread of the test."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec

import pytest

from magicfs.domain.host_certificates import HostCertificate
from magicfs.gateway import peer_connection
from magicfs.gateway.file_protocol import FILES_SERVICE
from magicfs.gateway.files_service import FilesService
from magicfs.gateway.identity import Identity, host_identity
from magicfs.gateway.peers import PeerAddress
from magicfs.gateway.remote_files import PeerFiles
from magicfs.gateway.serve import Server, Service
from tests.plugins.broker import free_port
from tests.plugins.waiting import SECONDS

Arguments = ParamSpec("Arguments")

Run = Callable[[asyncio.Event, Callable[[], None]], Coroutine[Any, Any, None]]
"""What works until its event is set, and calls the function when it is ready."""


@contextmanager
def in_a_loop(run: Run) -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop in a thread of its own, in which `run` works while the context lasts."""
    ready = threading.Event()
    made: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def main() -> None:
        stop = asyncio.Event()
        made.append((asyncio.get_running_loop(), stop))
        await run(stop, ready.set)

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    try:
        assert ready.wait(SECONDS)
        yield made[0][0]
    finally:
        loop, stop = made[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join()


class Host:
    """A host that serves its files, in a thread."""

    def __init__(self, folder: Path, identity: Identity | None = None) -> None:
        self.root = folder / "root"
        self.root.mkdir(parents=True)
        home = folder / "hub"
        home.mkdir()
        self.identity = identity or host_identity(home)
        self.known: list[HostCertificate] = []
        self.files = FilesService()
        self.address = PeerAddress("127.0.0.1", free_port())

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Serve the root while the context lasts."""
        self.files.set_roots([os.fsencode(self.root)])
        server = Server(self.identity, {FILES_SERVICE: Service(self.files.handle)}, load=lambda: self.known)
        with in_a_loop(lambda stop, ready: server.run(self.address, stop, ready=ready)) as self.loop:
            yield

    def in_loop(self, work: Callable[[], None]) -> None:
        """Call something in the thread of the server."""
        done = threading.Event()

        def do() -> None:
            work()
            done.set()

        self.loop.call_soon_threadsafe(do)
        assert done.wait(SECONDS)

    def certificate(self, address: PeerAddress | None = None) -> HostCertificate:
        own = self.identity
        return HostCertificate("hub", own.fingerprint, own.certificate, str(address or self.address), admitted=True)


class Mount:
    """The client of a host that is admitted."""

    def __init__(self, folder: Path, host: Host) -> None:
        home = folder / "laptop"
        home.mkdir()
        self.identity = host_identity(home)
        self.files = PeerFiles(lambda: self.identity, host="laptop")
        self.root = os.fsencode(host.root)
        own = self.identity
        host.known = [HostCertificate("laptop", own.fingerprint, own.certificate, None, admitted=True)]
        self.files.set_hosts([host.certificate(), *host.known])

    def connections(self) -> set[peer_connection.PeerConnection]:
        return self.files._pools["hub"]._all


def refused(call: Callable[Arguments, object], *arguments: Arguments.args, **options: Arguments.kwargs) -> int:
    """The number of the error with which a call fails."""
    with pytest.raises(OSError) as caught:
        call(*arguments, **options)
    assert caught.value.errno is not None
    return caught.value.errno
