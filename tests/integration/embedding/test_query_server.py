"""The process of the query embedder and its socket: nonsense, clients that hang, too many of them, and its end."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from magicfs.domain.models import StoredModel
from magicfs.embedding.query_client import QueryEmbedder
from magicfs.errors import EmbedderUnavailable
from magicfs.ipc.framing import Disconnected, Message, receive, send
from magicfs.ipc.local_server import CONNECTION_SECONDS, MAX_CONNECTIONS, MAX_REQUEST_BYTES
from magicfs.ipc.server_lock import is_served, lock_path
from magicfs.models.store import ModelStore
from tests.integration.embedding.embedders import DEADLINE_SECONDS, end, folders_of, launch, pid_of, ping, wait_for


def connect(client: QueryEmbedder) -> socket.socket:
    channel = socket.socket(socket.AF_UNIX)
    # Without a timeout it waits while the queue of connections is full.
    channel.connect(str(client.socket_path))
    channel.settimeout(DEADLINE_SECONDS)
    return channel


def answer_to(client: QueryEmbedder, data: bytes, *, cut_off: bool = False) -> Message:
    """The answer to some bytes, with `cut_off` followed by the end. Raises `Disconnected` when there is none."""
    with connect(client) as channel:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            channel.sendall(data)
            if cut_off:
                channel.shutdown(socket.SHUT_WR)
        return receive(channel, max_body_bytes=0)


def frame(head: bytes) -> bytes:
    return struct.pack("!II", len(head), 0) + head


PING = frame(b'{"do":"ping"}')


def test_nonsense_is_answered_and_survived(client: QueryEmbedder, place: Path, stored_model: StoredModel) -> None:
    client.embed("before", spec=stored_model.spec, deadline_s=DEADLINE_SECONDS)
    pid = pid_of(client)
    for data in (
        b"GET / HTTP/1.1\n",
        b"\xff" * 100,
        frame(b""),
        frame(b"\xff\xfe"),
        frame(b"[1]"),
        frame(b"{}"),
        frame(b'{"do":"dance"}'),
        frame(b'{"do":["embed"]}'),
        frame(b'{"do":"embed"}'),
        frame(b'{"do":"embed","folders":["x"],"text":7}'),
        frame(b'{"do":"embed","folders":"x","text":"x"}'),
        frame(b'{"do":"embed","folders":[],"text":"x"}'),
        frame(b'{"do":"embed","folders":[7],"text":"x"}'),
        frame(b'{"do":"embed","folders":["x"],"kept":7,"text":"x"}'),
        frame(b'{"do":"embed","folders":["/nowhere"],"text":"x"}'),
        frame(b'{"do":"embed","folders":["a\\u0000b"],"text":"x"}'),
        frame(b"[" * 200_000),
        frame(b"x" * (MAX_REQUEST_BYTES + 100_000)),
        struct.pack("!II", 2, 1000) + b"{}" + bytes(1000),
    ):
        assert "error" in answer_to(client, data).head, data[:80]
    for data in (b"", b"\0", PING[:-1]):
        with pytest.raises(Disconnected):
            answer_to(client, data, cut_off=True)
    assert answer_to(client, PING * 10_000).head["pid"] == pid
    assert client.embed("after", spec=stored_model.spec, deadline_s=DEADLINE_SECONDS).shape == (384,)
    assert pid_of(client) == pid


def test_clients_that_hang_hold_up_nobody(client: QueryEmbedder, stored_model: StoredModel) -> None:
    client.embed("before", spec=stored_model.spec, deadline_s=DEADLINE_SECONDS)
    process = psutil.Process(pid_of(client))
    hanging = []
    for data in (b"", PING[:-1], PING) * 100:
        channel = connect(client)
        channel.sendall(data)
        hanging.append(channel)
    assert client.embed("after", spec=stored_model.spec, deadline_s=DEADLINE_SECONDS).shape == (384,)
    wait_for(lambda: process.num_threads() <= MAX_CONNECTIONS + 4)
    for channel in hanging:
        channel.close()
    assert pid_of(client) == process.pid


def patched_server(place: Path, patch: str, *options: str) -> subprocess.Popen[bytes]:
    """A server after some lines of Python that change `server`, `local`, `service` or `FastembedEmbedder`."""
    program = f"""
import sys, time
from magicfs.ipc import local_server as local
from magicfs.embedding import query_server as server, query_service as service
from magicfs.embedding.embedder import FastembedEmbedder
{patch}
sys.exit(server.main(["--socket", {str(place / "e.sock")!r}, *sys.argv[1:]]))
"""
    return subprocess.Popen([sys.executable, "-c", program, *options], stderr=subprocess.PIPE)


def test_a_client_that_says_nothing_is_closed(place: Path, model_store: ModelStore) -> None:
    assert CONNECTION_SECONDS > 1.0
    server = patched_server(place, "local.CONNECTION_SECONDS = 1.0", "--idle-exit", "600")
    client = QueryEmbedder(place / "e.sock", folders_of(model_store), may_start=False)
    wait_for(lambda: ping(client) is not None)
    with connect(client) as channel:
        channel.sendall(PING[:-1])
        assert channel.recv(1) == b""
    end(client)
    server.communicate(timeout=DEADLINE_SECONDS)
    assert server.returncode == 0


def test_when_native_code_hangs_the_process_ends_itself(place: Path, stored_model: StoredModel) -> None:
    # It has time to answer others before it ends.
    patch = "service.EMBED_SECONDS = 8.0; FastembedEmbedder.load = lambda folder: time.sleep(3600)"
    server = patched_server(place, patch, "--idle-exit", "600")
    client = QueryEmbedder(place / "e.sock", lambda _: stored_model.folder, may_start=False)
    wait_for(lambda: ping(client) is not None)
    with connect(client) as channel:
        send(channel, Message({"do": "embed", "folders": [str(stored_model.folder)], "text": "x"}))
        assert ping(client, deadline_s=DEADLINE_SECONDS) is not None, "other requests are answered meanwhile"
        with pytest.raises(Disconnected):
            receive(channel, max_body_bytes=0)
    _, log = server.communicate(timeout=DEADLINE_SECONDS)
    assert server.returncode == 1
    assert b"Timeout" in log


def test_requests_beyond_the_bound_are_refused(place: Path, stored_model: StoredModel) -> None:
    patch = "local.MAX_CONNECTIONS = 2; FastembedEmbedder.load = lambda folder: time.sleep(3600)"
    server = patched_server(place, patch, "--idle-exit", "600")
    client = QueryEmbedder(place / "e.sock", lambda _: stored_model.folder, may_start=False)
    wait_for(lambda: ping(client) is not None)
    waiting: list[socket.socket] = []

    def is_full() -> bool:
        # The server refuses a connection as long as it has not noticed the end of an earlier one.
        waiting.append(connect(client))
        with contextlib.suppress(OSError):
            send(waiting[-1], Message({"do": "embed", "folders": [str(stored_model.folder)], "text": "x"}))
        return ping(client) is None

    try:
        wait_for(is_full)
        with pytest.raises(EmbedderUnavailable):
            client.embed("one more", spec=stored_model.spec, deadline_s=1.0)
    finally:
        for channel in waiting:
            channel.close()
        server.kill()
        server.communicate()


def test_models_leave_the_memory_when_nobody_asks_and_come_back(
    client: QueryEmbedder, place: Path, stored_model: StoredModel
) -> None:
    arguments = ["--socket", str(place / "e.sock"), "--free-after", "0.5"]
    server = subprocess.Popen([sys.executable, "-m", "magicfs.embedding.query_server", *arguments], cwd="/")
    try:
        wait_for(lambda: ping(client) is not None)
        before = client.embed("bread", spec=stored_model.spec, deadline_s=DEADLINE_SECONDS)

        def is_free() -> bool:
            time.sleep(1.5)  # a ping is a request too
            status = ping(client, deadline_s=DEADLINE_SECONDS)
            assert status is not None
            return status.model is None

        wait_for(is_free)
        assert np.array_equal(client.embed("bread", spec=stored_model.spec, deadline_s=DEADLINE_SECONDS), before)
    finally:
        server.terminate()
        assert server.wait(DEADLINE_SECONDS) == 0


def test_a_second_server_stands_by_without_a_model(client: QueryEmbedder, stored_model: StoredModel) -> None:
    client.embed("before", spec=stored_model.spec, deadline_s=DEADLINE_SECONDS)
    first = pid_of(client)
    spare = launch(client.socket_path, "--idle-exit", "600")
    assert spare.wait(DEADLINE_SECONDS) == 0, "one that was started on demand is not needed"
    standby = launch(client.socket_path)
    try:
        lock = str(lock_path(client.socket_path))
        wait_for(lambda: lock in [file.path for file in psutil.Process(standby.pid).open_files()])
        assert pid_of(client) == first
        assert not [one for one in psutil.Process(standby.pid).memory_maps() if "onnxruntime" in one.path]
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: ping(client) is not None)
        assert pid_of(client) == standby.pid
        assert client.embed("after", spec=stored_model.spec, deadline_s=DEADLINE_SECONDS).shape == (384,)
        standby.terminate()
        assert standby.wait(DEADLINE_SECONDS) == 0
    finally:
        standby.kill()
        standby.wait()


def test_a_server_without_requests_exits(place: Path, model_store: ModelStore, stored_model: StoredModel) -> None:
    client = QueryEmbedder(place / "e.sock", folders_of(model_store), idle_exit=2.0)
    client.embed("only once", spec=stored_model.spec, deadline_s=DEADLINE_SECONDS)
    wait_for(lambda: not is_served(place / "e.sock"))
    wait_for(lambda: not (place / "e.sock").exists())


def test_a_server_whose_socket_is_gone_exits(place: Path, model_store: ModelStore) -> None:
    server = launch(place / "e.sock", "--idle-exit", "600", stderr=subprocess.PIPE)
    client = QueryEmbedder(place / "e.sock", folders_of(model_store), may_start=False)
    wait_for(lambda: ping(client) is not None)
    (place / "e.sock").unlink()
    _, log = server.communicate(timeout=DEADLINE_SECONDS)
    assert server.returncode == 0
    assert b"e.sock is gone" in log
