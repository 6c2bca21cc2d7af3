"""Filters of system calls (seccomp) for the parser process: the calls that fail, and the program that refuses them.

Used by `confine`, which says when each filter is set. A filter holds for all threads of the process, also those that
run already, and cannot be taken back. Linux on x86-64 and arm64; elsewhere the functions return False.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from magicfs.linux.calls import syscall
from magicfs.linux.process import PR_SET_NO_NEW_PRIVS, prctl

_Numbers = Mapping[str, tuple[int | None, int | None]]
"""System calls with their numbers on x86-64 and on arm64; None where a machine lacks the call."""

_SECCOMP: _Numbers = {"seccomp": (317, 277)}

_NETWORK: _Numbers = {"socket": (41, 198), "connect": (42, 203), "io_uring_setup": (425, 425)}
_PROGRAMS: _Numbers = {"execve": (59, 221), "execveat": (322, 281), "fork": (57, None), "vfork": (58, None)}
_OTHER_PROCESSES: _Numbers = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "kcmp": (312, 272),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
    "sched_setaffinity": (203, 122),
    "sched_setattr": (314, 274),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "perf_event_open": (298, 241),
}
_WHAT_OUTLIVES_A_PROCESS: _Numbers = {
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "semget": (64, 190),
    "semop": (65, 193),
    "semctl": (66, 191),
    "semtimedop": (220, 192),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
}
_NAMESPACES_AND_MOUNTS: _Numbers = {
    "unshare": (272, 97),
    "setns": (308, 268),
    "chroot": (161, 51),
    "pivot_root": (155, 41),
    "mount": (165, 40),
    "umount2": (166, 39),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "open_by_handle_at": (304, 265),
}
_KERNEL_PROGRAMS: _Numbers = {"bpf": (321, 280), "userfaultfd": (323, 282)}

_ATTRIBUTES: _Numbers = {
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "setxattrat": (463, 463),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "removexattrat": (466, 466),
}

_HARMLESS_CONTROLS = (0x5401, 0x541B, 0x5421, 0x5450, 0x5451)
"""Of `ioctl`: TCGETS, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX. Others set flags of a file that is open for reading."""

_CLONE3: _Numbers = {"clone3": (435, 435)}
"""A filter cannot see its flags. It fails with ENOSYS, so that the C library calls `clone` instead."""

_CLONE_THREAD = 0x10000

_MACHINES = ("x86_64", "aarch64")
_AUDIT_ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

_SET_MODE_FILTER = 1
_FLAG_TSYNC = 1
"""The filter holds for all threads of the process."""

_LOAD, _EQUAL, _GREATER_OR_EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_CALL_NUMBER_OFFSET, _ARCHITECTURE_OFFSET, _ARGUMENTS_OFFSET = 0, 4, 16
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000
_FIRST_X32_CALL = 0x40000000
"""The x32 calls of an x86-64 kernel have other numbers, so all of them are refused."""


@dataclass(frozen=True, slots=True)
class _Condition:
    """A call that is refused unless the low half of its argument equals a value, or has one of its bits."""

    numbers: tuple[int, int]
    argument: int
    test: int
    """`_EQUAL` or `_ANY_BIT`."""
    values: tuple[int, ...]


def refuse_dangerous_calls() -> bool:
    """Refuse what no parser needs: network, programs, processes, other processes, namespaces, keys, shared memory.

    New threads, and signals and limits of this process itself, stay allowed. Returns False where seccomp is missing.
    """
    this_process = os.getpid()
    conditions = (
        _Condition((56, 220), argument=0, test=_ANY_BIT, values=(_CLONE_THREAD,)),  # clone
        _Condition((62, 129), argument=0, test=_EQUAL, values=(this_process,)),  # kill
        _Condition((234, 131), argument=0, test=_EQUAL, values=(this_process,)),  # tgkill
        _Condition((302, 261), argument=0, test=_EQUAL, values=(0, this_process)),  # prlimit64
    )
    refused = _NETWORK, _PROGRAMS, _OTHER_PROCESSES, _WHAT_OUTLIVES_A_PROCESS, _NAMESPACES_AND_MOUNTS, _KERNEL_PROGRAMS
    return _install(*refused, conditions=conditions, absent=_CLONE3)


def refuse_attribute_changes() -> bool:
    """Refuse changes to the mode, owner, times, flags or xattrs of a file. Returns False where seccomp is missing."""
    controls = _Condition((16, 29), argument=1, test=_EQUAL, values=_HARMLESS_CONTROLS)
    return _install(_ATTRIBUTES, conditions=[controls], absent={})


def _install(*refused: _Numbers, conditions: Iterable[_Condition], absent: _Numbers) -> bool:
    """Add a filter to this process. The refused calls fail with EPERM, the absent ones with ENOSYS."""
    name = platform.machine()
    if name not in _MACHINES or sys.maxsize < 2**32:
        return False
    machine = _MACHINES.index(name)
    instructions = _program(
        architecture=_AUDIT_ARCHITECTURE[name],
        refused=[number for calls in refused for number in _numbers(calls, machine)],
        absent=_numbers(absent, machine),
        conditions=[_instructions(condition, machine) for condition in conditions],
    )
    code = ctypes.create_string_buffer(instructions, len(instructions))

    class FilterProgram(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    description = FilterProgram(len(instructions) // 8, ctypes.addressof(code))
    [seccomp] = _numbers(_SECCOMP, machine)
    try:
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        # The result is 0, or the id of a thread that could not take the filter over.
        return syscall(seccomp, _SET_MODE_FILTER, _FLAG_TSYNC, ctypes.addressof(description)) == 0
    except OSError:
        return False


def _numbers(calls: _Numbers, machine: int) -> list[int]:
    return [number for numbers in calls.values() if (number := numbers[machine]) is not None]


def _instruction(code: int, value: int, *, if_true: int = 0, if_false: int = 0) -> bytes:
    """One instruction of the filter; the jumps skip so many of the following instructions."""
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _program(*, architecture: int, refused: list[int], absent: list[int], conditions: Iterable[bytes]) -> bytes:
    """The program of a filter, which allows every other call of this architecture."""
    refuse, is_absent = _instruction(_RETURN, _FAIL | errno.EPERM), _instruction(_RETURN, _FAIL | errno.ENOSYS)
    return b"".join(
        [
            _instruction(_LOAD, _ARCHITECTURE_OFFSET),
            _instruction(_EQUAL, architecture, if_true=1),
            refuse,
            _instruction(_LOAD, _CALL_NUMBER_OFFSET),
            _instruction(_GREATER_OR_EQUAL, _FIRST_X32_CALL, if_false=1),
            refuse,
            *(_instruction(_EQUAL, number, if_false=1) + refuse for number in refused),
            *(_instruction(_EQUAL, number, if_false=1) + is_absent for number in absent),
            *conditions,
            _instruction(_RETURN, _ALLOW),
        ]
    )


def _instructions(condition: _Condition, machine: int) -> bytes:
    """The part of a filter that decides about the call of `condition`, and leaves other calls to what follows."""
    count = len(condition.values)
    return b"".join(
        [
            _instruction(_EQUAL, condition.numbers[machine], if_false=count + 3),
            # Both machines store the low half of an argument first.
            _instruction(_LOAD, _ARGUMENTS_OFFSET + 8 * condition.argument),
            *(_instruction(condition.test, value, if_true=count - at) for at, value in enumerate(condition.values)),
            _instruction(_RETURN, _FAIL | errno.EPERM),
            _instruction(_RETURN, _ALLOW),
        ]
    )
