"""Directories as the C library reads them: with `.` and `..`, and again from the beginning."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path


class Dirent(ctypes.Structure):
    """`struct dirent` of Linux with 64 bits."""

    _fields_ = (
        ("d_ino", ctypes.c_uint64),
        ("d_off", ctypes.c_int64),
        ("d_reclen", ctypes.c_ushort),
        ("d_type", ctypes.c_ubyte),
        ("d_name", ctypes.c_char * 256),
    )


class DirectoryStream:
    """The C library's directory stream: Python leaves out `.` and `..`, and cannot rewind."""

    def __init__(self, path: Path) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.opendir.restype = ctypes.c_void_p
        self._libc.readdir.restype = ctypes.POINTER(Dirent)
        self._stream = ctypes.c_void_p(self._libc.opendir(os.fsencode(path)))

    def read(self) -> dict[str, int]:
        """The rest of the names with their inode numbers."""
        names = {}
        while entry := self._libc.readdir(self._stream):
            names[entry.contents.d_name.decode()] = entry.contents.d_ino
        return names

    def rewind(self) -> None:
        self._libc.rewinddir(self._stream)

    def close(self) -> None:
        self._libc.closedir(self._stream)
