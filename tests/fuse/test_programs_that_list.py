"""Programs that look at all files of a directory, as `ls -l` and file managers do: what of that reaches Python."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from magicfs.tree.real.listings import LARGE_DIRECTORY
from tests.fuse.assertions import raises_errno
from tests.fuse.conftest import MountProcess
from tests.fuse.indexed_root import IndexedRoot
from tests.fuse.known_names import inode_count
from tests.plugins.kernel_caches import kept_caches
from tests.plugins.waiting import eventually

FILES = LARGE_DIRECTORY + 1000
FEW = FILES // 10
"""A busy machine takes so long that the kernel asks for some of the names a second time."""


@pytest.fixture
def requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the mount notes the requests that Python handles."""
    monkeypatch.setenv("TEST_REQUESTS", str(tmp_path / "requests"))
    return tmp_path / "requests"


@pytest.fixture
def large(requests: Path, root: IndexedRoot, unstarted_mount: MountProcess) -> Path:
    """A large directory in the mount."""
    assert not requests.exists()
    (root.path / "large").mkdir()
    for number in range(FILES):
        (root.path / f"large/{number:05}").touch()
    unstarted_mount.start()
    directory = unstarted_mount.path / "mirror/documents/large"
    eventually(directory.exists)
    return directory


def of_python(requests: Path, action: Callable[[], object]) -> Counter[str]:
    """The requests of an action that Python has handled, by their names."""
    before = requests.stat().st_size
    action()
    return Counter(requests.read_bytes()[before:].decode().split())


def look(directory: Path) -> None:
    """Look at each file as it is listed."""
    with os.scandir(directory) as entries:
        for entry in entries:
            assert entry.stat(follow_symlinks=False).st_size == 0
            for name in ("security.capability", "system.posix_acl_access"):
                with raises_errno(errno.ENODATA):
                    os.getxattr(entry.path, name)
            assert os.listxattr(entry.path) == []
            assert os.access(entry.path, os.R_OK | os.W_OK)
            assert not os.access(entry.path, os.X_OK)


def test_python_lists_names_and_answers_nothing_about_files(large: Path, requests: Path) -> None:
    with kept_caches():
        handled = of_python(requests, lambda: look(large))
    assert handled["readdirplus"] + handled["readdir"] < FEW
    assert handled["lookup"] + handled["getattr"] + handled["getxattr"] + handled["listxattr"] + handled["access"] < FEW


def test_a_program_that_looks_at_names_as_it_reads_them_gets_the_rest_with_attributes(
    large: Path, unstarted_mount: MountProcess
) -> None:
    # A name of which the kernel has got no attributes is in no table.
    with kept_caches():
        assert len(os.listdir(large)) == FILES
        assert inode_count(unstarted_mount) < FILES / 2
        with os.scandir(large) as entries:
            for number, entry in enumerate(entries):
                if number < FILES / 2:
                    entry.stat(follow_symlinks=False)
        assert inode_count(unstarted_mount) > FILES * 0.9


def test_a_program_that_looks_at_few_names_gets_names(large: Path, unstarted_mount: MountProcess) -> None:
    with kept_caches(), os.scandir(large) as entries:
        for number, entry in enumerate(entries):
            if number % 10 == 0:
                entry.stat(follow_symlinks=False)
        assert inode_count(unstarted_mount) < FILES * 0.7


def test_a_directory_that_is_used_after_many_others_is_left_to_the_fast_path(
    requests: Path, root: IndexedRoot, unstarted_mount: MountProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has gone through a large tree once would else have taken the watches from all that come later."""
    monkeypatch.setenv("TEST_MAX_WATCHES", "4")
    monkeypatch.setenv("TEST_WATCHED_SECONDS", "0.1")
    for number in range(8):
        (root.path / f"tree/{number}").mkdir(parents=True)
        for file in range(20):
            (root.path / f"tree/{number}/{file}").touch()
    unstarted_mount.start()
    tree = unstarted_mount.path / "mirror/documents/tree"
    eventually(tree.exists)

    def is_fast(directory: Path) -> bool:
        return of_python(requests, lambda: look(directory))["listxattr"] == 0

    with kept_caches():
        for number in range(8):
            look(tree / f"{number}")
        for number in (7, 0):
            eventually(partial(is_fast, tree / f"{number}"))
