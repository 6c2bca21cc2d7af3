"""What the kernel keeps of watched directories for longer than a second, and how soon changes on the disk are seen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from magicfs.fuse.listing_operations import READDIR_BATCH
from magicfs.fuse.watched_directory import QUIET_SECONDS
from tests.fuse.conftest import MountProcess
from tests.fuse.indexed_root import IndexedRoot
from tests.plugins.kernel_caches import kept_caches
from tests.plugins.waiting import eventually

SEEN_SECONDS = 20.0
"""What is seen later has been kept too long: what nobody watches is kept for a second, the rest for thirty or more."""

WATCHED_SECONDS = 60.0
"""For how long the mount lets the kernel keep what is watched: six times as long as usual, for a busy machine."""


@pytest.fixture(autouse=True)
def _watched_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_WATCHED_SECONDS", str(WATCHED_SECONDS))


@pytest.fixture
def mirror(mount: MountProcess, root: IndexedRoot) -> Path:
    """A directory of the mirror with files that have not changed for a while."""
    (root.path / "sub").mkdir()
    for name in ("a.txt", "sub/b.txt"):
        (root.path / name).write_text("roses")
    time.sleep(QUIET_SECONDS + 0.1)
    return mount.path / "mirror/documents"


@contextmanager
def stopped(mount: MountProcess) -> Iterator[None]:
    assert mount.process is not None
    mount.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        mount.process.send_signal(signal.SIGCONT)


def run(code: str, directory: int) -> None:
    """In another process: this one would hang with a mount that is asked."""
    command = [sys.executable, "-c", f"import os, sys; directory = int(sys.argv[1]); {code}", str(directory)]
    subprocess.run(command, check=True, timeout=20, pass_fds=[directory])


def use(directory: Path) -> None:
    """Several times: what is used is watched, and one name is looked for again and again."""
    for _ in range(4):
        for name in sorted(os.listdir(directory)):
            os.stat(directory / name)
        assert not (directory / "missing").exists()


def test_names_attributes_and_missing_names_are_kept_for_longer_than_a_second(
    mirror: Path, mount: MountProcess
) -> None:
    # The root itself is looked up each second; what is below an open directory is not.
    directory = os.open(mirror / "sub", os.O_PATH)
    try:
        # On a busy machine the watch may begin after the names were looked up, or what is kept may be dropped.
        assert any(are_kept(mirror / "sub", directory, mount) for _ in range(5))
    finally:
        os.close(directory)


def are_kept(path: Path, directory: int, mount: MountProcess) -> bool:
    """Whether the kernel answers after more than a second without the mount."""
    with kept_caches():
        use(path)
        time.sleep(1.5)
        return are_kept_now(directory, mount)


def are_kept_now(directory: int, mount: MountProcess) -> bool:
    try:
        with stopped(mount):
            run("os.stat('b.txt', dir_fd=directory)", directory)
            run("sys.exit(os.access('missing', os.F_OK, dir_fd=directory))", directory)
    except subprocess.TimeoutExpired:
        return False
    return True


@contextmanager
def mounted(path: Path) -> Iterator[None]:
    """Something is mounted at `path`."""
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "tmpfs", path], check=False).returncode:
        pytest.skip("only root can mount")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", path], check=True)


def not_one(paths: list[Path]) -> bool:
    return not any(path.exists() for path in paths)


def test_what_is_mounted_elsewhere_takes_nothing_from_the_kernel(
    mirror: Path, mount: MountProcess, tmp_path: Path
) -> None:
    """A machine may mount something every second, and looking at each name that is kept takes the loop long."""
    directory = os.open(mirror / "sub", os.O_PATH)
    (tmp_path / "elsewhere").mkdir()
    try:
        for _ in range(5):
            with kept_caches():
                use(mirror / "sub")
                with mounted(tmp_path / "elsewhere"):
                    time.sleep(0.5)
                    if are_kept_now(directory, mount):
                        return
        pytest.fail("nothing is kept")
    finally:
        os.close(directory)


def test_what_was_mounted_elsewhere_just_now_lets_the_kernel_keep_names(
    mirror: Path, mount: MountProcess, root: IndexedRoot, tmp_path: Path
) -> None:
    """On a machine that mounts something every second, nothing would ever be kept."""
    # One for each attempt: what a stopped mount answers late may be kept in any case.
    names = [f"attempt{number}" for number in range(3)]
    for name in names:
        (root.path / name).mkdir()
        (root.path / name / "b.txt").write_text("roses")
    (tmp_path / "elsewhere").mkdir()
    time.sleep(QUIET_SECONDS + 0.1)
    assert any(are_kept_after_a_mount(mirror / name, mount, tmp_path / "elsewhere") for name in names)


def are_kept_after_a_mount(path: Path, mount: MountProcess, mount_point: Path) -> bool:
    directory = os.open(path, os.O_PATH)
    try:
        # The directory is watched before.
        assert not (path / "another").exists()
        with mounted(mount_point):
            time.sleep(0.2)
            return are_kept(path, directory, mount)
    finally:
        os.close(directory)


@pytest.mark.parametrize("name", ["sub", "."])
def test_what_is_mounted_over_a_name_or_a_directory_is_seen(mirror: Path, root: IndexedRoot, name: str) -> None:
    path = root.path / name
    hidden = [mirror / name / file for file in ("a.txt", "b.txt")]
    for _ in range(2):
        use(mirror)
        use(mirror / "sub")
    with mounted(path):
        (path / "new.txt").touch()
        eventually(partial(not_one, hidden), seconds=SEEN_SECONDS)
        time.sleep(QUIET_SECONDS + 0.1)
        use(mirror / name)
        (path / "new.txt").unlink()
        eventually(partial(not_one, [mirror / name / "new.txt"]), seconds=SEEN_SECONDS)
    eventually((mirror / "sub/b.txt").exists, seconds=SEEN_SECONDS)


def test_a_listing_shows_what_has_changed(mirror: Path, root: IndexedRoot) -> None:
    for number in range(300):
        (root.path / f"sub/{number:03}.txt").touch()
    time.sleep(QUIET_SECONDS + 0.1)
    use(mirror / "sub")
    assert len(os.listdir(mirror / "sub")) == 301
    (root.path / "sub/new.txt").touch()
    assert "new.txt" in os.listdir(mirror / "sub")
    (root.path / "sub/000.txt").unlink()
    assert "000.txt" not in os.listdir(mirror / "sub")
    eventually(lambda: not (mirror / "sub/000.txt").exists(), seconds=SEEN_SECONDS)


def test_what_changes_while_its_attributes_are_on_their_way_is_seen(
    unstarted_mount: MountProcess, root: IndexedRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel is told of the change before it knows of the file: the reply has other files, which are read yet."""
    requests = tmp_path / "requests"
    monkeypatch.setenv("TEST_REQUESTS", str(requests))
    monkeypatch.setenv("TEST_LISTED_SECONDS", "2")
    files = [root.path / f"sub/{number:0100}" for number in range(2 * READDIR_BATCH)]
    (root.path / "sub").mkdir()
    for file in files:
        file.write_text("roses")
    time.sleep(QUIET_SECONDS + 0.1)
    unstarted_mount.start()
    shown = unstarted_mount.path / "mirror/documents/sub"
    eventually(shown.exists)
    listing = threading.Thread(target=os.listdir, args=(shown,))
    listing.start()
    eventually(lambda: "readdir\n" in requests.read_text())
    time.sleep(0.5)
    for file in files[:READDIR_BATCH]:
        file.write_text("violets")
    listing.join()
    # On a busy machine the mount may be told of it after the reply: then the kernel is told a moment later.
    names = [file.name for file in files[:READDIR_BATCH]]
    eventually(lambda: {(shown / name).stat().st_size for name in names} == {len("violets")}, seconds=SEEN_SECONDS)


def test_changes_on_the_disk_are_seen_at_once(mirror: Path, root: IndexedRoot) -> None:
    use(mirror)
    (root.path / "missing").write_text("tulips")
    eventually((mirror / "missing").exists, seconds=SEEN_SECONDS)
    (root.path / "a.txt").chmod(0o600)
    eventually(lambda: (mirror / "a.txt").stat().st_mode & 0o777 == 0o600, seconds=SEEN_SECONDS)
    time.sleep(QUIET_SECONDS + 0.1)
    use(mirror / "sub")
    with (mirror / "sub/b.txt").open("rb") as file:
        assert file.read() == b"roses"
        with (root.path / "sub/b.txt").open("a") as direct:
            direct.write(" and lilies")
        eventually(lambda: os.fstat(file.fileno()).st_size == len("roses and lilies"), seconds=SEEN_SECONDS)
    assert (mirror / "sub/b.txt").read_text() == "roses and lilies"
    time.sleep(QUIET_SECONDS + 0.1)
    use(mirror / "sub")
    (root.path / "sub/b.txt").unlink()
    eventually(lambda: not (mirror / "sub/b.txt").exists(), seconds=SEEN_SECONDS)


def test_a_change_through_the_mount_is_seen_by_the_next_call(mirror: Path, root: IndexedRoot) -> None:
    use(mirror)
    use(mirror / "sub")
    (mirror / "missing").write_text("x")
    assert (mirror / "missing").read_text() == "x"
    (mirror / "a.txt").rename(mirror / "sub/missing")
    assert not (mirror / "a.txt").exists()
    assert (mirror / "sub/missing").stat().st_size == 5
    assert sorted(os.listdir(mirror / "sub")) == ["b.txt", "missing"]
    assert sorted(os.listdir(mirror)) == ["missing", "sub"]
    (mirror / "sub/b.txt").unlink()
    assert os.listdir(mirror / "sub") == ["missing"]
    with (mirror / "sub/missing").open("r+b") as file:
        file.truncate(2)
        assert (mirror / "sub/missing").stat().st_size == 2


def test_what_was_renamed_in_the_mount_is_not_kept_after_it_is_gone(mirror: Path, root: IndexedRoot) -> None:
    use(mirror)
    (mirror / "a.txt").rename(mirror / "c.txt")
    time.sleep(0.2)
    assert (mirror / "c.txt").exists()
    (root.path / "c.txt").unlink()
    eventually(lambda: not (mirror / "c.txt").exists(), seconds=SEEN_SECONDS + 0.2)


def test_a_working_directory_stays_one_when_it_changes(mirror: Path, root: IndexedRoot) -> None:
    use(mirror)
    use(mirror / "sub")
    before = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.chdir(mirror / "sub")
        os.utime(root.path / "sub")
        (root.path / "sub/c.txt").touch()
        eventually(Path("c.txt").exists, seconds=SEEN_SECONDS)
        assert os.getcwd() == str(mirror / "sub")
    finally:
        os.fchdir(before)
        os.close(before)


def test_a_file_with_two_names_is_kept_as_short_as_before(mirror: Path, root: IndexedRoot, tmp_path: Path) -> None:
    other = tmp_path / "other name"
    os.link(root.path / "sub/b.txt", other)
    time.sleep(QUIET_SECONDS + 0.1)
    use(mirror / "sub")
    with other.open("a") as direct:
        direct.write("!")
    eventually(lambda: (mirror / "sub/b.txt").stat().st_size == 6, seconds=SEEN_SECONDS + 0.2)
