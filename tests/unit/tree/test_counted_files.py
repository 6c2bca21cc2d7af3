"""Files of a listing that are counted without a node: they are as if they had been looked up and packed since."""

from __future__ import annotations

import os
import stat
import struct
from pathlib import Path

import pytest

from magicfs.domain.files import FailedFile, FileStat, FileState
from magicfs.linux.files import status_and_birth
from magicfs.tree.file_nodes import KernelVersion, LastLookup
from magicfs.tree.inodes.inodes import InodeTable
from magicfs.tree.locations import FileLocation
from magicfs.tree.real.directories import RealDirectory
from magicfs.tree.real.files import RealFile
from tests.unit.tree.lookups import known

SEEN = struct.Struct("=IQQqqQq")
LATER_NS = 10**10


@pytest.fixture
def root(table: InodeTable, tmp_path: Path) -> RealDirectory:
    """The directory of a root."""
    return known(table, RealDirectory(FileLocation(host="here", root=os.fsencode(tmp_path), path=b"")))


def seen(root: RealDirectory, name: bytes, *, ctime_ns: int = 0, born_ns: int = 0) -> bytes:
    """What a listing sees of a name, perhaps so much later, or of a file that was made so much later."""
    with root.opened() as (directory, _):
        status, birth_ns = status_and_birth(directory, name)
    kind = stat.S_IFMT(status.st_mode)
    version = status.st_ctime_ns + ctime_ns, status.st_size, status.st_mtime_ns
    return SEEN.pack(kind, status.st_dev, status.st_ino, birth_ns + born_ns, *version)


def count(table: InodeTable, root: RealDirectory, name: bytes, **changes: int) -> int:
    found = seen(root, name, **changes)
    return table.count_listed(found, root.ino, name, has_content=stat.S_ISREG(SEEN.unpack(found)[0]))


def look_up(table: InodeTable, root: RealDirectory, name: bytes) -> int:
    node = known(table, root.lookup(name).node)
    if isinstance(node, RealFile):
        node.set_kernel_attributes(node.attributes())
    return node.ino


def pack_others(table: InodeTable, root: RealDirectory, tmp_path: Path) -> None:
    """Have all nodes packed that nobody uses: something else is looked up."""
    (tmp_path / "another").touch()
    table.forget(look_up(table, root, b"another"), 1)


@pytest.mark.parametrize("is_counted_first", [True, False])
@pytest.mark.parametrize("kind", ["file", "link", "fifo"])
def test_it_is_what_a_look_up_finds(
    table: InodeTable, root: RealDirectory, tmp_path: Path, kind: str, *, is_counted_first: bool
) -> None:
    path = tmp_path / "name \N{SNOWMAN}"
    name = os.fsencode(path.name)
    if kind == "file":
        path.write_text("text")
    elif kind == "link":
        path.symlink_to("name")
    else:
        os.mkfifo(path)
    before = len(table)
    ways = [lambda: count(table, root, name), lambda: look_up(table, root, name)]
    numbers = []
    for way in ways if is_counted_first else reversed(ways):
        numbers.append(way())
        pack_others(table, root, tmp_path)
    assert numbers[0] == numbers[1] != 0
    assert len(table) == before + 1
    node = table.find(numbers[0])
    status = os.lstat(path)
    assert (node.attributes().mode, node.attributes().size) == (status.st_mode, status.st_size)
    if isinstance(node, RealFile):
        assert node.kernel_version == KernelVersion(status.st_ctime_ns, status.st_size, status.st_mtime_ns)
        assert node.last_lookup == LastLookup(root.ino, name, None)
    del node
    assert not table.forget(numbers[0], 1)
    assert table.forget(numbers[0], 1)
    assert len(table) == before


def test_it_is_counted_each_time(table: InodeTable, root: RealDirectory, tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    before = len(table)
    numbers = {count(table, root, b"a") for _ in range(5)}
    (number,) = numbers
    assert len(table) == before + 1
    assert not table.forget(number, 4)
    assert table.forget(number, 1)
    assert number not in table


def test_its_inode_number_may_take_all_64_bits(table: InodeTable, root: RealDirectory, tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    fields = list(SEEN.unpack(seen(root, b"a")))
    fields[2] = 2**63 + 5
    number = table.count_listed(SEEN.pack(*fields), root.ino, b"a", has_content=True)
    node = table.find(number)
    assert isinstance(node, RealFile)
    assert node.identity is not None
    assert node.identity.inode == 2**63 + 5
    del node
    pack_others(table, root, tmp_path)
    assert table.is_packed_file(number)


def test_a_file_that_is_known_from_the_index_gets_no_second_number(
    table: InodeTable, root: RealDirectory, tmp_path: Path
) -> None:
    (tmp_path / "a").touch()
    status = FileStat.of((tmp_path / "a").stat())
    record = FailedFile("here", "root", os.fsencode(tmp_path), b"a", status, FileState.FAILED, "corrupt", None, 0.0)
    location = FileLocation(host="here", root=os.fsencode(tmp_path), path=b"a")
    listed = known(table, RealFile(location, index_record=record))
    assert count(table, root, b"a") == 0
    assert look_up(table, root, b"a") == listed.ino


def test_a_count_that_is_full_needs_a_node(table: InodeTable, root: RealDirectory, tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    number = count(table, root, b"a")
    table.packed.set_lookup_count(number, 2**31 - 1)
    assert count(table, root, b"a") == number
    assert count(table, root, b"a") == 0
    assert table.packed.lookup_count(number) == 2**31


def test_new_content_is_known(table: InodeTable, root: RealDirectory, tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    number = count(table, root, b"a")
    assert count(table, root, b"a", ctime_ns=LATER_NS) == number
    node = table.find(number)
    assert isinstance(node, RealFile)
    assert node.kernel_version is not None
    assert node.kernel_version.ctime_ns == os.lstat(tmp_path / "a").st_ctime_ns + LATER_NS


def test_a_node_is_needed(table: InodeTable, root: RealDirectory, tmp_path: Path) -> None:
    for name in ("used", "renamed", "older", "another"):
        (tmp_path / name).touch()
    assert count(table, root, b"renamed")
    (tmp_path / "renamed").rename(tmp_path / "other name")
    assert not count(table, root, b"other name"), "it has another place"
    assert count(table, root, b"older", ctime_ns=LATER_NS)
    assert not count(table, root, b"older"), "the kernel has newer attributes"
    assert not count(table, root, b"older", born_ns=1), "it has the inode number of another one"
    number = count(table, root, b"used")
    node = table.find(number)
    assert not count(table, root, b"used"), "a program uses it"
    assert isinstance(node, RealFile)
    handle = node.open(os.O_RDONLY)
    node.set_kernel_attributes(node.attributes())
    assert handle.version is not None
    node.replace_opened_version(handle.version, now_ns=handle.version.ctime_ns + LATER_NS)
    handle.close()
    del node, handle
    pack_others(table, root, tmp_path)
    assert table.is_packed_file(number)
    assert not count(table, root, b"used"), "the kernel has pages of it"
