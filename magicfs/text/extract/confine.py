"""Restricts the parser process to what a parser needs. Linux only; called by `child` on itself.

| restriction | refuses | holds for |
| --- | --- | --- |
| parent-death signal | outliving the parent | the process |
| resource limits | memory, processor time, open files, large written files | the process |
| seccomp | sockets, new programs, ptrace; changes to modes, owners, times, xattrs | every thread, also those that run |
| Landlock | changing files outside one directory, signals to other processes | the caller and threads it starts later |

So Landlock comes before any library starts a thread. Seccomp and Landlock are a second line of defence: where the
kernel or the machine lacks them, the function returns False and the child works without.
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

_MAX_WRITTEN_BYTES = 64 * 1024
"""Enough for the error messages of a native library; nothing else is written."""

_MAX_OPEN_FILES = 64

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38

_SECCOMP_SET_MODE_FILTER = 1
_SECCOMP_FILTER_FLAG_TSYNC = 1
"""The filter holds for all threads of the process."""

_BPF_LOAD, _BPF_JUMP_IF_EQUAL, _BPF_JUMP_IF_GREATER_OR_EQUAL, _BPF_RETURN = 0x20, 0x15, 0x35, 0x06
_SECCOMP_ALLOW, _SECCOMP_EPERM = 0x7FFF0000, 0x00050000 | errno.EPERM
_CALL_NUMBER_OFFSET, _ARCHITECTURE_OFFSET = 0, 4
_FIRST_X32_CALL = 0x40000000
"""The x32 calls of an x86-64 kernel have other numbers, so all of them are refused."""

_AUDIT_ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_SECCOMP_CALL = {"x86_64": 317, "aarch64": 277}
_NETWORK_AND_PROGRAM_CALLS = {
    # socket, connect, execve, ptrace, io_uring_setup, execveat, process_vm_writev
    "x86_64": (41, 42, 59, 101, 425, 322, 311),
    "aarch64": (198, 203, 221, 117, 425, 281, 271),
}
_ATTRIBUTE_CALLS = {
    # chmod, fchmod, fchmodat, fchmodat2; chown, fchown, lchown, fchownat; utime, utimes, futimesat, utimensat;
    # setxattr, lsetxattr, fsetxattr, setxattrat; removexattr, lremovexattr, fremovexattr, removexattrat
    "x86_64": (90, 91, 268, 452, 92, 93, 94, 260, 132, 235, 261, 280, 188, 189, 190, 463, 197, 198, 199, 466),
    # The same calls without chmod, chown, lchown, utime, utimes and futimesat, which it lacks.
    "aarch64": (52, 53, 452, 54, 55, 88, 5, 6, 7, 463, 14, 15, 16, 466),
}

_LANDLOCK_CREATE_RULESET_CALL, _LANDLOCK_ADD_RULE_CALL, _LANDLOCK_RESTRICT_SELF_CALL = 444, 445, 446
_LANDLOCK_CREATE_RULESET_VERSION = 1
_LANDLOCK_RULE_PATH_BENEATH = 1
_WRITE_RIGHTS = (
    # Landlock version, rights that it brought
    (1, 0b1_1111_1111_0010),  # write to a file; remove and make directory entries of every type
    (2, 1 << 13),  # move or link a file to another directory
    (3, 1 << 14),  # truncate a file
)
_SCOPES = (
    # Landlock version, scopes that it brought
    (6, 0b11),  # abstract sockets of other processes, signals to them
)


def die_with_parent() -> None:
    """Make the kernel kill this process when the thread that started it ends."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def limit_resources(*, memory_bytes: int) -> None:
    """Limit the address space to what is in use now plus `memory_bytes`; forbid core dumps and large files."""
    space = address_space() + memory_bytes
    resource.setrlimit(resource.RLIMIT_AS, (space, space))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_MAX_WRITTEN_BYTES, _MAX_WRITTEN_BYTES))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_MAX_OPEN_FILES, _MAX_OPEN_FILES))


def limit_cpu(*, seconds: float) -> None:
    """Make the kernel end this process with SIGXCPU after another `seconds` of processor time.

    Unlike the parent's time limit, this one holds while the parent is stopped.
    """
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(usage.ru_utime + usage.ru_stime + seconds) + 1, hard))


def address_space() -> int:
    """The bytes of address space in use."""
    return _statm(0)


def resident() -> int:
    """The bytes of resident memory."""
    return _statm(1)


def refuse_network_and_programs() -> bool:
    """Make sockets, new programs, ptrace and io_uring fail with EPERM. Returns False without seccomp."""
    return _refuse_calls(_NETWORK_AND_PROGRAM_CALLS)


def refuse_attribute_changes() -> bool:
    """Make changes to the mode, owner, times or xattrs of a file fail with EPERM. Returns False without seccomp."""
    return _refuse_calls(_ATTRIBUTE_CALLS)


def _refuse_calls(calls: Mapping[str, tuple[int, ...]]) -> bool:
    """Add a seccomp filter. `calls` holds the numbers of the refused calls by machine."""
    machine = platform.machine()
    if machine not in _AUDIT_ARCHITECTURE or struct.calcsize("P") != 8:  # noqa: PLR2004
        return False
    program = _bpf_program(architecture=_AUDIT_ARCHITECTURE[machine], calls=calls[machine])
    code = ctypes.create_string_buffer(program, len(program))

    class FilterProgram(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    description = FilterProgram(len(program) // 8, ctypes.addressof(code))
    try:
        _prctl(_PR_SET_NO_NEW_PRIVS, 1)
        address = ctypes.addressof(description)
        # The result is 0, or the id of a thread that could not take the filter over.
        return syscall(_SECCOMP_CALL[machine], _SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_TSYNC, address) == 0
    except OSError:
        return False


def refuse_file_changes(*, except_below: str) -> bool:
    """Make writing, making, moving and removing files outside the directory `except_below` fail with EACCES.

    Open descriptors stay usable. Returns False where the kernel lacks Landlock (Linux 5.13). Truncating a file by its
    name is refused from Linux 6.2 on, a signal to another process from 6.12 on. Raises `RuntimeError` when the process
    has other threads, since Landlock would not hold for them.
    """
    if len(os.listdir("/proc/self/task")) > 1:
        raise RuntimeError("Landlock does not hold for threads that run already: call this before any is started")
    try:
        version = syscall(_LANDLOCK_CREATE_RULESET_CALL, None, 0, _LANDLOCK_CREATE_RULESET_VERSION)
        rights = sum(rights for since, rights in _WRITE_RIGHTS if since <= version)
        scopes = sum(scopes for since, scopes in _SCOPES if since <= version)
        # Older kernels expect fewer fields, but accept more if those are zero.
        attributes = struct.pack("=QQQ", rights, 0, scopes)
        ruleset = syscall(_LANDLOCK_CREATE_RULESET_CALL, attributes, len(attributes), 0)
        try:
            directory = os.open(except_below, os.O_PATH)
            try:
                rule = struct.pack("=Qi", rights, directory)
                syscall(_LANDLOCK_ADD_RULE_CALL, ruleset, _LANDLOCK_RULE_PATH_BENEATH, rule, 0)
            finally:
                os.close(directory)
            _prctl(_PR_SET_NO_NEW_PRIVS, 1)
            syscall(_LANDLOCK_RESTRICT_SELF_CALL, ruleset, 0)
        finally:
            os.close(ruleset)
    except OSError:
        return False
    return True


def _bpf_program(*, architecture: int, calls: tuple[int, ...]) -> bytes:
    """The BPF program that refuses other architectures and the given calls, and allows the rest."""

    def instruction(code: int, value: int, *, if_true: int = 0, if_false: int = 0) -> bytes:
        return struct.pack("=HBBI", code, if_true, if_false, value)

    count = len(calls)
    instructions = [
        instruction(_BPF_LOAD, _ARCHITECTURE_OFFSET),
        instruction(_BPF_JUMP_IF_EQUAL, architecture, if_false=count + 3),
        instruction(_BPF_LOAD, _CALL_NUMBER_OFFSET),
        instruction(_BPF_JUMP_IF_GREATER_OR_EQUAL, _FIRST_X32_CALL, if_true=count + 1),
        *(instruction(_BPF_JUMP_IF_EQUAL, call, if_true=count - at) for at, call in enumerate(calls)),
        instruction(_BPF_RETURN, _SECCOMP_ALLOW),
        instruction(_BPF_RETURN, _SECCOMP_EPERM),
    ]
    return b"".join(instructions)


def _prctl(option: int, *arguments: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    values = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:4]]
    if library.prctl(ctypes.c_int(option), *values) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _statm(field: int) -> int:
    """A field of `/proc/self/statm` in bytes."""
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[field]) * resource.getpagesize()
