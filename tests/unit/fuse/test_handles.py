"""The table of open files."""

from __future__ import annotations

import os
from pathlib import Path

from magicfs.fuse.fast_path import FastPath
from magicfs.fuse.handles import HandleTable
from magicfs.tree.locations import FileLocation
from magicfs.tree.real_files import RealFile, RealHandle


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
    node = RealFile(FileLocation(host="here", root=os.fsencode(tmp_path), path=b"a"), is_local=True)
    handles = HandleTable(HangingFastPath(), lambda _: node)
    number = handles.add_file(node, handle)
    assert handles.remove_file(number) is None
    assert handle.descriptor == -1
    handle.close()
    assert os.pread(descriptor, 5, 0) == b"roses"
    os.close(descriptor)
