"""An index with an English model, to which a test may add a multilingual one."""

from __future__ import annotations

from pathlib import Path

import pytest

from magicfs.db.pool import Database
from magicfs.db.vectors.model_changes import activate_model
from magicfs.ingest.roots import add_root
from tests.fakes.embedder import FakeEmbedder
from tests.integration.pipeline.second_model import ENGLISH, LanguageReader, TwoModels
from tests.plugins.index import HOST, Index


@pytest.fixture
def models(no_haste: None, database: Database, tmp_path: Path) -> TwoModels:
    folder = tmp_path / "docs"
    folder.mkdir()
    with database.transaction() as connection:
        activate_model(connection, ENGLISH)
    root = add_root(database, host=HOST, path=folder, home=tmp_path / "home")
    return TwoModels(Index(database, root, folder, LanguageReader(), FakeEmbedder(ENGLISH)))
