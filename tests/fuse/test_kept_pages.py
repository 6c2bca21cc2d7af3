"""The pages that the kernel keeps of a file from one opening to the next: always those of its content.

The times of a file say whether it has changed, but for two cases: a program that writes through a mapping into memory
changes them once only, and a file system may have coarse times.
"""

from __future__ import annotations

import mmap
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from magicfs.db.pool import Database
from tests.fuse.conftest import MountProcess
from tests.fuse.indexed_root import IndexedRoot
from tests.fuse.mount_main import HOST
from tests.plugins.kernel_caches import kept_caches
from tests.plugins.programs import needs
from tests.plugins.waiting import eventually

SIZE = 1 << 20
SETTLED_SECONDS = 3.0
"""After that, any further change gives a file other times, on any file system."""
DISK_BYTES = 64 << 20


@contextmanager
def mapped(path: Path) -> Iterator[mmap.mmap]:
    """A mapping of a file to write to, which is unmapped and closed at the end."""
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapping:
        yield mapping


def bytes_read(mount: MountProcess) -> int:
    """How many bytes the process of the mount has read from files."""
    assert mount.process is not None
    fields = Path(f"/proc/{mount.process.pid}/io").read_text().split()
    return int(fields[fields.index("rchar:") + 1])


@pytest.fixture
def original(mirror: Path, root: IndexedRoot) -> Path:
    """A file that has not changed for a while, in a directory that was listed in the mount."""
    path = root.path / "d/a"
    path.parent.mkdir()
    path.write_bytes(b"0" * SIZE)
    time.sleep(SETTLED_SECONDS)
    assert [entry.stat().st_size for entry in os.scandir(mirror / "d")] == [SIZE]
    return path


@pytest.fixture
def shown(mirror: Path, original: Path) -> Path:
    return mirror / "d" / original.name


def test_a_file_that_has_not_changed_is_read_once(mount: MountProcess, shown: Path) -> None:
    with kept_caches():
        assert shown.read_bytes() == b"0" * SIZE
        before = bytes_read(mount)
        for _ in range(5):
            assert shown.read_bytes() == b"0" * SIZE
        assert bytes_read(mount) - before < SIZE


@pytest.mark.parametrize("reads", [0, 1, 2])
def test_what_a_mapping_has_written_is_seen_when_it_is_closed(shown: Path, original: Path, reads: int) -> None:
    for _ in range(reads):
        assert shown.read_bytes() == b"0" * SIZE
    with mapped(original) as mapping:
        mapping[0] = ord("1")
        assert shown.read_bytes()[:3] == b"100"
        # Now the times stay as they are: the page is one that is to be written to the disk.
        mapping[1] = ord("1")
    eventually(lambda: shown.read_bytes()[:3] == b"110")


def test_what_a_mapping_has_written_to_a_new_file_is_seen_when_it_is_closed(
    shown: Path, mirror: Path, original: Path
) -> None:
    """Python looks the name up, and has the node as an object."""
    new = original.with_name("new")
    new.write_bytes(b"0" * SIZE)
    with mapped(new) as mapping:
        mapping[0] = ord("1")
        with shown.with_name("new").open("rb") as file:
            assert file.read(3) == b"100"
            mapping[1] = ord("1")
    eventually(lambda: shown.with_name("new").read_bytes()[:3] == b"110")


@needs("mkfs.ext4")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a disk")
def test_a_change_within_the_same_second_on_a_disk_with_times_in_seconds(
    mount: MountProcess, tmp_path: Path, database: Database
) -> None:
    image, disk = tmp_path / "disk.img", tmp_path / "disk"
    with image.open("wb") as file:
        file.truncate(DISK_BYTES)
    disk.mkdir()
    subprocess.run(["mkfs.ext4", "-q", "-I", "128", str(image)], check=True, stderr=subprocess.DEVNULL)
    if subprocess.run(["mount", "-o", "loop", str(image), str(disk)], check=False).returncode:
        pytest.skip("no loop devices")
    try:
        IndexedRoot(database, disk, host=HOST, name="disk").add("a", "0")
        shown = mount.path / "mirror/disk/a"
        eventually(shown.exists)
        for number in range(1000, 1020):
            (disk / "a").write_text(str(number))
            assert [shown.read_text() for _ in range(3)] == [str(number)] * 3
    finally:
        mount.stop()
        subprocess.run(["umount", str(disk)], check=True)
