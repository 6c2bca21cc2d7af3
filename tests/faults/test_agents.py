"""Two agents under one host name: one works, the other one says why it does not."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from magicfs.cli.status_summary import collect
from magicfs.db.cluster.heartbeats import WORKER_SECONDS
from magicfs.models.store import ModelStore
from tests.integration.models.tiny import write_tiny_model
from tests.plugins.stack import HOST, Stack


def start_other_agent(stack: Stack, home: Path, *arguments: str) -> None:
    """Start an agent of the same host with another state directory, as on another machine."""
    home.mkdir(exist_ok=True)
    stack.environment["MAGICFS_HOME"] = str(home)
    stack.start("other", "agent", *arguments)
    del stack.environment["MAGICFS_HOME"]


def paths(stack: Stack) -> set[str]:
    return {row[0] for row in stack.rows("SELECT display FROM files")}


def test_the_second_agent_of_a_host_waits_for_the_end_of_the_first(
    stack: Stack, tmp_path: Path, short_path: Path
) -> None:
    for name in ("docs", "theirs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.txt").write_text("words")
    stack.add_root(tmp_path / "docs")
    stack.start_agent()
    stack.wait(lambda: paths(stack) == {"docs.txt"}, what="the first agent's scan")
    log = stack.home / "log/other.log"
    start_other_agent(stack, short_path / "home", str(tmp_path / "theirs"))
    stack.wait(lambda: "set MAGICFS_HOST to another name" in log.read_text(), what="the second agent's complaint")
    (tmp_path / "docs/new.txt").write_text("words")
    stack.wait(lambda: paths(stack) == {"docs.txt", "new.txt"}, what="the first agent goes on")
    assert stack.rows("SELECT name FROM roots") == [("docs",)], "the second agent adds no root"
    assert log.read_text().count("this agent waits") == 1

    os.killpg(stack.processes["agent"].pid, signal.SIGTERM)
    assert stack.processes["agent"].wait(120) == 0
    stack.wait(lambda: "theirs.txt" in paths(stack), what="the second agent works")
    assert stack.processes["other"].poll() is None


def test_a_second_agent_of_a_state_directory_ends(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    stack.add_root(tmp_path / "docs")
    stack.start_agent()
    stack.wait(lambda: stack.rows("SELECT scanned_at IS NOT NULL FROM roots") == [(True,)], what="a scan")
    start_other_agent(stack, stack.home)
    assert stack.processes["other"].wait(120) == 1
    lines = (stack.home / "log/other.log").read_text().splitlines()
    assert [line for line in lines if "an agent of this state directory runs already" in line] == lines[-1:]
    assert "Traceback" not in "\n".join(lines)


def test_an_agent_scans_for_an_index_whose_only_model_is_damaged(stack: Stack, tmp_path: Path) -> None:
    (stack.home / "models").unlink()
    tiny = write_tiny_model(tmp_path / "tiny")
    stored = ModelStore(stack.home / "models").pull(str(tiny))
    (stored.folder / "model.json").write_text("damaged")
    stack.environment["MAGICFS_MODEL"] = str(tiny)
    stack.rows("DELETE FROM models RETURNING 1")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/a.txt").write_text("words")
    stack.add_root(tmp_path / "docs")
    stack.start_agent()
    stack.wait(lambda: paths(stack) == {"a.txt"}, what="a scan without a model")
    log = (stack.home / "log/agent.log").read_text()
    assert log.count("the index has no model yet") == 1
    assert "Traceback" not in log


def test_a_worker_that_has_ended_is_forgotten_at_once(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    stack.add_root(tmp_path / "docs")
    stack.start_all(embedders=2)
    stack.wait(lambda: len(stack.rows("SELECT FROM workers")) == 3, what="three workers")
    os.killpg(stack.processes["embed-2"].pid, signal.SIGKILL)
    stack.processes["embed-2"].wait()
    listed = [worker.name for worker in collect(stack.settings).index.workers]
    assert listed == [f"embed-1@{HOST}", f"extract-1@{HOST}"]
    began = time.monotonic()
    stack.wait(lambda: len(stack.rows("SELECT FROM workers")) == 2, what="the end of its row")
    assert time.monotonic() - began < WORKER_SECONDS / 3, "other hosts and programs read the row"
    stack.start_worker("embed", 2)
    stack.wait(lambda: len(stack.rows("SELECT FROM workers")) == 3, seconds=50, what="the row of its successor")
