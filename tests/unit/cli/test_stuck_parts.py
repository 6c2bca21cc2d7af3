"""What is said of parts that run and do nothing, by parts, rows and files, without processes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from magicfs.cli import stuck_parts
from magicfs.cli.stuck_parts import SILENT_MOUNT_SECONDS, read_again, short_of_memory, silent_mounts
from magicfs.config import Settings
from magicfs.domain.status import MountStatus, PartStatus
from magicfs.state_directory.memory_kills import MemoryKills


def part(name: str, *, pid: int, uptime_s: float, state: str = "running") -> PartStatus:
    return PartStatus(name=name, state=state, pid=pid, uptime_s=uptime_s, restarts=0, detail="")


LONG = SILENT_MOUNT_SECONDS + 1


def test_a_mount_without_reports_is_named() -> None:
    elsewhere = MountStatus(host="there", path=b"/mnt", pid=7)
    (line,) = silent_mounts(
        [part("agent", pid=6, uptime_s=LONG), part("mount", pid=7, uptime_s=LONG)], [elsewhere], host="here"
    )
    assert line.startswith("mount runs and does not report")
    assert line.endswith("run 'magicfs down', then 'magicfs up'")


@pytest.mark.parametrize(
    "mount",
    [
        part("mount", pid=8, uptime_s=LONG),
        part("mount", pid=7, uptime_s=5.0),
        part("mount", pid=7, uptime_s=LONG, state="backoff"),
    ],
    ids=["reports", "has just started", "does not run"],
)
def test_any_other_mount_is_not(mount: PartStatus) -> None:
    assert silent_mounts([mount], [MountStatus(host="here", path=b"/mnt", pid=8)], host="here") == []


def test_a_report_that_comes_a_moment_after_the_machine_wakes_is_waited_for() -> None:
    later = iter([["silent"], ["silent"], []])
    assert read_again(lambda: next(later), bool) == []


def test_a_report_that_does_not_come_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stuck_parts, "REPORT_SECONDS", 0.5)
    assert read_again(lambda: ["silent"], bool) == ["silent"]


def test_a_worker_that_does_not_run_lacks_nothing_unless_it_is_started_again(short_path: Path) -> None:
    settings = Settings(home=short_path / "home", host="here")
    settings.make_home()
    held = settings.try_lock("embed-1")
    assert held is not None
    MemoryKills(settings.run_dir, "embed-1").record()
    assert len(short_of_memory(settings)) == 1
    os.close(held)
    assert short_of_memory(settings) == []
    assert len(short_of_memory(settings, [part("embed-1", pid=0, uptime_s=0.0, state="backoff")])) == 1
