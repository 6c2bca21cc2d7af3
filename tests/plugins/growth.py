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

FORGET_PEAK = "5"
"""Written to a process's `clear_refs`, makes the kernel count its largest resident size anew: see proc(5)."""

PARSER = "magicfs.text.extract.process.child"


def processes_of(stack: Stack) -> Iterator[tuple[str, psutil.Process]]:
    """Every process of the stack with the name of its part; parser processes are called `parser`."""
    for name, process in list(stack.processes.items()):
        with suppress(psutil.NoSuchProcess):
            parent = psutil.Process(process.pid)
            for member in (parent, *parent.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    yield ("parser" if PARSER in member.cmdline() else name), member


class OwnMemory:
    """The most memory that a process had for itself, from one look to the next.

    Pages of files do not count: they are in memory once for all processes, and the kernel takes them back. How many
    pages of a model's file it maps beside those that are read depends on the machine.
    """

    def __init__(self, pid: int) -> None:
        self._directory = Path(f"/proc/{pid}")
        self._pages_of_files = 0

    def largest(self) -> int:
        """The peak since the last call, in bytes; 0 for a zombie."""
        fields = (line.split() for line in (self._directory / "status").read_text(errors="replace").splitlines())
        sizes = {name: int(values[0]) << 10 for name, *values in fields if name in ("VmHWM:", "RssFile:")}
        if not sizes:
            return 0
        (self._directory / "clear_refs").write_text(FORGET_PEAK)
        before, self._pages_of_files = self._pages_of_files, sizes["RssFile:"]
        return sizes["VmHWM:"] - max(before, sizes["RssFile:"])


@contextmanager
def peaks(stack: Stack) -> Iterator[dict[str, int]]:
    """The most memory of its own that one process of each part has, in bytes, while the block runs."""
    peak: dict[str, int] = {}
    memories: dict[psutil.Process, OwnMemory] = {}
    done = threading.Event()

    def sample() -> None:
        while not done.wait(SAMPLE_SECONDS):
            for name, process in processes_of(stack):
                memory = memories.setdefault(process, OwnMemory(process.pid))
                with suppress(FileNotFoundError, ProcessLookupError):
                    peak[name] = max(peak.get(name, 0), memory.largest())

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
