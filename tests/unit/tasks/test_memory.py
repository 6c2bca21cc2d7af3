"""Which ends of a worker's child are for want of memory, and when that is over."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from magicfs.linux import memory
from magicfs.state_directory.memory_kills import STEADY_SECONDS, MemoryKills
from tasks.memory import LOOK_SECONDS, MemoryGuard

KILLED = -signal.SIGKILL


class Machine:
    """A worker, its clock, and the kernel's count."""

    def __init__(self, run_dir: Path) -> None:
        self.now = 1000.0
        self.events = run_dir / "vmstat"
        self.kernel_kills(0)
        self.kills = MemoryKills(run_dir, "embed-1")
        self.guard = MemoryGuard(self.kills, clock=lambda: self.now)
        self.guard.child_begins()

    def kernel_kills(self, count: int) -> None:
        self.events.write_text(f"nr_free_pages 9\noom_kill {count}\n")

    def pass_time(self, seconds: float) -> None:
        """What a parent does meanwhile."""
        until = self.now + seconds
        while self.now < until:
            self.now += LOOK_SECONDS
            self.guard.child_lives()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(memory, "KERNEL_EVENTS", tmp_path / "vmstat")
    return Machine(tmp_path)


def test_a_child_that_the_kernel_has_killed_lacked_memory(machine: Machine) -> None:
    machine.pass_time(3600)
    machine.kernel_kills(1)
    machine.guard.child_ended(KILLED)
    assert machine.guard.kills_in_a_row == 1


def test_a_child_that_takes_a_while_to_end_lacked_memory(machine: Machine) -> None:
    machine.pass_time(3600)
    machine.kernel_kills(1)
    machine.now += LOOK_SECONDS
    for _ in range(3):
        machine.guard.child_lives()
    machine.guard.child_ended(KILLED)
    assert machine.guard.kills_in_a_row == 1


@pytest.mark.parametrize(
    ("kernel_kills_before", "exit_code"),
    [(False, KILLED), (True, KILLED), (True, -signal.SIGSEGV)],
    ids=["the kernel has killed nothing", "something else, some time ago", "a crash"],
)
def test_another_end_is_none_for_want_of_memory(machine: Machine, kernel_kills_before: bool, exit_code: int) -> None:
    if kernel_kills_before:
        machine.kernel_kills(1)
    machine.pass_time(2 * LOOK_SECONDS)
    machine.guard.child_ended(exit_code)
    assert machine.guard.kills_in_a_row == 0


@pytest.mark.parametrize("exit_code", [KILLED, -signal.SIGSEGV, -signal.SIGABRT])
def test_kills_are_forgotten_when_a_child_crashes(machine: Machine, exit_code: int) -> None:
    """What has crashed it would count as blameless, and be tried for ever."""
    machine.kernel_kills(1)
    machine.guard.child_ended(KILLED)
    machine.guard.child_begins()
    machine.guard.child_ended(0)
    machine.guard.child_begins()
    assert machine.guard.kills_in_a_row == 1
    machine.guard.child_ended(exit_code)
    assert machine.guard.kills_in_a_row == 0


def test_kills_are_forgotten_when_a_child_has_lived_long_enough_after_its_pause(machine: Machine) -> None:
    machine.kernel_kills(1)
    machine.guard.child_ended(KILLED)
    machine.guard.child_begins()
    machine.pass_time(STEADY_SECONDS - LOOK_SECONDS)
    assert machine.guard.kills_in_a_row == 1
    machine.pass_time(2 * LOOK_SECONDS)
    assert machine.guard.kills_in_a_row == 0, "without any task"
