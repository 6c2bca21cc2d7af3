"""A pipeline for the tests: real workers and a real agent, each a process of its own, on real servers."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from magicfs.config import Settings
from magicfs.db.pool import Database
from magicfs.db.vectors.model_changes import activate_model
from magicfs.domain.models import StoredModel
from magicfs.ingest.roots import add_root
from magicfs.models.store import ModelStore
from tests.plugins.forks import ForkedPart
from tests.plugins.servers import Servers
from tests.plugins.waiting import eventually

HOST = "testhost"
STOP_SECONDS = 60


def end_processes(processes: Mapping[str, subprocess.Popen[bytes] | ForkedPart]) -> list[str]:
    """End processes, each the first of a group of its own. Returns the names of those that had to be killed."""
    for process in processes.values():
        if process.poll() is None:
            process.terminate()
    stuck = []
    for name, process in processes.items():
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            stuck.append(name)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return stuck


@dataclass
class Stack:
    """The parts of one host, started and killed by name."""

    settings: Settings
    database: Database
    home: Path
    environment: dict[str, str] = field(default_factory=lambda: {"MAGICFS_SCAN_SECONDS": "5"})
    """Settings for the parts that are started from now on."""
    prefix: tuple[str, ...] = ()
    """The command that starts the parts, such as one that takes capabilities away."""
    forks: bool = True
    """Whether a part is a fork, without a prefix. A test of its memory starts a program: a fork has all libraries."""
    processes: dict[str, subprocess.Popen[bytes] | ForkedPart] = field(default_factory=dict)

    def start_worker(
        self, kind: str, number: int = 1, *, sabotage: str | None = None, model: str | None = None
    ) -> None:
        """`sabotage` names a module of the tests that the worker imports first to make a real part fail.

        A worker of a `model` embeds its chunks alone.
        """
        name = f"{kind}-{number}"
        arguments = ["worker", "--queue", kind, "--name", name, *([] if model is None else ["--model", model])]
        self.start(name, *arguments, sabotage=sabotage)

    def start_agent(self) -> None:
        self.start("agent", "agent")

    def start_part(self, name: str, *, sabotage: str | None = None) -> None:
        """Start the part of a command without arguments."""
        self.start(name, name, sabotage=sabotage)

    def start_all(self, *, embedders: int = 2) -> None:
        self.start_agent()
        self.start_worker("extract")
        for number in range(1, embedders + 1):
            self.start_worker("embed", number)

    def start(self, name: str, *arguments: str, sabotage: str | None = None) -> None:
        env = os.environ | {
            "MAGICFS_HOME": str(self.home),
            "MAGICFS_HOST": HOST,
            "MAGICFS_DATABASE_URL": self.settings.database_dsn,
            "MAGICFS_BROKER_URL": self.settings.broker_dsn,
            **self.environment,
        }
        log_path = self.home / "log" / f"{name}.log"
        if self.forks and not self.prefix:
            self.processes[name] = ForkedPart([*arguments], environment=env, log=log_path, sabotage=sabotage)
            return
        assert sabotage is None, "only a fork imports it"
        with log_path.open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [*self.prefix, sys.executable, "-m", "magicfs.cli", *arguments],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def add_root(self, folder: Path) -> None:
        add_root(self.database, host=HOST, path=folder, home=self.home)

    def child_of(self, name: str) -> int | None:
        """The pid of a worker's child; None when it has none."""
        try:
            children = psutil.Process(self.processes[name].pid).children()
        except psutil.NoSuchProcess:
            return None
        return children[0].pid if children else None

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self.database.transaction() as connection:
            return connection.execute(query, values).fetchall()

    def waiting(self) -> int:
        count = "SELECT count(*) FROM {} WHERE state = 'pending'"
        return sum(self.rows(count.format(table))[0][0] for table in ("files", "embeddings"))

    def settled(self) -> bool:
        scanned = self.rows("SELECT bool_and(scanned_at IS NOT NULL) FROM roots")[0][0]
        return bool(scanned) and self.waiting() == 0

    def wait(self, condition: Callable[[], bool], *, seconds: float = 120, what: str = "the condition") -> None:
        eventually(condition, what, seconds=seconds, logs=lambda: f"{self.counts()}\n{self.logs()}")

    def counts(self) -> dict[str, list[tuple[Any, ...]]]:
        return {
            table: self.rows(f"SELECT state, reason, attempts, count(*) FROM {table} GROUP BY 1, 2, 3")
            for table in ("files", "embeddings")
        }

    def logs(self) -> str:
        return "\n".join(f"--- {path.name}\n{path.read_text()[-1500:]}" for path in (self.home / "log").iterdir())

    def stop(self) -> None:
        stuck = end_processes(self.processes)
        assert not stuck, f"{stuck} did not stop within {STOP_SECONDS} s\n{self.logs()}"


@contextmanager
def stack_on(database_url: str, broker_url: str, model_store: ModelStore, stored_model: StoredModel) -> Iterator[Stack]:
    """A stack with the real model in its store. The test starts the parts that it needs."""
    home = Path(tempfile.mkdtemp(prefix="mfs-"))
    settings = Settings(
        home=home, host=HOST, database_url=database_url, broker_url=broker_url, model=stored_model.spec.name
    )
    settings.make_home()
    settings.model_dir.rmdir()
    settings.model_dir.symlink_to(model_store.directory)
    (home / "config.toml").write_text(f'model = "{stored_model.spec.name}"\n')
    with Database(database_url, application="test", size=4) as database:
        with database.transaction() as connection:
            activate_model(connection, stored_model.spec)
        running = Stack(settings, database, home)
        try:
            yield running
        finally:
            running.stop()
            shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def stack(database_url: str, broker_url: str, model_store: ModelStore, stored_model: StoredModel) -> Iterator[Stack]:
    """A stack of the test's own."""
    with stack_on(database_url, broker_url, model_store, stored_model) as running:
        yield running


@pytest.fixture(scope="module")
def module_stack(servers: Servers, model_store: ModelStore, stored_model: StoredModel) -> Iterator[Stack]:
    """A stack that the tests of a module share, in the order in which they stand."""
    with (
        servers.new_database() as database_url,
        stack_on(database_url, servers.empty_broker(), model_store, stored_model) as running,
    ):
        yield running
