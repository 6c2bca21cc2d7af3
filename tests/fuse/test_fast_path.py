"""What the library of `fuse/fastpath/` reads and writes without Python: as on the disk, at once, and when it hangs."""

from __future__ import annotations

import errno
import mmap
import os
import random
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from magicfs.db.pool import Database
from magicfs.fuse.fast_path import LIBRARY
from magicfs.tree.real.listings import LARGE_DIRECTORY
from tests.fuse.assertions import assert_without_python, raises_errno, served
from tests.fuse.conftest import MountProcess
from tests.fuse.indexed_root import IndexedRoot
from tests.fuse.mount_main import HOST
from tests.fuse.slow_calls import AT_ONCE_SECONDS
from tests.plugins.programs import needs
from tests.plugins.waiting import SECONDS, eventually

SMALL = 4096
LARGEST_REQUEST = 1 << 20
DISK_BYTES = 64 << 20
PLACES = 6
"""Requests in progress for one file system before the others go to Python."""
NOBODY = 65534


def test_the_library_is_built() -> None:
    assert os.path.exists(LIBRARY)


def test_the_library_compiles_without_a_warning(tmp_path: Path) -> None:
    sources = map(str, (Path(LIBRARY).parent / "fastpath").glob("*.c"))
    warnings = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wstrict-prototypes", "-Werror"]
    command = ["cc", "-std=gnu11", "-O2", "-fPIC", "-shared", *warnings, *sources, "-o", str(tmp_path / "a.so")]
    subprocess.run([*command, "-lfuse3"], check=True)


def test_a_file_that_is_open_is_read_and_written_without_python(mount: MountProcess, mirror: Path) -> None:
    path = mirror / "a.bin"
    with path.open("w+b", buffering=0) as file:
        for _ in range(50):
            file.write(b"x" * SMALL)
    os.posix_fadvise((descriptor := os.open(path, os.O_RDONLY)), 0, 0, os.POSIX_FADV_DONTNEED)
    assert os.pread(descriptor, 50 * SMALL, 0) == b"x" * 50 * SMALL
    os.close(descriptor)
    assert served(mount) >= 51


def test_the_kernel_asks_for_no_attribute_before_a_write(mount: MountProcess, mirror: Path) -> None:
    """The mount takes set-user-ID bits away itself, and says so to the kernel."""
    with (mirror / "a.bin").open("wb", buffering=0) as file:
        file.write(b"x")

        def write() -> None:
            for _ in range(2000):
                os.pwrite(file.fileno(), b"x", 0)

        # A request for an attribute would cost a turn of the loop each, some 50 microseconds.
        assert_without_python(mount, write, seconds=2000 * 25e-6)


def test_requests_of_all_sizes_at_all_offsets(mirror: Path, root: IndexedRoot) -> None:
    generator = random.Random(1)
    expected = bytearray(3 << 20)
    path = mirror / "a.bin"
    path.write_bytes(expected)
    with path.open("r+b", buffering=0) as file:
        for _ in range(150):
            size = generator.choice((1, 7, SMALL, 65_537, LARGEST_REQUEST - 1, LARGEST_REQUEST, LARGEST_REQUEST + 1))
            offset = generator.randrange(len(expected))
            data = generator.randbytes(size)
            expected[offset : offset + size] = data
            assert os.pwrite(file.fileno(), data, offset) == size
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            start = generator.randrange(len(expected))
            assert os.pread(file.fileno(), 2 * LARGEST_REQUEST, start) == expected[start : start + 2 * LARGEST_REQUEST]
    assert (root.path / "a.bin").read_bytes() == expected


def test_programs_that_append_at_the_same_time_lose_nothing(mirror: Path, root: IndexedRoot) -> None:
    program = "import os,sys; f = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)\n"
    program += "for n in range(300): os.write(f, (sys.argv[2] * 99 + '\\n').encode())"
    processes = [subprocess.Popen([sys.executable, "-c", program, str(mirror / "log"), letter]) for letter in "abcd"]
    assert [process.wait(60) for process in processes] == [0] * 4
    lines = (root.path / "log").read_text().splitlines()
    assert sorted(lines) == sorted(letter * 99 for letter in "abcd" for _ in range(300))


def test_writing_while_others_truncate(mirror: Path, root: IndexedRoot) -> None:
    path = mirror / "a.bin"
    path.write_bytes(b"")

    def write(seed: int) -> None:
        generator = random.Random(seed)
        with path.open("r+b", buffering=0) as file:
            for _ in range(200):
                os.pwrite(file.fileno(), b"x" * generator.randrange(1, 20_000), generator.randrange(100_000))
                if generator.random() < 0.2:
                    file.truncate(generator.randrange(100_000))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    content = (root.path / "a.bin").read_bytes()
    assert set(content) <= {0, ord("x")}
    assert path.stat().st_size == len(content)
    assert path.read_bytes() == content


def test_a_mapping_and_requests_see_each_other(mirror: Path, root: IndexedRoot) -> None:
    path = mirror / "a.bin"
    path.write_bytes(bytes(4 * SMALL))
    with path.open("r+b", buffering=0) as file, mmap.mmap(file.fileno(), 0) as mapped:
        os.pwrite(file.fileno(), b"written", SMALL)
        assert mapped[SMALL : SMALL + 7] == b"written"
        mapped[:6] = b"mapped"
        assert os.pread(file.fileno(), 6, 0) == b"mapped"
        mapped.flush()
    assert (root.path / "a.bin").read_bytes()[:6] == b"mapped"


def test_a_write_gets_the_error_of_the_file_system(mirror: Path) -> None:
    descriptor = os.open(mirror / "a.bin", os.O_WRONLY | os.O_CREAT)
    with raises_errno(errno.EFBIG):
        os.pwrite(descriptor, b"x", 1 << 60)
    os.close(descriptor)


def test_closing_a_file_while_it_is_read(mirror: Path) -> None:
    """Its number in the mount is soon that of another file: nothing is read of that."""
    content = {name: os.urandom(SMALL) * 64 for name in ("a", "b")}
    for name, data in content.items():
        (mirror / name).write_bytes(data)

    def read_and_close(descriptor: int) -> None:
        os.pread(descriptor, 1 << 18, 0)
        os.close(descriptor)

    def read(name: str) -> None:
        for _ in range(100):
            descriptor = os.open(mirror / name, os.O_RDONLY)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            reader = threading.Thread(target=read_and_close, args=(os.dup(descriptor),))
            reader.start()
            assert os.pread(descriptor, SMALL, 0) == content[name][:SMALL]
            os.close(descriptor)
            reader.join()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(read, ["a", "b"] * 2))


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is needed")
def test_a_write_of_another_user_takes_set_user_id_away(
    unstarted_mount: MountProcess, root: IndexedRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAGICFS_ALLOW_OTHER", "true")
    unstarted_mount.start()
    mirror = unstarted_mount.path / "mirror/documents"
    root.add("a", "x")
    path = root.path / "a"
    path.chmod(0o6777)
    # Opened by root, written by another user.
    with (mirror / "a").open("wb", buffering=0) as file:
        subprocess.run(["/bin/sh", "-c", "printf y"], user=NOBODY, stdout=file, check=True)
    assert path.read_text() == "y"
    assert stat.S_IMODE(path.stat().st_mode) == 0o777
    assert stat.S_IMODE((mirror / "a").stat().st_mode) == 0o777


@needs("mkfs.ext4")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can freeze a disk")
class TestADiskThatHangs:
    """A disk that takes no writes: programs that write wait in the kernel, as with one that does not answer."""

    @pytest.fixture
    def disk(self, tmp_path: Path, database: Database, mount: MountProcess) -> Iterator[Path]:
        image, path = tmp_path / "disk.img", tmp_path / "disk"
        with image.open("wb") as file:
            file.truncate(DISK_BYTES)
        path.mkdir()
        subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
        if subprocess.run(["mount", "-o", "loop", str(image), str(path)], check=False).returncode:
            pytest.skip("no loop devices")
        try:
            IndexedRoot(database, path, host=HOST, name="disk").add("a", "roses")
            mirrored = mount.path / "mirror/disk"
            eventually(mirrored.exists)
            yield path
            subprocess.run(["fsfreeze", "-u", str(path)], check=False, stderr=subprocess.DEVNULL)
        finally:
            if mount.process is not None:
                mount.process.kill()
                mount.process.wait(60)
            subprocess.run(["umount", "-l", str(path)], check=False)

    def writers(self, mirrored: Path, count: int) -> list[threading.Thread]:
        """Threads of this process that write to files there, each its own, and wait."""
        descriptors = [os.open(mirrored / f"{number}.bin", os.O_WRONLY | os.O_CREAT) for number in range(count)]
        self.errors: list[int | None] = []

        def write(descriptor: int) -> None:
            error = None
            try:
                os.write(descriptor, b"x")
            except OSError as raised:
                error = raised.errno
            self.errors.append(error)

        return [threading.Thread(target=partial(write, each), daemon=True) for each in descriptors]

    @pytest.mark.usefixtures("long_deadline")
    def test_costs_its_own_programs_alone_and_they_get_an_error(
        self, mount: MountProcess, mirror: Path, disk: Path
    ) -> None:
        mirrored = mount.path / "mirror/disk"
        threads = self.writers(mirrored, 2 * PLACES)
        subprocess.run(["fsfreeze", "-f", str(disk)], check=True)
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        began = time.monotonic()
        (mirror / "here").write_bytes(b"x" * LARGEST_REQUEST)
        assert (mirror / "here").read_bytes() == b"x" * LARGEST_REQUEST
        assert time.monotonic() - began < AT_ONCE_SECONDS
        for thread in threads:
            thread.join(SECONDS)
        assert self.errors == [errno.ETIMEDOUT] * 2 * PLACES
        subprocess.run(["fsfreeze", "-u", str(disk)], check=True)
        eventually(lambda: (mirrored / "after").write_bytes(b"x") == 1)
        assert (disk / "after").read_bytes() == b"x"

    def test_goes_on_when_it_answers_again(self, mount: MountProcess, disk: Path) -> None:
        threads = self.writers(mount.path / "mirror/disk", 2 * PLACES)
        subprocess.run(["fsfreeze", "-f", str(disk)], check=True)
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        subprocess.run(["fsfreeze", "-u", str(disk)], check=True)
        for thread in threads:
            thread.join(SECONDS)
        assert self.errors == [None] * 2 * PLACES

    def test_the_mount_ends_meanwhile(self, mount: MountProcess, disk: Path) -> None:
        threads = self.writers(mount.path / "mirror/disk", 2)
        subprocess.run(["fsfreeze", "-f", str(disk)], check=True)
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        assert mount.process is not None
        mount.process.terminate()
        for thread in threads:
            thread.join(SECONDS)
        assert None not in self.errors
        assert len(self.errors) == 2
        eventually(lambda: not os.path.ismount(mount.path))

    def test_the_mount_ends_after_its_requests_were_given_up(self, mount: MountProcess, disk: Path) -> None:
        threads = self.writers(mount.path / "mirror/disk", 2)
        subprocess.run(["fsfreeze", "-f", str(disk)], check=True)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SECONDS)
        assert self.errors == [errno.ETIMEDOUT] * 2
        assert mount.process is not None
        mount.process.terminate()
        eventually(lambda: not os.path.ismount(mount.path))


@pytest.mark.parametrize("without", ["", "TEST_FILES_IN_PYTHON", "TEST_WITHOUT_FAST_PATH"])
def test_pages_of_a_mapping_that_have_no_room_are_an_error(
    unstarted_mount: MountProcess,
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    without: str,
) -> None:
    """The kernel takes all of a request to write pages as written, whatever number of bytes it gets for an answer."""
    if without:
        # With the first, requests go through the library, and all files are left to Python.
        monkeypatch.setenv(without, "1")
    path = tmp_path / "small"
    path.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "small", path], check=False).returncode:
        pytest.skip("only root can mount a small file system")
    try:
        IndexedRoot(database, path, host=HOST, name="small")
        unstarted_mount.start()
        mirrored = unstarted_mount.path / "mirror/small"
        eventually(mirrored.exists)
        # All but half a request to write.
        (path / "other").write_bytes(bytes(LARGEST_REQUEST // 2))
        with (mirrored / "a.bin").open("wb+", buffering=0) as file:
            file.truncate(LARGEST_REQUEST)
            with mmap.mmap(file.fileno(), 0) as mapped:
                mapped[:] = b"x" * LARGEST_REQUEST
                with raises_errno(errno.ENOSPC):
                    mapped.flush()
    finally:
        subprocess.run(["umount", "-l", path], check=True)


def test_a_mount_without_the_library_says_so_and_works(
    unstarted_mount: MountProcess, root: IndexedRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_WITHOUT_FAST_PATH", "1")
    unstarted_mount.start()
    path = unstarted_mount.path / "mirror/documents/a.bin"
    path.write_bytes(b"x" * LARGEST_REQUEST)
    assert path.read_bytes() == (root.path / "a.bin").read_bytes() == b"x" * LARGEST_REQUEST
    many = root.path / "many"
    many.mkdir()
    for number in range(LARGE_DIRECTORY + 100):
        (many / f"{number:05}").touch()
    shown = unstarted_mount.path / "mirror/documents/many"
    with os.scandir(shown) as found:
        entries = list(found)
    assert len(entries) == LARGE_DIRECTORY + 100
    # Entries without a node would be taken for nodes with the inode numbers of the disk.
    assert [entry.inode() for entry in entries[-100:]] == [os.lstat(entry).st_ino for entry in entries[-100:]]
    assert served(unstarted_mount) == 0
    assert "reading and writing take longer" in unstarted_mount.log
