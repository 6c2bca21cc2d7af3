"""A mount that other users may enter: `MAGICFS_ALLOW_OTHER`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from magicfs.db.pool import Database
from tests.fuse.conftest import MountProcess
from tests.fuse.indexed_root import IndexedRoot
from tests.fuse.mount_main import HOST
from tests.fuse.remote_hosts import OtherHosts
from tests.plugins.waiting import eventually

UID, GID = 1234, 1235

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act for other users")


@pytest.fixture
def shared(unstarted_mount: MountProcess, monkeypatch: pytest.MonkeyPatch) -> Iterator[MountProcess]:
    """An unstarted mount at a place that everybody can reach; pytest's own directories are private."""
    monkeypatch.setenv("MAGICFS_ALLOW_OTHER", "true")
    directory = Path(tempfile.mkdtemp(prefix="magicfs-"))
    directory.chmod(0o755)
    (directory / "mount").mkdir()
    unstarted_mount.path = directory / "mount"
    yield unstarted_mount
    if unstarted_mount.process is not None:
        unstarted_mount.stop()
    shutil.rmtree(directory)


@pytest.fixture
def root(database: Database, shared: MountProcess) -> IndexedRoot:
    root = IndexedRoot(database, shared.path.parent / "files", host=HOST)
    root.path.chmod(0o777)
    shared.start()
    return root


@pytest.fixture(params=["", "1"], ids=["with the library", "without the library"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the fast path reads and writes."""
    if request.param:
        monkeypatch.setenv("TEST_WITHOUT_FAST_PATH", request.param)


def act(script: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """Run a Python script as another user, in a directory."""
    become = f"import os; os.setgroups([]); os.setgid({GID}); os.setuid({UID}); os.chdir({str(directory)!r})\n"
    return subprocess.run([sys.executable, "-c", become + script], text=True, capture_output=True, check=False)


def owner(path: Path) -> tuple[int, int]:
    return path.lstat().st_uid, path.lstat().st_gid


def test_what_a_user_makes_belongs_to_the_user(shared: MountProcess, root: IndexedRoot) -> None:
    (root.path / "group").mkdir()
    (root.path / "group").chmod(0o2777)
    script = "os.mkdir('d'); open('d/f', 'w'); os.symlink('f', 'd/l'); os.mkfifo('d/p'); open('group/f', 'w')"
    assert not act(script, shared.path / "mirror/documents").stderr
    assert all(owner(root.path / name) == (UID, GID) for name in ("d", "d/f", "d/l", "d/p"))
    assert owner(root.path / "group/f") == (UID, (root.path / "group").stat().st_gid)
    (shared.path / "mirror/documents/d/own").touch()
    assert owner(root.path / "d/own") == (0, 0)


def test_a_user_has_the_rights_of_the_user(shared: MountProcess, root: IndexedRoot) -> None:
    secret = root.add("secret", "roses")
    secret.chmod(0o600)
    public = root.add("public", "roses")
    public.chmod(0o644)
    listed = root.add("listed", "roses")
    listed.chmod(0o600)
    # An access list: the user may read it.
    os.setxattr(
        listed,
        "system.posix_acl_access",
        bytes.fromhex("02000000 01000600ffffffff 02000400d2040000 04000000ffffffff 10000400ffffffff 20000000ffffffff"),
    )
    directory = shared.path / "mirror/documents"
    assert act("print(open('public').read())", directory).stdout == "roses\n"
    assert act("print(open('listed').read())", directory).stdout == "roses\n"
    for script in ("open('secret')", "open('public', 'a')", "open('listed', 'a')", "os.chmod('public', 0o777)"):
        assert "PermissionError" in act(script, directory).stderr
    assert "PermissionError" in act("os.chown('public', os.getuid(), -1)", directory).stderr


def test_a_user_sees_nothing_of_the_index(shared: MountProcess, root: IndexedRoot) -> None:
    """Passages and snippets are texts of files that the user may have no right to read."""
    root.add("secret", "roses").chmod(0o600)
    assert len(shared.result_names("roses")) == 1
    for name in ("search", "links", ".magic"):
        assert "PermissionError" in act(f"os.listdir({name!r})", shared.path).stderr
    for name in ("search/roses/.passages", ".magic/status.json", "search/roses"):
        assert "PermissionError" in act(f"os.stat({name!r})", shared.path).stderr
    assert (
        "PermissionError"
        in act("os.getxattr('secret', 'user.magicfs.snippet')", shared.path / "mirror/documents").stderr
    )


def test_the_mount_is_no_way_around_a_closed_directory(
    shared: MountProcess, root: IndexedRoot, database: Database
) -> None:
    closed = shared.path.parent / "closed"
    (closed / "inside").mkdir(parents=True)
    closed.chmod(0o700)
    (closed / "inside").chmod(0o755)
    IndexedRoot(database, closed / "inside", host=HOST, name="inside")
    shared.stop()
    shared.start()
    assert act("print(os.listdir('mirror'))", shared.path).stdout == "['documents', 'inside']\n"
    assert "PermissionError" in act("os.listdir('mirror/inside')", shared.path).stderr
    assert os.listdir(shared.path / "mirror/inside") == []


@pytest.mark.usefixtures("library")
def test_a_write_takes_away_the_rights_of_the_owner(shared: MountProcess, root: IndexedRoot) -> None:
    for number, script in enumerate(
        ("open('f', 'r+b').write(b'x')", "open('f', 'wb')", "os.truncate('f', 1)", "open('f', 'ab').write(b'x')")
    ):
        path = root.path / "f"
        path.write_text("program")
        os.chown(path, UID, GID)
        path.chmod(0o6777)
        assert not act(script, shared.path / "mirror/documents").stderr, number
        assert path.stat().st_mode & 0o7777 == 0o777, script
        path.unlink()
    new = root.path / "new"
    for mode in ("xb", "r+b"):
        # The kernel does not know these bits.
        script = f"import os; file = open('new', {mode!r}, 0); os.chmod({str(new)!r}, 0o6777); file.write(b'x')"
        assert not act(script, shared.path / "mirror/documents").stderr
        assert new.stat().st_mode & 0o7777 == 0o777, mode


def test_a_file_that_was_opened_often_is_refused_as_soon_as_the_right_is_gone(
    shared: MountProcess, root: IndexedRoot
) -> None:
    """Files that are as Python has seen them are opened without Python."""
    path = root.add("a", "roses")
    path.chmod(0o644)
    mirror = shared.path / "mirror/documents"

    def read() -> str:
        done = act("print(open('a').read())", mirror)
        return done.stdout + done.stderr

    for _ in range(3):
        assert (mirror / "a").read_text() == "roses"
        assert read() == "roses\n"
    (mirror / "a").chmod(0o600)
    assert "PermissionError" in read()
    (mirror / "a").chmod(0o644)
    assert read() == "roses\n"
    path.chmod(0o600)
    eventually(lambda: "PermissionError" in read())
    assert (mirror / "a").read_text() == "roses"


def test_another_host_is_closed_to_other_users(
    shared: MountProcess, others_of: Callable[..., OtherHosts], root: IndexedRoot
) -> None:
    others = others_of(host="there", name="remote")
    others.root.add("a.txt", "roses")
    (others.root.path / "a.txt").chmod(0o666)
    os.chown(others.root.path / "a.txt", UID, GID)
    eventually(others.mirror.exists)
    assert (others.mirror / "a.txt").read_text() == "roses"
    assert owner(others.mirror / "a.txt") == (os.geteuid(), os.getegid())
    for script in ("os.listdir()", "open('a.txt')", "os.stat('a.txt')"):
        assert "PermissionError" in act(script, others.mirror).stderr
    assert act("os.listdir()", shared.path / "mirror").returncode == 0
