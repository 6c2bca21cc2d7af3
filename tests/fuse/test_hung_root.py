"""A root whose file system hangs, and many searches at once: who waits for what."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from magicfs.db.pool import Database
from magicfs.fuse.thread_pools import FILES_THREADS
from magicfs.tree.locations import REAL_FILE_TIMEOUT_SECONDS
from tests.fuse.conftest import MountProcess
from tests.fuse.indexed_root import IndexedRoot
from tests.fuse.mount_main import FILES_SECONDS, HOST
from tests.fuse.slow_calls import AT_ONCE_SECONDS, in_thread, seconds
from tests.plugins.fuse import hanging_disk
from tests.plugins.kernel_caches import drop_caches, needs_root
from tests.plugins.waiting import SECONDS, eventually

PARALLEL_SEARCHES = 200


@dataclass
class HangingRoot:
    """A root named `remote` on a file system of its own, which hangs while its process is stopped."""

    root: IndexedRoot
    process: subprocess.Popen[str]

    def hang(self) -> None:
        """Hang from now on, when the kernel knows nothing of it for certain."""
        self.process.send_signal(signal.SIGSTOP)
        time.sleep(2 * REAL_FILE_TIMEOUT_SECONDS)

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)


@pytest.fixture
def remote(mount: MountProcess, database: Database, tmp_path: Path) -> Iterator[HangingRoot]:
    """Ends before the mount does: a thread that waits for a stopped file system cannot be killed."""
    path = tmp_path / "remote"
    with hanging_disk(path) as process:
        root = IndexedRoot(database, path, host=HOST, name="remote")
        root.index("0.txt", "roses from afar")
        eventually((mount.path / "mirror/remote/0.txt").exists)
        yield HangingRoot(root, process)


@pytest.mark.usefixtures("long_deadline")
def test_a_root_that_hangs_costs_its_own_callers_only(
    mount: MountProcess, root: IndexedRoot, remote: HangingRoot
) -> None:
    root.add("here.txt", "tulips")
    path = mount.path / "mirror/remote/0.txt"
    names = mount.result_names("roses from afar")
    result = mount.query_path("roses from afar") / names[0]
    remote.hang()
    # More than a pool has threads.
    threads = [in_thread(partial(os.stat, path.parent / f"{number}.txt")) for number in range(2 * FILES_THREADS)]
    threads += [
        in_thread(action)
        for action in (
            path.read_bytes,
            result.read_bytes,
            lambda: os.listdir(path.parent),
            lambda: os.access(path, os.R_OK),
            lambda: os.truncate(result, 0),
        )
    ]
    time.sleep(0.5)
    for action in (
        lambda: os.listdir(mount.path),
        lambda: os.listdir(mount.path / "search"),
        lambda: os.access(mount.path / "search", os.R_OK),
        lambda: os.access(mount.path / ".magic/refresh", os.W_OK),
        (mount.path / ".magic/refresh").stat,
        lambda: mount.query_path("never asked for").stat(),
        lambda: os.access(mount.query_path("roses"), os.R_OK),
        lambda: os.listdir(mount.query_path("tulips")),
        (mount.path / "mirror/documents/here.txt").read_bytes,
        lambda: os.listdir(mount.path / "mirror/documents"),
        lambda: os.listdir(mount.path / "mirror"),
    ):
        assert seconds(action) < AT_ONCE_SECONDS
    assert sorted(os.listdir(mount.path / "mirror")) == ["documents", "remote"]
    remote.go_on()
    for thread in threads:
        thread.join(SECONDS)

    def is_read() -> bool:
        try:
            return path.read_bytes() == b"roses"
        except OSError:
            return False

    # The threads of the mount go on when the file system has answered each of them.
    eventually(is_read)


def test_a_call_of_a_root_that_hangs_gets_an_error_and_the_root_works_again(
    mount: MountProcess, remote: HangingRoot
) -> None:
    def error_of(number: int) -> int | None:
        try:
            os.stat(mount.path / f"mirror/remote/{number}.txt")
        except OSError as error:
            return error.errno
        return None

    remote.hang()
    began = time.monotonic()
    with ThreadPoolExecutor(2 * FILES_THREADS) as pool:
        assert set(pool.map(error_of, range(2 * FILES_THREADS))) == {errno.ETIMEDOUT}
    # They have waited together, also for names that the kernel does not know.
    assert time.monotonic() - began < 4 * FILES_SECONDS
    # All threads of this file system hang: nobody waits for the deadline any more.
    assert seconds(lambda: error_of(0)) < FILES_SECONDS
    remote.go_on()
    eventually(lambda: error_of(0) is None)


@needs_root
def test_callers_who_look_a_root_up_that_hangs_wait_together(mount: MountProcess, remote: HangingRoot) -> None:
    """When the kernel has forgotten its name too, for which it asks once at a time."""
    path = mount.path / "mirror/remote"
    own_times = remote.root.path.stat().st_mtime

    def error_of(name: str) -> int | None:
        try:
            os.stat(path / name)
        except OSError as error:
            return error.errno
        return None

    remote.hang()
    drop_caches()
    # A place is opened by its name alone.
    assert seconds(lambda: os.close(os.open(path, os.O_PATH))) < FILES_SECONDS
    drop_caches()
    began = time.monotonic()
    with ThreadPoolExecutor(FILES_THREADS) as pool:
        names = [name for number in range(FILES_THREADS // 2) for name in (".", f"{number}.txt")]
        assert set(pool.map(error_of, names)) == {errno.ETIMEDOUT}
    assert time.monotonic() - began < 2 * FILES_SECONDS
    remote.go_on()
    eventually(lambda: error_of(".") is None)
    assert path.stat().st_mtime == own_times


def test_many_searches_at_once_all_answer(mount: MountProcess, root: IndexedRoot) -> None:
    """They take longer than one search may: waiting for a thread is no part of its time."""
    root.add("a.txt", "halting roses")
    queries = [f"halting roses {number}" for number in range(PARALLEL_SEARCHES)]
    with ThreadPoolExecutor(PARALLEL_SEARCHES) as pool:
        assert [len(names) for names in pool.map(mount.result_names, queries)] == [1] * PARALLEL_SEARCHES
