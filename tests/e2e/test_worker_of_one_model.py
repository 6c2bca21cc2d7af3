"""`magicfs worker --queue embed --model NAME`, as a real process beside an agent and an extract worker."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from magicfs.db.vectors.model_changes import build_model
from magicfs.domain.models import StoredModel
from tasks import broker
from tasks.app import make_app
from tasks.queue_names import embed_queue
from tests.plugins.stack import Stack

STATES = "SELECT m.state, e.state, count(*) FROM embeddings e JOIN models m ON m.id = model_id GROUP BY 1, 2 ORDER BY 1"

SECONDS = 60.0
"""Only a failure takes so long."""


def test_it_is_woken_by_the_queue_of_its_model_and_leaves_other_chunks(
    stack: Stack, tmp_path: Path, stored_model: StoredModel
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/one.txt").write_text("the quick brown fox")
    stack.add_root(tmp_path / "docs")
    stack.start_agent()
    stack.start_worker("extract")
    stack.wait(lambda: stack.rows(STATES) == [("active", "pending", 1)], what="a chunk that waits")
    # An index without chunks would change to the model at once.
    with stack.database.transaction() as connection:
        build_model(connection, replace(stored_model.spec, name="org/other", digest="5" * 64, former_digest=""))
    # Case makes no difference.
    stack.start_worker("embed", model=stored_model.spec.name.upper())
    wanted = [("active", "done", 1), ("building", "pending", 1)]
    stack.wait(lambda: stack.rows(STATES) == wanted, what="the vector of one model")
    app = make_app(stack.settings)
    name = embed_queue(stored_model.spec.name)
    assert [
        (queue["name"], queue["exchange"]["name"])
        for queue in app.control.inspect(["embed-1@testhost"], timeout=SECONDS).active_queues()["embed-1@testhost"]
    ] == [(name, "magicfs")]
    # A message of its own queue wakes it, and messages of the other ones stay.
    messages = broker.client(app.conf.broker_url, seconds=SECONDS, retries=1)
    stack.wait(lambda: all(map(messages.llen, ("embed.org-other", "embed"))), what="messages")
    stack.wait(lambda: messages.llen(name) == 0, what="an empty queue")


@pytest.mark.parametrize("queue", ["embed", "extract"])
def test_a_name_that_is_wrong_is_refused_in_one_line(stack: Stack, queue: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "magicfs.cli", "worker", "--queue", queue, "--model", "org/nothing"],
        env=os.environ
        | {
            "MAGICFS_HOME": str(stack.home),
            "MAGICFS_DATABASE_URL": stack.settings.database_dsn,
            "MAGICFS_BROKER_URL": stack.settings.broker_dsn,
        },
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert ("there is no model 'org/nothing'" if queue == "embed" else "use --model with --queue embed") in line
