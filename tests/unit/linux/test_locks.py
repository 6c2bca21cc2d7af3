"""Locks of files: one holder at a time, until its descriptor is closed."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from magicfs.config import Settings
from magicfs.errors import ConfigError
from magicfs.linux import locks
from magicfs.linux.locks import is_abandoned, is_locked, take_lock, try_lock
from magicfs.runtime.supervisor import Supervisor
from magicfs.state_directory.directory import try_lock as try_lock_of_state


def test_a_lock_has_one_holder_until_its_descriptor_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    assert not is_locked(path), "there is no file yet"
    held = try_lock(path)
    assert held is not None
    assert is_locked(path)
    assert try_lock(path) is None
    os.close(held)
    assert not is_locked(path)
    again = take_lock(path)
    assert try_lock(path) is None
    os.close(again)


def test_a_lock_is_abandoned_when_it_was_held_and_is_no_more(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    assert not is_abandoned(path), "nobody has had it"
    held = take_lock(path)
    assert not is_abandoned(path)
    os.close(held)
    assert is_abandoned(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a namespace of processes")
def test_a_lock_that_another_container_holds_is_not_abandoned(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    held = take_lock(path)
    script = "import sys; from magicfs.linux.locks import is_abandoned; print(is_abandoned(sys.argv[1]))"
    command = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", script, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "False\n"
    os.close(held)


def test_a_lock_that_is_held_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    held, taken = take_lock(path), threading.Event()

    def take() -> None:
        os.close(take_lock(path))
        taken.set()

    thread = threading.Thread(target=take)
    thread.start()
    assert not taken.wait(0.05)
    os.close(held)
    thread.join()
    assert taken.is_set()
    assert not is_locked(path)


class _Interrupted(Exception):
    pass


def test_a_wait_that_a_signal_ends_leaves_nothing_open(tmp_path: Path) -> None:
    def interrupt(*_: object) -> None:
        raise _Interrupted

    path = tmp_path / "a.lock"
    held = take_lock(path)
    before = len(os.listdir("/proc/self/fd"))
    handler = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with pytest.raises(_Interrupted):
            threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1)).start()
            take_lock(path)
    finally:
        signal.signal(signal.SIGUSR1, handler)
    assert len(os.listdir("/proc/self/fd")) <= before
    os.close(held)


def test_a_state_directory_without_locks_is_reported_in_one_line(short_path: Path) -> None:
    settings = Settings(home=short_path / "home")
    settings.make_home()
    (settings.run_dir / "agent.lock").mkdir()
    with pytest.raises(ConfigError, match=r"agent\.lock cannot be locked \(Is a directory\): make it writable"):
        settings.try_lock("agent")
    held = settings.try_lock("worker")
    assert held is not None
    assert settings.try_lock("worker") is None
    os.close(held)


@pytest.mark.parametrize(
    ("number", "remedy"),
    [(errno.ENOLCK, "another file system, which has locks"), (errno.EROFS, "make it writable")],
)
def test_why_there_is_no_lock_decides_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, remedy: str
) -> None:
    def refuse(_: Path) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(locks, "try_lock", refuse)
    with pytest.raises(ConfigError, match=remedy):
        try_lock_of_state(tmp_path / "up.lock")


def test_commands_report_a_state_directory_without_locks_in_one_line(short_path: Path) -> None:
    settings = Settings(home=short_path / "home")
    settings.make_home()
    (settings.run_dir / "up.lock").mkdir()
    with pytest.raises(ConfigError, match=r"up\.lock cannot be locked"), Supervisor(settings.home).locked():
        pass
