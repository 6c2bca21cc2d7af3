"""Directories of the roots: nothing is looked up in another one that has taken the place."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from magicfs.linux import opening
from magicfs.tree.directories import Entry
from magicfs.tree.locations import FileLocation
from magicfs.tree.real.directories import RealDirectory
from tests.fuse.assertions import raises_errno
from tests.plugins.kernel_caches import kept_caches

LookUp = Callable[[RealDirectory, bytes], Entry | None]
LOOK_UPS = pytest.mark.parametrize("look_up", [RealDirectory.lookup_cached, RealDirectory.lookup])


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RealDirectory]:
    """A directory below another one, which the kernel has in memory."""
    monkeypatch.setattr(opening, "is_local_file_system", lambda *_: True)
    with kept_caches():
        (tmp_path / "above/own").mkdir(parents=True)
        (tmp_path / "above/own/file").touch()
        node = RealDirectory(FileLocation(host="here", root=os.fsencode(tmp_path), path=b""))
        node.ino = 2
        for number, name in enumerate((b"above", b"own"), 3):
            below = node.lookup(name).node
            assert isinstance(below, RealDirectory)
            below.ino = number
            node = below
        yield node


def another_directory(place: Path) -> None:
    place.mkdir(parents=True)
    (place / "file").touch()


def a_file(place: Path) -> None:
    place.parent.mkdir(exist_ok=True)
    place.touch()


def a_link(place: Path) -> None:
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(place.parent.parent / "moved")


def test_a_directory_says_where_it_is(directory: RealDirectory, tmp_path: Path) -> None:
    assert directory.extended_attributes() == {
        b"user.magicfs.path": bytes(tmp_path) + b"/above/own",
        b"user.magicfs.host": b"here",
    }
    root = RealDirectory(FileLocation(host="here", root=os.fsencode(tmp_path), path=b""))
    assert root.extended_attributes()[b"user.magicfs.path"] == bytes(tmp_path)


@LOOK_UPS
@pytest.mark.parametrize("moved", ["above", "above/own"])
@pytest.mark.parametrize("put_there", [another_directory, a_file, a_link, None])
@pytest.mark.parametrize("name", [b"file", b"missing"])
def test_nothing_is_looked_up_in_what_has_the_place(
    directory: RealDirectory,
    tmp_path: Path,
    look_up: LookUp,
    moved: str,
    put_there: Callable[[Path], None] | None,
    name: bytes,
) -> None:
    (tmp_path / moved).rename(tmp_path / "moved")
    if put_there is not None:
        put_there(tmp_path / "above/own")
    with raises_errno(errno.ESTALE):
        # What the kernel does not have in memory is looked up in a thread.
        if look_up(directory, name) is None:
            directory.lookup(name)


@LOOK_UPS
def test_a_directory_is_looked_into_where_it_is(directory: RealDirectory, tmp_path: Path, look_up: LookUp) -> None:
    found = look_up(directory, b"file")
    assert found is not None
    assert found.attributes is not None
    assert found.node.key == directory.lookup(b"file").node.key
    for name in ("dangling", "link"):
        (tmp_path / "above/own" / name).symlink_to("file" if name == "link" else "missing")
        found = look_up(directory, os.fsencode(name))
        assert found is not None
        assert type(found.node).__name__ == "SymbolicLink"
    for _ in range(2):
        with raises_errno(errno.ENOENT):
            if look_up(directory, b"missing") is None:
                directory.lookup(b"missing")


def test_it_closes_what_it_opens(directory: RealDirectory, tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for name in (b"file", b"missing"):
        for look_up in (directory.lookup_cached, directory.lookup):
            try:
                look_up(name)
            except FileNotFoundError:
                assert name == b"missing"
    (tmp_path / "above").rename(tmp_path / "moved")
    another_directory(tmp_path / "above/own")
    for look_up in (directory.lookup_cached, directory.lookup):
        with raises_errno(errno.ESTALE):
            look_up(b"file")
    assert len(os.listdir("/proc/self/fd")) <= before
