"""What `magicfs doctor` says where a machine lacks the model of the index."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from magicfs.cli import environment
from magicfs.cli.index_checks import IndexChecks
from magicfs.config import Settings
from magicfs.db.pool import Database
from magicfs.db.vectors.model_changes import activate_model
from magicfs.domain.models import StoredModel
from magicfs.errors import CheckFailed


def test_a_machine_that_works_without_the_model_of_the_index_is_not_well(
    database: Database, database_url: str, stored_model: StoredModel, short_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = False
    # It is stopped, and does not answer.
    monkeypatch.setattr(
        environment, "supervisor", lambda *_, **__: SimpleNamespace(listens=lambda: runs, running=lambda: False)
    )
    settings = Settings(home=short_path / "home", database_url=database_url, host="box")
    settings.make_home()
    with database.transaction() as connection:
        activate_model(connection, stored_model.spec)
    assert "'magicfs up' prepares it" in IndexChecks(settings).model()
    runs = True
    with pytest.raises(CheckFailed, match=r"find by words alone.*run 'magicfs model pull"):
        IndexChecks(settings).model()
