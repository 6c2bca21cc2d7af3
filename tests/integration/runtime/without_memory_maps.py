"""Processes of a kernel without `PR_SET_MM`: a seccomp filter refuses it to one process and to its children."""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

from magicfs.linux.command_line import PR_SET_MM
from magicfs.linux.process import prctl

PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 22, 38
SECCOMP_MODE_FILTER = 2
SYSTEM_CALL = {"x86_64": 157, "aarch64": 167}
"""The number of `prctl`."""
NUMBER_OFFSET, FIRST_ARGUMENT_OFFSET = 0, 16
"""In `struct seccomp_data`, on machines with the low half of an argument first."""

LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
"""Instructions of a filter: `struct sock_filter` has the code, two distances of jumps, and a value."""
ALLOW, FAIL = 0x7FFF0000, 0x00050000


class Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def forbid_memory_maps() -> None:
    """Let `prctl` fail with `EINVAL` from now on when it is asked for `PR_SET_MM`, as such a kernel does."""
    instructions = (
        (LOAD, 0, 0, NUMBER_OFFSET),
        (JUMP_IF_EQUAL, 0, 3, SYSTEM_CALL[platform.machine()]),
        (LOAD, 0, 0, FIRST_ARGUMENT_OFFSET),
        (JUMP_IF_EQUAL, 0, 1, PR_SET_MM),
        (RETURN, 0, 0, FAIL | errno.EINVAL),
        (RETURN, 0, 0, ALLOW),
    )
    text = b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)
    program = Program(len(instructions), text)
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(program))
