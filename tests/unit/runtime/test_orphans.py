"""Backends of a dead Postgres, which end by themselves while they are looked for."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from magicfs.runtime.postgres_cluster import data_dir, kill_orphans


class Ending:
    """A backend in a folder whose command line can be read a few times. Then it has ended, and not been waited for."""

    def __init__(self, folder: Path, *, reads: int) -> None:
        self.info = {"name": "postgres"}
        self.killed = False
        self._folder = folder
        self._reads = reads

    def parent(self) -> None:
        return None

    def cmdline(self) -> list[str]:
        self._reads -= 1
        return ["postgres: checkpointer"] if self._reads >= 0 else []

    def cwd(self) -> str:
        if self._reads < 0:
            raise psutil.ZombieProcess(1)
        return str(self._folder)

    def kill(self) -> None:
        self.killed = True

    def wait(self, seconds: float) -> None:
        del seconds


@pytest.mark.parametrize(("reads", "killed"), [(0, False), (1, True), (2, True)])
def test_one_that_ends_meanwhile_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads: int, killed: bool
) -> None:
    process = Ending(data_dir(tmp_path), reads=reads)
    monkeypatch.setattr(psutil, "process_iter", lambda attributes: [process])
    kill_orphans(tmp_path)
    assert process.killed is killed
