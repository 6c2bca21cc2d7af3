"""Hosts of a cluster with a tiny model, on an index that has no model yet."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from magicfs.config import Settings
from magicfs.db.pool import Database
from magicfs.ingest.roots import add_root
from tests.fakes.embedder import FakeEmbedder
from tests.integration.models.identity.machines import Machine
from tests.integration.models.tiny import write_tiny_model
from tests.plugins.index import HOST, Index, Reader


@pytest.fixture
def machine(database_url: str, broker_url: str, tiny: Path) -> Iterator[Callable[[], Machine]]:
    """Makes hosts of one cluster. Their state directories have short names, because sockets need them."""
    directories: list[tempfile.TemporaryDirectory[str]] = []

    def make() -> Machine:
        directories.append(tempfile.TemporaryDirectory(prefix="mfs-"))
        settings = Settings(
            home=Path(directories[-1].name),
            host=HOST,
            database_url=database_url,
            broker_url=broker_url,
            model=str(tiny),
        )
        settings.make_home()
        return Machine(settings, make)

    yield make
    for directory in directories:
        directory.cleanup()


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / "tiny")


@pytest.fixture
def index(database: Database, tmp_path: Path) -> Index:
    """A root of an index that has no model yet."""
    folder = tmp_path / "docs"
    folder.mkdir()
    root = add_root(database, host=HOST, path=folder, home=tmp_path / "home")
    return Index(database, root, folder, Reader(), FakeEmbedder())
