"""What a process says of itself and changes in itself: whose files it makes, its heaps, its wait for a processor."""

import contextlib
import ctypes
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from magicfs.linux.process import capabilities, file_system_user
from magicfs.linux.starvation import Starvation
from tests.plugins.waiting import eventually


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


COLLECTIONS = """
import gc, sys
from magicfs.linux.process import collect_garbage_rarely
if sys.argv[1] == "rarely":
    collect_garbage_rarely()
before = sum(generation["collections"] for generation in gc.get_stats())
kept = [[] for _ in range(10_000)]
print(gc.get_freeze_count() > 0, sum(generation["collections"] for generation in gc.get_stats()) - before)
"""


@pytest.mark.parametrize(("mode", "is_rare"), [("as usual", False), ("rarely", True)])
def test_garbage_is_looked_for_rarely_and_not_in_what_is_loaded(mode: str, is_rare: bool) -> None:
    program = [sys.executable, "-c", COLLECTIONS, mode]
    is_frozen, collections = subprocess.run(program, capture_output=True, text=True, check=True).stdout.split()
    assert (is_frozen == "True", int(collections) == 0) == (is_rare, is_rare)
