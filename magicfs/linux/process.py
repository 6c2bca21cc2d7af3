"""This process and its threads: their rights, whose files they make, the memory that they hold."""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from magicfs.linux.calls import last_error, libc

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS = 38, 39
"""Options of `prctl`."""

M_ARENA_MAX = -8
"""The option of `mallopt` for the number of heaps."""

GARBAGE_THRESHOLDS = (20_000, 50, 50)
"""When Python looks for cycles of objects, where hardly anything makes any: see `gc.set_threshold`."""

_CAPABILITY_HEADER = struct.pack("=Ii", 0x20080522, 0)
"""The version of `_CAPABILITIES`, and the calling thread."""
_CAPABILITIES = struct.Struct("=6I")
"""Effective, permitted and inheritable capabilities: the low halves, then the high halves."""

CAP_KILL = 1 << 5
"""Sends signals to processes of other users."""

CAP_SYS_ADMIN = 1 << 21
"""Mounts, among other things."""

_CAP_FSETID = 1 << 4
"""Keeps set-user-ID and set-group-ID bits where the kernel would clear them."""


def raise_open_file_limit() -> None:
    """Raise this process's limit of open files as far as the system grants it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def share_one_heap() -> None:
    """Let all threads allocate from one heap: each of glibc's others keeps what a thread has left free in it."""
    set_option = getattr(libc(), "mallopt", None)
    if set_option is not None:
        set_option(M_ARENA_MAX, 1)


def return_free_memory() -> None:
    """Collect garbage, and give memory back that imports or the load of a model have left free."""
    gc.collect()
    trim_heap()


def collect_garbage_rarely() -> None:
    """Leave what is loaded by now out of the collections of garbage, and let them be rare.

    For a process whose objects form no cycles, such as nodes, results and rows. Looking as often as usual takes a sixth
    of the time of a listing of a hundred thousand names, and 0.3 ms of each search.
    """
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)


def trim_heap() -> None:
    """Give memory back that native code has left free, which takes about a millisecond. Only glibc keeps it."""
    trim = getattr(libc(), "malloc_trim", None)
    if trim is not None:
        trim(0)


def offer_memory(share: int) -> None:
    """Let the kernel kill this process, and its children, rather than others when there is no memory left.

    `share` is what it adds to the share of the memory that a process has, in thousandths, when it chooses one.
    """
    path = Path("/proc/self/oom_score_adj")
    with suppress(OSError, ValueError):
        path.write_text(str(max(share, int(path.read_text("ascii")))), "ascii")


def prctl(option: int, *arguments: int) -> None:
    """Change an attribute of this thread or process. Raises `OSError`."""
    values = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:4]]
    if libc().prctl(ctypes.c_int(option), *values):
        raise last_error()


def gains_no_rights() -> bool:
    """Whether programs that this thread executes run without their set-user-ID bits and capabilities."""
    return bool(libc().prctl(ctypes.c_int(PR_GET_NO_NEW_PRIVS), *map(ctypes.c_ulong, (0, 0, 0, 0))) == 1)


def capabilities() -> int:
    """The capabilities that this thread has or may take, as bits."""
    effective, permitted, _ = _thread_capabilities()
    return effective | permitted


def keep_capabilities(kept: int) -> None:
    """Give up every capability of this thread, and of threads that it starts, that is not among the bits `kept`."""
    effective, permitted, _ = _thread_capabilities()
    kept &= effective | permitted
    if kept != effective or kept != permitted:
        _set_thread_capabilities(kept, kept, 0)


@contextmanager
def file_system_user(uid: int, gid: int) -> Iterator[None]:
    """What this thread makes within the context belongs to the user and the group, as if they had made it.

    For a process of the superuser that acts for others. The thread keeps its rights, but not the one to set bits that
    the user must not set. A process of another user makes files of its own.
    """
    own_uid, own_gid = os.geteuid(), os.getegid()
    if own_uid != 0 or (uid, gid) == (own_uid, own_gid):
        yield
        return
    effective, permitted, inheritable = _thread_capabilities()
    libc().setfsgid(ctypes.c_uint(gid))
    libc().setfsuid(ctypes.c_uint(uid))
    try:
        if uid:
            _set_thread_capabilities(permitted & ~_CAP_FSETID, permitted, inheritable)
        yield
    finally:
        libc().setfsuid(ctypes.c_uint(own_uid))
        libc().setfsgid(ctypes.c_uint(own_gid))
        _set_thread_capabilities(effective, permitted, inheritable)


def _thread_capabilities() -> tuple[int, int, int]:
    """The effective, permitted and inheritable capabilities of this thread, as bits."""
    data = ctypes.create_string_buffer(_CAPABILITIES.size)
    if libc().capget(_CAPABILITY_HEADER, data):
        raise last_error()
    low = _CAPABILITIES.unpack(data.raw)
    return low[0] | low[3] << 32, low[1] | low[4] << 32, low[2] | low[5] << 32


def _set_thread_capabilities(*sets: int) -> None:
    """Set what `_thread_capabilities` returns."""
    low, high = [bits & 0xFFFFFFFF for bits in sets], [bits >> 32 for bits in sets]
    if libc().capset(_CAPABILITY_HEADER, _CAPABILITIES.pack(*low, *high)):
        raise last_error()


def are_of_one_process(thread: int, other: int) -> bool:
    """Whether two threads, by their ids, run in one process. False for one that has ended, unless both are the same."""
    return thread == other or os.path.exists(f"/proc/{thread}/task/{other}")
