from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from magicfs.domain.files import FileStat
from magicfs.linux.files import status_and_birth
from magicfs.tree.identities import FileIdentity
from magicfs.tree.inodes.inodes import InodeTable
from magicfs.tree.locations import FileLocation
from magicfs.tree.placed_nodes import ChildPlace
from magicfs.tree.real.directories import RealDirectory
from magicfs.tree.real.files import RealFile
from magicfs.tree.virtual import StaticDirectory
from tests.fuse.assertions import raises_errno
from tests.unit.tree.indexed_files import indexed_file
from tests.unit.tree.lookups import known

ON_DISK = FileIdentity(kind=0o100000, device=1, inode=2, born_ns=1000)
INDEXED = FileIdentity(kind=0o100000, device=1, inode=2, born_ns=None, seen_ns=2000)


def identity_of(path: Path) -> FileIdentity:
    descriptor = os.open(path, os.O_PATH)
    try:
        return FileIdentity.of(*status_and_birth(descriptor))
    finally:
        os.close(descriptor)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        (ON_DISK, ON_DISK, True),
        (ON_DISK, ON_DISK._replace(born_ns=1001), False),
        (ON_DISK, ON_DISK._replace(device=2), False),
        (ON_DISK, ON_DISK._replace(kind=0o040000), False),
        (ON_DISK, INDEXED, True),
        (ON_DISK._replace(born_ns=2001), INDEXED, False),
        (ON_DISK._replace(born_ns=0), ON_DISK._replace(born_ns=0), True),
        (INDEXED, INDEXED._replace(seen_ns=3000), True),
    ],
)
def test_files_are_told_apart_by_their_birth(one: FileIdentity, other: FileIdentity, *, is_same: bool) -> None:
    assert one.is_same_file(other) == other.is_same_file(one) == is_same


def test_a_new_file_with_a_used_number_is_another_one(tmp_path: Path) -> None:
    seen = set()
    for _ in range(50):
        (tmp_path / "a").touch()
        identity = identity_of(tmp_path / "a")
        seen.add((identity.key, identity.seed))
        (tmp_path / "a").unlink()
    assert len(seen) == 50


def test_a_file_of_the_index_is_opened_only_if_it_is_still_there(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("first")
    table = InodeTable(StaticDirectory(b"top", {}, mounted_at_ns=0))
    stat = FileStat.of(path.stat())
    node = table.get_or_assign(indexed_file(path, stat))
    table.add_lookup(node)
    handle = node.open(os.O_RDONLY)
    assert handle.read(0, 10) == b"first"
    handle.close()
    path.unlink()
    path.write_text("second")
    with raises_errno(errno.ESTALE):
        node.open(os.O_RDONLY)
    with raises_errno(errno.ESTALE):
        node.attributes()
    # The kernel looks the name up: the index still has the first file, and the second one is found.
    found = indexed_file(path, stat)
    assert found.attributes().size == len("second")
    assert table.get_or_assign(found).ino != node.ino
    path.unlink()
    with raises_errno(errno.ESTALE):
        node.attributes()
    with pytest.raises(FileNotFoundError):
        indexed_file(path, stat).attributes()


def test_a_node_of_the_index_and_one_of_the_disk_are_one(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("text")
    table = InodeTable(StaticDirectory(b"top", {}, mounted_at_ns=0))
    listed = table.get_or_assign(indexed_file(path, FileStat.of(path.stat())))
    table.add_lookup(listed)
    root = RealDirectory(FileLocation(host="here", root=os.fsencode(tmp_path), path=b""))
    assert table.get_or_assign(root.lookup(b"a").node) is listed
    assert isinstance(listed.place, ChildPlace)
    again = table.get_or_assign(indexed_file(path, FileStat.of(path.stat())))
    assert again is listed
    assert isinstance(listed.place, ChildPlace), "where the disk has shown it counts more"
    table.forget(listed.ino, 1)
    assert len(table) == 1


def test_a_renamed_directory_takes_its_descendants_along(tmp_path: Path) -> None:
    (tmp_path / "a/b/c").mkdir(parents=True)
    table = InodeTable(StaticDirectory(b"top", {}, mounted_at_ns=0))
    nodes = [known(table, RealDirectory(FileLocation(host="here", root=os.fsencode(tmp_path), path=b"")))]
    for name in (b"a", b"b", b"c"):
        found = known(table, nodes[-1].lookup(name).node)
        assert isinstance(found, RealDirectory)
        nodes.append(found)
    for moved in nodes[0].rename(b"a", nodes[0], b"renamed", flags=0):
        table.update(moved)
    assert nodes[3].location.path == b"renamed/b/c"
    assert nodes[3].attributes().links == 2
    # A place below itself, as a bind mount may show it, is not taken over.
    nodes[1].update(RealDirectory(ChildPlace(nodes[3], b"x"), nodes[1].identity))
    assert nodes[3].location.path == b"renamed/b/c"


def test_a_file_is_found_by_another_of_its_names_when_the_last_one_is_removed(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("text")
    table = InodeTable(StaticDirectory(b"top", {}, mounted_at_ns=0))
    root = table.get_or_assign(RealDirectory(FileLocation(host="here", root=os.fsencode(tmp_path), path=b"")))
    table.add_lookup(root)
    node = table.get_or_assign(root.lookup(b"a").node)
    table.add_lookup(node)
    assert isinstance(node, RealFile)
    for _ in range(3):
        assert table.get_or_assign(root.add_name(b"b", node).node) is node
        for moved in root.rename(b"b", root, b"c", flags=0):
            table.update(moved)
        root.remove(b"c", is_directory=False)
        # A program has looked up `a` and is about to open it: the kernel asks for it once more only.
        status = node.status_nowait()
        assert status is None or status.st_nlink == 1
    table.get_or_assign(root.add_name(b"b", node).node)
    root.remove(b"b", is_directory=False)
    handle = node.open_nowait(os.O_RDONLY) or node.open(os.O_RDONLY)
    handle.close()
    (tmp_path / "a").unlink()
    with raises_errno(errno.ESTALE):
        node.attributes()
