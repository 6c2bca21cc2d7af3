"""Results that lie on other hosts: listed from the index alone, opened to read, and never replaced."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

import pytest

from magicfs.db.pool import Database
from tests.fuse.assertions import raises_errno
from tests.fuse.conftest import MountProcess
from tests.fuse.indexed_root import IndexedRoot
from tests.fuse.remote_hosts import OtherHosts
from tests.plugins.programs import needs


@pytest.fixture
def entry(others: OtherHosts) -> Path:
    """The result of `roses`: a file of another host."""
    others.root.add("a.txt", "old roses")
    return others.mount.query_path("roses") / others.mount.result_names("roses")[0]


def test_a_result_is_opened_and_a_listing_asks_no_other_host(others: OtherHosts, entry: Path) -> None:
    others.root.add("b.txt", "roses " * 50_000)
    mount = others.mount

    def look() -> None:
        subprocess.run(["ls", "-l", mount.query_path("roses")], check=True, capture_output=True)
        for name in mount.result_names("roses"):
            (mount.query_path("roses") / name).stat()

    assert others.calls_of(look) == []
    assert entry.read_text() == "old roses"
    assert sorted(path.read_text() for path in mount.query_path("roses").iterdir()) == ["old roses", "roses " * 50_000]
    assert os.getxattr(entry, "user.magicfs.host") == b"there"
    assert float(os.getxattr(entry, "user.magicfs.score")) > 0
    assert not os.access(entry, os.W_OK)
    assert mount.result_names("roses") == [path.name for path in mount.query_path("roses").iterdir()]


@pytest.mark.parametrize("text", ["longer roses " * 10_000, "short"])
def test_a_result_that_has_changed_or_was_replaced_is_read_as_it_is(others: OtherHosts, entry: Path, text: str) -> None:
    path = others.root.path / "a.txt"
    assert entry.read_text() == "old roses"
    path.write_text(text)
    assert entry.read_text() == text
    assert entry.stat().st_size == len(text)
    new = others.root.path / "new"
    new.write_text(text + "!")
    new.replace(path)
    assert entry.read_text() == text + "!"
    # A listing has no older size, whatever the index has.
    assert subprocess.check_output(["ls", "-l", entry.parent]).split()[6] == b"%d" % (len(text) + 1)
    path.unlink()
    with raises_errno(errno.ENOENT):
        entry.read_bytes()


def test_nothing_replaces_a_result_and_what_was_saved_is_not_lost(others: OtherHosts, entry: Path) -> None:
    scratch = entry.parent / "a.txt.tmp"
    scratch.write_text("new roses")
    for change in (
        lambda: scratch.replace(entry),
        lambda: entry.rename(entry.parent / "backup~"),
        lambda: entry.write_text("new roses"),
        lambda: os.truncate(entry, 0),
        lambda: entry.chmod(0o600),
        lambda: os.utime(entry),
        lambda: os.setxattr(entry, "user.note", b"mine"),
    ):
        with raises_errno(errno.EROFS):
            change()
    with raises_errno(errno.EPERM):
        entry.unlink()
    assert scratch.read_text() == "new roses"
    assert entry.read_text() == "old roses"
    assert (others.root.path / "a.txt").read_text() == "old roses"
    assert others.mount.stop() == 0
    kept = list((others.mount.home / "unsaved").rglob("a.txt.tmp"))
    assert [path.read_text() for path in kept] == ["new roses"]


@needs("vim")
def test_an_editor_fails_to_save_and_says_so(others: OtherHosts, entry: Path) -> None:
    ended = subprocess.run(
        ["vim", "-u", "NONE", "-es", "-c", "%s/old/new/", "-c", "write!", "-c", "qall!", entry],
        check=False,
        capture_output=True,
        timeout=60,
    )
    assert ended.returncode != 0
    assert entry.read_text() == "old roses"
    assert (others.root.path / "a.txt").read_text() == "old roses"


def test_a_host_that_hangs_delays_no_search(others: OtherHosts, entry: Path, root: IndexedRoot) -> None:
    root.add("here.txt", "roses here")
    others.behave("hung")

    def look() -> None:
        names = others.mount.result_names("roses")
        assert len(names) == 2
        subprocess.run(["ls", "-l", entry.parent], check=True, capture_output=True)
        here = next(name for name in names if name.endswith("here.txt"))
        assert (entry.parent / here).read_text() == "roses here"

    assert others.calls_of(look) == []
    with raises_errno(errno.ETIMEDOUT):
        entry.read_bytes()
    others.behave("unreachable")
    with raises_errno(errno.EHOSTUNREACH):
        entry.read_bytes()
    assert entry.stat().st_size == len("old roses")
    others.behave("")
    assert entry.read_text() == "old roses"


def test_a_file_that_failed_on_another_host_is_opened(others: OtherHosts, entry: Path) -> None:
    (others.root.path / "broken.txt").write_text("what is there")
    others.root.index("broken.txt", "", failed="timeout")
    assert (others.mount.path / ".magic/failed/timeout/broken.txt").read_text() == "what is there"


def test_links_are_of_this_host_alone(others: OtherHosts, entry: Path, root: IndexedRoot) -> None:
    root.add("here.txt", "roses here")
    assert [name[8:] for name in os.listdir(others.mount.path / "links/roses")] == ["here.txt"]
    assert entry.exists()


def test_a_host_that_does_not_serve(mount: MountProcess, root: IndexedRoot, database: Database, tmp_path: Path) -> None:
    IndexedRoot(database, tmp_path / "remote", host="far away", name="remote").add("a.txt", "roses from afar")
    entry = mount.query_path("afar") / mount.result_names("afar")[0]
    assert entry.stat().st_size == 15
    with raises_errno(errno.EHOSTUNREACH):
        entry.read_text()
    with raises_errno(errno.EROFS):
        entry.write_text("lilies")
    assert os.listdir(mount.path / "mirror") == ["documents"]
