"""The roles of a cluster, each in its own process, on servers that listen on TCP with passwords."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from magicfs.models.store import ModelStore
from tests.plugins.broker import free_port
from tests.plugins.cluster import PASSWORD, ClusterServers
from tests.plugins.forks import run_command
from tests.plugins.models import MODEL

EXAMPLES = Path(__file__).parents[2] / "examples"


@dataclass
class Cluster:
    """The environment of one host of the cluster, and its processes."""

    home: Path
    environment: dict[str, str]
    flower_port: int
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *command: str, environment: dict[str, str] | None = None) -> None:
        with (self.home / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                command, env=environment or self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def role(self, name: str, *arguments: str) -> None:
        self.start(name, sys.executable, "-m", "magicfs.cli", *arguments)

    def command(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return run_command([*arguments], environment=self.environment | environment, folder=self.home, timeout=180)

    def wait(self, condition: Callable[[], bool], what: str, seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                logs = "\n".join(f"--- {path.name}\n{path.read_text()[-1500:]}" for path in self.home.glob("*.log"))
                raise AssertionError(f"{what}: not in {seconds} s\n{logs}")
            time.sleep(0.2)

    def flower(self, path: str, *, password: str | None) -> dict[str, Any]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.flower_port}{path}")
        if password is not None:
            request.add_header("Authorization", "Basic " + b64encode(f"magicfs:{password}".encode()).decode())
        with urllib.request.urlopen(request, timeout=60) as answer:
            found: dict[str, Any] = json.load(answer)
            return found


@pytest.fixture(scope="module")
def cluster(model_store: ModelStore) -> Iterator[Cluster]:
    home = Path(tempfile.mkdtemp(prefix="mfs-"))
    servers = ClusterServers(home)
    servers.start()
    flower_port = free_port()
    state = home / "state"
    state.mkdir(mode=0o700)
    (state / "models").symlink_to(model_store.directory)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MAGICFS_")}
    environment = kept | {
        "MAGICFS_HOME": str(state),
        "MAGICFS_HOST": "cluster-host",
        "MAGICFS_DATABASE_URL": servers.database_url,
        "MAGICFS_BROKER_URL": servers.broker.url,
        "MAGICFS_MODEL": MODEL,
        "MAGICFS_FLOWER_PORT": str(flower_port),
        "MAGICFS_FLOWER_PASSWORD": PASSWORD,
    }
    running = Cluster(home, environment, flower_port)
    try:
        yield running
    finally:
        for process in reversed(running.processes.values()):
            process.send_signal(signal.SIGTERM)
        for process in running.processes.values():
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
        servers.stop()
        shutil.rmtree(home, ignore_errors=True)


def test_the_roles_of_a_cluster_index_search_mount_and_show_themselves(cluster: Cluster) -> None:
    mount = cluster.home / "mount"
    mount.mkdir()
    cluster.role("agent", "agent", str(EXAMPLES))
    cluster.role("extract", "worker", "--queue", "extract")
    cluster.role("embed-a", "worker", "--queue", "embed", "--name", "embed-a")
    cluster.role("embed-b", "worker", "--queue", "embed", "--name", "embed-b")
    cluster.role("flower", "flower")

    def status() -> dict[str, Any]:
        done = cluster.command("status", "--json")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def indexed() -> bool:
        found = status()
        chunks = found["chunks"]
        return found["files"]["indexed"] == 9 and chunks["embedded"] == chunks["total"] >= 9

    cluster.wait(lambda: cluster.command("status").returncode == 0, "a database with a schema")

    cluster.wait(indexed, "nine files indexed by meaning", seconds=500)
    cluster.role("mount", "mount", str(mount))
    cluster.wait(mount.is_mount, "the mount")
    names = os.listdir(mount / "search/python")
    assert names[0].endswith("_python_script.py")
    assert (mount / "search/python" / names[0]).read_bytes() == (EXAMPLES / "python_script.py").read_bytes()

    found = json.loads(cluster.command("search", "--json", "overview of database systems").stdout)
    assert found["results"][0]["name"] == "document.txt"
    assert found["results"][0]["host"] == "cluster-host"

    cluster.wait(lambda: len(status()["workers"]) == 3, "three workers in the status")
    subprocess.run(["fusermount3", "-u", str(mount)], check=True)

    def in_flower(path: str) -> int:
        try:
            return len(cluster.flower(path, password=PASSWORD))
        except OSError:
            # It does not listen yet, or answers late.
            return 0

    cluster.wait(lambda: in_flower("/api/workers?refresh=1") == 3, "Flower's workers")
    cluster.wait(lambda: in_flower("/api/tasks") > 0, "Flower's tasks")
    tasks = cluster.flower("/api/tasks", password=PASSWORD)
    # Flower knows no name of a task whose beginning was before its own.
    named = {task["name"] for task in tasks.values()} - {None}
    assert named <= {"magicfs.extract", "magicfs.embed", "magicfs.maintenance"}
    for password in (None, "wrong"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            cluster.flower("/api/workers", password=password)
        refused.value.close()
        assert refused.value.code == 401


def test_a_wrong_password_is_one_line(cluster: Cluster) -> None:
    wrong = cluster.environment["MAGICFS_DATABASE_URL"].replace(PASSWORD, "wrong")
    done = cluster.command("status", MAGICFS_DATABASE_URL=wrong)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "MAGICFS_DATABASE_URL" in done.stderr
    assert "wrong" not in done.stderr.replace("wrong password", "")


def test_up_starts_the_parts_of_a_host_whose_servers_are_elsewhere(cluster: Cluster) -> None:
    state = cluster.home / "state-of-up"
    state.mkdir(mode=0o700)
    (state / "models").symlink_to(cluster.home / "state" / "models")
    host = {"MAGICFS_HOME": str(state), "MAGICFS_HOST": "host-of-up"}
    try:
        for _ in range(2):
            done = cluster.command("up", "--detach", **host)
            assert done.returncode == 0, done.stderr
    finally:
        done = cluster.command("down", **host)
    assert done.stdout == "stopped\n"
