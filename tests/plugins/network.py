"""The hosts of a cluster, each in a network namespace of its own, whose network a test cuts.

The servers are in a namespace of their own too, which has the bridge between all of them. All tests that use it are
skipped where namespaces are not allowed.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from magicfs.db.migrate import migrate
from magicfs.db.pool import Database
from magicfs.models.store import ModelStore
from tests.plugins.cluster import ClusterServers
from tests.plugins.commands import COMMAND, KEPT
from tests.plugins.models import MODEL
from tests.plugins.programs import lacks
from tests.plugins.stack import STOP_SECONDS, end_processes
from tests.plugins.waiting import eventually

SUBNET = "10.98.77"

HUB_HARDWARE = "02:00:00:00:00:01"
BOOT_ID = "/proc/sys/kernel/random/boot_id"

_numbers = itertools.count(1)


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True, timeout=60)


def missing() -> str:
    """Why there can be no namespaces here; empty where there can."""
    if lacks("ip") or lacks("nsenter"):
        return "the programs ip and nsenter are missing: run 'infra/setup.sh --dev'"
    name = f"mfs-probe-{os.getpid()}"
    try:
        ip("netns", "add", name)
        ip("-n", name, "link", "add", "bridge", "type", "bridge")
        ip("-n", name, "link", "add", "one", "type", "veth", "peer", "name", "two")
    except (OSError, subprocess.SubprocessError) as error:
        return f"the kernel allows none to this user ({getattr(error, 'stderr', None) or error})".strip()
    finally:
        delete_namespace(name)
    return ""


def delete_namespace(name: str) -> None:
    """Delete a namespace and its end of all cables, if it exists."""
    subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


def entering(namespace: str) -> tuple[str, ...]:
    """The command that starts something in a namespace."""
    return ("nsenter", f"--net=/run/netns/{namespace}")


def with_boot_of_its_own(home: Path) -> tuple[str, ...]:
    """The command that starts something as if another kernel ran there, which is what tells machines apart."""
    boot = home / "boot_id"
    boot.write_text(f"{uuid.uuid4()}\n")
    return ("unshare", "--mount", "sh", "-c", f'mount --bind "$0" {BOOT_ID} && exec "$@"', str(boot))


@dataclass
class Host:
    """A machine of the cluster: its state directory, its folder of files, and the parts that run there."""

    name: str
    namespace: str
    address: str
    port: str
    """Its end of the cable at the bridge, in the namespace of the servers."""
    hub: str
    home: Path
    environment: dict[str, str]
    prefix: tuple[str, ...]
    """The command that starts something there."""
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The files of this host."""
        return self.home.parent / f"files-{self.home.name}"

    def start(self, name: str, *arguments: str) -> None:
        with self.log(name).open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [*self.prefix, *COMMAND, *arguments],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def start_all(self) -> None:
        """An agent, and a worker of each kind."""
        self.start("agent", "agent", str(self.folder))
        for kind in ("extract", "embed"):
            self.start(kind, "worker", "--queue", kind)

    def run(self, *arguments: str, timeout: float = 180) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.prefix, *COMMAND, *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def log(self, name: str) -> Path:
        return self.home / "log" / f"{name}.log"

    def pull_cable(self) -> None:
        """Cut the network. The host's kernel sees it."""
        ip("-n", self.hub, "link", "set", self.port, "down")

    def swallow(self) -> None:
        """Lose all packets from now on, and tell nobody."""
        ip("-n", self.hub, "link", "set", self.port, "nomaster")

    def reconnect(self) -> None:
        ip("-n", self.hub, "link", "set", self.port, "master", "bridge")
        ip("-n", self.hub, "link", "set", self.port, "up")

    def stop(self) -> list[str]:
        """End all parts. Returns those that had to be killed."""
        stuck = end_processes(self.processes)
        self.processes.clear()
        return stuck


@dataclass
class Network:
    """The servers of a cluster, and its hosts."""

    home: Path
    servers: ClusterServers
    hub: str
    models: Path
    hosts: list[Host] = field(default_factory=list)

    def add_host(self, name: str) -> Host:
        """A new host. Two may have the same name."""
        number = len(self.hosts) + 1
        namespace, port, address = f"{self.hub}-{number}", f"port{number}", f"{SUBNET}.{number + 1}"
        hardware = f"02:00:00:00:00:{number + 1:02x}"
        ip("netns", "add", namespace)
        ip("-n", self.hub, "link", "add", port, "type", "veth", "peer", "name", "cable", "netns", namespace)
        ip("-n", self.hub, "link", "set", port, "master", "bridge", "up")
        ip("-n", namespace, "link", "set", "lo", "up")
        ip("-n", namespace, "link", "set", "cable", "address", hardware, "up")
        ip("-n", namespace, "address", "add", f"{address}/24", "dev", "cable")
        # Nobody asks who has an address: a lost answer would tell the sender that the other one is gone.
        for place, device, other, other_hardware in (
            (namespace, "cable", f"{SUBNET}.1", HUB_HARDWARE),
            (self.hub, "bridge", address, hardware),
        ):
            ip("-n", place, "neighbour", "replace", other, "lladdr", other_hardware, "nud", "permanent", "dev", device)
        home = self.home / str(number)
        for folder in (home, home / "log"):
            folder.mkdir(mode=0o700)
        (home / "models").symlink_to(self.models)
        kept = {variable: os.environ[variable] for variable in KEPT if variable in os.environ}
        environment = kept | {
            "MAGICFS_HOME": str(home),
            "MAGICFS_HOST": name,
            "MAGICFS_MODEL": MODEL,
            "MAGICFS_SCAN_SECONDS": "10",
            "MAGICFS_DATABASE_URL": self.servers.database_url,
            "MAGICFS_BROKER_URL": self.servers.broker.url,
        }
        prefix = (*entering(namespace), *with_boot_of_its_own(home))
        host = Host(name, namespace, address, port, self.hub, home, environment, prefix)
        host.folder.mkdir()
        self.hosts.append(host)
        return host

    def start(self) -> None:
        ip("netns", "add", self.hub)
        ip("-n", self.hub, "link", "add", "bridge", "address", HUB_HARDWARE, "type", "bridge")
        ip("-n", self.hub, "address", "add", f"{SUBNET}.1/24", "dev", "bridge")
        for device in ("lo", "bridge"):
            ip("-n", self.hub, "link", "set", device, "up")
        self.servers.start()
        with Database(self.servers.admin_url(), application="test") as database:
            migrate(database)

    def stop(self) -> None:
        for host in self.hosts:
            host.reconnect()
        stuck = {host.home.name: names for host in self.hosts if (names := host.stop())}
        self.servers.stop()
        for namespace in (*(host.namespace for host in self.hosts), self.hub):
            delete_namespace(namespace)
        assert not stuck, f"{stuck} did not stop within {STOP_SECONDS} s\n{self.logs()}"

    def wait(self, condition: Callable[[], bool], what: str, *, seconds: float = 120) -> None:
        eventually(condition, what, seconds=seconds, logs=lambda: f"{self.unfinished()}\n{self.logs()}")

    def unfinished(self) -> dict[str, list[tuple[Any, ...]]]:
        """The files and chunks that wait, by who has claimed them."""
        query = "SELECT state, reason, attempts, leased_by, count(*) FROM {} WHERE state <> %s GROUP BY 1, 2, 3, 4"
        done = {"files": "indexed", "embeddings": "done"}
        return {table: self.rows(query.format(table), state) for table, state in done.items()}

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self.servers.rows(query, *values)

    def logs(self) -> str:
        paths = [path for host in self.hosts for path in (host.home / "log").iterdir()]
        return "\n".join(f"--- {path}\n{path.read_text(errors='replace')[-2500:]}" for path in paths)


@contextmanager
def network_of(model_store: ModelStore) -> Iterator[Network]:
    """Servers without hosts. Skips the test where there can be no namespaces."""
    if reason := missing():
        pytest.skip(f"no network namespaces: {reason}")
    home = Path(tempfile.mkdtemp(prefix="mfs-"))
    hub = f"mfs-{os.getpid()}-{next(_numbers)}"
    servers = ClusterServers(home, f"{SUBNET}.1", f"{SUBNET}.0/24", entering(hub))
    network = Network(home, servers, hub, model_store.directory)
    try:
        network.start()
        yield network
    finally:
        network.stop()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def network(model_store: ModelStore) -> Iterator[Network]:
    """The network of a module's tests."""
    with network_of(model_store) as found:
        yield found
