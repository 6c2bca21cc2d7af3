"""What was removed in the mount is kept while the kernel may still ask for it."""

import ctypes
import errno
import os
from pathlib import Path
from typing import cast

import pytest

from magicfs.linux import opening
from magicfs.linux.files import status_and_birth
from magicfs.tree.identities import FileIdentity
from magicfs.tree.nodes import Node
from magicfs.tree.real import removed_files
from magicfs.tree.real.removed_files import MAX_KEPT_BYTES, RemovedFiles

NODE = cast("Node", None)


@pytest.fixture(autouse=True)
def local(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the file system of the test for a local one, as that of most people is."""
    monkeypatch.setattr(opening, "is_on_local_file_system", lambda _: True)


def remove(removed: RemovedFiles, path: Path) -> FileIdentity:
    directory = os.open(path.parent, os.O_PATH)
    try:
        identity = FileIdentity.of(*status_and_birth(directory, os.fsencode(path.name)))
        with removed.removing(directory, os.fsencode(path.name), lambda _: NODE):
            path.unlink()
    finally:
        os.close(directory)
    return identity


def text(descriptor: int | None) -> str:
    assert descriptor is not None
    try:
        return Path(f"/proc/self/fd/{descriptor}").read_text()
    finally:
        os.close(descriptor)


def test_a_file_is_kept_although_something_is_mounted_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = opening.openat2_call()

    def while_mounting(number: int, directory: int, path: bytes, how: bytes, size: int) -> int:
        """As the kernel answers `RESOLVE_CACHED` while something is mounted anywhere."""
        if opening.OPEN_HOW.unpack(how)[2] & opening.Resolve.CACHED:
            ctypes.set_errno(errno.EAGAIN)
            return -1
        return call(number, directory, path, how, size)

    monkeypatch.setattr(opening, "openat2_call", lambda: while_mounting)
    removed = RemovedFiles()
    (tmp_path / "found.txt").write_text("found before")
    identity = remove(removed, tmp_path / "found.txt")
    assert text(removed.open(identity)) == "found before"
    removed.forget(identity)
    assert removed.open(identity) is None


def test_a_file_is_kept_on_a_kernel_without_the_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> int:
        raise OSError(errno.ENOSYS, "not implemented")

    monkeypatch.setattr(opening, "openat2", unknown)
    removed = RemovedFiles()
    (tmp_path / "found.txt").write_text("found before")
    identity = remove(removed, tmp_path / "found.txt")
    assert text(removed.open(identity)) == "found before"
    removed.forget(identity)


def test_what_is_still_there_is_not_kept(tmp_path: Path) -> None:
    """A removal that fails has taken no name."""
    removed = RemovedFiles()
    (tmp_path / "one.txt").write_text("still there")
    directory = os.open(tmp_path, os.O_PATH)
    identity = FileIdentity.of(*status_and_birth(directory, b"one.txt"))
    with pytest.raises(PermissionError), removed.removing(directory, b"one.txt", lambda _: NODE):
        raise PermissionError
    os.close(directory)
    assert not removed
    assert removed.open(identity) is None


def test_a_large_file_is_known_to_be_removed_and_not_kept(tmp_path: Path) -> None:
    removed = RemovedFiles()
    (tmp_path / "large").write_bytes(bytes(2 * MAX_KEPT_BYTES))
    identity = remove(removed, tmp_path / "large")
    assert removed.is_removed(identity)
    assert removed.open(identity) is None, "its space is free"


def test_few_descriptors_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removed_files, "MAX_KEPT", 2)
    removed = RemovedFiles()
    identities = []
    for name in ("one", "two", "three"):
        (tmp_path / name).write_text(name)
        identities.append(remove(removed, tmp_path / name))
    assert [text(removed.open(identity)) for identity in identities[:2]] == ["one", "two"]
    assert removed.open(identities[2]) is None
    for identity in identities:
        removed.forget(identity)
    assert not removed


@pytest.mark.parametrize("is_known", [True, False])
def test_what_the_kernel_does_not_know_is_let_go(tmp_path: Path, is_known: bool) -> None:
    removed = RemovedFiles()
    (tmp_path / "one.txt").write_text("found before")
    identity = remove(removed, tmp_path / "one.txt")
    asked: list[Node] = []

    def update(node: Node) -> Node | None:
        asked.append(node)
        return cast("Node", "the kernel's") if is_known else None

    removed.settle(update)
    removed.settle(update)
    assert asked == [NODE], "each is asked for once"
    assert removed.holds(identity) is is_known
    removed.forget(identity)


def test_what_the_kernel_has_forgotten_meanwhile_is_not_asked_for(tmp_path: Path) -> None:
    removed = RemovedFiles()
    (tmp_path / "one.txt").touch()
    directory = os.open(tmp_path, os.O_PATH)
    identity = FileIdentity.of(*status_and_birth(directory, b"one.txt"))
    with removed.removing(directory, b"one.txt", lambda _: NODE):
        (tmp_path / "one.txt").unlink()
        removed.forget(identity)
    os.close(directory)
    assert not removed.is_removed(identity)
    removed.settle(lambda _: pytest.fail("it was forgotten"))


def test_nothing_is_kept_where_a_file_has_another_name(tmp_path: Path) -> None:
    removed = RemovedFiles()
    (tmp_path / "one.txt").write_text("still there")
    os.link(tmp_path / "one.txt", tmp_path / "two.txt")
    assert removed.open(remove(removed, tmp_path / "one.txt")) is None
