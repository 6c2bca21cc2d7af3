"""Nodes of other hosts: which file each is, what they remember, and what a host can do to the tree."""

from __future__ import annotations

import errno
import os
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from magicfs.domain.attributes import Attributes
from magicfs.domain.files import FailedFile, FileStat, FileState
from magicfs.tree.gone_files import GoneFileLog
from magicfs.tree.inodes.inodes import InodeTable
from magicfs.tree.locations import FileLocation
from magicfs.tree.nodes import Node
from magicfs.tree.remote import nodes as remote_nodes
from magicfs.tree.remote.directories import RemoteDirectory, RemoteListing
from magicfs.tree.remote.files import NoRemoteFiles, RemoteStatus
from magicfs.tree.remote.nodes import (
    QUIET_SECONDS,
    QUIET_TIMEOUT_SECONDS,
    REMOTE_TIMEOUT_SECONDS,
    RemoteFileNode,
    RemoteResult,
    RemoteSource,
)
from tests.fakes.remote_files import FakeRemoteFiles
from tests.fuse.assertions import raises_errno
from tests.unit.tree.lookups import known

NAMES = 10_000
MAX_BYTES_A_NAME = 200
SECOND_NS = 10**9


@pytest.fixture
def files(tmp_path: Path) -> FakeRemoteFiles:
    (tmp_path / "control").mkdir()
    (tmp_path / "root").mkdir()
    return FakeRemoteFiles(tmp_path / "control", ["there", "elsewhere"])


@pytest.fixture
def path(tmp_path: Path, files: FakeRemoteFiles) -> Path:
    """The root of all hosts."""
    return tmp_path / "root"


def root_of(host: str, files: FakeRemoteFiles, path: Path) -> RemoteDirectory:
    return RemoteDirectory(RemoteSource(files), FileLocation(host=host, root=os.fsencode(path), path=b""))


def directory_in(table: InodeTable, parent: Node, name: bytes) -> RemoteDirectory:
    assert isinstance(parent, RemoteDirectory)
    node = known(table, parent.lookup(name).node)
    assert isinstance(node, RemoteDirectory)
    return node


def file_in(table: InodeTable, parent: Node, name: bytes) -> RemoteFileNode:
    assert isinstance(parent, RemoteDirectory)
    node = known(table, parent.lookup(name).node)
    assert isinstance(node, RemoteFileNode)
    return node


def test_a_name_takes_little_memory(table: InodeTable, files: FakeRemoteFiles, path: Path) -> None:
    root = known(table, root_of("there", files, path)).ino
    (path / "a file with a name.txt").touch()
    status = files.status("there", os.fsencode(path), b"a file with a name.txt")
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(NAMES):
            directory = table.find(root)
            assert isinstance(directory, RemoteDirectory)
            known(table, directory.entry(b"a file with a name.txt", status._replace(number=number + 1)).node)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used - before < NAMES * MAX_BYTES_A_NAME


def test_a_node_that_has_rested_is_what_it_was(table: InodeTable, files: FakeRemoteFiles, path: Path) -> None:
    (path / "a/b").mkdir(parents=True)
    (path / "a/b/c").write_text("text")
    (path / "a/link").symlink_to("b")
    os.mkfifo(path / "a/fifo")
    root = known(table, root_of("there", files, path))
    directory = directory_in(table, root, b"a")
    ino = file_in(table, directory_in(table, directory, b"b"), b"c").ino
    others = [known(table, directory.lookup(name).node).ino for name in (b"link", b"fifo")]
    del directory
    for other in others:
        table.find(other)
    assert table.is_packed_file(ino)
    file = table.find(ino)
    assert isinstance(file, RemoteFileNode)
    assert file.location == FileLocation(host="there", root=os.fsencode(path), path=b"a/b/c")
    assert file.attributes().size == 4
    assert [type(table.find(other)).__name__ for other in others] == ["RemoteLink", "RemoteSpecialFile"]


def test_the_same_numbers_on_two_hosts_are_two_files(
    table: InodeTable, files: FakeRemoteFiles, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path / "a").write_text("text")
    here, there = (known(table, root_of(host, files, path)) for host in ("there", "elsewhere"))
    assert file_in(table, here, b"a").ino != file_in(table, there, b"a").ino
    # A host may choose its numbers so that they are those of another one.
    monkeypatch.setattr(remote_nodes, "_device_of", lambda *_: 1)
    first, second = file_in(table, here, b"a"), file_in(table, there, b"a")
    assert first.ino != second.ino
    assert (first.location.host, second.location.host) == ("there", "elsewhere")


def test_the_kernel_keeps_what_has_not_changed_for_long_by_the_clock_of_the_host(
    table: InodeTable, files: FakeRemoteFiles, path: Path
) -> None:
    (path / "a").write_text("text")
    root = known(table, root_of("there", files, path))
    assert isinstance(root, RemoteDirectory)
    status = files.status("there", os.fsencode(path), b"a")
    quiet = status._replace(seen_ns=status.attributes.ctime_ns + int(QUIET_SECONDS) * SECOND_NS)
    for seen, kept in ((status, REMOTE_TIMEOUT_SECONDS), (quiet, QUIET_TIMEOUT_SECONDS)):
        entry = root.entry(b"a", seen)
        node = known(table, entry.node)
        assert (entry.timeout_seconds, node.attribute_timeout_seconds) == (kept, kept)
    node.attributes()
    assert node.attribute_timeout_seconds == REMOTE_TIMEOUT_SECONDS


def test_a_directory_that_a_host_shows_in_itself(table: InodeTable, files: FakeRemoteFiles, path: Path) -> None:
    (path / "d/e").mkdir(parents=True)
    directory = directory_in(table, known(table, root_of("there", files, path)), b"d")
    inner = directory_in(table, directory, b"e")
    status = files.status("there", os.fsencode(path), b"d")
    assert known(table, inner.entry(b"f", status).node) is directory
    assert directory.location.path == b"d"
    assert inner.location.path == b"d/e"


def test_a_replaced_file_and_a_replaced_directory_are_stale(
    table: InodeTable, files: FakeRemoteFiles, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path / "d").mkdir()
    (path / "d/a").write_text("text")
    directory = directory_in(table, known(table, root_of("there", files, path)), b"d")
    file = file_in(table, directory, b"a")
    (path / "d/new").write_text("other")
    (path / "d/new").replace(path / "d/a")
    for call in (file.attributes, lambda: file.open(os.O_RDONLY)):
        with raises_errno(errno.ESTALE):
            call()
    (path / "d").rename(path / "moved")
    (path / "d").mkdir()
    monkeypatch.setattr(remote_nodes, "REMOTE_TIMEOUT_SECONDS", 0.0)
    monkeypatch.setattr("magicfs.tree.remote.directories.REMOTE_TIMEOUT_SECONDS", 0.0)
    looks: list[Callable[[], object]] = [directory.attributes, directory.list, lambda: directory.lookup(b"a")]
    for look in looks:
        with raises_errno(errno.ESTALE):
            look()


@pytest.mark.parametrize("ahead_ns", [-3600 * SECOND_NS, 0, 3600 * SECOND_NS])
@pytest.mark.parametrize(("age_ns", "is_kept"), [(0, False), (4 * SECOND_NS, True)])
def test_a_version_that_may_change_unseen_is_told_by_the_clock_of_the_host(
    files: FakeRemoteFiles, path: Path, monkeypatch: pytest.MonkeyPatch, *, ahead_ns: int, age_ns: int, is_kept: bool
) -> None:
    (path / "a").write_text("text")
    file = files.open("there", os.fsencode(path), b"a")
    there_ns = time.time_ns() + ahead_ns
    attributes = file.status.attributes._replace(ctime_ns=there_ns - age_ns)
    file.status = file.status._replace(seen_ns=there_ns, attributes=attributes)
    monkeypatch.setattr(files, "open", lambda *_: file)
    node = RemoteFileNode(RemoteSource(files), FileLocation(host="there", root=os.fsencode(path), path=b"a"))
    handle = node.open(os.O_RDONLY)
    handle.close()
    node.replace_opened_version(handle.version, now_ns=time.time_ns())
    assert (node.opened_version is not None) == is_kept


def failed_file(path: Path, *, size: int, ctime_ns: int) -> FailedFile:
    stat = FileStat(size=size, mtime_ns=1, ctime_ns=ctime_ns, ino=1, dev=1, mode=0o644, uid=0, gid=0)
    return FailedFile("there", "root", os.fsencode(path), b"a", stat, FileState.FAILED, "timeout", None, changed_at=0.0)


def test_a_result_has_the_attributes_of_the_index_or_of_a_later_opening(files: FakeRemoteFiles, path: Path) -> None:
    (path / "a").write_text("text")
    source, gone_files = RemoteSource(files), GoneFileLog()
    result = RemoteResult(source, failed_file(path, size=7, ctime_ns=1), gone_files)
    assert result.cached_attributes().size == 7
    result.open(os.O_RDONLY).close()
    assert result.cached_attributes().size == 4
    result.update(RemoteResult(source, failed_file(path, size=8, ctime_ns=2), gone_files))
    assert result.cached_attributes().size == 4
    result.update(RemoteResult(source, failed_file(path, size=9, ctime_ns=time.time_ns()), gone_files))
    assert result.cached_attributes().size == 9


def test_a_host_that_does_not_serve_is_not_asked(path: Path) -> None:
    result = RemoteResult(RemoteSource(NoRemoteFiles()), failed_file(path, size=7, ctime_ns=1), GoneFileLog())
    with raises_errno(errno.EHOSTUNREACH):
        result.open_nowait(os.O_RDONLY)


def test_in_a_shared_mount_all_belongs_to_its_user(files: FakeRemoteFiles, path: Path) -> None:
    source = RemoteSource(files, is_shared=True)
    attributes = Attributes(mode=0o100640, size=1, uid=1234, gid=1235, atime_ns=0, mtime_ns=0, ctime_ns=0)
    root = RemoteDirectory(source, FileLocation(host="there", root=os.fsencode(path), path=b""))
    entry = root.entry(b"a", RemoteStatus(attributes, 1, 1, None, 0))
    assert entry.attributes is not None
    assert (entry.attributes.uid, entry.attributes.gid) == (os.geteuid(), os.getegid())
    assert entry.attributes.mode == 0o100640


def test_a_listing_is_in_order_and_has_positions(files: FakeRemoteFiles, path: Path) -> None:
    for name in ("b", "c", "a"):
        (path / name).touch()
    listing = root_of("there", files, path).list()
    assert isinstance(listing, RemoteListing)
    first = listing.batch(0, 2)
    assert [(position, entry.name) for position, entry in first] == [(1, b"a"), (2, b"b")]
    assert [(position, entry.name) for position, entry in listing.batch(2, 2)] == [(3, b"c")]
    assert listing.batch(3, 2) == []
