"""What Python and the library of `fastpath/` have to agree on: its structures, and bits of numbers, as in `fastpath.h`.

Used by `fast_path`, which compares it with that of the library that was built, and by those who read the structures.
Pure.
"""

from __future__ import annotations

import ctypes
import struct

INTERFACE = 4
"""The version of all that Python and the library exchange: of the functions that Python calls, and of what the kernel
leaves to Python because the library asks for that, too."""


class SeenFileStructure(ctypes.Structure):
    """`struct seen_file`."""

    _fields_ = (
        *((name, ctypes.c_uint64) for name in ("device", "number", "size")),
        *((name, ctypes.c_int64) for name in ("born_ns", "mtime_ns", "ctime_ns")),
    )


LISTED_FILE = struct.Struct("=IQQqqQqqQQIIIIIi")
"""`struct listed_file`."""
NOTED = struct.Struct(f"=QQ{LISTED_FILE.size}sI")
"""`struct noted`: the numbers of directory and file, what it is, and how long its name is."""
NOTED_BYTES = 128 << 10
"""The size of the buffer for notes of look-ups."""
SIZES = ctypes.sizeof(SeenFileStructure), LISTED_FILE.size, NOTED.size, NOTED_BYTES

KEEP_LISTING = 1 << 62
USE_KEPT_LISTING = 1 << 61
"""Bits in the number of an open directory, by which the kernel is told what it may do with the listing."""
NAME_ALONE = 1 << 62
SEVERAL_ENTRIES = 1 << 61
"""Bits in the generation of an entry of a listing, by which the library is told what the entry is."""
OPENED_AS_FILE = 1 << 30
"""A bit in the thread id of a request to open a directory without `O_DIRECTORY`. A library that never sets it
fits too."""
OF_PAGES = 1 << 62
"""A bit in the file handle of a request to write pages that a program has changed in a mapping: the kernel takes all of
them as written unless it gets an error."""
