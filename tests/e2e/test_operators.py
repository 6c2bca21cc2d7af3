"""What operators ask: the metrics of an index, with and without its servers, and the hosts of a cluster."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

from magicfs.runtime.processes import is_listening
from tests.plugins.commands import COMMAND, Commands
from tests.plugins.waiting import eventually
from tests.unit.gateway.test_metrics import parsed, value
from tests.unit.gateway.test_metrics_server import UnixConnection, get


def test_metrics_are_printed_written_and_served_and_hosts_listed_and_retired(commands: Commands) -> None:
    folder = commands.home.parent
    before = commands.run("metrics")
    assert before.returncode == 0
    assert "magicfs up" in before.stderr
    assert value(parsed(before.stdout), "magicfs_database_up") == 0

    docs = folder / "docs"
    docs.mkdir()
    (docs / "fact.txt").write_text("Marmots whistle when an eagle is near.\n")
    commands.ok("up", docs, "--detach", "--wait")
    samples = parsed(commands.ok("metrics"))
    assert value(samples, "magicfs_database_up") == value(samples, "magicfs_broker_up") == 1
    assert value(samples, "magicfs_files", root="docs", host="here", state="indexed") == 1
    assert value(samples, "magicfs_agent_up", host="here") == value(samples, "magicfs_part_up", part="agent") == 1

    file = folder / "magicfs.prom"
    assert commands.ok("metrics", "--output", file) == ""
    assert value(parsed(file.read_text()), "magicfs_database_up") == 1
    refused = commands.run("metrics", "--output", folder / "missing" / "magicfs.prom")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)

    refused = commands.run("metrics", "--listen", "127.0.0.1:9464")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "MAGICFS_METRICS_PASSWORD" in refused.stderr
    assert commands.run("metrics", "--listen", "9464").returncode == 2
    _serves_until_a_signal(commands, folder / "metrics.sock")
    _lists_and_retires(commands)
    commands.ok("down")


def _serves_until_a_signal(commands: Commands, path: Path) -> None:
    server = commands.start("metrics", "--listen", str(path))
    try:
        eventually(lambda: is_listening(path), "the socket")
        status, _, body = get(UnixConnection(str(path)))
        assert status == 200
        assert value(parsed(body), "magicfs_files", root="docs", host="here", state="indexed") == 1
    finally:
        server.send_signal(signal.SIGTERM)
        _, errors = server.communicate(timeout=60)
    assert server.returncode == 0, errors
    assert not path.exists()


def _lists_and_retires(commands: Commands) -> None:
    commands.rows("INSERT INTO hosts (name) VALUES ('gone') RETURNING 1")
    commands.rows(
        "INSERT INTO roots (host_id, path, name, folded, device)"
        " SELECT id, '/far', 'far', 'far', 1 FROM hosts WHERE name = 'gone' RETURNING 1"
    )
    gone, here = json.loads(commands.ok("hosts", "list", "--json"))["hosts"]
    assert (here["name"], here["agent"], here["files"], here["roots"]) == ("here", True, 1, ["docs"])
    assert (gone["name"], gone["agent"], gone["roots"]) == ("gone", False, ["far"])
    assert "none yet" in commands.ok("hosts", "list")

    refused = commands.run("hosts", "retire", "here", "--yes")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert commands.run("hosts", "retire", "nowhere", "--yes").returncode == 1
    assert commands.run("hosts", "retire", "gone").returncode == 2
    assert _answered(commands, "n") == 1
    assert _names(commands) == ["gone", "here"]
    assert _answered(commands, "y") == 0
    assert _names(commands) == ["here"]
    assert commands.rows("SELECT name FROM roots") == [("docs",)]


def _answered(commands: Commands, answer: str) -> int:
    """The exit code of the command that retires a host, after an answer at a terminal."""
    ours, theirs = os.openpty()
    try:
        os.write(ours, f"{answer}\n".encode())
        return subprocess.run(
            [*COMMAND, "hosts", "retire", "gone"],
            env=commands.environment,
            stdin=theirs,
            capture_output=True,
            timeout=120,
            check=False,
        ).returncode
    finally:
        os.close(ours)
        os.close(theirs)


def _names(commands: Commands) -> list[str]:
    return [name for (name,) in commands.rows("SELECT name FROM hosts ORDER BY name")]
