"""Which mounts run and do not report: what parts and rows say, without processes."""

from __future__ import annotations

import pytest

from magicfs.cli import stuck_parts
from magicfs.cli.stuck_parts import SILENT_MOUNT_SECONDS, read_again, silent_mounts
from magicfs.domain.status import MountStatus, PartStatus


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
