"""The commands that a user types, in a state directory of the test's own, and a check of what they leave."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from magicfs.config import Settings
from magicfs.domain.status import PartStatus
from magicfs.models.store import ModelStore
from magicfs.runtime.supervisor import Supervisor
from tests.plugins.forks import run_command
from tests.plugins.models import MODEL

COMMAND = (sys.executable, "-m", "magicfs.cli")
END_SECONDS = 90.0
"""For the end of processes that are killed, on a busy machine."""

COMMAND_SECONDS = 500.0
"""For any command: one that hangs is told with its logs before the test is ended."""

KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "PYTHONPATH", "VIRTUAL_ENV", "TMPDIR", "TMP", "TERM")


@dataclass
class Commands:
    """Runs `magicfs` for one state directory."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        ours = {"MAGICFS_HOME": str(self.home), "MAGICFS_MODEL": MODEL, "MAGICFS_HOST": "here", "MAGICFS_WORKERS": "1"}
        self.environment = kept | ours | self.environment

    def run(
        self,
        *arguments: str | Path,
        timeout: float = COMMAND_SECONDS,
        cwd: Path | None = None,
        prefix: tuple[str, ...] = (),
        **environment: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end. With a `prefix` it is a program of its own, and no fork of one that has started."""
        environment = self.environment | environment
        try:
            if prefix:
                return subprocess.run(
                    [*prefix, *COMMAND, *map(str, arguments)],
                    env=environment,
                    cwd=cwd,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    timeout=timeout,
                    check=False,
                )
            with short_folder() as folder:
                return run_command(
                    [*map(str, arguments)], environment=environment, folder=folder, timeout=timeout, cwd=cwd
                )
        except subprocess.TimeoutExpired as error:
            raise AssertionError(
                f"{arguments} takes longer than {timeout} s: {error.stderr!r}\n{self.logs()}"
            ) from None

    def ok(self, *arguments: str | Path, timeout: float = COMMAND_SECONDS, **environment: str) -> str:
        """Run a command that must succeed; what it prints."""
        done = self.run(*arguments, timeout=timeout, cwd=None, prefix=(), **environment)
        assert done.returncode == 0, f"{arguments}: {done.stderr}\n{self.logs()}"
        return done.stdout

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """Start a command that runs until it is stopped."""
        return subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def processes(self) -> list[psutil.Process]:
        """Every process that belongs to this state directory."""
        found = []
        for pid in psutil.pids():
            with contextlib.suppress(psutil.Error, OSError):
                if pid != os.getpid() and self._is_ours(pid):
                    found.append(psutil.Process(pid))
        return found

    def _is_ours(self, pid: int) -> bool:
        """Whether a process is one of them. A zombie has neither arguments nor environment.

        All processes of the machine are looked at several times in each test: psutil takes four times as long.
        """
        folder, home = f"/proc/{pid}", os.fsencode(self.home)
        # Servers overwrite their environment, but their arguments name the directory.
        if home in Path(folder, "cmdline").read_bytes():
            return True
        return b"MAGICFS_HOME=" + home in Path(folder, "environ").read_bytes().split(b"\0")

    def parts(self) -> dict[str, PartStatus]:
        """What the supervisor runs, by name, without the price of a command."""
        return {part.name: part for part in Supervisor(self.home).parts()}

    def pids(self) -> dict[str, int | None]:
        """The processes that the supervisor runs, by name."""
        return {name: part.pid for name, part in self.parts().items()}

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of a query of the running index, without the price of a command. It needs columns."""
        with psycopg.connect(Settings(home=self.home).database_dsn, autocommit=True) as connection:
            cursor = connection.execute(query.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def kill_everything(self) -> None:
        """Kill all processes, as a power failure does; mounts and files of the kernel stay."""
        deadline = time.monotonic() + END_SECONDS
        # One that was about to start another has perhaps done so meanwhile.
        while running := self.processes():
            assert time.monotonic() < deadline, running
            for process in running:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGKILL)
            psutil.wait_procs(running, timeout=1)

    def sockets(self) -> list[Path]:
        """Sockets in the state directory."""
        run_dir = self.home / "run"
        return [path for path in run_dir.glob("*") if stat.S_ISSOCK(path.lstat().st_mode)] if run_dir.exists() else []

    def mounts(self) -> list[str]:
        """Mounts of MagicFS below the test's directory."""
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
        return [line.split()[4] for line in lines if " - fuse.magicfs " in line and str(self.home.parent) in line]

    def assert_nothing_left(self) -> None:
        """No process, no socket, no mount. What the kernel kills with its parent may take a moment to end."""
        psutil.wait_procs(self.processes(), timeout=END_SECONDS)
        assert [(process.pid, process.cmdline()) for process in self.processes()] == []
        assert self.sockets() == []
        assert self.mounts() == []

    def logs(self) -> str:
        """The ends of all logs, for a test that fails."""
        paths = sorted((self.home / "log").glob("*.log"))
        return "\n".join(f"--- {path.name}\n{path.read_text(errors='replace')[-1500:]}" for path in paths)


@contextmanager
def commands_in(folder: Path, model_store: ModelStore) -> Iterator[Commands]:
    """Commands with a state directory below `folder`, which has the model. Everything is stopped afterwards."""
    commands = Commands(folder / "home")
    commands.home.mkdir(mode=0o700)
    (commands.home / "models").symlink_to(model_store.directory)
    try:
        yield commands
    finally:
        if commands.processes() or commands.mounts():
            commands.run("down")
        commands.kill_everything()
        for mount in commands.mounts():
            subprocess.run(["umount", "-l", mount], check=False)


@contextmanager
def short_folder() -> Iterator[Path]:
    """A folder with a name short enough for socket addresses."""
    folder = Path(tempfile.mkdtemp(prefix="mfs-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder like `tmp_path`, for a state directory."""
    with short_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def module_commands(model_store: ModelStore) -> Iterator[Commands]:
    """Commands that the tests of a module share."""
    with short_folder() as folder, commands_in(folder, model_store) as commands:
        yield commands


@pytest.fixture
def commands(model_store: ModelStore) -> Iterator[Commands]:
    """Commands of one test, which must leave nothing behind."""
    with short_folder() as folder, commands_in(folder, model_store) as found:
        yield found
        found.assert_nothing_left()
