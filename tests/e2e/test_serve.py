"""`magicfs up` on a machine whose files other hosts may read."""

from __future__ import annotations

import json
import socket
from pathlib import Path

from tests.plugins.broker import free_port
from tests.plugins.commands import Commands
from tests.plugins.waiting import eventually


def test_up_serves_where_the_setting_says(commands: Commands, short_path: Path) -> None:
    (short_path / "a.txt").write_text("words")
    address = f"127.0.0.1:{free_port()}"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        busy = f"127.0.0.1:{taken.getsockname()[1]}"
        done = commands.run("up", short_path, "--detach", MAGICFS_LISTEN=busy)
        assert done.returncode == 1
        assert f"nothing can listen on {busy}" in done.stderr
    commands.environment["MAGICFS_LISTEN"] = address
    commands.ok("up", short_path, "--detach")
    before = commands.pids()
    assert before["serve"] is not None
    [host] = json.loads(commands.ok("hosts", "list", "--json"))["hosts"]
    assert (host["name"], host["address"], host["admitted"]) == ("here", address, True)
    other = f"127.0.0.1:{free_port()}"
    commands.environment["MAGICFS_LISTEN"] = other
    commands.ok("up", "--detach")
    after = commands.pids()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"serve"}, "the other parts run on"
    assert json.loads(commands.ok("hosts", "list", "--json"))["hosts"][0]["address"] == other
    del commands.environment["MAGICFS_LISTEN"]
    commands.ok("up", "--detach")
    assert "serve" not in commands.pids()
    assert json.loads(commands.ok("hosts", "list", "--json"))["hosts"][0]["address"] is None
    commands.ok("down")


def test_a_hub_stays_the_hub_whatever_another_host_has_written(commands: Commands, short_path: Path) -> None:
    commands.environment["MAGICFS_LISTEN"] = f"127.0.0.1:{free_port()}"
    commands.ok("up", short_path, "--detach")

    def fingerprint() -> str:
        [host] = json.loads(commands.ok("hosts", "list", "--json"))["hosts"]
        return str(host["fingerprint"])

    own = fingerprint()
    commands.rows("UPDATE host_certificates SET fingerprint = 'SHA256:x', certificate = 'x' RETURNING 1")
    eventually(
        lambda: commands.rows("SELECT fingerprint, admitted_at IS NULL FROM host_certificates") == [(own, False)]
    )
    (commands.home / "identity").rename(short_path / "lost")
    commands.ok("down")
    commands.ok("up", "--detach")
    assert fingerprint() != own, "a hub whose identity is lost begins with another one"
    commands.ok("down")
