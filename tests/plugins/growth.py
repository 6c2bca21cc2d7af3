"""The peak memory of the processes of a stack, and its zombies."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from tests.plugins.stack import Stack

SAMPLE_SECONDS = 0.04
"""A process that has more memory for a shorter time than this may be missed: to get 200 MB takes the kernel longer."""

LOOK_SECONDS = 0.25
"""A process that lives shorter than this is missed."""

PARSER = "magicfs.text.extract.process.child"


def processes_of(stack: Stack) -> Iterator[tuple[str, psutil.Process]]:
    """Every process of the stack with the name of its part; parser processes are called `parser`."""
    for name, process in list(stack.processes.items()):
        with suppress(psutil.NoSuchProcess):
            parent = psutil.Process(process.pid)
            for member in (parent, *parent.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    yield ("parser" if PARSER in member.cmdline() else name), member


def own_memory(process: psutil.Process) -> int:
    """The memory that a process has for itself now, in bytes; 0 for one that has ended.

    Pages of files do not count: they are in memory once for all processes, and the kernel takes them back. How many
    pages of a model's file it maps beside those that are read depends on the machine. The peak that the kernel keeps
    (`VmHWM`) counts them, so that no peak of the rest can be told from it.
    """
    try:
        status = Path(f"/proc/{process.pid}/status").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith(("RssAnon:", "RssShmem:")))


@contextmanager
def peaks(stack: Stack) -> Iterator[dict[str, int]]:
    """The most memory of its own that one process of each part has, in bytes, while the block runs."""
    peak: dict[str, int] = {}
    done = threading.Event()

    def sample() -> None:
        while not done.is_set():
            members = list(processes_of(stack))
            look_again = time.monotonic() + LOOK_SECONDS
            while time.monotonic() < look_again and not done.wait(SAMPLE_SECONDS):
                for name, process in members:
                    peak[name] = max(peak.get(name, 0), own_memory(process))

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


def zombies(stack: Stack) -> list[tuple[str, int]]:
    """Processes of the stack that ended and whose parent has not collected them: part and pid."""
    return [(name, process.pid) for name, process in processes_of(stack) if process.status() == psutil.STATUS_ZOMBIE]
