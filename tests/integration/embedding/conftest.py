"""A client of a query embedder of the test's own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from magicfs.embedding.query_client import QueryEmbedder
from magicfs.models.store import ModelStore
from tests.integration.embedding.embedders import DEADLINE_SECONDS, end, folders_of


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="magicfs-") as name:
        yield Path(name)


@pytest.fixture
def client(place: Path, model_store: ModelStore) -> Iterator[QueryEmbedder]:
    client = QueryEmbedder(place / "e.sock", folders_of(model_store), idle_exit=DEADLINE_SECONDS)
    yield client
    end(client)
