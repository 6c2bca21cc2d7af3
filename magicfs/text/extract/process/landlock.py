"""Restricts the files that the parser process can read and change (Landlock), and the processes that it can signal.

Used by `confine`. The restriction holds for the caller and for threads that it starts later, and cannot be taken back.
Open descriptors stay usable, and the names, sizes and times of files stay visible. Linux 5.13.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable

from magicfs.linux.calls import syscall
from magicfs.linux.process import PR_SET_NO_NEW_PRIVS, prctl

_CREATE_RULESET_CALL, _ADD_RULE_CALL, _RESTRICT_SELF_CALL = 444, 445, 446
"""The same numbers on all architectures."""
_CREATE_RULESET_VERSION = 1
_RULE_PATH_BENEATH = 1

_READ_FILE, _READ_DIRECTORY = 1 << 2, 1 << 3
_READ = _READ_FILE | _READ_DIRECTORY
_RIGHTS = (
    # Landlock version, rights that it brought
    (1, 0b1_1111_1111_1111),  # run, write to or read a file; list a directory; make and remove entries of every type
    (2, 1 << 13),  # move or link a file to another directory
    (3, 1 << 14),  # truncate a file
    (5, 1 << 15),  # control a device
)
_FILE_RIGHTS = 0b111 | 1 << 14 | 1 << 15
"""The rights that a rule for a file may have."""
_SCOPES = (
    # Landlock version, scopes that it brought
    (6, 0b11),  # abstract sockets of other processes, signals to them
)


def restrict_files(*, readable: Iterable[str], writable: str) -> bool:
    """Make reading, changing and making files fail with EACCES, except for what lies at or below the given paths.

    What does not exist or cannot be opened is left out. `writable` is readable too. Returns False where the kernel
    lacks Landlock. Truncating a file by its name is refused from Linux 6.2 on, a signal to another process from 6.12
    on. Raises `RuntimeError` when the process has other threads, since Landlock would not hold for them.
    """
    if len(os.listdir("/proc/self/task")) > 1:
        raise RuntimeError("Landlock does not hold for threads that run already: call this before any is started")
    try:
        version = syscall(_CREATE_RULESET_CALL, None, 0, _CREATE_RULESET_VERSION)
        rights = sum(rights for since, rights in _RIGHTS if since <= version)
        scopes = sum(scopes for since, scopes in _SCOPES if since <= version)
        # Older kernels expect fewer fields, but accept more if those are zero.
        attributes = struct.pack("=QQQ", rights, 0, scopes)
        ruleset = syscall(_CREATE_RULESET_CALL, attributes, len(attributes), 0)
        try:
            for path in readable:
                _allow(ruleset, path, _READ)
            _allow(ruleset, writable, rights)
            prctl(PR_SET_NO_NEW_PRIVS, 1)
            syscall(_RESTRICT_SELF_CALL, ruleset, 0)
        finally:
            os.close(ruleset)
    except OSError:
        return False
    return True


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not os.path.isdir(path):
            rights &= _FILE_RIGHTS
        syscall(_ADD_RULE_CALL, ruleset, _RULE_PATH_BENEATH, struct.pack("=Qi", rights, descriptor), 0)
    finally:
        os.close(descriptor)
