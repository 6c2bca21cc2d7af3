"""A real mount in a process of its own, on a real database."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from magicfs.db.pool import Database
from tests.fuse.node import HOST
from tests.fuse.shelf import Shelf

START_SECONDS = 30


def _fuse_is_missing() -> bool:
    if os.geteuid() == 0:
        return not os.access("/dev/fuse", os.R_OK | os.W_OK)
    return shutil.which("fusermount3") is None or not os.access("/dev/fuse", os.R_OK | os.W_OK)


@pytest.fixture(autouse=True, scope="session")
def fuse() -> None:
    """Without FUSE these tests cannot run; where they must, that is a failure."""
    if _fuse_is_missing():
        if os.environ.get("CI"):
            pytest.fail("FUSE is missing: install fuse3 and give access to /dev/fuse")
        pytest.skip("FUSE is missing")


@dataclass
class Node:
    """A mount and the process that serves it."""

    mount: Path
    home: Path
    database_url: str
    process: subprocess.Popen[str] | None = None
    errors: list[str] = field(default_factory=list)

    def start(self) -> None:
        assert self.try_start(), self.log
        assert self.process is not None
        assert self.process.stdout is not None

    def try_start(self) -> bool:
        """Whether it says that it is ready."""
        with (self.home / "log").open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.fuse.node", str(self.mount), str(self.home)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=os.environ | {"TEST_DATABASE_URL": self.database_url},
            )
        assert self.process.stdout is not None
        readable, _, _ = select.select([self.process.stdout], [], [], START_SECONDS)
        return bool(readable) and self.process.stdout.readline() == "ready\n"

    @property
    def log(self) -> str:
        return (self.home / "log").read_text()

    @property
    def searches(self) -> list[str]:
        notes = self.home / "searches"
        return notes.read_text().splitlines() if notes.exists() else []

    def query(self, text: str) -> Path:
        return self.mount / "search" / text

    def names(self, text: str) -> list[str]:
        """The listing in its order, as `ls -U` prints it."""
        with os.scandir(self.query(text)) as entries:
            return [entry.name for entry in entries]

    def end(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        assert self.process is not None
        code = self.process.wait(20)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code


@pytest.fixture
def shelf(database: Database, tmp_path: Path) -> Shelf:
    return Shelf(database, tmp_path / "files", host=HOST)


@pytest.fixture
def idle_node(tmp_path: Path, database_url: str) -> Iterator[Node]:
    """Not started yet."""
    node = Node(tmp_path / "mount", tmp_path / "home", database_url)
    node.mount.mkdir()
    node.home.mkdir()
    yield node
    if node.process is not None and node.process.poll() is None:
        node.process.kill()
        node.wait()
    elif node.process is not None and node.process.stdout is not None:
        node.process.stdout.close()
    with contextlib.suppress(OSError):
        subprocess.run(["fusermount3", "-uzq", str(node.mount)], check=False, timeout=20)


@pytest.fixture
def node(idle_node: Node, shelf: Shelf) -> Node:
    idle_node.start()
    return idle_node
