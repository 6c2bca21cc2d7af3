"""The memory of a machine, or what its control groups leave of it to a process, and what lacked memory.

Used for this machine by the embedded Postgres and the workers, and by `magicfs.db.server_resources` for that of any
server.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath

CGROUPS = PurePosixPath("/sys/fs/cgroup")

KERNEL_EVENTS = Path("/proc/vmstat")


def whole_memory(read: Callable[[str], str]) -> int | None:
    """The memory of a machine in bytes, or the limit of a process's control group if that is less; None if not known.

    `read` returns the text of a file of that machine, as that process sees it; it is empty for a missing one.
    """
    memory = re.search(r"^MemTotal:\s+(\d+) kB$", read("/proc/meminfo"), re.MULTILINE)
    return None if memory is None else min([int(memory[1]) << 10, *memory_limits(read)])


def memory_limits(read: Callable[[str], str]) -> list[int]:
    """The limits of memory, in bytes, that the control groups of a process have."""
    limits = [read(path).strip() for path in memory_limit_paths(read("/proc/self/cgroup"))]
    return [int(limit) for limit in limits if limit.isdigit()]


def memory_limit_paths(cgroup: str) -> list[str]:
    """The files with the memory limits that hold for a process, by its `/proc/self/cgroup`: of each group it is in."""
    line = re.search(r"^0::/(.*)$", cgroup, re.MULTILINE)
    if line is None:
        return []
    group = CGROUPS / line[1]
    return [str(folder / "memory.max") for folder in (group, *group.parents) if folder.is_relative_to(CGROUPS)]


def count_memory_kills() -> int:
    """How many processes the kernel of this machine has killed for want of memory, of it all or of a control group's.

    0 where it does not say: Linux 4.13.
    """
    try:
        found = re.search(r"^oom_kill (\d+)$", KERNEL_EVENTS.read_text("ascii"), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) if found else 0


def require_memory(size: int) -> None:
    """Take `size` bytes of memory and give them back. The kernel kills this process if the machine lacks them."""
    with mmap.mmap(-1, size) as taken:
        for page in range(0, size, mmap.PAGESIZE):
            taken[page] = 1
