"""Files that were looked up without Python, as the inode table counts them."""

from __future__ import annotations

import ctypes
import random
import stat
from pathlib import Path

import pyfuse3
import pytest
from pyfuse3 import FileNameT, InodeT

from magicfs.domain.files import FileStat
from magicfs.fuse.fast_path import FAST_PATH, LIBRARY
from magicfs.fuse.operations import TreeOperations
from magicfs.tree.identities import FileIdentity
from magicfs.tree.inodes.inodes import InodeTable
from magicfs.tree.real.directories import RealDirectory
from magicfs.tree.real.files import RealFile
from magicfs.tree.tree import Tree
from tests.unit.fuse.lookups import Kernel, find
from tests.unit.tree.indexed_files import indexed_file
from tests.unit.tree.lookups import known

_64_BITS = 1 << 63


def test_the_library_gives_a_file_the_number_that_python_gives_it() -> None:
    number_of = ctypes.PyDLL(LIBRARY).fast_path_number
    number_of.argtypes, number_of.restype = (ctypes.c_uint64, ctypes.c_uint64, ctypes.c_int64), ctypes.c_uint64
    numbers = random.Random(1)
    for _ in range(1000):
        device, inode = numbers.getrandbits(64), numbers.getrandbits(64)
        born_ns = numbers.randrange(-_64_BITS, _64_BITS)
        identity = FileIdentity(stat.S_IFREG, device, inode, born_ns)
        assert number_of(device, inode, born_ns) == InodeTable.number_of(identity.key, identity.seed)


def test_what_was_looked_up_is_counted_as_often(tree: Tree, tmp_path: Path, kernel: Kernel) -> None:
    operations, root = TreeOperations(tree, search_seconds=1), find(tree)
    (tmp_path / "a").write_text("text")
    before = len(tree.inodes)
    number = kernel.is_told_of(tmp_path / "a", root)
    assert kernel.is_told_of(tmp_path / "a", root) == number
    operations.settle_lookups()
    assert len(tree.inodes) == before + 1
    assert not tree.inodes.forget(number, 1)
    node = tree.inodes.find(number)
    assert isinstance(node, RealFile)
    assert node.attributes().size == 4
    # One that Python has as an object is counted too.
    kernel.is_told_of(tmp_path / "a", root)
    operations.settle_lookups()
    assert node.lookup_count == 2
    assert tree.inodes.forget(number, 2)
    assert len(tree.inodes) == before


def test_a_file_that_was_renamed_is_found_at_its_new_place(tree: Tree, tmp_path: Path, kernel: Kernel) -> None:
    operations, root = TreeOperations(tree, search_seconds=1), find(tree)
    (tmp_path / "a").write_text("text")
    number = kernel.is_told_of(tmp_path / "a", root)
    operations.settle_lookups()
    (tmp_path / "a").rename(tmp_path / "b")
    assert kernel.is_told_of(tmp_path / "b", root) == number
    operations.settle_lookups()
    assert tree.inodes.find(number).attributes().size == 4
    assert tree.inodes.forget(number, 2)


def test_a_file_of_the_index_gets_the_number_that_the_kernel_was_told(
    tree: Tree, tmp_path: Path, kernel: Kernel
) -> None:
    TreeOperations(tree, search_seconds=1)
    root = find(tree)
    (tmp_path / "a").write_text("text")
    number = kernel.is_told_of(tmp_path / "a", root)
    node = known(tree.inodes, indexed_file(tmp_path / "a", FileStat.of((tmp_path / "a").stat())))
    assert node.ino == number
    assert tree.inodes.forget(number, 2)


def test_a_file_of_the_index_that_has_another_number_is_claimed_until_it_is_forgotten(
    tree: Tree, tmp_path: Path, kernel: Kernel
) -> None:
    TreeOperations(tree, search_seconds=1)
    (tmp_path / "a").write_text("text")
    node = known(tree.inodes, indexed_file(tmp_path / "a", FileStat.of((tmp_path / "a").stat())))
    assert node.ino in kernel.claims


def test_a_file_with_the_number_of_another_one_is_looked_up_anew(
    tree: Tree, tmp_path: Path, kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No two files had the same hash yet."""
    invalidated = []

    def invalidate(directory: InodeT, name: FileNameT, *, ignore_enoent: bool) -> None:
        assert ignore_enoent
        invalidated.append((directory, name))

    monkeypatch.setattr(pyfuse3, "invalidate_entry_async", invalidate)
    operations, root = TreeOperations(tree, search_seconds=1), find(tree)
    assert isinstance(root, RealDirectory)
    (tmp_path / "a").write_text("text")
    (tmp_path / "b").write_text("other text")
    number = kernel.is_told_of(tmp_path / "a", root)
    other = root.lookup(b"b").node
    other.ino = number
    tree.inodes.add_lookup(other)
    operations.settle_lookups()
    assert tree.inodes.find(number) is other
    assert other.lookup_count == 2
    assert invalidated == [(root.ino, b"a")]
    assert kernel.claims.count(number) == 2


def test_a_file_that_cannot_be_counted_is_looked_up_anew_and_takes_no_other_with_it(
    tree: Tree, tmp_path: Path, kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    invalidated: list[tuple[InodeT, FileNameT]] = []
    forgotten: list[int] = []

    def invalidate(directory: InodeT, name: FileNameT, *, ignore_enoent: bool) -> None:
        assert ignore_enoent
        invalidated.append((directory, name))

    def count_listed(seen: bytes, directory: int, name: bytes, *, has_content: bool) -> int:
        if name == b"b":
            raise MemoryError
        return counted(seen, directory, name, has_content=has_content)

    counted = tree.inodes.count_listed
    monkeypatch.setattr(pyfuse3, "invalidate_entry_async", invalidate)
    monkeypatch.setattr(FAST_PATH, "forget", forgotten.append)
    monkeypatch.setattr(tree.inodes, "count_listed", count_listed)
    operations, root = TreeOperations(tree, search_seconds=1), find(tree)
    for name in "abc":
        (tmp_path / name).write_text("text")
    numbers = [kernel.is_told_of(tmp_path / name, root) for name in "abc"]
    operations.settle_lookups()
    assert [number in tree.inodes for number in numbers] == [True, False, True]
    assert (invalidated, forgotten) == ([(root.ino, b"b")], [numbers[1]])


def test_another_number_is_kept_from_the_library_until_its_file_is_in_the_table(
    tree: Tree, tmp_path: Path, kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is counted meanwhile may need a number itself."""
    assigned: list[int] = []
    monkeypatch.setattr(FAST_PATH, "assign", assigned.append)
    TreeOperations(tree, search_seconds=1)
    root = find(tree)
    for name in "ab":
        (tmp_path / name).write_text("text")
    # One that is looked up again with other content needs a node.
    kernel.is_told_of(tmp_path / "a", root)
    tree.inodes.other_lookups.settle()
    (tmp_path / "a").write_text("another text")
    kernel.is_told_of(tmp_path / "a", root)
    node = known(tree.inodes, indexed_file(tmp_path / "b", FileStat.of((tmp_path / "b").stat())))
    assert assigned[-1] == node.ino
    assert assigned.count(node.ino) == 2
