"""A directory in which a program works is moved on the disk, and another one made there, in which nothing happens."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from magicfs.tree.locations import REAL_FILE_TIMEOUT_SECONDS
from tests.fuse.indexed_root import IndexedRoot

Use = Callable[[int, Path], object]
"""What a program does with the descriptor of its directory, and with a directory beside it in the mount."""


def path_of(directory: int, name: str) -> str:
    """A path for calls that take no descriptor of a directory."""
    return f"/proc/self/fd/{directory}/{name}"


def write(directory: int, name: str, flags: int) -> None:
    file = os.open(name, os.O_WRONLY | flags, 0o600, dir_fd=directory)
    os.write(file, b"written")
    os.close(file)


USES: dict[str, Use] = {
    "stat": lambda used, _: os.stat("file", dir_fd=used),
    "stat missing": lambda used, _: os.stat("missing", dir_fd=used),
    "access": lambda used, _: os.access("file", os.R_OK, dir_fd=used) or os.stat("file", dir_fd=used),
    "list": lambda used, _: os.listdir(used),
    "open to read": lambda used, _: os.open("file", os.O_RDONLY, dir_fd=used),
    "open below": lambda used, _: os.open("sub/file", os.O_RDONLY, dir_fd=used),
    "write": lambda used, _: write(used, "file", 0),
    "write anew": lambda used, _: write(used, "file", os.O_TRUNC),
    "append": lambda used, _: write(used, "file", os.O_APPEND),
    "write or create": lambda used, _: write(used, "file", os.O_CREAT | os.O_TRUNC),
    "create": lambda used, _: write(used, "new", os.O_CREAT | os.O_EXCL),
    "truncate": lambda used, _: os.truncate(path_of(used, "file"), 0),
    "chmod": lambda used, _: os.chmod("file", 0o777, dir_fd=used),
    "utime": lambda used, _: os.utime("file", (1, 2), dir_fd=used),
    "get attribute": lambda used, _: os.getxattr(path_of(used, "file"), "user.note"),
    "set attribute": lambda used, _: os.setxattr(path_of(used, "file"), "user.note", b"changed"),
    "remove attribute": lambda used, _: os.removexattr(path_of(used, "file"), "user.note"),
    "readlink": lambda used, _: os.readlink("link", dir_fd=used),
    "mkdir": lambda used, _: os.mkdir("new", dir_fd=used),
    "mkdir below": lambda used, _: os.mkdir("sub/new", dir_fd=used),
    "mknod": lambda used, _: os.mknod("new", stat.S_IFIFO | 0o600, dir_fd=used),
    "symlink": lambda used, _: os.symlink("file", "new", dir_fd=used),
    "link to": lambda used, beside: os.link(beside / "file", "new", dst_dir_fd=used),
    "link from": lambda used, beside: os.link("file", beside / "new", src_dir_fd=used),
    "unlink": lambda used, _: os.unlink("file", dir_fd=used),
    "rmdir": lambda used, _: os.rmdir("empty", dir_fd=used),
    "rename": lambda used, _: os.rename("file", "new", src_dir_fd=used, dst_dir_fd=used),
    "rename to": lambda used, beside: os.rename(beside / "file", "new", dst_dir_fd=used),
    "rename over": lambda used, beside: os.rename(beside / "file", "file", dst_dir_fd=used),
    "rename from": lambda used, beside: os.rename("file", beside / "new", src_dir_fd=used),
    "change working directory": lambda used, _: os.open("sub", os.O_PATH | os.O_DIRECTORY, dir_fd=used),
}


FROM_MEMORY = {"stat", "access", "change working directory", "list"}
"""What is answered by what was read before, for as long as it may: by the kernel where it has found the name, and by an
open directory with the listing that it was opened with."""


def fill(directory: Path, text: str) -> None:
    (directory / "sub").mkdir(parents=True)
    (directory / "empty").mkdir()
    for path in (directory / "file", directory / "sub/file"):
        path.write_text(text)
        os.setxattr(path, "user.note", text.encode())
    (directory / "link").symlink_to(text)


def contents(directory: Path) -> dict[str, object]:
    """All that is in a directory of the disk, as far as the uses could change it."""
    found: dict[str, object] = {}
    for path in sorted(directory.rglob("*")):
        status = path.lstat()
        seen = (status.st_ino, status.st_mode, status.st_nlink, status.st_mtime_ns, status.st_ctime_ns)
        content = (path.read_text(), os.getxattr(path, "user.note")) if path.is_file() else None
        found[str(path.relative_to(directory))] = (seen, content)
    return found


@pytest.fixture(params=["itself", "above", "above, seen before"])
def used(request: pytest.FixtureRequest, mirror: Path, root: IndexedRoot) -> Iterator[int]:
    """A directory of the mount that was moved on the disk, or what is above it. Another one is in its place."""
    disk = root.path
    fill(disk / "above/own", "own")
    fill(disk / "beside", "beside")
    directory = os.open(mirror / "above/own", os.O_RDONLY | os.O_DIRECTORY)
    if "seen" in request.param:
        for name in ("file", "link", "sub/file", "empty"):
            os.lstat(path_of(directory, name))
    moved = disk / ("above/own" if request.param == "itself" else "above")
    moved.rename(disk / "moved")
    fill(disk / "above/own", "foreign")
    yield directory
    os.close(directory)


def outcome(use: Use, directory: int, beside: Path) -> str:
    """What a program is told."""
    try:
        use(directory, beside)
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return "done"


def test_nothing_is_used_in_the_directory_that_has_its_place(mirror: Path, root: IndexedRoot, used: int) -> None:
    before = contents(root.path)
    time.sleep(REAL_FILE_TIMEOUT_SECONDS)
    outcomes = {name: outcome(use, used, mirror / "beside") for name, use in USES.items()}
    assert outcomes == dict.fromkeys(USES, "ESTALE")
    assert contents(root.path) == before


def test_nothing_is_done_there_while_the_kernel_still_knows_the_names(
    mirror: Path, root: IndexedRoot, used: int
) -> None:
    before = contents(root.path)
    outcomes = {name: outcome(use, used, mirror / "beside") for name, use in USES.items() if name not in FROM_MEMORY}
    assert outcomes == dict.fromkeys(outcomes, "ESTALE")
    assert contents(root.path) == before


def test_a_moved_directory_is_used_again_once_it_is_found(mirror: Path, root: IndexedRoot, used: int) -> None:
    assert outcome(USES["write anew"], used, mirror) == "ESTALE"
    place = next(path for path in (mirror / "moved", mirror / "moved/own") if (path / "file").exists())
    assert place.stat().st_ino == os.fstat(used).st_ino
    write(used, "file", os.O_TRUNC)
    write(used, "new", os.O_CREAT | os.O_EXCL)
    assert (place / "file").read_text() == (place / "new").read_text() == "written"
    assert (root.path / "above/own/file").read_text() == "foreign"


def test_a_path_leads_to_the_directory_that_is_there_now(mirror: Path, used: int) -> None:
    assert (mirror / "above/own/file").read_text() == "foreign"
    (mirror / "above/own/sub/file").write_text("changed")
    assert (mirror / "above/own/sub/file").read_text() == "changed"
    del used
