"""The query embedder with the models of an index that has two: each gives its vector, whatever the other does."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from magicfs.domain.models import ModelSpec, StoredModel
from magicfs.domain.token_vectors import EmbeddedQuestion
from magicfs.embedding.embedder import FastembedEmbedder
from magicfs.embedding.query_client import FindFolder, QueryEmbedder
from magicfs.errors import EmbedderUnavailable, ModelMissing
from magicfs.models.store import ModelStore
from tests.integration.embedding.embedders import DEADLINE_SECONDS, ping
from tests.integration.models.tiny import write_tiny_model


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="magicfs-") as name:
        yield Path(name)


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> StoredModel:
    """Another model than MiniLM."""
    folder = tmp_path_factory.mktemp("second")
    return ModelStore(folder / "models").pull(str(write_tiny_model(folder / "tiny")))


@pytest.fixture
def find_folder(stored_model: StoredModel, second: StoredModel) -> FindFolder:
    folders = {model.spec: model.folder for model in (stored_model, second)}

    def find(spec: ModelSpec) -> Path:
        if spec not in folders:
            raise ModelMissing("it is not here")
        return folders[spec]

    return find


@pytest.fixture
def client(place: Path, find_folder: FindFolder) -> Iterator[QueryEmbedder]:
    client = QueryEmbedder(place / "e.sock", find_folder, idle_exit=DEADLINE_SECONDS)
    yield client
    assert client.quit(deadline_s=DEADLINE_SECONDS)


def loaded(client: QueryEmbedder) -> str | None:
    status = ping(client, deadline_s=DEADLINE_SECONDS)
    assert status is not None
    return status.model


def test_one_request_brings_the_vectors_of_both(
    client: QueryEmbedder, stored_model: StoredModel, second: StoredModel
) -> None:
    specs = [stored_model.spec, second.spec]
    outcomes = client.embed_by_each("bread", specs=specs, kept=specs, deadline_s=DEADLINE_SECONDS)
    for model, embedded in zip((stored_model, second), outcomes, strict=True):
        assert isinstance(embedded, EmbeddedQuestion)
        assert embedded.known_words == {"bread"}
        assert np.allclose(embedded.vector, FastembedEmbedder.load(model.folder).embed_query("bread"), atol=1e-6)
    status = ping(client, deadline_s=DEADLINE_SECONDS)
    assert status is not None
    assert (status.served, status.model) == (1, f"{stored_model.spec.label}, {second.spec.label}")


def test_a_model_stays_loaded_while_the_index_has_it(
    client: QueryEmbedder, stored_model: StoredModel, second: StoredModel
) -> None:
    first, other = stored_model.spec, second.spec
    client.embed("one", spec=first, deadline_s=DEADLINE_SECONDS)
    assert loaded(client) == first.label, "an index with one model loads one"
    client.embed_by_each("two", specs=[other], kept=[first, other], deadline_s=DEADLINE_SECONDS)
    assert loaded(client) == f"{first.label}, {other.label}", "a question that one does not read"
    client.embed_by_each("three", specs=[first], kept=[first, other], deadline_s=DEADLINE_SECONDS)
    assert loaded(client) == f"{first.label}, {other.label}"


def test_a_model_that_the_index_has_no_more_is_forgotten(
    client: QueryEmbedder, stored_model: StoredModel, second: StoredModel
) -> None:
    specs = [stored_model.spec, second.spec]
    client.embed_by_each("one", specs=specs, kept=specs, deadline_s=DEADLINE_SECONDS)
    client.embed("two", spec=second.spec, deadline_s=DEADLINE_SECONDS)
    assert loaded(client) == second.spec.label
    client.embed("three", spec=stored_model.spec, deadline_s=DEADLINE_SECONDS)
    assert loaded(client) == stored_model.spec.label


def test_a_model_that_is_not_here_leaves_the_others(
    client: QueryEmbedder, stored_model: StoredModel, second: StoredModel
) -> None:
    absent = ModelSpec("absent", stored_model.spec.precision, dimension=384, max_tokens=256)
    specs = [absent, stored_model.spec, second.spec]
    outcomes = client.embed_by_each("bread", specs=specs, kept=specs, deadline_s=DEADLINE_SECONDS)
    assert [type(outcome) for outcome in outcomes] == [ModelMissing, EmbeddedQuestion, EmbeddedQuestion]


SERVER = """
import os, sys, time
from pathlib import Path
from magicfs.embedding import query_server
from magicfs.embedding.embedder import FastembedEmbedder
load = FastembedEmbedder.load
def load_or_fail(folder):
    if folder == Path({bad!r}):
        {failure}
    return load(folder)
FastembedEmbedder.load = load_or_fail
sys.exit(query_server.main(["--socket", {socket!r}]))
"""


@pytest.fixture
def client_of_failing_servers(
    request: pytest.FixtureRequest, place: Path, stored_model: StoredModel, find_folder: FindFolder
) -> Iterator[QueryEmbedder]:
    """A client of servers, one after the other, that fail as the test says when they load MiniLM."""
    program = SERVER.format(bad=str(stored_model.folder), failure=request.param, socket=str(place / "e.sock"))
    servers = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(3)]
    yield QueryEmbedder(place / "e.sock", find_folder, may_start=False)
    for server in servers:
        server.kill()
        server.wait()


@pytest.mark.parametrize("client_of_failing_servers", ["os._exit(11)"], indirect=True)
def test_a_model_that_kills_the_process_leaves_the_other(
    client_of_failing_servers: QueryEmbedder, stored_model: StoredModel, second: StoredModel
) -> None:
    specs = [stored_model.spec, second.spec]
    killer, other = client_of_failing_servers.embed_by_each(
        "bread", specs=specs, kept=specs, deadline_s=DEADLINE_SECONDS
    )
    assert isinstance(killer, EmbedderUnavailable)
    assert "twice" in str(killer)
    assert isinstance(other, EmbeddedQuestion)


@pytest.mark.parametrize("client_of_failing_servers", ["time.sleep(3600)"], indirect=True)
def test_a_model_that_takes_too_long_leaves_the_other(
    client_of_failing_servers: QueryEmbedder, stored_model: StoredModel, second: StoredModel
) -> None:
    client_of_failing_servers.embed("warm up", spec=second.spec, deadline_s=DEADLINE_SECONDS)
    specs = [second.spec, stored_model.spec]
    embedded, slow = client_of_failing_servers.embed_by_each("bread", specs=specs, kept=specs, deadline_s=10.0)
    assert isinstance(embedded, EmbeddedQuestion)
    assert isinstance(slow, EmbedderUnavailable)
