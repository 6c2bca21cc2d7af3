"""A client may send a question to the query embedder before it needs the vector."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from magicfs.domain.models import StoredModel
from magicfs.domain.token_vectors import EmbeddedQuestion
from magicfs.embedding.embedder import FastembedEmbedder
from magicfs.embedding.query_client import QueryEmbedder
from tests.integration.embedding.embedders import DEADLINE_SECONDS, ping, wait_for


@pytest.fixture
def client(stored_model: StoredModel, monkeypatch: pytest.MonkeyPatch) -> Iterator[QueryEmbedder]:
    """A client whose server has loaded the model. What it prefetches is sent on a busy machine too."""
    monkeypatch.setattr("magicfs.embedding.query_client.PREFETCH_SECONDS", DEADLINE_SECONDS)
    with tempfile.TemporaryDirectory(prefix="magicfs-") as name:
        client = QueryEmbedder(Path(name) / "e.sock", lambda _: stored_model.folder, idle_exit=DEADLINE_SECONDS)
        client.embed("before", spec=stored_model.spec, deadline_s=DEADLINE_SECONDS)
        yield client
        assert client.quit(deadline_s=DEADLINE_SECONDS)


def served(client: QueryEmbedder) -> int:
    status = ping(client, deadline_s=DEADLINE_SECONDS)
    assert status is not None
    return status.served


def test_a_prefetched_question_is_embedded_once(
    client: QueryEmbedder, stored_model: StoredModel, embedder: FastembedEmbedder
) -> None:
    spec = stored_model.spec
    with client.prefetching("bread", specs=[spec], kept=[spec]) as prefetched:
        # The server embeds it although nobody waits yet.
        wait_for(lambda: served(client) == 2)
        [embedded] = prefetched.embed_by_each("bread", specs=[spec], kept=[spec], deadline_s=DEADLINE_SECONDS)
    assert isinstance(embedded, EmbeddedQuestion)
    assert np.allclose(embedded.vector, embedder.embed_query("bread"), atol=1e-6)
    assert served(client) == 2
    with client.prefetching("bread", specs=[spec], kept=[spec]) as prefetched:
        [again] = prefetched.embed_by_each("bread", specs=[spec], kept=[spec], deadline_s=DEADLINE_SECONDS)
    assert again is embedded
    assert served(client) == 2, "a cached question is not sent"


def test_another_question_is_asked_as_ever(
    client: QueryEmbedder, stored_model: StoredModel, embedder: FastembedEmbedder
) -> None:
    spec = stored_model.spec
    with client.prefetching("bread", specs=[spec], kept=[spec]) as prefetched:
        [embedded] = prefetched.embed_by_each("cake", specs=[spec], kept=[spec], deadline_s=DEADLINE_SECONDS)
    assert isinstance(embedded, EmbeddedQuestion)
    assert np.allclose(embedded.vector, embedder.embed_query("cake"), atol=1e-6)


def test_a_server_that_dies_with_it_is_asked_again(
    client: QueryEmbedder, stored_model: StoredModel, embedder: FastembedEmbedder
) -> None:
    spec, status = stored_model.spec, ping(client, deadline_s=DEADLINE_SECONDS)
    assert status is not None
    os.kill(status.pid, signal.SIGSTOP)
    with client.prefetching("bread", specs=[spec], kept=[spec]) as prefetched:
        os.kill(status.pid, signal.SIGKILL)
        [embedded] = prefetched.embed_by_each("bread", specs=[spec], kept=[spec], deadline_s=DEADLINE_SECONDS)
    assert isinstance(embedded, EmbeddedQuestion)
    assert np.allclose(embedded.vector, embedder.embed_query("bread"), atol=1e-6)


def test_a_prefetch_starts_nothing(client: QueryEmbedder, stored_model: StoredModel) -> None:
    assert client.quit(deadline_s=DEADLINE_SECONDS)
    with client.prefetching("bread", specs=[stored_model.spec], kept=[stored_model.spec]):
        assert ping(client) is None
