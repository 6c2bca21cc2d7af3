"""Reading and writing files through a real mount, and the mirror of the roots."""

from __future__ import annotations

import errno
import hashlib
import mmap
import os
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.fuse.conftest import Node
from tests.fuse.expect import fails_with
from tests.fuse.shelf import Shelf


@pytest.fixture
def entry(node: Node, shelf: Shelf) -> Path:
    """One result, `roses`, of a file with that text."""
    shelf.add("a.txt", "roses")
    return node.query("roses") / node.names("roses")[0]


def test_eight_readers_at_once(node: Node, shelf: Shelf) -> None:
    content = os.urandom(8 << 20)
    shelf.add("large.bin", content, text="large roses")
    entry = node.query("large roses") / node.names("large roses")[0]
    digest = hashlib.sha256(content).digest()

    def read(seed: int) -> bool:
        choose = random.Random(seed)
        with entry.open("rb", buffering=0) as file:
            for _ in range(20):
                start = choose.randrange(len(content))
                if os.pread(file.fileno(), 5000, start) != content[start : start + 5000]:
                    return False
            return hashlib.sha256(file.read()).digest() == digest

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(8)))


def test_a_file_is_mapped_into_memory(entry: Path) -> None:
    with entry.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert bytes(mapped) == b"roses"


def test_writing_reaches_the_file(entry: Path, shelf: Shelf) -> None:
    original = shelf.folder / "a.txt"
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


def test_a_listing_does_not_undo_what_was_written(entry: Path, node: Node) -> None:
    with entry.open("r+b", buffering=0) as file:
        file.write(b"a longer text than before")
        node.names("roses")
        assert os.fstat(file.fileno()).st_size == len(b"a longer text than before")
        file.seek(0)
        assert file.read() == b"a longer text than before"
    with entry.open("wb", buffering=0) as file:
        node.names("roses")
        assert os.fstat(file.fileno()).st_size == 0


def test_appending_goes_to_the_end_of_the_real_file(entry: Path, shelf: Shelf) -> None:
    with entry.open("ab", buffering=0) as through:
        with (shelf.folder / "a.txt").open("ab", buffering=0) as direct:
            direct.write(b" one")
        through.write(b" two")
    assert (shelf.folder / "a.txt").read_bytes() == b"roses one two"


def test_mode_and_times_can_be_changed(entry: Path, shelf: Shelf) -> None:
    entry.chmod(0o600)
    os.utime(entry, ns=(10**18, 2 * 10**18))
    real = (shelf.folder / "a.txt").stat()
    assert (real.st_mode & 0o777, real.st_atime_ns, real.st_mtime_ns) == (0o600, 10**18, 2 * 10**18)
    assert entry.stat().st_mtime_ns == 2 * 10**18


def test_a_replaced_file_is_not_read_from_the_cache(entry: Path, shelf: Shelf) -> None:
    original = shelf.folder / "a.txt"
    times = original.stat()
    assert entry.read_text() == "roses"
    other = shelf.folder / "b.txt"
    other.write_text("tulip")
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(original)
    assert entry.read_text() == "tulip"


def test_who_has_the_old_file_open_keeps_it(entry: Path, shelf: Shelf) -> None:
    with entry.open("rb", buffering=0) as old:
        (shelf.folder / "b.txt").write_text("tulip")
        (shelf.folder / "b.txt").replace(shelf.folder / "a.txt")
        with entry.open("rb", buffering=0) as new:
            assert (old.read(), new.read()) == (b"roses", b"tulip")


def test_an_open_file_outlives_its_name(entry: Path, shelf: Shelf) -> None:
    with entry.open("rb", buffering=0) as file:
        (shelf.folder / "a.txt").unlink()
        assert (os.fstat(file.fileno()).st_size, file.read()) == (5, b"roses")
    with pytest.raises(FileNotFoundError):
        entry.read_text()


def test_a_link_in_place_of_a_file_is_not_followed(entry: Path, shelf: Shelf, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (shelf.folder / "a.txt").unlink()
    (shelf.folder / "a.txt").symlink_to(secret)
    with fails_with(errno.ELOOP):
        entry.read_text()


def test_a_fifo_in_place_of_a_file_does_not_block(entry: Path, shelf: Shelf) -> None:
    (shelf.folder / "a.txt").unlink()
    os.mkfifo(shelf.folder / "a.txt")
    with fails_with(errno.EINVAL, errno.ENOENT):
        entry.open("rb")


def test_access_is_the_files_own(entry: Path, shelf: Shelf) -> None:
    assert os.access(entry, os.R_OK | os.W_OK)
    assert not os.access(entry, os.X_OK)
    assert not os.access(entry.parent, os.W_OK)
    assert os.access(entry.parent, os.R_OK | os.X_OK)


def test_the_mirror_is_the_tree_as_it_is(node: Node, shelf: Shelf) -> None:
    folder = shelf.folder
    for number in range(700):
        (folder / f"file-{number:03}-with-a-name-of-some-length.txt").write_text(str(number))
    (folder / "sub/deeper").mkdir(parents=True)
    (folder / "sub/deeper/leaf.txt").write_text("leaf")
    (folder / "link").symlink_to("sub/deeper")
    (folder / "dangling").symlink_to("/nowhere at all")
    (folder / os.fsdecode(b"bytes-\xff\nx")).write_text("odd")
    mirror = node.mount / "mirror"
    assert os.listdir(mirror) == ["shelf"]
    assert sorted(os.listdir(os.fsencode(mirror / "shelf"))) == sorted(os.listdir(os.fsencode(folder)))
    assert os.readlink(mirror / "shelf/link") == "sub/deeper"
    assert os.readlink(mirror / "shelf/dangling") == "/nowhere at all"
    assert (mirror / "shelf/link/leaf.txt").read_text() == "leaf"
    assert (mirror / "shelf" / os.fsdecode(b"bytes-\xff\nx")).read_text() == "odd"
    seen, real = (mirror / "shelf/sub").stat(), (folder / "sub").stat()
    assert (seen.st_mode, seen.st_mtime_ns, seen.st_nlink) == (real.st_mode, real.st_mtime_ns, real.st_nlink)
    assert not (mirror / "other").exists()
    (mirror / "shelf/sub/deeper/leaf.txt").write_text("changed")
    assert (folder / "sub/deeper/leaf.txt").read_text() == "changed"
    with fails_with(errno.EROFS):
        (mirror / "shelf/new.txt").write_text("")


def test_the_mirror_shows_what_changes(node: Node, shelf: Shelf) -> None:
    mirror = node.mount / "mirror/shelf"
    assert not (mirror / "a.txt").exists()
    (shelf.folder / "a.txt").write_text("new")
    assert (mirror / "a.txt").read_text() == "new"
    (shelf.folder / "a.txt").unlink()
    with pytest.raises(FileNotFoundError):
        (mirror / "a.txt").read_text()
    (shelf.folder / "a.txt").mkdir()
    assert "a.txt" in os.listdir(mirror)
