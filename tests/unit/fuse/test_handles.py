"""The table of open files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from magicfs.fuse.fast_path import FastPath
from magicfs.fuse.handles import HandleTable
from magicfs.tree.locations import FileLocation
from magicfs.tree.nodes import Node
from magicfs.tree.real.files import RealFile
from magicfs.tree.real.handles import RealHandle


class HangingFastPath(FastPath):
    """A call hangs with each file that is closed."""

    def remove(self, number: int) -> bool:
        del number
        return True


def test_a_file_that_the_fast_path_closes_later_is_used_no_more(tmp_path: Path) -> None:
    """A call that was given up may go on after that: by then the descriptor may be that of another file."""
    path = tmp_path / "a"
    path.write_bytes(b"roses")
    handle = RealHandle(descriptor := os.open(path, os.O_RDWR), flags=os.O_RDWR, is_local_fs=True)
    node = RealFile(FileLocation(host="here", root=os.fsencode(tmp_path), path=b"a"))
    handles = HandleTable(HangingFastPath(), lambda _: node)
    number = handles.add_file(node, handle)
    assert handles.remove_file(number) is None
    assert handle.descriptor == -1
    handle.close()
    assert os.pread(descriptor, 5, 0) == b"roses"
    os.close(descriptor)


class ClosingFastPath(FastPath):
    """The library has opened a file, and closes it before Python has taken it over."""

    def __init__(self, descriptor: int | None) -> None:
        super().__init__()
        self.descriptor = descriptor
        self.numbers = [7]

    def opened(self, inode: int) -> int | None:
        del inode
        return self.numbers.pop() if self.numbers else None

    def hand_over(self, number: int) -> tuple[int, int]:
        if self.descriptor is None:
            raise KeyError(number)
        return 2, self.descriptor


def test_a_file_that_is_closed_while_it_is_asked_for_is_not_open(tmp_path: Path) -> None:
    node = RealFile(FileLocation(host="here", root=os.fsencode(tmp_path), path=b"a"))
    assert HandleTable(ClosingFastPath(None), lambda _: node).of_node(node) == []


def test_a_file_of_no_node_is_closed(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    descriptor = os.open(tmp_path / "a", os.O_RDONLY)
    nodes: dict[int, Node] = {}
    with pytest.raises(KeyError):
        HandleTable(ClosingFastPath(descriptor), nodes.__getitem__).file(7)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
