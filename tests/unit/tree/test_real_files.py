"""Real files: which calls run on the event loop and which are left to a thread."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from magicfs.linux import opening
from magicfs.tree.locations import FileLocation
from magicfs.tree.real import files as real_files
from magicfs.tree.real import handles as real_handles
from magicfs.tree.real.files import RealFile
from magicfs.tree.real.handles import RealHandle
from tests.plugins.kernel_caches import kept_caches


@pytest.fixture(autouse=True)
def _kept() -> Iterator[None]:
    """What a test has made stays in the kernel's memory, whatever other tests drop."""
    with kept_caches():
        yield


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RealFile:
    monkeypatch.setattr(opening, "is_local_file_system", lambda *_: True)
    (tmp_path / "a.txt").write_text("some words")
    return RealFile(FileLocation(host="here", root=os.fsencode(tmp_path), path=b"a.txt"))


def open_nowait(file: RealFile) -> RealHandle:
    handle = file.open_nowait(os.O_RDONLY)
    assert isinstance(handle, RealHandle)
    return handle


def test_a_small_file_is_opened_to_read_and_closed_without_blocking(file: RealFile) -> None:
    handle = open_nowait(file)
    assert handle.read(0, 100) == b"some words"
    assert handle.can_close_nowait()
    handle.close()


@pytest.mark.parametrize("flags", [os.O_WRONLY, os.O_RDWR, os.O_RDONLY | os.O_TRUNC])
def test_opening_to_write_is_left_to_a_thread(file: RealFile, flags: int) -> None:
    assert file.open_nowait(flags) is None


def test_closing_a_large_file_is_left_to_a_thread(
    file: RealFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing the last descriptor of a deleted file waits until its blocks are freed."""
    monkeypatch.setattr(real_handles, "MAX_NOWAIT_CLOSE_BYTES", 1 << 16)
    handle = open_nowait(file)
    (tmp_path / "a.txt").write_bytes(bytes(1 << 17))
    (tmp_path / "a.txt").unlink()
    assert not handle.can_close_nowait()
    handle.close()


def test_a_file_that_was_written_to_is_closed_in_a_thread(file: RealFile) -> None:
    handle = file.open(os.O_RDWR)
    assert not handle.can_close_nowait()
    handle.close()


def test_a_file_of_a_file_system_that_may_wait_is_closed_in_a_thread(
    file: RealFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(real_files, "is_on_local_file_system", lambda _: False)
    handle = file.open(os.O_RDONLY)
    assert not handle.can_close_nowait()
    handle.close()


def test_a_deleted_or_replaced_file_is_not_opened(file: RealFile, tmp_path: Path) -> None:
    (tmp_path / "a.txt").unlink()
    assert file.open_nowait(os.O_RDONLY) is None
    assert file.cached_attributes() is None
    (tmp_path / "a.txt").mkdir()
    assert file.cached_attributes() is None
    with pytest.raises(OSError, match="not a regular file"):
        file.open_nowait(os.O_RDONLY)


@pytest.mark.parametrize(
    ("ctime_ns", "age_ns", "is_kept"),
    [
        (10**18 + 1, 10**7, False),
        (10**18 + 1, 3 * 10**7, True),
        (10**18, 2 * 10**9, False),
        (10**18, 3 * 10**9, True),
        (10**18 + 1, -(10**9), False),
    ],
    ids=["just changed", "a tick ago", "in the same two seconds", "three seconds ago", "the clock was put back"],
)
def test_the_same_version_has_the_same_content_if_it_was_some_time_old(
    file: RealFile, ctime_ns: int, age_ns: int, is_kept: bool
) -> None:
    with contextlib.closing(open_nowait(file)) as handle:
        assert handle.version is not None
        version = handle.version._replace(ctime_ns=ctime_ns)
    for _ in range(2):
        same = file.replace_opened_version(version, now_ns=ctime_ns + age_ns)
    assert same == is_kept
