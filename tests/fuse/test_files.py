"""Reading and writing files through a real mount, and the mirror of the roots."""

from __future__ import annotations

import errno
import hashlib
import mmap
import os
import random
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.fuse.assertions import raises_errno
from tests.fuse.conftest import MountProcess
from tests.fuse.indexed_root import IndexedRoot


@pytest.fixture
def entry(mount: MountProcess, root: IndexedRoot) -> Path:
    """The only result of the query `roses`, a file with that text."""
    root.add("a.txt", "roses")
    return mount.query_path("roses") / mount.result_names("roses")[0]


def test_eight_concurrent_readers(mount: MountProcess, root: IndexedRoot) -> None:
    content = os.urandom(8 << 20)
    root.add("large.bin", content, text="large roses")
    entry = mount.query_path("large roses") / mount.result_names("large roses")[0]
    digest = hashlib.sha256(content).digest()

    def read(seed: int) -> bool:
        generator = random.Random(seed)
        with entry.open("rb", buffering=0) as file:
            for _ in range(20):
                start = generator.randrange(len(content))
                if os.pread(file.fileno(), 5000, start) != content[start : start + 5000]:
                    return False
            return hashlib.sha256(file.read()).digest() == digest

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(8)))


def test_a_file_is_mapped_into_memory(entry: Path) -> None:
    with entry.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert bytes(mapped) == b"roses"


def test_writing_reaches_the_file(entry: Path, root: IndexedRoot) -> None:
    original = root.path / "a.txt"
    entry.write_text("lilies")
    assert original.read_text() == "lilies"
    with entry.open("a") as file:
        file.write(" and more")
        file.flush()
        os.fsync(file.fileno())
    assert original.read_text() == entry.read_text() == "lilies and more"
    with entry.open("r+b") as file:
        file.seek(2)
        file.write(b"LI")
        file.seek(0)
        assert file.read() == b"liLIes and more"
        file.truncate(6)
        assert os.fstat(file.fileno()).st_size == 6
    assert original.read_bytes() == b"liLIes"
    os.truncate(entry, 2)
    assert (original.read_bytes(), entry.stat().st_size) == (b"li", 2)


def test_a_listing_does_not_bring_back_an_old_size(entry: Path, mount: MountProcess) -> None:
    with entry.open("r+b", buffering=0) as file:
        file.write(b"a longer text than before")
        mount.result_names("roses")
        assert os.fstat(file.fileno()).st_size == len(b"a longer text than before")
        file.seek(0)
        assert file.read() == b"a longer text than before"
    with entry.open("wb", buffering=0) as file:
        mount.result_names("roses")
        assert os.fstat(file.fileno()).st_size == 0


def test_appending_goes_to_the_end_of_the_real_file(entry: Path, root: IndexedRoot) -> None:
    with entry.open("ab", buffering=0) as through_mount:
        with (root.path / "a.txt").open("ab", buffering=0) as direct:
            direct.write(b" one")
        through_mount.write(b" two")
    assert (root.path / "a.txt").read_bytes() == b"roses one two"


def test_mode_and_times_can_be_changed(entry: Path, root: IndexedRoot) -> None:
    entry.chmod(0o600)
    os.utime(entry, ns=(10**18, 2 * 10**18))
    real = (root.path / "a.txt").stat()
    assert (real.st_mode & 0o777, real.st_atime_ns, real.st_mtime_ns) == (0o600, 10**18, 2 * 10**18)
    assert entry.stat().st_mtime_ns == 2 * 10**18


def test_a_replaced_file_is_not_read_from_the_cache(entry: Path, root: IndexedRoot) -> None:
    original = root.path / "a.txt"
    times = original.stat()
    assert entry.read_text() == "roses"
    other = root.path / "b.txt"
    other.write_text("tulip")
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(original)
    assert entry.read_text() == "tulip"


def test_a_replaced_file_stays_open(entry: Path, root: IndexedRoot) -> None:
    with entry.open("rb", buffering=0) as old:
        (root.path / "b.txt").write_text("tulip")
        (root.path / "b.txt").replace(root.path / "a.txt")
        with entry.open("rb", buffering=0) as new:
            assert (old.read(), new.read()) == (b"roses", b"tulip")


def test_a_deleted_file_stays_open(entry: Path, root: IndexedRoot) -> None:
    with entry.open("rb", buffering=0) as file:
        (root.path / "a.txt").unlink()
        assert (os.fstat(file.fileno()).st_size, file.read()) == (5, b"roses")
    with pytest.raises(FileNotFoundError):
        entry.read_text()


def test_a_link_in_place_of_a_file_is_not_followed(entry: Path, root: IndexedRoot, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (root.path / "a.txt").unlink()
    (root.path / "a.txt").symlink_to(secret)
    with raises_errno(errno.ELOOP):
        entry.read_text()


def test_a_fifo_in_place_of_a_file_does_not_block(entry: Path, root: IndexedRoot) -> None:
    (root.path / "a.txt").unlink()
    os.mkfifo(root.path / "a.txt")
    with raises_errno(errno.EINVAL, errno.ENOENT):
        entry.open("rb")


def test_access_is_that_of_the_file(entry: Path, root: IndexedRoot) -> None:
    assert os.access(entry, os.R_OK | os.W_OK)
    assert not os.access(entry, os.X_OK)
    assert os.access(entry.parent, os.R_OK | os.W_OK | os.X_OK)
    assert not os.access(entry.parent.parent, os.W_OK)


def test_a_copy_of_a_search_belongs_to_its_owner(mount: MountProcess, root: IndexedRoot, tmp_path: Path) -> None:
    root.add("a.txt", "xylophones")
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-a", mount.query_path("xylophones"), copy], check=True)
    assert copy.stat().st_mode & 0o700 == 0o700
    (entry,) = copy.iterdir()
    entry.write_text("changed")
    shutil.rmtree(copy)
    assert (root.path / "a.txt").read_text() == "xylophones"


def test_the_mirror_shows_the_root_as_it_is(mount: MountProcess, root: IndexedRoot) -> None:
    directory = root.path
    for number in range(700):
        (directory / f"file-{number:03}-with-a-name-of-some-length.txt").write_text(str(number))
    (directory / "sub/deeper").mkdir(parents=True)
    (directory / "sub/deeper/leaf.txt").write_text("leaf")
    (directory / "link").symlink_to("sub/deeper")
    (directory / "dangling").symlink_to("/does not exist")
    (directory / os.fsdecode(b"bytes-\xff\nx")).write_text("odd")
    mirror = mount.path / "mirror"
    assert os.listdir(mirror) == ["documents"]
    assert sorted(os.listdir(os.fsencode(mirror / "documents"))) == sorted(os.listdir(os.fsencode(directory)))
    assert os.readlink(mirror / "documents/link") == "sub/deeper"
    assert os.readlink(mirror / "documents/dangling") == "/does not exist"
    assert (mirror / "documents/link/leaf.txt").read_text() == "leaf"
    assert (mirror / "documents" / os.fsdecode(b"bytes-\xff\nx")).read_text() == "odd"
    mirrored, real = (mirror / "documents/sub").stat(), (directory / "sub").stat()
    assert (mirrored.st_mode, mirrored.st_mtime_ns, mirrored.st_nlink) == (
        real.st_mode,
        real.st_mtime_ns,
        real.st_nlink,
    )
    assert not (mirror / "other").exists()
    (mirror / "documents/sub/deeper/leaf.txt").write_text("changed")
    assert (directory / "sub/deeper/leaf.txt").read_text() == "changed"


def test_the_mirror_shows_changes(mount: MountProcess, root: IndexedRoot) -> None:
    mirror = mount.path / "mirror/documents"
    assert not (mirror / "a.txt").exists()
    (root.path / "a.txt").write_text("new")
    assert (mirror / "a.txt").read_text() == "new"
    (root.path / "a.txt").unlink()
    with pytest.raises(FileNotFoundError):
        (mirror / "a.txt").read_text()
    (root.path / "a.txt").mkdir()
    assert "a.txt" in os.listdir(mirror)
