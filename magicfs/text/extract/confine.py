"""Takes away from a parser's process what a parser does not need. Linux; called in the child.

Limits of the kernel bound memory, processor time and written bytes; seccomp filters refuse sockets, new programs and
changes to what a file is besides its content, Landlock every change to content and names, and signals to others. These
two are a second wall behind a memory-safe library, so where the kernel or the kind of machine has them not, the child
works without. Most of them hold for the thread that asks and for those that it starts: they come before any library.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import signal
import struct
from collections.abc import Mapping

from magicfs.linux import syscall

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_SET_FILTER = 1
_SECCOMP_ALL_THREADS = 1

_LOAD, _JUMP_IF_EQUAL, _JUMP_IF_GREATER_OR_EQUAL, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
_OFFSET_CALL, _OFFSET_ARCH = 0, 4
_X32_CALLS = 0x40000000

_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_SECCOMP = {"x86_64": 317, "aarch64": 277}
_OUTSIDE = {
    # socket, connect, execve, ptrace, io_uring_setup, execveat, process_vm_writev
    "x86_64": (41, 42, 59, 101, 425, 322, 311),
    "aarch64": (198, 203, 221, 117, 425, 281, 271),
}
_ATTRIBUTES = {
    # chmod, fchmod, fchmodat, fchmodat2; chown, fchown, lchown, fchownat; utime, utimes, futimesat, utimensat;
    # setxattr, lsetxattr, fsetxattr, setxattrat; removexattr, lremovexattr, fremovexattr, removexattrat
    "x86_64": (90, 91, 268, 452, 92, 93, 94, 260, 132, 235, 261, 280, 188, 189, 190, 463, 197, 198, 199, 466),
    # The same without those that it does not have.
    "aarch64": (52, 53, 452, 54, 55, 88, 5, 6, 7, 463, 14, 15, 16, 466),
}

_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_LANDLOCK_ASK_VERSION = 1
_LANDLOCK_BENEATH = 1
_CHANGES = ((1, 0b1_1111_1111_0010), (2, 1 << 13), (3, 1 << 14))
"""By the version of Landlock that brought them: to write to a file, to remove and to make anything in a directory; to
move something to another; to cut a file."""
_SCOPES = ((6, 0b11),)
"""Abstract sockets and signals of others."""

_WRITTEN_BYTES = 64 * 1024
"""Enough for the last words of a dying library; nothing else is written."""

_OPEN_FILES = 64


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that started it ends."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def limit_resources(*, memory_bytes: int) -> None:
    """Bound address space to what is in use now plus `memory_bytes`, and forbid core dumps and large files."""
    space = address_space() + memory_bytes
    resource.setrlimit(resource.RLIMIT_AS, (space, space))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_WRITTEN_BYTES, _WRITTEN_BYTES))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))


def limit_cpu(*, seconds: float) -> None:
    """Let this process use `seconds` of processor time from now on; the kernel ends it with SIGXCPU after that.

    This holds even when the parent is stopped or does not look.
    """
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(usage.ru_utime + usage.ru_stime + seconds) + 1, hard))


def address_space() -> int:
    """Bytes of address space in use."""
    return _statm(0)


def resident() -> int:
    """Bytes of memory in use."""
    return _statm(1)


def refuse_network_and_programs() -> bool:
    """Make `socket`, `connect`, `execve` and their kin fail with EPERM; whether this machine could.

    Holds for all threads that there are and will be, as does the next one.
    """
    return _refuse(_OUTSIDE)


def refuse_attributes() -> bool:
    """Make changes to the mode, owner, times and extended attributes of any file fail with EPERM; whether it could."""
    return _refuse(_ATTRIBUTES)


def _refuse(calls: Mapping[str, tuple[int, ...]]) -> bool:
    machine = platform.machine()
    if machine not in _AUDIT_ARCH or struct.calcsize("P") != 8:  # noqa: PLR2004
        return False
    program = _filter(arch=_AUDIT_ARCH[machine], calls=calls[machine])
    code = ctypes.create_string_buffer(program, len(program))

    class FilterProgram(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    description = FilterProgram(len(program) // 8, ctypes.addressof(code))
    try:
        _prctl(_PR_SET_NO_NEW_PRIVS, 1)
        # It says which thread could not be taken in, if there is one.
        at = ctypes.addressof(description)
        return syscall(_SECCOMP[machine], _SECCOMP_SET_FILTER, _SECCOMP_ALL_THREADS, at) == 0
    except OSError:
        return False


def refuse_changes(*, but_below: str) -> bool:
    """Make writing, making, moving and removing files elsewhere fail with EACCES; whether the kernel could.

    Holds for this thread and those that it will start. What is open already stays as it is. Linux 5.13 with Landlock;
    cutting a file by its name is refused from 6.2 on, a signal to another process from 6.12 on.
    """
    if len(os.listdir("/proc/self/task")) > 1:
        raise RuntimeError("some threads would be left out: call this before anything starts one")
    try:
        version = syscall(_LANDLOCK_CREATE, None, 0, _LANDLOCK_ASK_VERSION)
        changes = sum(rights for since, rights in _CHANGES if since <= version)
        scopes = sum(rights for since, rights in _SCOPES if since <= version)
        # Older kernels know a shorter record, and a longer one whose rest is zero.
        wanted = struct.pack("=QQQ", changes, 0, scopes)
        rules = syscall(_LANDLOCK_CREATE, wanted, len(wanted), 0)
        try:
            allowed = os.open(but_below, os.O_PATH)
            try:
                syscall(_LANDLOCK_ADD, rules, _LANDLOCK_BENEATH, struct.pack("=Qi", changes, allowed), 0)
            finally:
                os.close(allowed)
            _prctl(_PR_SET_NO_NEW_PRIVS, 1)
            syscall(_LANDLOCK_RESTRICT, rules, 0)
        finally:
            os.close(rules)
    except OSError:
        return False
    return True


def _filter(*, arch: int, calls: tuple[int, ...]) -> bytes:
    """Assemble the BPF program: refuse foreign architectures and the given calls, allow the rest."""

    def step(code: int, value: int, *, if_true: int = 0, if_false: int = 0) -> bytes:
        return struct.pack("=HBBI", code, if_true, if_false, value)

    last = len(calls)
    steps = [
        step(_LOAD, _OFFSET_ARCH),
        step(_JUMP_IF_EQUAL, arch, if_false=last + 3),
        step(_LOAD, _OFFSET_CALL),
        step(_JUMP_IF_GREATER_OR_EQUAL, _X32_CALLS, if_true=last + 1),
        *(step(_JUMP_IF_EQUAL, call, if_true=last - at) for at, call in enumerate(calls)),
        step(_RETURN, _ALLOW),
        step(_RETURN, _REFUSE),
    ]
    return b"".join(steps)


def _prctl(option: int, *arguments: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    values = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:4]]
    if library.prctl(ctypes.c_int(option), *values) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _statm(field: int) -> int:
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[field]) * resource.getpagesize()
