"""How a mount begins and ends, and what it does without a database."""

from __future__ import annotations

import contextlib
import errno
import gc
import json
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
from magicfs.fuse.mountpoint import mounted_at, prepare, recover, umount
from tests.fuse.conftest import Node
from tests.fuse.expect import fails_with, wait_for
from tests.fuse.node import HOST
from tests.fuse.shelf import Shelf


def mounts(database: Database) -> list[tuple[bytes, int]]:
    with database.transaction() as connection:
        return connection.execute("SELECT path, pid FROM mounts").fetchall()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_unmounts(node: Node, shelf: Shelf, database: Database, number: int) -> None:
    assert node.process is not None
    wait_for(lambda: mounts(database) == [(os.fsencode(node.mount), node.process.pid)])
    assert node.end(number) == 0
    assert mounted_at(node.mount) is None
    assert os.listdir(node.mount) == []
    assert mounts(database) == []


def test_it_ends_while_it_is_busy(node: Node, shelf: Shelf) -> None:
    shelf.add("a.txt", "roses")
    entry = node.query("roses") / node.names("roses")[0]
    file = os.open(entry, os.O_RDONLY)
    try:
        shell = subprocess.Popen(["ls", node.query("stuck")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: "stuck" in node.searches)
        assert node.end() == 0
        assert shell.wait(10) != 0
    finally:
        # The node that would be told of it is gone.
        with contextlib.suppress(OSError):
            os.close(file)
    assert mounted_at(node.mount) is None
    assert os.listdir(node.mount) == []


def test_umount_ends_the_node(node: Node, shelf: Shelf) -> None:
    shelf.add("a.txt", "roses")
    node.names("roses")
    assert umount(node.mount)
    assert node.wait() == 0
    assert not umount(node.mount)


def test_umount_while_a_file_is_open(node: Node, shelf: Shelf) -> None:
    shelf.add("a.txt", "roses")
    entry = node.query("roses") / node.names("roses")[0]
    with entry.open("rb", buffering=0) as file:
        assert umount(node.mount)
        assert mounted_at(node.mount) is None
        assert file.read() == b"roses"
    assert node.wait() == 0


def test_a_killed_node_leaves_a_mount_that_the_next_one_clears(node: Node, shelf: Shelf) -> None:
    shelf.add("a.txt", "roses")
    node.names("roses")
    node.end(signal.SIGKILL)
    with fails_with(errno.ENOTCONN):
        os.listdir(node.mount)
    node.start()
    assert len(node.names("roses")) == 1
    node.end(signal.SIGKILL)
    assert recover(node.mount)
    assert not recover(node.mount)
    assert os.listdir(node.mount) == []


def test_umount_clears_a_dead_mount(node: Node) -> None:
    node.end(signal.SIGKILL)
    assert umount(node.mount)
    assert os.listdir(node.mount) == []


def test_a_second_mount_at_the_same_place_is_refused(node: Node, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    second = Node(node.mount, tmp_path / "other", node.database_url)
    assert not second.try_start()
    assert second.wait() == 1
    assert second.log.count("\n") == 1
    assert "mounted there already: run 'magicfs umount" in second.log
    assert os.listdir(node.mount) == ["search", "mirror", ".magic"]


def test_places_that_will_not_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").touch()
    (tmp_path / "root/inside").mkdir(parents=True)
    (tmp_path / "outer/root").mkdir(parents=True)

    def refusal(path: Path, *roots: Path) -> str:
        known = [Root(RootId(1), "here", os.fsencode(root), "root", 1) for root in roots]
        with pytest.raises(MountError) as error:
            prepare(path, roots=known, host="here")
        assert "\n" not in str(error.value)
        return str(error.value)

    assert "create it with 'mkdir -p" in refusal(tmp_path / "missing")
    assert "is not a directory" in refusal(tmp_path / "file")
    assert "is not empty" in refusal(tmp_path / "full")
    assert "something else is mounted" in refusal(Path("/proc"))
    assert "one inside the other" in refusal(tmp_path / "root/inside", tmp_path / "root")
    (tmp_path / "link").symlink_to(tmp_path / "root/inside")
    assert "one inside the other" in refusal(tmp_path / "link", tmp_path / "root")
    (tmp_path / "place").mkdir()
    assert "one inside the other" in refusal(tmp_path / "place", tmp_path / "place/below")
    elsewhere = Root(RootId(1), "elsewhere", os.fsencode(tmp_path), "root", 1)
    assert prepare(tmp_path / "place", roots=[elsewhere], host="here") == (tmp_path / "place").resolve()


def test_without_a_database_files_go_on_working(node: Node, shelf: Shelf, database: Database) -> None:
    shelf.add("a.txt", "roses")
    entry = node.query("roses") / node.names("roses")[0]
    name = psycopg.conninfo.conninfo_to_dict(node.database_url)["dbname"]
    assert isinstance(name, str)
    admin = psycopg.conninfo.make_conninfo(node.database_url, dbname="postgres")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        time.sleep(0.2)
        with fails_with(errno.EIO):
            node.names("tulips")
        assert entry.read_text() == "roses"
        assert (node.mount / "mirror/shelf/a.txt").read_text() == "roses"
        assert os.listdir(node.mount / "mirror/shelf") == ["a.txt"]
        assert os.listdir(node.mount / ".magic") == ["status.json", "refresh", "failed"]
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    wait_for(lambda: recovered(node))


def recovered(node: Node) -> bool:
    try:
        return len(node.names("roses")) == 1
    except OSError:
        return False


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can have the kernel forget")
def test_forgotten_inodes_are_let_go(node: Node, shelf: Shelf) -> None:
    for number in range(300):
        (shelf.folder / f"{number}.txt").touch()
    subprocess.run(["ls", "-lR", node.mount / "mirror"], check=True, stdout=subprocess.DEVNULL)
    assert inodes(node) >= 300
    gc.collect()
    Path("/proc/sys/vm/drop_caches").write_text("2")
    wait_for(lambda: inodes(node) < 50)


def inodes(node: Node) -> int:
    """As the node itself counts them."""
    count = json.loads((node.mount / ".magic/status.json").read_text())["this_mount"]["inodes"]
    assert isinstance(count, int)
    return count


def test_roots_that_are_added_appear_in_the_mirror(
    node: Node, shelf: Shelf, database: Database, tmp_path: Path
) -> None:
    other = Shelf(database, tmp_path / "other", host=HOST, name="other")
    (other.folder / "a.txt").write_text("a")
    wait_for(lambda: os.listdir(node.mount / "mirror") == ["other", "shelf"])
    assert (node.mount / "mirror/other/a.txt").read_text() == "a"
