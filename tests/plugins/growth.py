"""The peak memory of the processes of a stack, and its zombies."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from tests.plugins.stack import Stack

SAMPLE_SECONDS = 0.25
"""The kernel keeps the peak of a process, so that only one that lives shorter than this is missed."""

PARSER = "magicfs.text.extract.process.child"


def processes_of(stack: Stack) -> Iterator[tuple[str, psutil.Process]]:
    """Every process of the stack with the name of its part; parser processes are called `parser`."""
    for name, process in list(stack.processes.items()):
        with suppress(psutil.NoSuchProcess):
            parent = psutil.Process(process.pid)
            for member in (parent, *parent.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    yield ("parser" if PARSER in member.cmdline() else name), member


def largest_size(pid: int) -> int:
    """The largest resident size that a process ever had, in bytes; 0 for a zombie."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    sizes = [int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmHWM:")]
    return max(sizes, default=0)


@contextmanager
def peaks(stack: Stack) -> Iterator[dict[str, int]]:
    """The largest resident size of one process of each part, in bytes, while the block runs."""
    peak: dict[str, int] = {}
    done = threading.Event()

    def sample() -> None:
        while not done.wait(SAMPLE_SECONDS):
            for name, process in processes_of(stack):
                with suppress(FileNotFoundError, ProcessLookupError):
                    peak[name] = max(peak.get(name, 0), largest_size(process.pid))

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
