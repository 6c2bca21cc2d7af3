"""Another host that cannot be reached, hangs or answers nonsense costs an error, and nothing more."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import stat
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from magicfs.domain.attributes import Attributes
from magicfs.domain.deadline import Deadline
from magicfs.gateway import connection_pool, files_service, peers, served_files
from magicfs.gateway.file_protocol import (
    FILES_SERVICE,
    REQUEST,
    Kind,
    Operation,
    Request,
    encoded_status,
    frame,
)
from magicfs.gateway.files_service import FilesService
from magicfs.gateway.peers import PeerAddress
from magicfs.tree.remote.files import RemoteStatus
from tests.integration.gateway.hosts import Host, Mount, refused


def test_one_that_is_not_admitted_does_not_reach_the_host(host: Host, mount: Mount) -> None:
    (host.root / "file").touch()
    mount.files.status("hub", mount.root, b"file")
    host.known = []
    deadline = Deadline(20)
    with pytest.raises(OSError, match="hub is not reached"):
        while not deadline.is_over():
            mount.files.status("hub", mount.root, b"file")
    assert refused(lambda: mount.files.open("hub", mount.root, b"file")) == errno.EHOSTUNREACH


def test_a_host_that_does_not_serve_is_not_asked(host: Host, mount: Mount) -> None:
    assert set(mount.files.hosts()) == {"hub"}
    assert refused(lambda: mount.files.status("other", mount.root, b"")) == errno.EHOSTUNREACH
    assert refused(lambda: mount.files.status("laptop", mount.root, b"")) == errno.EHOSTUNREACH
    mount.files.set_hosts([])
    assert not mount.files.hosts()
    assert refused(lambda: mount.files.status("hub", mount.root, b"")) == errno.EHOSTUNREACH


def test_a_host_that_does_not_speak_is_unreachable_and_then_fails_at_once(
    host: Host, mount: Mount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_pool, "CONNECT_SECONDS", 2.0)
    monkeypatch.setattr(connection_pool, "UNREACHABLE_SECONDS", 60)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mount.files.set_hosts([host.certificate(PeerAddress("127.0.0.1", silent.getsockname()[1]))])
        begin = time.monotonic()
        assert refused(lambda: mount.files.status("hub", mount.root, b"")) == errno.EHOSTUNREACH
        assert 1.9 < time.monotonic() - begin < 60
        silent.accept()[0].close()
        assert refused(lambda: mount.files.status("hub", mount.root, b"")) == errno.EHOSTUNREACH
        silent.setblocking(False)
        with pytest.raises(BlockingIOError):
            silent.accept()


def test_a_disk_that_hangs_costs_its_root_alone(
    host: Host, mount: Mount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    host.in_loop(lambda: host.files.set_roots([mount.root, os.fsencode(other)]))
    hung, real = threading.Event(), served_files.encoded_status_of

    def status(request: Request) -> bytes:
        if request.root == mount.root:
            hung.wait(60)
        return real(request)

    monkeypatch.setattr(served_files, "encoded_status_of", status)
    monkeypatch.setattr(files_service, "ANSWER_SECONDS", 0.5)
    with ThreadPoolExecutor(16) as pool:
        calls = [pool.submit(refused, lambda: mount.files.status("hub", mount.root, b"")) for _ in range(16)]
        assert {call.result(60) for call in calls} == {errno.ETIMEDOUT}
    # A busy machine takes longer.
    monkeypatch.setattr(files_service, "ANSWER_SECONDS", 60)
    assert stat.S_ISDIR(mount.files.status("hub", os.fsencode(other), b"").attributes.mode)
    hung.set()


def test_a_host_that_answers_late_is_timed_out(host: Host, mount: Mount, monkeypatch: pytest.MonkeyPatch) -> None:
    mount.files.status("hub", mount.root, b"")
    hung, real = threading.Event(), served_files.encoded_status_of
    monkeypatch.setattr(served_files, "encoded_status_of", lambda request: hung.wait(60) and real(request))
    monkeypatch.setattr(connection_pool, "WAIT_SECONDS", 0.5)
    monkeypatch.setattr(connection_pool, "UNREACHABLE_SECONDS", 60)
    assert refused(lambda: mount.files.status("hub", mount.root, b"")) == errno.ETIMEDOUT
    monkeypatch.setattr(connection_pool, "WAIT_SECONDS", 60)
    assert refused(lambda: mount.files.status("hub", mount.root, b"")) == errno.EHOSTUNREACH, "at once"
    monkeypatch.setattr(connection_pool, "UNREACHABLE_SECONDS", 0)
    hung.set()
    mount.files.status("hub", mount.root, b"")


@pytest.mark.parametrize(
    "sent",
    [
        REQUEST.pack(99, 0, 0, 0, 0, 0),
        REQUEST.pack(Operation.STATUS, 0, 0, 0, 0xFFFFFFFF, 0),
        REQUEST.pack(Operation.READ, 1, -5, 10, 0, 0),
        b"\xff" * 100,
        b"GET / HTTP/1.1\r\n\r\n" * 20,
    ],
)
def test_what_is_no_request_ends_the_connection(host: Host, mount: Mount, sent: bytes) -> None:
    with peers.connect(
        host.address,
        fingerprint=host.identity.fingerprint,
        service=FILES_SERVICE,
        identity=mount.identity,
        deadline=Deadline(20),
    ) as connection:
        connection.sendall(sent)
        connection.settimeout(20)
        assert connection.recv(100) == b""
    mount.files.status("hub", mount.root, b"")


NO_FILE = RemoteStatus(Attributes(0o070644, 1, 0, 0, 0, 0, 0), 1, 1, None, 0)
"""A status whose type no file has."""


@pytest.mark.parametrize(
    "answer",
    [
        b"\x00\xff\xff\xff\xff",
        b"\x00\x00\x00\x00\x03abc",
        b"\x02\x00\x00\x00\x05hello",
        b"\x07\x00\x00\x00\x00",
        b"",
        frame(Kind.DONE, encoded_status(NO_FILE)),
        frame(Kind.PART, b"x" * 1000) * 1000,
    ],
)
def test_a_host_that_answers_nonsense_is_an_error_and_no_more(
    host: Host, mount: Mount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    async def lie(_: FilesService, __: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readexactly(REQUEST.size):
            await reader.readexactly(len(mount.root))
            writer.write(answer)
            await writer.drain()
            if not answer:
                return

    monkeypatch.setattr(FilesService, "handle", lie)
    monkeypatch.setattr(connection_pool, "UNREACHABLE_SECONDS", 0)
    mount.files.set_hosts([])
    other = Host(tmp_path / "other", identity=host.identity)
    other.known = host.known
    with other.serving():
        mount.files.set_hosts([other.certificate()])
        calls: list[Callable[[str, bytes, bytes], object]] = [mount.files.status, mount.files.open]
        for call in calls:
            assert refused(call, "hub", mount.root, b"") in (errno.EIO, errno.EHOSTUNREACH)
        mount.files.set_hosts([])
