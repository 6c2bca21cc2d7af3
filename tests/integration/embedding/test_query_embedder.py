"""The query embedder as a real process with the real model: it may crash, hang or be asked what it does not know."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from magicfs.domain.models import Precision, StoredModel
from magicfs.embedding.embedder import FastembedEmbedder
from magicfs.embedding.manifest import read
from magicfs.embedding.query_client import QueryEmbedder
from magicfs.errors import EmbedderUnavailable, LanguageUnread, ModelCorrupt, ModelMismatch, ModelMissing
from magicfs.ipc.framing import Message, receive
from magicfs.models.store import ModelStore
from tests.integration.embedding.embedders import DEADLINE_SECONDS, end, folders_of, pid_of, ping, wait_for
from tests.integration.models.tiny import write_tiny_model


def test_a_question_in_an_unread_language_is_refused_by_name(client: QueryEmbedder, stored_model: StoredModel) -> None:
    with pytest.raises(LanguageUnread, match="does not read this language"):
        client.embed("番茄钟", spec=stored_model.spec, deadline_s=DEADLINE_SECONDS)
    assert client.embed("tomato", spec=stored_model.spec, deadline_s=DEADLINE_SECONDS).shape == (384,)


def test_it_is_started_on_demand_and_gives_the_models_own_vectors(
    client: QueryEmbedder, place: Path, stored_model: StoredModel, embedder: FastembedEmbedder
) -> None:
    assert ping(client) is None
    for text in ("tax invoice", "two\nlines", "lone \udcff", "x " * 50_000, ""):
        vector = client.embed(text, spec=stored_model.spec, deadline_s=DEADLINE_SECONDS)
        assert np.allclose(vector, embedder.embed_query(text), atol=1e-6)
    assert stat.S_IMODE((place / "e.sock").stat().st_mode) == 0o600
    status = ping(client, deadline_s=DEADLINE_SECONDS)
    assert status is not None
    assert (status.model, status.served) == (stored_model.spec.label, 5)
    process = psutil.Process(status.pid)
    assert process.cwd() == "/"
    assert os.getsid(status.pid) != os.getsid(0)
    assert client.quit(deadline_s=DEADLINE_SECONDS)
    assert ping(client) is None
    assert not (place / "e.sock").exists()
    assert client.quit(), "a second time does no harm"


def test_a_relative_folder_is_that_of_the_client(
    place: Path, stored_model: StoredModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(stored_model.folder.parent)
    client = QueryEmbedder(place / "e.sock", lambda _: Path(stored_model.folder.name), idle_exit=DEADLINE_SECONDS)
    assert client.embed("bread", spec=stored_model.spec, deadline_s=DEADLINE_SECONDS).shape == (384,)
    end(client)


def test_a_model_is_loaded_ahead_and_says_what_is_wrong_with_it(
    client: QueryEmbedder, stored_model: StoredModel
) -> None:
    other = replace(stored_model.spec, name="sentence-transformers/none", digest="0" * 64, former_digest="")
    outcomes = client.warm_up(specs=[stored_model.spec, other], deadline_s=DEADLINE_SECONDS)
    assert outcomes[stored_model.spec] is None
    assert isinstance(outcomes[other], ModelMissing)
    status = ping(client, deadline_s=DEADLINE_SECONDS)
    assert status is not None
    assert status.model == stored_model.spec.label


@pytest.mark.parametrize("death", [signal.SIGSEGV, signal.SIGKILL, signal.SIGTERM])
def test_when_it_dies_the_next_query_is_answered(
    client: QueryEmbedder, stored_model: StoredModel, death: signal.Signals
) -> None:
    before = client.embed("before", spec=stored_model.spec, deadline_s=DEADLINE_SECONDS)
    first = pid_of(client)
    os.kill(first, death)
    after = client.embed("after", spec=stored_model.spec, deadline_s=DEADLINE_SECONDS)
    assert pid_of(client) != first
    assert not np.array_equal(before, after)


@contextlib.contextmanager
def dying_server(path: Path, *, times: int) -> Iterator[Future[Message]]:
    """A server that dies when it gets a request, so many times; gives the last request."""

    def serve() -> Message:
        request = Message({})
        for _ in range(times):
            channel, _ = listener.accept()
            with channel:
                request = receive(channel, max_body_bytes=0)
        listener.close()
        return request

    with socket.socket(socket.AF_UNIX) as listener, ThreadPoolExecutor(1) as pool:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(DEADLINE_SECONDS)
        yield pool.submit(serve)


def test_when_it_dies_with_a_query_the_query_is_sent_again(client: QueryEmbedder, stored_model: StoredModel) -> None:
    with dying_server(client.socket_path, times=1) as dead:
        assert client.embed("during", spec=stored_model.spec, deadline_s=DEADLINE_SECONDS).shape == (384,)
        assert dead.result().head["text"] == "during"
    assert pid_of(client) != os.getpid()


def test_a_query_that_kills_it_twice_is_given_up(place: Path, stored_model: StoredModel) -> None:
    client = QueryEmbedder(place / "e.sock", folders_of(ModelStore(stored_model.folder.parent)), may_start=False)
    with dying_server(client.socket_path, times=2), pytest.raises(EmbedderUnavailable, match="twice"):
        client.embed("poison", spec=stored_model.spec, deadline_s=DEADLINE_SECONDS)


def test_when_it_hangs_the_deadline_holds(client: QueryEmbedder, stored_model: StoredModel) -> None:
    client.embed("before", spec=stored_model.spec, deadline_s=DEADLINE_SECONDS)
    pid = pid_of(client)
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(EmbedderUnavailable):
            client.embed("during", spec=stored_model.spec, deadline_s=0.2)
        assert ping(client, deadline_s=0.1) is None
        assert client.embed("before", spec=stored_model.spec, deadline_s=0.0).shape == (384,), "cached"
    finally:
        os.kill(pid, signal.SIGCONT)
    assert client.embed("after", spec=stored_model.spec, deadline_s=DEADLINE_SECONDS).shape == (384,)


def test_many_threads_start_one_server(client: QueryEmbedder, stored_model: StoredModel) -> None:
    texts = [f"query number {number}" for number in range(24)]
    with ThreadPoolExecutor(12) as pool:
        futures = [
            pool.submit(client.embed, text, spec=stored_model.spec, deadline_s=DEADLINE_SECONDS) for text in texts
        ]
        vectors = np.stack([future.result() for future in futures])
    assert vectors.shape == (24, 384)

    def servers() -> list[int]:
        found = psutil.process_iter(["cmdline"])
        return [process.pid for process in found if str(client.socket_path) in (process.info["cmdline"] or [])]

    # Those that another one was quicker than are just ending.
    wait_for(lambda: servers() == [pid_of(client)])


def test_without_a_server_that_it_may_not_start_it_is_unavailable(place: Path, stored_model: StoredModel) -> None:
    client = QueryEmbedder(place / "e.sock", folders_of(ModelStore(stored_model.folder.parent)), may_start=False)
    with pytest.raises(EmbedderUnavailable):
        client.embed("anybody?", spec=stored_model.spec, deadline_s=0.1)
    assert ping(client) is None
    assert client.quit()


def test_when_it_cannot_be_started_it_is_unavailable(place: Path, stored_model: StoredModel) -> None:
    for where in (place / "no" / "directory" / "e.sock", place / ("long" * 50)):
        client = QueryEmbedder(where, folders_of(ModelStore(stored_model.folder.parent)))
        with pytest.raises(EmbedderUnavailable):
            client.embed("anybody?", spec=stored_model.spec, deadline_s=5.0)


def test_errors_about_the_model_come_through(place: Path, stored_model: StoredModel) -> None:
    store = ModelStore(place / "models")
    folder = store.directory / stored_model.folder.name
    shutil.copytree(stored_model.folder, folder)
    client = QueryEmbedder(place / "e.sock", folders_of(store))
    try:
        with pytest.raises(ModelMissing, match="magicfs model pull"):
            client.embed("q", spec=replace(stored_model.spec, precision=Precision.FP32), deadline_s=DEADLINE_SECONDS)
        os.truncate(folder / "model.onnx", 1000)
        with pytest.raises(ModelCorrupt, match="magicfs model pull"):
            client.embed("q", spec=stored_model.spec, deadline_s=DEADLINE_SECONDS)
        shutil.rmtree(folder)
        shutil.copytree(stored_model.folder, folder)
        with pytest.raises(ModelMismatch, match="768"):
            client.embed("q", spec=replace(stored_model.spec, dimension=768), deadline_s=DEADLINE_SECONDS)
        assert client.embed("q", spec=stored_model.spec, deadline_s=DEADLINE_SECONDS).shape == (384,)
    finally:
        end(client)


def test_a_vector_of_another_model_is_refused(place: Path, stored_model: StoredModel) -> None:
    other = replace(stored_model.spec, digest="0" * 64, former_digest="")
    client = QueryEmbedder(place / "e.sock", lambda _: stored_model.folder, idle_exit=DEADLINE_SECONDS)
    try:
        vector = client.embed("q", spec=stored_model.spec, deadline_s=DEADLINE_SECONDS)
        with pytest.raises(ModelMismatch, match="magicfs down"):
            client.embed("q", spec=other, deadline_s=DEADLINE_SECONDS)
        assert np.array_equal(client.embed("q", spec=stored_model.spec, deadline_s=DEADLINE_SECONDS), vector)
    finally:
        end(client)


OLDER_SERVER = """
import sys
from magicfs.embedding import query_server, query_service
from magicfs.errors import MalformedRequest
from magicfs.ipc.framing import failure
refusal = failure(MalformedRequest("malformed request (folder and text are needed)"))
query_service.QueryService._vectors = lambda *request: iter([refusal])
sys.exit(query_server.main(sys.argv[1:]))
"""


def test_a_server_of_an_older_version_is_replaced(
    client: QueryEmbedder, place: Path, stored_model: StoredModel
) -> None:
    command = [sys.executable, "-c", OLDER_SERVER, "--socket", str(place / "e.sock"), "--idle-exit", "600"]
    older = subprocess.Popen(command, cwd="/")
    wait_for(lambda: ping(client) is not None)
    with ThreadPoolExecutor(4) as pool:
        vectors = list(
            pool.map(
                lambda text: client.embed(text, spec=stored_model.spec, deadline_s=DEADLINE_SECONDS),
                ("bread", "cake", "rye", "oats"),
            )
        )
    assert [vector.shape for vector in vectors] == [(384,)] * 4
    assert older.wait(DEADLINE_SECONDS) == 0
    status = ping(client, deadline_s=DEADLINE_SECONDS)
    assert status is not None
    assert status.served >= 4


def test_a_server_that_holds_the_former_model_of_a_folder_is_replaced(
    place: Path, stored_model: StoredModel, tmp_path: Path
) -> None:
    store = ModelStore(tmp_path / "models")
    folder = store.pull(str(write_tiny_model(tmp_path / "tiny"))).folder
    former = read(folder).spec
    finding = QueryEmbedder(place / "e.sock", lambda _: folder, idle_exit=DEADLINE_SECONDS)
    try:
        finding.embed("bread", spec=former, deadline_s=DEADLINE_SECONDS)
        other = store.pull(str(write_tiny_model(tmp_path / "tiny", seed=8)))
        shutil.rmtree(folder)
        other.folder.rename(folder)
        assert finding.embed("bread", spec=other.spec, deadline_s=DEADLINE_SECONDS).shape == (128,)
        with pytest.raises(ModelMismatch):
            finding.embed("cake", spec=former, deadline_s=DEADLINE_SECONDS)
    finally:
        end(finding)


def test_weights_that_were_replaced_by_others_of_the_same_size_are_not_loaded(
    place: Path, stored_model: StoredModel
) -> None:
    folder = Path(shutil.copytree(stored_model.folder, place / "model"))
    with (folder / "model.onnx").open("r+b") as file:
        file.seek(10_000_000)
        file.write(b"other weights")
    client = QueryEmbedder(place / "e.sock", lambda _: folder, idle_exit=DEADLINE_SECONDS)
    try:
        with pytest.raises(ModelCorrupt, match="magicfs model pull"):
            client.embed("q", spec=stored_model.spec, deadline_s=DEADLINE_SECONDS)
    finally:
        end(client)


def served_by(client: QueryEmbedder) -> int:
    status = ping(client, deadline_s=DEADLINE_SECONDS)
    assert status is not None
    return status.served


def test_recent_queries_are_cached_and_read_only(
    client: QueryEmbedder, stored_model: StoredModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("magicfs.embedding.query_client.MAX_CACHED_QUESTIONS", 2)
    for text in ("one", "two", "one", "three"):
        vector = client.embed(text, spec=stored_model.spec, deadline_s=DEADLINE_SECONDS)
        with pytest.raises(ValueError, match="read-only"):
            vector[0] = 1.0
    assert served_by(client) == 3
    for text in ("three", "one"):
        client.embed(text, spec=stored_model.spec, deadline_s=DEADLINE_SECONDS)
    assert served_by(client) == 3
    client.embed("two", spec=stored_model.spec, deadline_s=DEADLINE_SECONDS)
    assert served_by(client) == 4


def test_a_query_whose_client_gave_up_is_dropped(client: QueryEmbedder, stored_model: StoredModel) -> None:
    client.embed("before", spec=stored_model.spec, deadline_s=DEADLINE_SECONDS)
    pid = pid_of(client)
    os.kill(pid, signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(8) as pool:
            for asked in [pool.submit(give_up, client, number, stored_model) for number in range(8)]:
                asked.result()
    finally:
        os.kill(pid, signal.SIGCONT)
    client.embed("after", spec=stored_model.spec, deadline_s=DEADLINE_SECONDS)
    assert served_by(client) == 2


def give_up(client: QueryEmbedder, number: int, model: StoredModel) -> None:
    with pytest.raises(EmbedderUnavailable):
        client.embed(f"too late {number}", spec=model.spec, deadline_s=0.1)
