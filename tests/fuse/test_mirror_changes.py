"""Making, changing, renaming and removing through `mirror/`."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import socket
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from magicfs.db.pool import Database
from tests.fuse.assertions import raises_errno
from tests.fuse.conftest import MountProcess
from tests.fuse.indexed_root import IndexedRoot
from tests.fuse.mount_main import HOST
from tests.plugins.programs import lacks, needs
from tests.plugins.waiting import eventually

NOREPLACE, EXCHANGE = 1, 2
ACCESS = "system.posix_acl_access"
ACCESS_LIST = bytes.fromhex(
    "02000000 01000600ffffffff 02000600e8030000 04000400ffffffff 10000600ffffffff 20000400ffffffff"
)
"""`u::rw-,u:1000:rw-,g::r--,m::rw-,o::r--` as the kernel stores it."""
TEAM_LIST = bytes.fromhex(
    "02000000 01000700ffffffff 02000700e8030000 04000700ffffffff 10000700ffffffff 20000000ffffffff"
)
"""`u::rwx,u:1000:rwx,g::rwx,m::rwx,o::---`."""


def rename(source: Path, target: Path, flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(-100, os.fsencode(source), -100, os.fsencode(target), ctypes.c_uint(flags)):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def test_what_is_made_in_the_mirror_is_made_in_the_root(mirror: Path, root: IndexedRoot) -> None:
    mask = os.umask(0o027)
    try:
        (mirror / ".git").mkdir()
        (mirror / ".git/config").write_text("ignored by the index, not by the mirror")
        os.close(os.open(mirror / "mode", os.O_CREAT | os.O_WRONLY, 0o777))
        os.mkfifo(mirror / "fifo")
    finally:
        os.umask(mask)
    (mirror / "link").symlink_to("/outside/of the root")
    os.link(mirror / ".git/config", mirror / "hard")
    with socket.socket(socket.AF_UNIX) as server:
        directory = os.open(mirror, os.O_RDONLY)
        server.bind(f"/proc/self/fd/{directory}/s")
        os.close(directory)
    assert sorted(os.listdir(root.path)) == sorted(os.listdir(mirror)) == [".git", "fifo", "hard", "link", "mode", "s"]
    assert (root.path / "hard").read_text() == "ignored by the index, not by the mirror"
    assert (root.path / "hard").stat().st_nlink == (mirror / "hard").stat().st_nlink == 2
    assert stat.S_IMODE((root.path / "mode").stat().st_mode) == 0o750
    assert stat.S_IMODE((root.path / ".git").stat().st_mode) == 0o750
    assert stat.S_ISFIFO((root.path / "fifo").lstat().st_mode)
    assert stat.S_ISSOCK((mirror / "s").lstat().st_mode)
    assert os.readlink(root.path / "link") == "/outside/of the root"
    with raises_errno(errno.EEXIST):
        (mirror / "mode").mkdir()
    with raises_errno(errno.EEXIST):
        os.open(mirror / "mode", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    with raises_errno(errno.ENOTEMPTY):
        (mirror / ".git").rmdir()
    shutil.rmtree(mirror / ".git")
    for name in ("fifo", "hard", "link", "mode", "s"):
        (mirror / name).unlink()
    assert os.listdir(root.path) == os.listdir(mirror) == []


def test_a_default_access_list_takes_the_place_of_the_umask(mirror: Path, root: IndexedRoot, tmp_path: Path) -> None:
    (root.path / "team").mkdir()
    (tmp_path / "disk").mkdir()
    for directory in (root.path / "team", tmp_path / "disk"):
        try:
            os.setxattr(directory, "system.posix_acl_default", TEAM_LIST)
        except OSError:
            pytest.skip("a file system without access lists")
    made = {"file": 0o664, "script": 0o775, "directory": 0o775, "fifo": 0o660}
    mask = os.umask(0o077)
    try:
        for directory in (mirror / "team", tmp_path / "disk"):
            for name in ("file", "script"):
                os.close(os.open(directory / name, os.O_CREAT | os.O_WRONLY, made[name]))
            (directory / "directory").mkdir(made["directory"])
            os.mkfifo(directory / "fifo", made["fifo"])
        (mirror / "apart").mkdir()
        (mirror / "apart/file").touch()
    finally:
        os.umask(mask)
    for name in made:
        through_mount, directly = root.path / "team" / name, tmp_path / "disk" / name
        assert through_mount.stat().st_mode == directly.stat().st_mode == (mirror / "team" / name).stat().st_mode
        assert os.getxattr(through_mount, ACCESS) == os.getxattr(directly, ACCESS)
        assert stat.S_IMODE(through_mount.stat().st_mode) & 0o060 == 0o060, "not masked"
    assert stat.S_IMODE((root.path / "apart").stat().st_mode) == 0o700
    assert stat.S_IMODE((root.path / "apart/file").stat().st_mode) == 0o600


def test_renaming(mirror: Path, root: IndexedRoot) -> None:
    (mirror / "a").write_text("a")
    (mirror / "b").write_text("b")
    (mirror / "directory").mkdir()
    with raises_errno(errno.EEXIST):
        rename(mirror / "a", mirror / "b", NOREPLACE)
    rename(mirror / "a", mirror / "b", EXCHANGE)
    assert [(mirror / name).read_text() for name in ("a", "b")] == ["b", "a"]
    rename(mirror / "a", mirror / "directory/a", NOREPLACE)
    rename(mirror / "directory", mirror / "b", EXCHANGE)
    assert (mirror / "b/a").read_text() == "b"
    assert (mirror / "directory").read_text() == "a"
    (mirror / "directory").replace(mirror / "b/a")
    assert (root.path / "b/a").read_text() == "a"
    assert os.listdir(root.path) == ["b"]
    with raises_errno(errno.EINVAL):
        (mirror / "b").rename(mirror / "b/c")
    with raises_errno(errno.ENOENT):
        (mirror / "missing").rename(mirror / "b/c")


def test_a_root_stays_where_it_is_and_what_is_in_it(
    mount: MountProcess, mirror: Path, database: Database, tmp_path: Path
) -> None:
    IndexedRoot(database, tmp_path / "other", host=HOST, name="other")
    other = mount.path / "mirror/other"
    eventually(other.exists)
    (mirror / "a").write_text("a")
    for move in (os.rename, os.link):
        with raises_errno(errno.EXDEV):
            move(mirror / "a", other / "a")
    shutil.move(mirror / "a", other / "a")
    assert (tmp_path / "other/a").read_text() == "a"
    for refused in (
        lambda: mirror.rename(mount.path / "mirror/new"),
        lambda: mirror.rename(other / "inside"),
        mirror.rmdir,
        mirror.unlink,
    ):
        with raises_errno(errno.EBUSY, errno.EISDIR):
            refused()
    made: list[Callable[[], object]] = [
        (mount.path / "mirror/new").mkdir,
        lambda: (other / "a").rename(mount.path / "mirror/new"),
        lambda: (mount.path / "mirror/new").write_text(""),
        lambda: (mount.path / "search/new").symlink_to("x"),
    ]
    for make in made:
        with raises_errno(errno.EROFS, errno.EEXIST):
            make()


def test_attributes_of_everything_can_be_changed(mirror: Path, root: IndexedRoot) -> None:
    (mirror / "directory").mkdir()
    (mirror / "link").symlink_to("directory")
    os.mkfifo(mirror / "fifo")
    for name, mode in (("directory", 0o2750), ("fifo", 0o600)):
        (mirror / name).chmod(mode)
        assert stat.S_IMODE((root.path / name).stat().st_mode) == mode
    for name in ("directory", "link", "fifo"):
        os.utime(mirror / name, ns=(10**18, 2 * 10**18 + 5), follow_symlinks=False)
        real = os.lstat(root.path / name)
        assert (real.st_atime_ns, real.st_mtime_ns) == (10**18, 2 * 10**18 + 5)
        assert os.lstat(mirror / name).st_mtime_ns == 2 * 10**18 + 5
        if os.geteuid() == 0:
            os.chown(mirror / name, 1000, 1001, follow_symlinks=False)
            assert (os.lstat(root.path / name).st_uid, os.lstat(root.path / name).st_gid) == (1000, 1001)
    assert os.stat(root.path / "directory").st_mtime_ns == 2 * 10**18 + 5


def test_extended_attributes_of_a_file_itself(mirror: Path, root: IndexedRoot) -> None:
    path = mirror / "a"
    path.write_text("roses")
    os.setxattr(path, "user.note", b"x" * 1000)
    os.setxattr(path, "system.posix_acl_access", ACCESS_LIST)
    assert os.getxattr(root.path / "a", "user.note") == b"x" * 1000
    assert os.getxattr(root.path / "a", "system.posix_acl_access") == ACCESS_LIST
    assert {"user.note", "system.posix_acl_access"} <= set(os.listxattr(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o664
    with raises_errno(errno.EEXIST):
        os.setxattr(path, "user.note", b"", os.XATTR_CREATE)
    with raises_errno(errno.ENODATA):
        os.setxattr(path, "user.other", b"", os.XATTR_REPLACE)
    assert os.getxattr(path, "user.magicfs.path") == os.fsencode(root.path / "a")
    for name in ("user.magicfs.path", "user.magicfs.own"):
        with raises_errno(errno.EPERM):
            os.setxattr(path, name, b"x")
    os.removexattr(path, "user.note")
    assert "user.note" not in os.listxattr(root.path / "a")
    with raises_errno(errno.ENODATA):
        os.getxattr(path, "user.note")
    with raises_errno(errno.EOPNOTSUPP):
        os.getxattr(path, "security.selinux")
    os.setxattr(root.path / "a", "user.magicfs.copied", b"x")
    assert "user.magicfs.copied" not in os.listxattr(path), "a copy must not get it"
    os.setxattr(mirror, "user.note", b"of the root")
    assert os.getxattr(root.path, "user.note") == b"of the root"


def test_nothing_is_made_outside_of_a_root(mirror: Path, root: IndexedRoot, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (mirror / "directory").mkdir()
    directory = os.open(mirror / "directory", os.O_RDONLY)
    (root.path / "directory").rmdir()
    (root.path / "directory").symlink_to(outside)
    try:
        with raises_errno(errno.ESTALE, errno.ENOENT, errno.ENOTDIR):
            os.open("a", os.O_CREAT | os.O_WRONLY, dir_fd=directory)
        with raises_errno(errno.ESTALE, errno.ENOENT, errno.ENOTDIR):
            os.mkdir("b", dir_fd=directory)
    finally:
        os.close(directory)
    assert os.listdir(outside) == []


@pytest.mark.parametrize(
    "program", [pytest.param(name, marks=needs(name)) for name in ("git", "make", "sqlite3", "tar")]
)
def test_programs_work_in_the_mirror(mirror: Path, root: IndexedRoot, program: str) -> None:
    if program == "make" and lacks("cc"):
        pytest.skip("cc is not installed")
    subprocess.run(["sh", "-euc", SCRIPTS[program]], cwd=mirror, check=True, timeout=300)


SCRIPTS = {
    "git": """
        git init -q -b main first && cd first
        git config user.email a@example.org && git config user.name a
        mkdir src && for n in 1 2 3 4 5; do echo "line $n" > src/$n.txt; done
        git add -A && git commit -qm one
        git checkout -q -b other && sed -i s/line/word/ src/1.txt && git rm -q src/5.txt && git commit -qam two
        git checkout -q main && test -e src/5.txt && grep -q line src/1.txt
        git clone -q . ../second && cd ../second && git checkout -q other && grep -q word src/1.txt
        git gc -q && git fsck && test -z "$(git status --porcelain)"
        cd .. && rm -rf first second
    """,
    "make": r"""
        for n in 1 2 3; do echo "int f$n(void) { return $n; }" > f$n.c; done
        echo 'int f1(void), f2(void), f3(void); int main(void) { return f1() + f2() + f3() - 6; }' > main.c
        printf 'program: f1.o f2.o f3.o main.o\n\tcc -o $@ $^\n' > Makefile
        make -s -j2 && ./program && make -s -q
        mv main.c other.c && printf 'int main(void) { return 0; }' > main.c && make -s && ./program
    """,
    "sqlite3": """
        sqlite3 db 'PRAGMA journal_mode = wal; CREATE TABLE t (a)' > /dev/null
        for n in 1 2 3 4; do
            (for m in 1 2 3 4 5; do sqlite3 -cmd '.timeout 60000' db 'INSERT INTO t VALUES (randomblob(5000))'; done) &
        done
        wait
        test "$(sqlite3 db 'SELECT count(*) FROM t; PRAGMA integrity_check')" = "20
ok"
    """,
    "tar": """
        mkdir -p a/b && echo text > a/b/file && ln -s b/file a/link && ln a/b/file a/hard && chmod 700 a/b
        tar cf a.tar a && mkdir x && tar xpf a.tar -C x && diff -r a x/a && test a/b/file -ef a/hard
        test x/a/b/file -ef x/a/hard && sed -i s/text/word/ x/a/b/file && grep -q word x/a/b/file
        rm -rf a x a.tar
    """,
}
