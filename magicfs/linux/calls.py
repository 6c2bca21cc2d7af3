"""Calling the C library and the kernel. Used by the other modules of this package, and by sandboxes."""

from __future__ import annotations

import ctypes
import os
from functools import cache


@cache
def libc() -> ctypes.CDLL:
    """The C library."""
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    return library


def last_error(path: bytes | None = None) -> OSError:
    """The error of the call of `libc` that has just failed."""
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), path)


def syscall(number: int, *arguments: int | bytes | None) -> int:
    """Call the kernel by the call's number and return its result. Raises `OSError`."""
    values = [ctypes.c_long(value) if isinstance(value, int) else ctypes.c_char_p(value) for value in arguments]
    result: int = libc().syscall(ctypes.c_long(number), *values)
    if result < 0:
        raise last_error()
    return result
