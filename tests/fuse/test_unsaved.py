"""Saving under faults: a mount that ends or is killed meanwhile, a file that is gone, a full disk."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from magicfs.db.pool import Database
from tests.fuse.assertions import raises_errno
from tests.fuse.conftest import MountProcess
from tests.fuse.editors import CREATE, beside
from tests.fuse.indexed_root import IndexedRoot
from tests.fuse.mount_main import HOST
from tests.plugins.waiting import eventually


def unsaved(mount: MountProcess) -> dict[str, bytes]:
    """What was not saved, by query and name."""
    folder = mount.home / "unsaved"
    return {
        str(file.relative_to(folder).relative_to(file.relative_to(folder).parts[0])): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_what_was_not_saved_outlives_the_mount(mount: MountProcess, entry: Path, end: int, original: Path) -> None:
    beside(entry, "note").write_text("text that a person wrote")
    beside(entry, "empty").write_text("")
    beside(entry, ".#lock").symlink_to("me@here")
    entry.rename(beside(entry, entry.name + "~"))
    unfinished = os.open(entry, os.O_WRONLY | CREATE)
    os.write(unfinished, b"half of a te")
    mount.stop(end)
    with contextlib.suppress(OSError):
        os.close(unfinished)
    mount.start()
    assert original.read_bytes() == b"old roses"
    assert unsaved(mount) == {
        "roses/note": b"text that a person wrote",
        f"roses/{entry.name}": b"half of a te",
        f"roses/{entry.name}~": b"old roses",
    }
    assert (mount.home / "unsaved").stat().st_mode & 0o077 == 0
    assert "3 files" in mount.log
    assert os.listdir(entry.parent) == [entry.name]
    mount.stop()
    assert len(unsaved(mount)) == 3
    assert list((mount.home / "run").glob("scratch-*")) == []


SAVE_IN_A_LOOP = """
import os, sys, itertools
path, how = sys.argv[1:]
for number in itertools.count():
    content = (b"%d " % number) * 200_000
    target = path
    if how == "backup":
        os.rename(path, path + "~")
    else:
        target = path + ".tmp"
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for start in range(0, len(content), 65536):
        os.write(descriptor, content[start:start + 65536])
    os.fsync(descriptor)
    os.close(descriptor)
    if how == "backup":
        os.unlink(path + "~")
    else:
        os.rename(target, path)
    print(number, flush=True)
"""


@pytest.mark.parametrize("rounds", [pytest.param(5, id="5"), pytest.param(50, id="50", marks=pytest.mark.slow)])
@pytest.mark.parametrize("how", ["rename", "backup"])
def test_a_mount_that_is_killed_leaves_the_old_or_the_new_file(
    mount: MountProcess, entry: Path, original: Path, how: str, rounds: int
) -> None:
    generator = random.Random(rounds)
    for _ in range(rounds):
        saving = subprocess.Popen(
            [sys.executable, "-c", SAVE_IN_A_LOOP, entry, how], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert saving.stdout is not None
        assert saving.stdout.readline() == b"0\n"
        time.sleep(generator.random() * 0.3)
        mount.stop(signal.SIGKILL)
        with contextlib.closing(saving.stdout):
            saving.wait(60)
        words = original.read_bytes().split()
        assert len(words) == 200_000
        assert len(set(words)) == 1
        mount.start()
        # A mount that starts waits a few seconds for what it clears away.
        eventually(lambda: os.listdir(original.parent) == ["a.txt"])
    for content in unsaved(mount).values():
        assert len(set(content.split()[:-1])) == 1


def test_what_cannot_be_saved_is_kept_with_the_longest_name(mount: MountProcess, root: IndexedRoot) -> None:
    original = root.add("folder/" + "n" * 243 + ".txt", "long roses")
    entry = mount.query_path("long") / mount.result_names("long")[0]
    assert len(entry.name) == 255
    entry.rename(beside(entry, "backup"))
    descriptor = os.open(entry, os.O_WRONLY | CREATE)
    os.write(descriptor, b"new roses")
    original.unlink()
    with raises_errno(errno.ENOENT):
        os.close(descriptor)
    kept = beside(entry, entry.name[:247] + ".unsaved")
    eventually(kept.exists)
    assert kept.read_bytes() == b"new roses"
    assert "could not save" in mount.log
    mount.stop()
    assert unsaved(mount)[f"long/{kept.name}"] == b"new roses"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a full file system")
def test_a_full_disk_keeps_the_old_file(mount: MountProcess, database: Database, tmp_path: Path) -> None:
    path = tmp_path / "small"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "small", str(path)], check=True)
    try:
        root = IndexedRoot(database, path, host=HOST, name="small")
        original = root.add("a.txt", "small roses")
        entry = mount.query_path("small") / mount.result_names("small")[0]
        temporary = beside(entry, "temporary")
        temporary.write_bytes(b"x" * (2 << 20))
        with raises_errno(errno.ENOSPC):
            temporary.rename(entry)
        assert original.read_bytes() == entry.read_bytes() == b"small roses"
        entry.rename(beside(entry, "backup"))
        descriptor = os.open(entry, os.O_WRONLY | CREATE)
        os.write(descriptor, b"x" * (2 << 20))
        with raises_errno(errno.ENOSPC):
            os.fsync(descriptor)
        assert original.read_bytes() == b"small roses"
        beside(entry, "backup").rename(entry)
        os.close(descriptor)
        assert original.read_bytes() == entry.read_bytes() == b"small roses"
        assert os.listdir(path) == ["a.txt"]
        assert temporary.stat().st_size == 2 << 20
    finally:
        subprocess.run(["umount", "-l", str(path)], check=False)
