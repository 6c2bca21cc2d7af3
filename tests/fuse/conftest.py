"""Fixtures: a mount in a process of its own, on a real database."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from magicfs.db.pool import Database
from tests.fuse.indexed_root import IndexedRoot
from tests.fuse.mount_main import HOST
from tests.fuse.mount_process import ForkedMount
from tests.fuse.remote_hosts import OtherHosts
from tests.fuse.slow_calls import LONG_DEADLINE_SECONDS
from tests.plugins.fuse import fuse_is_missing

START_SECONDS = 90
REMOTE_HOSTS = ("there", "elsewhere", "a/b\n: c")


@pytest.fixture(autouse=True, scope="session")
def fuse() -> None:
    """Skip these tests without FUSE; fail them in CI."""
    if fuse_is_missing():
        if os.environ.get("CI"):
            pytest.fail("FUSE is missing: install fuse3 and give access to /dev/fuse")
        pytest.skip("FUSE is missing")


@dataclass
class MountProcess:
    """A mount at `path` and the process that serves it."""

    path: Path
    home: Path
    database_url: str
    process: ForkedMount | None = None

    def start(self) -> None:
        assert self.try_start(), self.log

    def try_start(self) -> bool:
        """Start the process; return whether the mount gets ready."""
        environment = os.environ | {"TEST_DATABASE_URL": self.database_url}
        self.process = ForkedMount(self.path, self.home, log=self.home / "log", environment=environment)
        readable, _, _ = select.select([self.process.stdout], [], [], START_SECONDS)
        return bool(readable) and self.process.stdout.readline() == "ready\n"

    @property
    def log(self) -> str:
        return (self.home / "log").read_text()

    @property
    def searches(self) -> list[str]:
        """The queries that were searched, in order."""
        searches = self.home / "searches"
        return searches.read_text().splitlines() if searches.exists() else []

    @property
    def open_files(self) -> list[str]:
        """The paths of the files that the process has open. Its connections come and go by themselves."""
        assert self.process is not None
        paths = []
        for each in Path(f"/proc/{self.process.pid}/fd").iterdir():
            # One that was closed meanwhile.
            with contextlib.suppress(FileNotFoundError):
                paths.append(os.readlink(each))
        return [path for path in paths if path.startswith("/")]

    def query_path(self, query: str) -> Path:
        return self.path / "search" / query

    def result_names(self, query: str) -> list[str]:
        """The names of the results in the order of the listing, as `ls -U` prints them."""
        with os.scandir(self.query_path(query)) as entries:
            return [entry.name for entry in entries]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal; return the exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        assert self.process is not None
        status = self.process.wait(60)
        self.process.stdout.close()
        return status


@pytest.fixture
def long_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls that hang are given up late. To be used before the mount starts: by a mark."""
    monkeypatch.setenv("TEST_FILES_SECONDS", str(LONG_DEADLINE_SECONDS))


@pytest.fixture
def root(database: Database, tmp_path: Path) -> IndexedRoot:
    return IndexedRoot(database, tmp_path / "files", host=HOST)


@pytest.fixture
def unstarted_mount(tmp_path: Path, database_url: str) -> Iterator[MountProcess]:
    mount = MountProcess(tmp_path / "mount", tmp_path / "home", database_url)
    mount.path.mkdir()
    mount.home.mkdir()
    yield mount
    if mount.process is not None and mount.process.poll() is None:
        mount.process.kill()
        mount.wait()
    elif mount.process is not None:
        mount.process.stdout.close()
    with contextlib.suppress(OSError):
        subprocess.run(["fusermount3", "-uzq", str(mount.path)], check=False, timeout=60)


@pytest.fixture
def mount(unstarted_mount: MountProcess, root: IndexedRoot) -> MountProcess:
    """A mount of the database with `root` in it."""
    unstarted_mount.start()
    return unstarted_mount


@pytest.fixture
def mirror(mount: MountProcess) -> Path:
    """The directory of `root` in the mount, which shows it as soon as it is there."""
    return mount.path / "mirror/documents"


@pytest.fixture
def others_of(
    unstarted_mount: MountProcess, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., OtherHosts]:
    """Makes another host with a root; the mount reaches all but one that is named `unknown`, from its start on."""
    control = tmp_path / "hosts"
    control.mkdir()
    monkeypatch.setenv("TEST_REMOTE_FILES", json.dumps([str(control), *REMOTE_HOSTS]))

    def make(*, host: str, name: str) -> OtherHosts:
        root = IndexedRoot(database, tmp_path / f"root of {name.replace('/', '-')}", host=host, name=name)
        return OtherHosts(unstarted_mount, root, host, name, control)

    return make


@pytest.fixture
def others(unstarted_mount: MountProcess, root: IndexedRoot, others_of: Callable[..., OtherHosts]) -> OtherHosts:
    """A mount that reaches the host `there`, which has a root."""
    made = others_of(host="there", name="remote")
    unstarted_mount.start()
    return made


@pytest.fixture
def original(root: IndexedRoot) -> Path:
    """An indexed file, with a mode, an owner and an attribute that a save must keep."""
    path = root.add("a.txt", "old roses")
    path.chmod(0o640)
    os.setxattr(path, "user.note", b"kept")
    if os.geteuid() == 0:
        os.chown(path, 1234, 1235)
    root.index("a.txt", "old roses")
    return path


@pytest.fixture
def entry(mount: MountProcess, original: Path) -> Path:
    """The result of `roses`: the file `original`."""
    return mount.query_path("roses") / mount.result_names("roses")[0]
