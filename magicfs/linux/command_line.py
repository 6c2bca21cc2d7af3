"""What `/proc` says of this process: its command line and its environment.

A process that goes on as a fork shows those of its parent, and `ps` and whoever looks for a process by its words take
it for that. The kernel lets a process name other places of its memory for both. One thread.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

from magicfs.linux.calls import last_error, libc

PR_SET_MM = 35
PR_SET_MM_MAP = 14
"""The option of `prctl` for all places at once. It needs no privilege, and a kernel with CONFIG_CHECKPOINT_RESTORE."""

_MAP = struct.Struct("=12QIi")
"""`struct prctl_mm_map`: eleven places, the auxiliary vector, its size, and the descriptor of the program."""
_BREAK = 5
"""The end of the heap, among the places."""
_FIELDS = (26, 27, 45, 46, 47, 28)
"""The fields of `/proc/self/stat` (proc(5)) with the other places that stay as they are: code, data, heap, stack."""

_shown: list[ctypes.Array[ctypes.c_char]] = []
"""What the kernel reads: it must stay in memory."""


def show_as(command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Have `/proc` show a command line and an environment. Raises `OSError` where the kernel does not let it."""
    words = b"".join(os.fsencode(word) + b"\0" for word in command)
    variables = b"".join(os.fsencode(f"{name}={value}") + b"\0" for name, value in environment.items())
    text = ctypes.create_string_buffer(words + variables)
    _shown.append(text)
    start = ctypes.addressof(text)
    middle = start + len(words)
    fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
    *places, stack = (int(fields[number - 3]) for number in _FIELDS)
    wanted = [*places, 0, stack, start, middle, middle, middle + len(variables)]
    described = ctypes.create_string_buffer(_MAP.size)
    end_of_heap = libc().sbrk
    end_of_heap.restype = ctypes.c_void_p
    is_set = False
    # The heap may grow meanwhile: then its end is set once more.
    while not is_set or wanted[_BREAK] != end_of_heap(0):
        wanted[_BREAK] = end_of_heap(0)
        _MAP.pack_into(described, 0, *wanted, 0, 0, -1)
        numbers = map(ctypes.c_ulong, (PR_SET_MM_MAP, ctypes.addressof(described), _MAP.size, 0))
        if libc().prctl(ctypes.c_int(PR_SET_MM), *numbers):
            raise last_error()
        is_set = True
