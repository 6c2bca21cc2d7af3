"""What the first search starts when `magicfs up` has not: a query embedder with the settings of the machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from magicfs.cli import wiring
from magicfs.config import Settings, load
from magicfs.domain.models import StoredModel
from magicfs.models.store import ModelStore
from tests.plugins.commands import short_folder


@pytest.fixture
def settings(model_store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Those of a state directory whose `config.toml` asks for logs of JSON."""
    with short_folder() as folder:
        home = folder / "home"
        monkeypatch.setenv("MAGICFS_HOME", str(home))
        home.mkdir(mode=0o700)
        (home / "models").symlink_to(model_store.directory)
        (home / "config.toml").write_text('log_format = "json"\n')
        made = load()
        made.make_home()
        yield made


def test_its_log_has_the_format_of_the_settings(settings: Settings, stored_model: StoredModel) -> None:
    client = wiring.query_embedder(settings)
    try:
        client.embed("a question", spec=stored_model.spec, deadline_s=30)
    finally:
        assert client.quit(deadline_s=30)
    log: Path = settings.log_dir / wiring.EMBEDDER_LOG
    records = [json.loads(line) for line in log.read_text().splitlines()]
    assert {record["role"] for record in records} == {"embedder"}
