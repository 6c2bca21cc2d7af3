"""How a mount starts and ends, and what works without a database."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import time
from pathlib import Path

import psycopg
import pytest

from magicfs.db.pool import Database
from magicfs.domain.ids import RootId
from magicfs.domain.roots import Root
from magicfs.errors import MountError
from magicfs.fuse.mountpoint import clear_dead_mount, mounted_at, prepare_mountpoint, umount
from tests.fuse.assertions import raises_errno
from tests.fuse.conftest import MountProcess
from tests.fuse.indexed_root import IndexedRoot
from tests.fuse.known_names import forget, known
from tests.fuse.mount_main import HOST
from tests.plugins.kernel_caches import kept_caches, needs_root
from tests.plugins.waiting import eventually


def mount_rows(database: Database) -> list[tuple[bytes, int]]:
    with database.transaction() as connection:
        return connection.execute("SELECT path, pid FROM mounts").fetchall()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_unmounts(mount: MountProcess, root: IndexedRoot, database: Database, number: int) -> None:
    assert mount.process is not None
    pid = mount.process.pid
    eventually(lambda: mount_rows(database) == [(os.fsencode(mount.path), pid)])
    assert mount.stop(number) == 0
    assert mounted_at(mount.path) is None
    assert os.listdir(mount.path) == []
    assert mount_rows(database) == []


def test_a_signal_unmounts_while_a_file_is_open_and_a_search_runs(mount: MountProcess, root: IndexedRoot) -> None:
    root.add("a.txt", "roses")
    entry = mount.query_path("roses") / mount.result_names("roses")[0]
    file = os.open(entry, os.O_RDONLY)
    try:
        listing = subprocess.Popen(
            ["ls", mount.query_path("stuck")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        eventually(lambda: "stuck" in mount.searches)
        assert mount.stop() == 0
        assert listing.wait(60) != 0
    finally:
        # The mount process that would handle the close has ended.
        with contextlib.suppress(OSError):
            os.close(file)
    assert mounted_at(mount.path) is None
    assert os.listdir(mount.path) == []


def test_umount_ends_the_process(mount: MountProcess, root: IndexedRoot) -> None:
    root.add("a.txt", "roses")
    mount.result_names("roses")
    assert umount(mount.path)
    assert mount.wait() == 0
    assert not umount(mount.path)


def test_umount_while_a_file_is_open(mount: MountProcess, root: IndexedRoot) -> None:
    root.add("a.txt", "roses")
    entry = mount.query_path("roses") / mount.result_names("roses")[0]
    with entry.open("rb", buffering=0) as file:
        assert umount(mount.path)
        assert mounted_at(mount.path) is None
        assert file.read() == b"roses"
    assert mount.wait() == 0


def test_the_mount_of_a_killed_process_is_cleared(mount: MountProcess, root: IndexedRoot) -> None:
    root.add("a.txt", "roses")
    mount.result_names("roses")
    # What the kernel knows of the top it tells for minutes, whether the process lives or not.
    mount.path.stat()
    mount.stop(signal.SIGKILL)
    mount.path.stat()
    with raises_errno(errno.ENOTCONN):
        os.listdir(mount.path)
    mount.start()
    assert len(mount.result_names("roses")) == 1
    mount.stop(signal.SIGKILL)
    assert clear_dead_mount(mount.path)
    assert not clear_dead_mount(mount.path)
    assert os.listdir(mount.path) == []


def test_umount_clears_a_dead_mount(mount: MountProcess) -> None:
    mount.stop(signal.SIGKILL)
    assert umount(mount.path)
    assert os.listdir(mount.path) == []


def test_a_second_mount_at_the_same_place_is_refused(mount: MountProcess, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    second = MountProcess(mount.path, tmp_path / "other", mount.database_url)
    assert not second.try_start()
    assert second.wait() == 1
    assert second.log.count("\n") == 1
    assert "mounted there already: run 'magicfs umount" in second.log
    assert os.listdir(mount.path) == ["search", "links", "mirror", ".magic"]


def test_mountpoints_that_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").touch()
    (tmp_path / "root/inside").mkdir(parents=True)
    (tmp_path / "outer/root").mkdir(parents=True)

    def error_message(path: Path, *roots: Path) -> str:
        registered = [Root(RootId(1), "here", os.fsencode(root), "root", 1) for root in roots]
        with pytest.raises(MountError) as error:
            prepare_mountpoint(path, roots=registered, host="here")
        assert "\n" not in str(error.value)
        return str(error.value)

    assert "create it with 'mkdir -p" in error_message(tmp_path / "missing")
    assert "is not a directory" in error_message(tmp_path / "file")
    assert "is not empty" in error_message(tmp_path / "full")
    assert "something else is mounted" in error_message(Path("/proc"))
    assert "one inside the other" in error_message(tmp_path / "root/inside", tmp_path / "root")
    (tmp_path / "link").symlink_to(tmp_path / "root/inside")
    assert "one inside the other" in error_message(tmp_path / "link", tmp_path / "root")
    assert "'magicfs roots remove root'" in error_message(tmp_path / "link", tmp_path / "root")
    (tmp_path / "empty").mkdir()
    assert "one inside the other" in error_message(tmp_path / "empty", tmp_path / "empty/inside")
    other_host = Root(RootId(1), "other", os.fsencode(tmp_path), "root", 1)
    assert prepare_mountpoint(tmp_path / "empty", roots=[other_host], host="here") == (tmp_path / "empty").resolve()


def test_files_work_without_a_database(mount: MountProcess, root: IndexedRoot, database: Database) -> None:
    root.add("a.txt", "roses")
    entry = mount.query_path("roses") / mount.result_names("roses")[0]
    name = psycopg.conninfo.conninfo_to_dict(mount.database_url)["dbname"]
    assert isinstance(name, str)
    admin = psycopg.conninfo.make_conninfo(mount.database_url, dbname="postgres")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        time.sleep(0.2)
        with raises_errno(errno.EIO):
            mount.result_names("tulips")
        assert entry.read_text() == "roses"
        assert (mount.path / "mirror/documents/a.txt").read_text() == "roses"
        assert os.listdir(mount.path / "mirror/documents") == ["a.txt"]
        assert os.listdir(mount.path / ".magic") == ["status.json", "refresh", "failed"]
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    eventually(lambda: search_works(mount))


def search_works(mount: MountProcess) -> bool:
    try:
        return len(mount.result_names("roses")) == 1
    except OSError:
        return False


@needs_root
def test_forgotten_inodes_are_dropped(mount: MountProcess, root: IndexedRoot) -> None:
    for number in range(300):
        (root.path / f"{number}.txt").touch()

    with kept_caches():
        listing = ["ls", "-lR", str(mount.path / "mirror")]
        known(mount, 300, lambda: subprocess.run(listing, check=True, stdout=subprocess.DEVNULL))
    forget(mount, 49)


def test_an_added_root_appears_in_the_mirror(
    mount: MountProcess, root: IndexedRoot, database: Database, tmp_path: Path
) -> None:
    other = IndexedRoot(database, tmp_path / "other", host=HOST, name="other")
    (other.path / "a.txt").write_text("a")
    eventually(lambda: os.listdir(mount.path / "mirror") == ["documents", "other"])
    assert (mount.path / "mirror/other/a.txt").read_text() == "a"
