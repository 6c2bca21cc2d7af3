"""The kernel's calls: opening files below a root, and the table of mounts."""

import contextlib
import ctypes
import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from magicfs.linux import mounts, opening
from magicfs.linux.calls import libc
from magicfs.linux.files import mount_of_descriptor, regular_file_status, status_and_birth
from magicfs.linux.mounts import MountEntry, device_of_path, is_shared_file_system, parse_mount, read_mounts
from magicfs.linux.opening import AT_FDCWD, Resolve, open_below, open_below_cached, openat2
from magicfs.linux.process import capabilities, file_system_user
from magicfs.linux.starvation import Starvation
from tests.plugins.kernel_caches import kept_caches
from tests.plugins.waiting import eventually

MOUNTING_SECONDS = 4.0


@pytest.fixture(params=["openat2", "step by step"])
def method(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With the kernel's own call, and on a kernel without it."""
    if request.param == "step by step":

        def unknown(*_: object) -> int:
            raise OSError(errno.ENOSYS, "not implemented")

        monkeypatch.setattr(opening, "openat2", unknown)
    return str(request.param)


def birth_seconds(path: Path) -> int:
    """When the file was made, as `stat` says it; 0 on a file system that does not know."""
    return int(subprocess.run(["stat", "--format=%W", path], check=True, capture_output=True).stdout)


def read(root: Path, path: str) -> bytes:
    descriptor = open_below(os.fsencode(root), os.fsencode(path))
    try:
        return os.read(descriptor, 100)
    finally:
        os.close(descriptor)


@pytest.mark.usefixtures("method")
class TestOpenBelow:
    def test_a_file_below_is_opened(self, tmp_path: Path) -> None:
        (tmp_path / "a/b").mkdir(parents=True)
        (tmp_path / "a/b/c.txt").write_text("hello")
        assert read(tmp_path, "a/b/c.txt") == b"hello"

    @pytest.mark.parametrize("path", ["link.txt", "linked/secret.txt", "linked/sub/secret.txt"])
    def test_links_are_not_followed(self, tmp_path: Path, path: str) -> None:
        outside = tmp_path / "outside"
        (outside / "sub").mkdir(parents=True)
        (outside / "secret.txt").write_text("secret")
        (outside / "sub/secret.txt").write_text("secret")
        root = tmp_path / "root"
        root.mkdir()
        (root / "linked").symlink_to(outside)
        (root / "link.txt").symlink_to(outside / "secret.txt")
        with pytest.raises(OSError):
            read(root, path)

    def test_a_fifo_does_not_block_and_is_no_regular_file(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        descriptor = open_below(os.fsencode(tmp_path), b"pipe")
        try:
            assert regular_file_status(descriptor) is None
        finally:
            os.close(descriptor)

    def test_no_descriptor_is_left_open(self, tmp_path: Path) -> None:
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(3):
            with pytest.raises(FileNotFoundError):
                open_below(os.fsencode(tmp_path), b"no/such/file")
        assert len(os.listdir("/proc/self/fd")) == before

    def test_a_link_in_place_of_the_root_is_not_followed(self, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "elsewhere/a.txt").write_text("secret")
        (tmp_path / "root").symlink_to("elsewhere")
        with pytest.raises(NotADirectoryError):
            read(tmp_path / "root", "a.txt")

    def test_a_link_itself_can_be_opened_as_a_path(self, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to("nowhere")
        descriptor = open_below(os.fsencode(tmp_path), b"link", flags=os.O_PATH)
        try:
            assert os.readlink(b"", dir_fd=descriptor) == b"nowhere"
        finally:
            os.close(descriptor)

    def test_dot_dot_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "root").mkdir()
        (tmp_path / "a.txt").write_text("outside")
        with pytest.raises(OSError):
            read(tmp_path / "root", "../a.txt")

    def test_a_path_longer_than_one_call_takes_is_opened(self, tmp_path: Path) -> None:
        at = os.open(tmp_path, os.O_PATH)
        parts = ["d" * 200] * 25
        for part in parts:
            os.mkdir(part, dir_fd=at)
            below = os.open(part, os.O_PATH, dir_fd=at)
            os.close(at)
            at = below
        os.close(os.open("a.txt", os.O_CREAT | os.O_WRONLY, dir_fd=at))
        os.close(at)
        assert read(tmp_path, "/".join([*parts, "a.txt"])) == b""


@pytest.mark.usefixtures("method")
class TestOpenBelowCached:
    def test_a_file_in_the_kernels_memory_is_opened(self, tmp_path: Path, method: str) -> None:
        if not opening._is_local_file_system(*mount_of_descriptor(os.open(tmp_path, os.O_PATH)), 0):
            pytest.skip("the temporary directory is on no file system of this machine")
        with kept_caches():
            (tmp_path / "a").mkdir()
            (tmp_path / "a/b.txt").write_text("hello")
            descriptor = open_below_cached(os.fsencode(tmp_path), b"a/b.txt")
        if method == "step by step":
            assert descriptor is None
            return
        assert descriptor is not None
        assert os.read(descriptor, 100) == b"hello"
        os.close(descriptor)

    @pytest.mark.parametrize("path", ["missing.txt", "link.txt", "linked/b.txt", "a.txt/b.txt"])
    def test_links_and_missing_files_are_not_opened(self, tmp_path: Path, path: str) -> None:
        (tmp_path / "a.txt").write_text("hello")
        (tmp_path / "b").mkdir()
        (tmp_path / "b/b.txt").write_text("hello")
        (tmp_path / "link.txt").symlink_to("a.txt")
        (tmp_path / "linked").symlink_to("b")
        assert open_below_cached(os.fsencode(tmp_path), os.fsencode(path)) is None

    def test_other_file_systems_are_not_opened(self) -> None:
        assert open_below_cached(b"/proc", b"self/status") is None, "not a local file system"
        assert open_below_cached(b"/", b"proc/version") is None, "another mount below"

    def test_no_descriptor_is_left_open(self, tmp_path: Path) -> None:
        before = len(os.listdir("/proc/self/fd"))
        assert open_below_cached(os.fsencode(tmp_path), b"no/such/file") is None
        assert open_below_cached(b"/proc", b"version") is None
        assert len(os.listdir("/proc/self/fd")) == before


def test_the_mount_of_a_descriptor_is_in_the_table_of_mounts() -> None:
    descriptor = os.open("/proc", os.O_PATH)
    try:
        mount_id, device = mount_of_descriptor(descriptor)
    finally:
        os.close(descriptor)
    [mount] = [mount for mount in read_mounts() if mount.mount_id == mount_id]
    assert mount == MountEntry(mount_id, f"{os.major(device)}:{os.minor(device)}", b"/proc", "proc")


class TestMountTable:
    """Lines as proc(5) describes them."""

    def test_a_line_is_a_mount(self) -> None:
        mount = parse_mount(b"36 35 98:0 /mnt1 /mnt2 rw,noatime - ext3 /dev/root rw,errors=continue\n")
        assert mount == MountEntry(mount_id=36, device="98:0", mount_point=b"/mnt2", file_system="ext3")
        assert not mount.is_magicfs

    @pytest.mark.parametrize("optional", [b"", b"shared:5 ", b"shared:5 master:1 propagate_from:2 ", b"unbindable "])
    def test_any_number_of_optional_fields_may_precede_the_dash(self, optional: bytes) -> None:
        mount = parse_mount(b"7 1 0:42 / /home/me/mnt rw %s- fuse.magicfs magicfs rw,user_id=0\n" % optional)
        assert mount == MountEntry(mount_id=7, device="0:42", mount_point=b"/home/me/mnt", file_system="fuse.magicfs")
        assert mount.is_magicfs

    @pytest.mark.parametrize(
        ("written", "path"),
        [
            (rb"/a\040b", b"/a b"),
            (rb"/a\011b\012c", b"/a\tb\nc"),
            (rb"/a\134040b", rb"/a\040b"),
            (rb"/a\043b", b"/a#b"),
            (b"/caf\xe9", b"/caf\xe9"),
            (b"/a-b", b"/a-b"),
        ],
    )
    def test_escapes_in_a_mount_point_are_decoded(self, written: bytes, path: bytes) -> None:
        assert parse_mount(b"7 1 0:42 / %s rw - tmpfs tmpfs rw\n" % written).mount_point == path

    def test_the_table_of_this_process_has_its_root(self) -> None:
        assert b"/" in {mount.mount_point for mount in read_mounts()}


def test_errors_of_the_kernel_are_those_of_python(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        openat2(AT_FDCWD, os.fsencode(tmp_path / "missing"), os.O_RDONLY, Resolve(0))
    with pytest.raises(OSError):
        mount_of_descriptor(-1)


def test_a_name_that_does_not_exist_is_certain_once_the_kernel_knows(tmp_path: Path) -> None:
    directory = os.open(tmp_path, os.O_PATH)
    is_local = opening._is_local_file_system(*mount_of_descriptor(directory), 0)
    os.close(directory)
    if not is_local:
        pytest.skip("the temporary directory is on no file system of this machine")
    with kept_caches():
        assert not (tmp_path / "missing").exists()
        with pytest.raises(FileNotFoundError):
            open_below_cached(os.fsencode(tmp_path), b"missing")
        (tmp_path / "missing").touch()
        os.close(open_below_cached(os.fsencode(tmp_path), b"missing") or -1)


_MOUNT_AND_UNMOUNT = """
import os, sys
from magicfs.linux.calls import libc
point = os.fsencode(sys.argv[1])
while os.getppid() == int(sys.argv[2]):
    if libc().mount(b"tmpfs", point, b"tmpfs", 0, None) or libc().umount2(point, 0):
        sys.exit("nothing can be mounted")
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_what_is_in_memory_is_opened_while_something_is_mounted_elsewhere(tmp_path: Path) -> None:
    """The kernel gives an attempt up when something is mounted meanwhile. Who believes it forgets what is known."""
    path, points = tmp_path / "here", [tmp_path / f"elsewhere{number}" for number in range(3)]
    for directory in (path, *points):
        directory.mkdir()
    mounting = [
        subprocess.Popen([sys.executable, "-c", _MOUNT_AND_UNMOUNT, point, str(os.getpid())], stderr=subprocess.PIPE)
        for point in points
    ]
    # As long as it is open, the kernel has it in memory.
    here = os.open(path, os.O_PATH)
    failed, ends_at = 0, time.monotonic() + MOUNTING_SECONDS
    try:
        while time.monotonic() < ends_at:
            try:
                os.close(openat2(AT_FDCWD, os.fsencode(path), os.O_PATH, Resolve.CACHED))
            except BlockingIOError:
                failed += 1
        if any(process.poll() is not None for process in mounting):
            pytest.skip("this machine lets nobody mount")
    finally:
        os.close(here)
        for process in mounting:
            process.kill()
            process.communicate()
        for point in points:
            libc().umount2(os.fsencode(point), 0)
    # Four attempts in a row fail about once in a hundred million times.
    assert failed < 2


def test_the_device_of_a_path_is_that_of_its_mount() -> None:
    def device(path: str) -> str:
        status = os.stat(path)
        return f"{os.major(status.st_dev)}:{os.minor(status.st_dev)}"

    assert device_of_path(b"/proc/self/no/such/file") == device_of_path(b"/proc") == device("/proc")
    assert device_of_path(b"/proceed") == device_of_path(b"/no such directory") == device_of_path(b"/")


@pytest.mark.parametrize(
    ("file_system", "is_shared"),
    [
        ("nfs4", True),
        ("cifs", True),
        ("fuse.sshfs", True),
        ("fuse", True),
        ("ext4", False),
        ("fuseblk", False),
        ("overlay", False),
    ],
)
def test_file_systems_that_others_change_are_known(
    monkeypatch: pytest.MonkeyPatch, file_system: str, is_shared: bool
) -> None:
    table = [MountEntry(1, "0:1", b"/", "ext4"), MountEntry(2, "0:2", b"/mnt", file_system)]
    monkeypatch.setattr(mounts, "read_mounts", lambda: table)
    mounts._devices_by_mount_point.cache_clear()
    assert is_shared_file_system(b"/mnt/no such directory") == is_shared
    assert not is_shared_file_system(b"/home")
    mounts._devices_by_mount_point.cache_clear()


class TestStatusAndBirth:
    def test_the_status_is_that_of_lstat(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_text("hello")
        (tmp_path / "link").symlink_to("a")
        os.utime(tmp_path / "a", ns=(1_500_000_000_123_456_789, -1_000_000_001))
        directory = os.open(tmp_path, os.O_PATH)
        try:
            for name in ("a", "link"):
                status, born_ns = status_and_birth(directory, name.encode())
                expected = os.lstat(tmp_path / name)
                fields = [field for field in dir(expected) if field.startswith("st_")]
                assert [getattr(status, field) for field in fields] == [getattr(expected, field) for field in fields]
                assert born_ns // 10**9 == birth_seconds(tmp_path / name)
            assert status_and_birth(directory)[0].st_ino == tmp_path.stat().st_ino
            with pytest.raises(FileNotFoundError):
                status_and_birth(directory, b"missing")
        finally:
            os.close(directory)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act for other users")
def test_the_superuser_makes_files_for_a_user_in_one_thread(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o700)
    before = capabilities()
    with file_system_user(1234, 1235):
        (tmp_path / "closed/a").touch()
    (tmp_path / "c").touch()
    assert [(tmp_path / name).stat().st_uid for name in ("closed/a", "c")] == [1234, 0]
    assert (tmp_path / "closed/a").stat().st_gid == 1235
    assert capabilities() == before


HEAPS_OF_THREADS = """
import ctypes, sys, threading
from magicfs.linux.process import share_one_heap
if sys.argv[1] == "one":
    share_one_heap()
def allocate():
    ctypes.CDLL(None).malloc(20_000)
    ready.wait()
ready = threading.Barrier(5)
threads = [threading.Thread(target=allocate) for _ in range(4)]
for thread in threads:
    thread.start()
ready.wait()
reserved = [line.split("-", 1) for line in open("/proc/self/maps") if " ---p " in line]
print(sum(int(rest.split()[0], 16) - int(start, 16) > 32 << 20 for start, rest in reserved))
"""
"""A program that prints how many heaps of threads it has. Each is 64 MiB of addresses, most of them reserved."""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="only glibc has heaps of threads")
def test_threads_share_one_heap() -> None:
    def heaps(how: str) -> int:
        done = subprocess.run([sys.executable, "-c", HEAPS_OF_THREADS, how], capture_output=True, text=True, check=True)
        return int(done.stdout)

    assert heaps("many") > 0
    assert heaps("one") == 0


def test_starvation_is_the_time_without_a_processor() -> None:
    processor = min(os.sched_getaffinity(0))
    spinning = [sys.executable, "-c", "while True: pass"]
    with (
        subprocess.Popen(spinning) as greedy,
        subprocess.Popen(spinning) as poor,
        subprocess.Popen(["sleep", "60"]) as idle,
        contextlib.ExitStack() as stack,
    ):
        for process in (greedy, poor, idle):
            stack.callback(process.kill)
        os.sched_setaffinity(greedy.pid, {processor})
        os.sched_setaffinity(poor.pid, {processor})
        os.setpriority(os.PRIO_PROCESS, poor.pid, 15)
        # On a busy machine a program waits for a processor before it can sleep.
        eventually(lambda: psutil.Process(idle.pid).status() == psutil.STATUS_SLEEPING, "the sleep")
        starved, asleep = Starvation(poor.pid), Starvation(idle.pid)
        eventually(lambda: starved.seconds() > 1.0, "a wait for the processor")
        assert asleep.seconds() < 0.2
    assert starved.seconds() == 0.0, "the process is gone"
