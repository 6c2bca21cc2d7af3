"""Why a disk takes nothing more is told with what to do, and what can be done without it is."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from magicfs.linux import disk
from magicfs.linux.locks import is_locked, try_lock

Mount = Callable[..., Path]


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Mount]:
    """Mounts a file system in memory with the given options."""
    path = tmp_path / "disk"
    path.mkdir()

    def mount(options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)]
        if os.geteuid() or subprocess.run(command, check=False).returncode:
            pytest.skip("only root can mount a small file system")
        return path

    yield mount
    subprocess.run(["umount", "-l", path], check=False, stderr=subprocess.DEVNULL)


def test_a_disk_with_room_is_written(tmp_path: Path) -> None:
    assert disk.why_no_writes(tmp_path) is None
    assert not list(tmp_path.iterdir())


def test_a_look_at_the_file_system_alone_flushes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[int] = []
    monkeypatch.setattr("os.fsync", flushed.append)
    assert disk.why_no_writes(tmp_path, flush=False) is None
    assert not flushed
    assert disk.why_no_writes(tmp_path) is None
    assert flushed


def test_a_full_disk_needs_room(mounted: Mount) -> None:
    path = mounted("size=32m")
    assert disk.why_no_writes(path) is None
    (path / "large").write_bytes(bytes(24 << 20))
    assert disk.why_no_writes(path) == f"the disk of {path} is full: make room", "a segment of the log does not fit"
    with (path / "rest").open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(bytes(4096))
    assert disk.why_no_writes(path) == f"the disk of {path} is full: make room"


def test_a_disk_without_inodes_needs_fewer_files(mounted: Mount) -> None:
    path = mounted("size=32m,nr_inodes=2")
    (path / "last").touch()
    told = disk.why_no_writes(path)
    assert told is not None
    assert "takes no more files" in told


def test_what_a_disk_has_no_room_for_is_named(mounted: Mount) -> None:
    path = mounted("size=32m,nr_inodes=100")
    assert disk.why_no_room(path, size=1 << 20, files=90) is None
    assert disk.why_no_room(path, size=64 << 20, files=90) == (
        f"the disk of {path} has no room for 64 MB more: make room there"
    )
    assert disk.why_no_room(path, size=1 << 20, files=101) == (
        f"the disk of {path} has no room for 101 files more: make room there"
    )


@pytest.mark.parametrize(
    ("number", "remedy"),
    [(errno.EDQUOT, "have it raised"), (errno.EROFS, "mount it to be written"), (errno.EIO, "another one")],
)
def test_what_the_disk_refuses_decides_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, remedy: str
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    assert remedy in (disk.why_no_writes(tmp_path) or "")


def test_what_is_locked_on_a_disk_that_has_become_read_only_is_ended_there(mounted: Mount) -> None:
    path = mounted("size=1m")
    (path / "up.lock").touch()
    subprocess.run(["mount", "-o", "remount,ro", path], check=True)
    held = try_lock(path / "up.lock")
    assert held is not None
    assert is_locked(path / "up.lock")
    os.close(held)
    with pytest.raises(OSError, match="Read-only"):
        try_lock(path / "another.lock")
    disk.remove_if_writable(path / "up.lock")
    assert (path / "up.lock").exists()
