"""A MagicFS for one benchmark: `magicfs up` in a temporary state directory, stopped at the end."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from magicfs.config import Settings
from magicfs.db.pool import Database
from magicfs.domain.status import WorkerStatus

COMMAND = (sys.executable, "-m", "magicfs.cli")


class SilentQueue:
    """A `magicfs.jobs.JobQueue` that sends no notification, for services that the benchmark calls itself."""

    def notify_extract(self, host: str) -> None:
        """Do nothing."""

    def notify_embed(self, model: str | None = None) -> None:
        """Do nothing."""

    def notify_maintenance(self) -> None:
        """Do nothing."""

    def workers(self) -> list[WorkerStatus]:
        """Return no worker."""
        return []


@dataclass(frozen=True, slots=True)
class Stack:
    """A running MagicFS: its settings, its database, and its processes."""

    folder: Path
    """A temporary folder with the state directory `home` and the benchmark's own files."""
    settings: Settings
    database: Database

    @property
    def mount(self) -> Path:
        """The mount point, used only when `stack` was called with `mounted`."""
        return self.folder / "mount"

    def run(self, *arguments: str) -> str:
        """Run a `magicfs` command; returns its output."""
        done = subprocess.run(
            [*COMMAND, *arguments], env=_environment(self.settings.home), capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"magicfs {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with self.database.transaction() as connection:
            return connection.execute(query.encode()).fetchall()

    def embedded(self) -> int:
        """How many chunks have a vector."""
        return int(self.rows("SELECT count(*) FROM embeddings WHERE state = 'done'")[0][0])

    def pending(self) -> int:
        """How many files and chunks wait."""
        [(files, chunks)] = self.rows(
            "SELECT (SELECT count(*) FROM files WHERE state = 'pending'), "
            "(SELECT count(*) FROM embeddings WHERE state = 'pending')"
        )
        return int(files) + int(chunks)

    def processes(self, *words: str) -> list[psutil.Process]:
        """The parts with all these words among their arguments, without their children."""
        found = []
        for process in psutil.process_iter(["cmdline"]):
            if set(words) <= set(process.info["cmdline"] or []):
                with contextlib.suppress(psutil.Error):
                    ours = process.environ().get("MAGICFS_HOME") == str(self.settings.home)
                    parent = process.parent()
                    if ours and (parent is None or set(words).isdisjoint(parent.cmdline())):
                        found.append(process)
        return found

    def wait(self, condition: Callable[[], bool], *, seconds: float, pause: float = 0.02) -> None:
        """Wait until a condition holds. Raises `RuntimeError` after `seconds`."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise RuntimeError(f"not within {seconds} s; logs are in {self.settings.log_dir}")
            time.sleep(pause)


def _environment(home: Path) -> dict[str, str]:
    return os.environ | {"MAGICFS_HOME": str(home)}


@contextmanager
def stack(*up: str, mounted: bool = False, models: Path | None = None, settings: Sequence[str] = ()) -> Iterator[Stack]:
    """Run `magicfs up --detach` with the arguments `up`; everything is stopped and deleted at the end.

    `settings` are lines of the `config.toml`; `models` is a model store to share, so that no model is prepared again.
    """
    folder = Path(tempfile.mkdtemp(prefix="mfs-"))
    home = folder / "home"
    home.mkdir(mode=0o700)
    (folder / "mount").mkdir()
    (home / "config.toml").write_text("\n".join(settings))
    if models is not None:
        models.mkdir(parents=True, exist_ok=True)
        (home / "models").symlink_to(models)
    arguments = [*up, "--detach", *(("--mount", str(folder / "mount")) if mounted else ())]
    try:
        done = subprocess.run(
            [*COMMAND, "up", *arguments], env=_environment(home), stdout=subprocess.DEVNULL, check=False
        )
        if done.returncode != 0:
            raise SystemExit(done.returncode)
        found = Settings(home=home)
        with Database(found.database_dsn, application="benchmark", size=4) as database:
            yield Stack(folder, found, database)
    finally:
        subprocess.run(
            [*COMMAND, "down"],
            env=_environment(home),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        shutil.rmtree(folder, ignore_errors=True)
