"""Reading and closing open files of the roots."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from magicfs.tree.real.handles import MAX_NOWAIT_CLOSE_BYTES, RealHandle

Opener = Callable[..., RealHandle]


@pytest.fixture
def open_handle(tmp_path: Path) -> Iterator[Opener]:
    """Opens a file with a content."""
    opened: list[RealHandle] = []

    def open_file(content: bytes, *, flags: int = os.O_RDONLY, is_local_fs: bool = True) -> RealHandle:
        path = tmp_path / "file"
        path.write_bytes(content)
        opened.append(RealHandle(os.open(path, flags), flags=flags, is_local_fs=is_local_fs))
        return opened[-1]

    yield open_file
    for handle in opened:
        handle.close()


def test_all_that_is_asked_for_is_read(open_handle: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel takes a short read for the end of the file."""
    handle, pread = open_handle(b"0123456789"), os.pread
    monkeypatch.setattr(os, "pread", lambda descriptor, size, offset: pread(descriptor, min(size, 3), offset))
    assert [handle.read(1, 8), handle.read(5, 100), handle.read(10, 5)] == [b"12345678", b"56789", b""]


@pytest.mark.parametrize(("offset", "expected"), [(5, b"56789"), (10, b"")])
def test_the_end_of_a_file_is_read_from_memory_too(open_handle: Opener, offset: int, expected: bytes) -> None:
    handle = open_handle(b"0123456789")
    if handle.read_nowait(0, memoryview(bytearray(10))) is None:
        pytest.skip("this file system never reads from memory alone")
    read = handle.read_nowait(offset, memoryview(bytearray(100)))
    assert read is not None
    assert bytes(read) == expected


@pytest.mark.parametrize(
    ("size", "kind", "is_quick"),
    [
        (10, {}, True),
        (10, {"flags": os.O_RDWR}, False),
        (10, {"is_local_fs": False}, False),
        (MAX_NOWAIT_CLOSE_BYTES + 1, {}, False),
    ],
)
def test_what_is_small_local_and_was_only_read_is_closed_at_once(
    open_handle: Opener, size: int, kind: dict[str, int], is_quick: bool
) -> None:
    assert open_handle(bytes(size), **kind).can_close_nowait() is is_quick
