"""A copy of a search directory belongs to the one who copies it, and has nothing of MagicFS in it."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from tests.fuse.conftest import MountProcess
from tests.fuse.indexed_root import IndexedRoot


def test_who_opens_a_file_learns_the_mode_that_the_index_does_not_know_yet(
    mount: MountProcess, root: IndexedRoot
) -> None:
    """Some versions of `cp` ask but once, after they have opened it."""
    root.add("a.txt", "roses").chmod(0o640)
    with os.scandir(mount.query_path("roses")) as entries:
        (entry,) = entries
    os.stat(entry.path)
    descriptor = os.open(entry.path, os.O_RDONLY)
    try:
        assert stat.S_IMODE(os.fstat(descriptor).st_mode) == 0o640
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("command", [["cp", "-a"], ["cp", "-r", "--preserve=all"]])
def test_a_copy_can_be_changed_and_deleted(
    mount: MountProcess, root: IndexedRoot, tmp_path: Path, command: list[str]
) -> None:
    root.add("a.txt", "roses").chmod(0o640)
    root.add("docs/b.txt", "more roses")
    names = mount.result_names("roses")
    copy = tmp_path / "copy"
    done = subprocess.run([*command, mount.query_path("roses"), copy], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(path.name for path in copy.iterdir()) == sorted(names)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o755
    assert copy.stat().st_uid == os.geteuid()
    for path in (copy, *copy.iterdir()):
        assert os.listxattr(path) == []
    (copied,) = [path for path in copy.iterdir() if path.name.endswith("_a.txt")]
    assert stat.S_IMODE(copied.stat().st_mode) == 0o640
    assert copied.stat().st_mtime_ns == (root.path / "a.txt").stat().st_mtime_ns
    (copy / "new.txt").write_text("mine")
    copied.unlink()
    shutil.rmtree(copy)
    assert (root.path / "a.txt").read_text() == "roses"


def test_a_copy_in_the_mount_has_its_mode_at_once(mount: MountProcess, root: IndexedRoot) -> None:
    """`cp -p` makes the file for its owner alone, and gives it the mode by an access list at the end."""
    root.add("a.sh", "roses").chmod(0o755)
    mirror = mount.path / "mirror/documents"
    for number in range(3):
        copy = mirror / f"{number}.sh"
        command = 'cp -p "$0/a.sh" "$1" && stat -c %a "$1"'
        done = subprocess.run(["sh", "-c", command, mirror, copy], capture_output=True, text=True, check=True)
        assert done.stdout == "755\n"


def test_a_copy_of_links_has_links(mount: MountProcess, root: IndexedRoot, tmp_path: Path) -> None:
    path = root.add("a.txt", "roses")
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-a", mount.path / "links" / "roses", copy], check=True)
    (link,) = copy.iterdir()
    assert os.readlink(link) == str(path)
    shutil.rmtree(copy)


def test_extended_attributes_answer_by_name_and_are_not_listed(mount: MountProcess, root: IndexedRoot) -> None:
    path = root.add("a.txt", "roses")
    entry = mount.query_path("roses") / mount.result_names("roses")[0]
    assert os.getxattr(entry, "user.magicfs.path") == os.fsencode(path)
    for listed in (entry, mount.query_path("roses"), mount.path / "mirror/documents/a.txt"):
        assert not [name for name in os.listxattr(listed) if name.startswith("user.magicfs.")]
