"""What the first search starts when `magicfs up` has not: a query embedder with the settings of the machine.

`magicfs down` ends it.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from magicfs.cli import wiring
from magicfs.cli.stopping import take_down
from magicfs.config import Settings, load
from magicfs.domain.models import StoredModel
from magicfs.ipc.server_lock import is_served
from magicfs.models.store import ModelStore
from magicfs.runtime.processes import wait_until
from tests.integration.embedding.embedders import ping
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
        client.embed("a question", spec=stored_model.spec, deadline_s=60)
    finally:
        assert client.quit(deadline_s=60)
    log: Path = settings.log_dir / wiring.EMBEDDER_LOG
    records = [json.loads(line) for line in log.read_text().splitlines()]
    assert {record["role"] for record in records} == {"query-embedder"}


def test_it_rests_as_the_settings_say(settings: Settings, stored_model: StoredModel) -> None:
    client = wiring.query_embedder(settings.replace(idle_seconds=1))
    try:
        client.embed("a question", spec=stored_model.spec, deadline_s=60)

        def is_free() -> bool:
            time.sleep(2.5)  # a ping is a request too
            status = ping(client, deadline_s=60)
            return status is not None and status.model is None

        wait_until(is_free, seconds=30, failed="the model stays in memory")
    finally:
        assert client.quit(deadline_s=60)


def test_one_that_hangs_is_ended_too(
    settings: Settings, stored_model: StoredModel, capsys: pytest.CaptureFixture[str]
) -> None:
    client = wiring.query_embedder(settings)
    client.embed("a question", spec=stored_model.spec, deadline_s=60)
    status = ping(client, deadline_s=60)
    assert status is not None
    os.kill(status.pid, signal.SIGSTOP)
    assert take_down(settings)
    assert capsys.readouterr().err == "query-embedder has not ended in 5 seconds and is killed\n"
    assert not is_served(settings.embedder_socket)
    assert list(settings.run_dir.glob("query-embedder.sock*")) == []
