"""Packed nodes: what the kernel knows and nobody uses takes little memory, and is what it was once it is unpacked."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magicfs.domain.files import FailedFile, FileStat, FileState
from magicfs.linux.files import status_and_birth
from magicfs.tree.inodes.inodes import InodeTable
from magicfs.tree.inodes.packed_nodes import PackedNodes
from magicfs.tree.inodes.record_table import RecordTable
from magicfs.tree.locations import FileLocation
from magicfs.tree.real.directories import RealDirectory
from magicfs.tree.real.files import RealFile
from magicfs.tree.real.removed_files import REMOVED_FILES
from tests.unit.tree.lookups import known

NAMES = 10_000
MAX_BYTES_A_NAME = 200
LATER_NS = 10**10


@pytest.fixture
def root(table: InodeTable, tmp_path: Path) -> int:
    """The number of the directory of a root."""
    node = known(table, RealDirectory(FileLocation(host="here", root=os.fsencode(tmp_path), path=b"")))
    return node.ino


def look_up(table: InodeTable, directory: int, *names: bytes) -> int:
    """The number of what is at a path, as the kernel learns it."""
    for name in names:
        parent = table.find(directory)
        assert isinstance(parent, RealDirectory)
        directory = known(table, parent.lookup(name).node).ino
    return directory


def test_a_name_takes_little_memory(table: InodeTable, root: int, tmp_path: Path) -> None:
    (tmp_path / "a file with a name.txt").touch()
    directory = table.find(root)
    assert isinstance(directory, RealDirectory)
    status, born_ns = status_and_birth(os.open(tmp_path, os.O_PATH), b"a file with a name.txt")
    fields = list(status)
    numbers = []
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(NAMES):
            fields[1] = number + 1
            entry = directory.entry(b"a file with a name.txt", os.stat_result(fields), born_ns)
            numbers.append(known(table, entry.node).ino)
        del entry
        used, _ = tracemalloc.get_traced_memory()
        assert used - before - NAMES * 48 < NAMES * MAX_BYTES_A_NAME
        for number in numbers:
            assert table.forget(number, 1)
        numbers.clear()
        left, _ = tracemalloc.get_traced_memory()
        assert left - before < NAMES * 10
    finally:
        tracemalloc.stop()


def test_a_node_that_was_packed_is_what_it_was(table: InodeTable, root: int, tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/c").write_text("text")
    (tmp_path / "a/link").symlink_to("b")
    file, link = look_up(table, root, b"a", b"b", b"c"), look_up(table, root, b"a", b"link")
    node = table.find(file)
    assert isinstance(node, RealFile)
    assert node.location.path == b"a/b/c"
    assert node.attributes().size == 4
    handle = node.open(os.O_RDONLY)
    version = handle.version
    assert version is not None
    handle.close()
    node.set_kernel_attributes(node.attributes())
    assert not node.replace_opened_version(version, now_ns=version.ctime_ns + LATER_NS)
    del node, handle
    # Another one is looked up, and this one is packed.
    assert table.find(link).attributes().mode == os.lstat(tmp_path / "a/link").st_mode
    assert table.is_packed_file(file)
    node = table.find(file)
    assert isinstance(node, RealFile)
    assert node.kernel_attributes_match(version)
    assert node.replace_opened_version(version, now_ns=version.ctime_ns + LATER_NS), (
        "the kernel has pages of this content"
    )
    del node
    look_up(table, root, b"a", b"link")
    assert table.is_packed_file(file)
    table.forget_pages(file)
    assert table.is_packed_file(file)
    node = table.find(file)
    assert isinstance(node, RealFile)
    assert not node.replace_opened_version(version, now_ns=version.ctime_ns + LATER_NS)
    table.forget_pages(file)
    assert node.opened_version is None


def test_a_packed_file_has_no_pages_of_what_it_was_before(table: InodeTable, root: int, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    (tmp_path / "b").touch()
    file = look_up(table, root, b"a")
    node = table.find(file)
    assert isinstance(node, RealFile)
    handle = node.open(os.O_RDONLY)
    assert handle.version is not None
    node.replace_opened_version(handle.version, now_ns=handle.version.ctime_ns + LATER_NS)
    handle.close()
    path.write_text("newer")
    node.set_kernel_attributes(node.attributes())
    version = FileStat.of(path.stat())
    del node, handle
    look_up(table, root, b"b")
    assert table.is_packed_file(file)
    node = table.find(file)
    assert isinstance(node, RealFile)
    assert not node.replace_opened_version(version, now_ns=version.ctime_ns + LATER_NS)


def test_a_directory_is_known_as_long_as_it_has_packed_nodes(table: InodeTable, root: int, tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/c").touch()
    (tmp_path / "other").touch()
    file = look_up(table, root, b"a", b"b", b"c")
    outer = look_up(table, root, b"a")
    inner = look_up(table, root, b"a", b"b")
    look_up(table, root, b"other")
    assert table.forget(inner, 2)
    assert table.forget(outer, 3)
    before = len(table)
    assert table.find(file).attributes().size == 0
    assert table.forget(file, 1)
    assert len(table) == before - 1
    look_up(table, root, b"other")
    assert inner not in table
    assert outer not in table


def test_packed_directories_go_with_the_last_file_in_them(table: InodeTable, root: int, tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/c").touch()
    file = look_up(table, root, b"a", b"b", b"c")
    outer = look_up(table, root, b"a")
    inner = look_up(table, root, b"a", b"b")
    for _ in range(9):
        table.pack_some()
    assert None not in {table.packed.kind(number) for number in (outer, inner, file)}
    assert table.forget(inner, 2)
    assert table.forget(outer, 3)
    assert inner in table
    assert outer in table
    assert table.forget(file, 1)
    assert inner not in table
    assert outer not in table


def test_a_deep_path_is_unpacked(table: InodeTable, root: int, tmp_path: Path) -> None:
    depth = 400
    directory = os.open(tmp_path, os.O_PATH)
    numbers = [root]
    for _ in range(depth):
        os.mkdir("d", dir_fd=directory)
        inner = os.open("d", os.O_PATH, dir_fd=directory)
        parent = table.find(numbers[-1])
        assert isinstance(parent, RealDirectory)
        numbers.append(known(table, parent.entry(b"d", *status_and_birth(inner)).node).ino)
        os.close(directory)
        directory = inner
    os.close(directory)
    del parent
    for _ in range(depth * depth):
        table.pack_some()
    assert sum(table.packed.kind(number) is None for number in numbers) < 10
    node = table.find(numbers[-1])
    assert isinstance(node, RealDirectory)
    assert node.location.path == b"/".join([b"d"] * depth)
    os.removedirs(tmp_path / node.location.path.decode())


def test_a_file_of_which_the_index_says_something_is_not_packed(table: InodeTable, root: int, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.touch()
    (tmp_path / "b").touch()
    status = FileStat.of(path.stat())
    record = FailedFile("here", "root", os.fsencode(tmp_path), b"a", status, FileState.FAILED, "corrupt", None, 0.0)
    location = FileLocation(host="here", root=os.fsencode(tmp_path), path=b"a")
    on_disk = look_up(table, root, b"a")
    look_up(table, root, b"b")
    assert table.is_packed_file(on_disk)
    listed = known(table, RealFile(location, index_record=record))
    assert listed.ino == on_disk, "the same file in search/ and in mirror/"
    del listed
    look_up(table, root, b"b")
    assert table.find(on_disk).extended_attributes()[b"user.magicfs.reason"] == b"corrupt"


def test_a_node_that_could_not_be_packed_is_tried_again(
    table: InodeTable, root: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in map(tmp_path.joinpath, "abcd"):
        path.touch()
    with monkeypatch.context() as refused:
        refused.setattr(PackedNodes, "pack", lambda *_: None)
        numbers = [look_up(table, root, name) for name in (b"a", b"b")]
    for name in (b"c", b"d"):
        look_up(table, root, name)
    assert all(map(table.is_packed_file, numbers))


def test_a_node_is_packed_only_when_nobody_holds_it(table: InodeTable, root: int, tmp_path: Path) -> None:
    for path in map(tmp_path.joinpath, "abcd"):
        path.touch()
    number = look_up(table, root, b"a")
    node = table.find(number)
    look_up(table, root, b"b")
    assert table.find(number) is node, "a program uses it"
    assert table.update(node) is node
    del node
    look_up(table, root, b"c")
    assert table.is_packed_file(number)


def test_directories_in_a_circle_are_not_known(
    table: InodeTable, root: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").touch()
    (tmp_path / "b").touch()
    number, _ = (look_up(table, root, name) for name in (b"a", b"b"))
    monkeypatch.setattr(PackedNodes, "directory", lambda _, ino: ino)
    with pytest.raises(KeyError):
        table.find(number)


def test_what_is_kept_of_a_removed_file_is_let_go(table: InodeTable, root: int, tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    (tmp_path / "b").touch()
    number = look_up(table, root, b"a")
    parent = table.find(root)
    assert isinstance(parent, RealDirectory)
    parent.remove(b"a", is_directory=False)
    look_up(table, root, b"b")
    assert table.find(number).attributes().size == 0
    look_up(table, root, b"b")
    assert table.is_packed_file(number)
    assert table.forget(number, 1)
    assert not REMOVED_FILES


@pytest.mark.parametrize("is_known", [True, False])
def test_a_removed_file_is_kept_if_the_kernel_knows_it(
    table: InodeTable, root: int, tmp_path: Path, is_known: bool
) -> None:
    (tmp_path / "a").touch()
    (tmp_path / "b").touch()
    number = look_up(table, root, b"a")
    if not is_known:
        (tmp_path / "new").touch()
        (tmp_path / "new").replace(tmp_path / "a")
    parent = table.find(root)
    assert isinstance(parent, RealDirectory)
    look_up(table, root, b"b")
    assert table.is_packed_file(number)
    parent.remove(b"a", is_directory=False)
    REMOVED_FILES.settle(table.update)
    assert bool(REMOVED_FILES) == is_known
    if is_known:
        assert table.find(number).attributes().size == 0
    table.forget(number, 1)
    assert not REMOVED_FILES


def test_a_removed_file_is_let_go_that_only_the_index_had_told_of(table: InodeTable, root: int, tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    status = FileStat.of((tmp_path / "a").stat())
    record = FailedFile("here", "root", os.fsencode(tmp_path), b"a", status, FileState.FAILED, "corrupt", None, 0.0)
    location = FileLocation(host="here", root=os.fsencode(tmp_path), path=b"a")
    listed = known(table, RealFile(location, index_record=record))
    parent = table.find(root)
    assert isinstance(parent, RealDirectory)
    parent.remove(b"a", is_directory=False)
    REMOVED_FILES.settle(table.update)
    assert listed.attributes().size == 0
    table.forget(listed.ino, 1)
    assert not REMOVED_FILES


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 2000), st.binary(max_size=4)), max_size=300))
def test_records_are_found_by_their_number_and_by_a_part(steps: list[tuple[bool, int, bytes]]) -> None:
    table, expected = RecordTable(16, hash_shift=2), {}
    for adds, number, text in steps:
        if adds and number not in expected:
            expected[number] = bytes([number % 7] * 8), text.replace(b"/", b"")
            table.add(number.to_bytes(8, "little") + expected[number][0], expected[number][1])
        elif not adds and number in expected:
            assert table.take(number) == (number.to_bytes(8, "little") + expected[number][0], expected.pop(number)[1])
    assert len(table) == len(expected)
    for number, (part, _) in expected.items():
        assert number in table.numbers(number >> 2, part, 8)
        assert table.numbers(number >> 2, number.to_bytes(8, "little"), 0) == [number]


MEMORY_OF_RECORDS = """
import os
from magicfs.tree.inodes.record_table import RecordTable

def resident_bytes():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

before = resident_bytes()
table = RecordTable(80, hash_shift=0)
for number in range(100_000):
    table.add(number.to_bytes(8, "little") + bytes(72), b"a file with a name.txt")
known = resident_bytes()
last = bytearray(100_000)  # what comes after them in memory
for number in range(100_000):
    table.take(number)
print(known - before, resident_bytes() - before)
"""


def test_the_memory_of_records_goes_back_to_the_system() -> None:
    """In a process of its own: one that has run other tests has free memory, into which the records go."""
    ended = subprocess.run([sys.executable, "-c", MEMORY_OF_RECORDS], capture_output=True, text=True, check=True)
    known, left = map(int, ended.stdout.split())
    assert known > 8_000_000
    assert left < known / 3


def test_a_table_of_records_grows_and_shrinks() -> None:
    table = RecordTable(8, hash_shift=0)
    for number in range(5000):
        table.add(number.to_bytes(8, "little"), b"%d" % number)
    assert len(table._buckets) > 100
    for number in range(5000):
        assert table.take(number) == (number.to_bytes(8, "little"), b"%d" % number)
    assert len(table._buckets) < 20
