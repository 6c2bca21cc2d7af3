"""A file of each kind, with attributes that are hard to pass on."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

TIMES_NS = {"old": -(10**18), "future": 4 * 10**18, "too far for 64 bits": 104 * 10**17}


def attributes(path: Path) -> tuple[int, ...]:
    status = path.lstat()
    numbers = status.st_mode, status.st_nlink, status.st_uid, status.st_gid, status.st_rdev, status.st_size
    return *numbers, status.st_mtime_ns, status.st_ctime_ns, status.st_blocks


def make_all_kinds(directory: Path) -> None:
    (directory / "empty").touch()
    (directory / "file").write_bytes(os.urandom(10_000))
    (directory / "file").chmod(0o4751)
    (directory / "linked").touch()
    os.link(directory / "linked", directory / "second name")
    (directory / "link").symlink_to("nowhere")
    (directory / "directory").mkdir()
    os.mkfifo(directory / "fifo")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(directory / "socket"))
    (directory / os.fsdecode(b"\xff\xfe")).touch()
    (directory / ("n" * 255)).touch()
    (directory / "...").touch()
    for name, time_ns in TIMES_NS.items():
        (directory / name).touch()
        os.utime(directory / name, ns=(time_ns, time_ns + 1))
    if os.geteuid() == 0:
        os.mknod(directory / "device", stat.S_IFCHR | 0o600, os.makedev(1, 3))
        os.chown(directory / "empty", 1234, 1235)


def checked_numbers(shown: Path, real: Path) -> dict[str, int]:
    """The inode numbers in a directory of the mount: each file has its own, and the attributes of the disk."""
    numbers = {}
    for name in os.listdir(real):
        assert attributes(shown / name) == attributes(real / name), name
        numbers[name] = (shown / name).lstat().st_ino
    assert numbers["linked"] == numbers["second name"]
    assert len(set(numbers.values())) == len(numbers) - 1
    return numbers
