"""The query embedder as a real process with the real model: it may crash, hang or be asked nonsense."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from magicfs.domain.models import Precision, StoredModel
from magicfs.embedding import wire
from magicfs.embedding.embedder import FastembedEmbedder
from magicfs.embedding.query_client import QueryEmbedder
from magicfs.errors import EmbedderUnavailable, ModelCorrupt, ModelMismatch, ModelMissing
from magicfs.models.store import ModelStore

PATIENCE = 30.0
"""Seconds; only a failure takes this long."""


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="magicfs-") as name:
        yield Path(name)


@pytest.fixture
def client(place: Path, model_store: ModelStore) -> Iterator[QueryEmbedder]:
    client = QueryEmbedder(place / "e.sock", model_store.directory, idle_exit=PATIENCE)
    yield client
    end(client)


def end(client: QueryEmbedder) -> None:
    assert client.quit(deadline_s=PATIENCE)


def pid_of(client: QueryEmbedder) -> int:
    status = client.ping(deadline_s=PATIENCE)
    assert status is not None
    return status.pid


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def launch(
    socket_path: Path, model_store: ModelStore, *options: str, stderr: int = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "magicfs.embedding.query_server", "--socket", str(socket_path)]
    return subprocess.Popen([*command, "--models", str(model_store.directory), *options], stderr=stderr, cwd="/")


def test_it_is_started_on_demand_and_gives_the_models_own_vectors(
    client: QueryEmbedder, place: Path, stored_model: StoredModel, embedder: FastembedEmbedder
) -> None:
    assert client.ping() is None
    for text in ("tax invoice", "two\nlines", "lone \udcff", "x" * 100_000, ""):
        vector = client.embed(text, spec=stored_model.spec, deadline_s=PATIENCE)
        assert np.allclose(vector, embedder.embed_query(text), atol=1e-6)
    assert stat.S_IMODE((place / "e.sock").stat().st_mode) == 0o600
    status = client.ping(deadline_s=PATIENCE)
    assert status is not None
    assert (status.model, status.served) == (stored_model.spec.label, 5)
    process = psutil.Process(status.pid)
    assert process.cwd() == "/"
    assert os.getsid(status.pid) != os.getsid(0)
    assert client.quit(deadline_s=PATIENCE)
    assert client.ping() is None
    assert not (place / "e.sock").exists()
    assert client.quit(), "a second time does no harm"


@pytest.mark.parametrize("death", [signal.SIGSEGV, signal.SIGKILL, signal.SIGTERM])
def test_when_it_dies_the_next_query_is_answered(
    client: QueryEmbedder, stored_model: StoredModel, death: signal.Signals
) -> None:
    before = client.embed("before", spec=stored_model.spec, deadline_s=PATIENCE)
    first = pid_of(client)
    os.kill(first, death)
    after = client.embed("after", spec=stored_model.spec, deadline_s=PATIENCE)
    assert pid_of(client) != first
    assert not np.array_equal(before, after)


def listen_and_die(path: Path, *, times: int) -> bytes:
    """Be a server that goes away when it gets a request; what the last request was."""
    request = b""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(PATIENCE)
        for _ in range(times):
            channel, _ = listener.accept()
            with channel:
                request = channel.recv(65536)
    return request


def test_when_it_dies_with_a_query_the_query_is_sent_again(client: QueryEmbedder, stored_model: StoredModel) -> None:
    with ThreadPoolExecutor(1) as pool:
        dead = pool.submit(listen_and_die, client._socket, times=1)
        wait_for(client._socket.exists)
        assert client.embed("during", spec=stored_model.spec, deadline_s=PATIENCE).shape == (384,)
        assert wire.decode(dead.result())["text"] == "during"
    assert pid_of(client) != os.getpid()


def test_a_query_that_kills_it_twice_is_given_up(place: Path, stored_model: StoredModel) -> None:
    client = QueryEmbedder(place / "e.sock", stored_model.folder.parent, launch=False)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(listen_and_die, client._socket, times=2)
        wait_for(client._socket.exists)
        with pytest.raises(EmbedderUnavailable, match="twice"):
            client.embed("poison", spec=stored_model.spec, deadline_s=PATIENCE)


def test_when_it_hangs_the_deadline_holds(client: QueryEmbedder, stored_model: StoredModel) -> None:
    client.embed("before", spec=stored_model.spec, deadline_s=PATIENCE)
    pid = pid_of(client)
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(EmbedderUnavailable):
            client.embed("during", spec=stored_model.spec, deadline_s=0.2)
        assert client.ping(deadline_s=0.1) is None
        assert client.embed("before", spec=stored_model.spec, deadline_s=0.0).shape == (384,), "remembered"
    finally:
        os.kill(pid, signal.SIGCONT)
    assert client.embed("after", spec=stored_model.spec, deadline_s=PATIENCE).shape == (384,)


def test_many_threads_start_one_server(client: QueryEmbedder, stored_model: StoredModel) -> None:
    texts = [f"query number {number}" for number in range(24)]
    with ThreadPoolExecutor(12) as pool:
        futures = [pool.submit(client.embed, text, spec=stored_model.spec, deadline_s=PATIENCE) for text in texts]
        vectors = np.stack([future.result() for future in futures])
    assert vectors.shape == (24, 384)
    servers = [
        process
        for process in psutil.process_iter(["cmdline"])
        if str(client._socket) in (process.info["cmdline"] or [])
    ]
    assert [process.pid for process in servers] == [pid_of(client)]


def test_without_a_server_and_without_launching_it_is_unavailable(place: Path, stored_model: StoredModel) -> None:
    client = QueryEmbedder(place / "e.sock", stored_model.folder.parent, launch=False)
    with pytest.raises(EmbedderUnavailable):
        client.embed("anybody?", spec=stored_model.spec, deadline_s=0.1)
    assert client.ping() is None
    assert client.quit()


def test_when_it_cannot_be_started_it_is_unavailable(place: Path, stored_model: StoredModel) -> None:
    for where in (place / "no" / "directory" / "e.sock", place / ("long" * 50)):
        client = QueryEmbedder(where, stored_model.folder.parent)
        with pytest.raises(EmbedderUnavailable):
            client.embed("anybody?", spec=stored_model.spec, deadline_s=5.0)


def test_errors_about_the_model_come_through(place: Path, stored_model: StoredModel) -> None:
    store = ModelStore(place / "models")
    folder = store.directory / stored_model.folder.name
    shutil.copytree(stored_model.folder, folder)
    client = QueryEmbedder(place / "e.sock", store.directory)
    try:
        with pytest.raises(ModelMissing, match="magicfs model pull"):
            client.embed("q", spec=replace(stored_model.spec, precision=Precision.FP32), deadline_s=PATIENCE)
        os.truncate(folder / "model.onnx", 1000)
        with pytest.raises(ModelCorrupt, match="magicfs model pull"):
            client.embed("q", spec=stored_model.spec, deadline_s=PATIENCE)
        shutil.rmtree(folder)
        shutil.copytree(stored_model.folder, folder)
        with pytest.raises(ModelMismatch, match="768"):
            client.embed("q", spec=replace(stored_model.spec, dimension=768), deadline_s=PATIENCE)
        assert client.embed("q", spec=stored_model.spec, deadline_s=PATIENCE).shape == (384,)
    finally:
        end(client)


def exchange(path: Path, data: bytes) -> bytes:
    """Send, then read until a line has come or the other side hangs up."""
    with socket.socket(socket.AF_UNIX) as channel:
        channel.settimeout(PATIENCE)
        channel.connect(str(path))
        received = b""
        try:
            channel.sendall(data)
            while not received.endswith(b"\n"):
                part = channel.recv(65536)
                if not part:
                    break
                received += part
        except (ConnectionResetError, BrokenPipeError):
            pass
        return received


def test_nonsense_is_answered_and_survived(client: QueryEmbedder, stored_model: StoredModel) -> None:
    client.embed("before", spec=stored_model.spec, deadline_s=PATIENCE)
    pid = pid_of(client)
    for line in (
        b"\n",
        b"GET / HTTP/1.1\n",
        b"\xff\xfe\n",
        b"[1]\n",
        b'{"do":"dance"}\n',
        b'{"do":["embed"]}\n',
        b'{"do":"embed"}\n',
        b'{"do":"embed","name":"x","precision":"int8","text":7}\n',
        b'{"do":"embed","name":"../../etc","precision":"int8","text":"x"}\n',
        b'{"do":"embed","name":"x","precision":"int4","text":"x"}\n',
        b"[" * 200_000 + b"\n",
    ):
        assert "error" in wire.decode(exchange(client._socket, line)), line[:80]
    exchange(client._socket, b"x" * (wire.LONGEST_REQUEST + 100_000))
    exchange(client._socket, b'{"do":"ping"}\n' * 10_000)
    assert client.embed("after", spec=stored_model.spec, deadline_s=PATIENCE).shape == (384,)
    assert pid_of(client) == pid


def test_clients_that_hang_hold_up_nobody(client: QueryEmbedder, stored_model: StoredModel) -> None:
    client.embed("before", spec=stored_model.spec, deadline_s=PATIENCE)
    hanging = []
    for data in (b"", b'{"do":"ping"', b'{"do":"ping"}\n') * 100:
        channel = socket.socket(socket.AF_UNIX)
        channel.connect(str(client._socket))
        channel.sendall(data)
        hanging.append(channel)
    assert client.embed("after", spec=stored_model.spec, deadline_s=PATIENCE).shape == (384,)
    for channel in hanging:
        channel.close()
    assert pid_of(client)


def test_a_second_server_stands_by_without_a_model(
    client: QueryEmbedder, model_store: ModelStore, stored_model: StoredModel
) -> None:
    client.embed("before", spec=stored_model.spec, deadline_s=PATIENCE)
    first = pid_of(client)
    spare = launch(client._socket, model_store, "--idle-exit", "30")
    assert spare.wait(PATIENCE) == 0, "one that was started on demand is not needed"
    standby = launch(client._socket, model_store)
    try:
        lock = str(wire.lock_path(client._socket))
        wait_for(lambda: lock in [file.path for file in psutil.Process(standby.pid).open_files()])
        assert pid_of(client) == first
        assert not [one for one in psutil.Process(standby.pid).memory_maps() if "onnxruntime" in one.path]
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: client.ping() is not None)
        assert pid_of(client) == standby.pid
        assert client.embed("after", spec=stored_model.spec, deadline_s=PATIENCE).shape == (384,)
        standby.terminate()
        assert standby.wait(PATIENCE) == 0
    finally:
        standby.kill()
        standby.wait()


def test_one_that_nobody_asks_leaves(place: Path, model_store: ModelStore, stored_model: StoredModel) -> None:
    client = QueryEmbedder(place / "e.sock", model_store.directory, idle_exit=0.2)
    client.embed("only once", spec=stored_model.spec, deadline_s=PATIENCE)
    wait_for(client._nobody_serves)
    wait_for(lambda: not (place / "e.sock").exists())


def test_one_whose_socket_is_gone_leaves(place: Path, model_store: ModelStore) -> None:
    server = launch(place / "e.sock", model_store, "--idle-exit", "8", stderr=subprocess.PIPE)
    client = QueryEmbedder(place / "e.sock", model_store.directory, launch=False)
    wait_for(lambda: client.ping() is not None)
    (place / "e.sock").unlink()
    _, log = server.communicate(timeout=PATIENCE)
    assert server.returncode == 0
    assert b"e.sock is gone" in log


def test_what_was_asked_lately_is_remembered_and_cannot_be_spoilt(
    client: QueryEmbedder, stored_model: StoredModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("magicfs.embedding.query_client.REMEMBERED_QUERIES", 2)
    for text in ("one", "two", "one", "three"):
        vector = client.embed(text, spec=stored_model.spec, deadline_s=PATIENCE)
        with pytest.raises(ValueError, match="read-only"):
            vector[0] = 1.0
    status = client.ping(deadline_s=PATIENCE)
    assert status is not None
    assert status.served == 3
    assert [key[2] for key in client._remembered] == ["one", "three"]


def test_a_query_whose_client_left_is_dropped(client: QueryEmbedder, stored_model: StoredModel) -> None:
    client.embed("before", spec=stored_model.spec, deadline_s=PATIENCE)
    pid = pid_of(client)
    os.kill(pid, signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(8) as pool:
            for asked in [pool.submit(give_up, client, number, stored_model) for number in range(8)]:
                asked.result()
    finally:
        os.kill(pid, signal.SIGCONT)
    client.embed("after", spec=stored_model.spec, deadline_s=PATIENCE)
    status = client.ping(deadline_s=PATIENCE)
    assert status is not None
    assert status.served == 2


def give_up(client: QueryEmbedder, number: int, model: StoredModel) -> None:
    with pytest.raises(EmbedderUnavailable):
        client.embed(f"too late {number}", spec=model.spec, deadline_s=0.1)
