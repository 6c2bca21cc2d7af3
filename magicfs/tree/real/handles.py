"""Open files of the roots: read and written by descriptor, and closed where closing cannot take long.

Used by `real.files`, by the scratch files and by the FUSE adapter. Methods that end in `_nowait` do what the kernel can
do from memory, on the event loop of the mount. All others may block.
"""

from __future__ import annotations

import errno
import os
import stat

from magicfs.domain.attributes import STAT_BLOCK_BYTES, Attributes
from magicfs.domain.files import FileStat
from magicfs.tree.locations import descriptor_path

MAX_NOWAIT_CLOSE_BYTES = 1 << 20
"""A file system frees the blocks of a deleted file of this size without blocking for long."""
FORWARDED_FLAGS = os.O_ACCMODE | os.O_APPEND | os.O_TRUNC | os.O_SYNC | os.O_DSYNC
"""The program's flags with which the real file is opened too."""


class RealHandle:
    """An open file of a root."""

    direct_io = False
    _descriptor = -1

    def __init__(self, descriptor: int, *, flags: int, is_local_fs: bool) -> None:
        """Take over a descriptor that was opened with `flags`.

        `is_local_fs` is True on a file system that waits for no server and no program.
        """
        status = os.fstat(descriptor)
        self._descriptor = descriptor
        self.is_local_fs = is_local_fs
        self.writes = flags & os.O_ACCMODE != os.O_RDONLY
        """Whether it was opened to write."""
        self._supports_nowait = hasattr(os, "RWF_NOWAIT")
        self.version: FileStat | None = FileStat.of(status)
        self.last_attributes = Attributes.of(status)
        """The attributes after the file was opened, or after the last write."""
        self.clears_set_id = False
        """Whether writes take the set-user-ID and set-group-ID bits away: this process may be the superuser, and the
        program that has opened the file is not."""

    @property
    def descriptor(self) -> int:
        """The descriptor, open as long as the handle is."""
        return self._descriptor

    @property
    def needs_flush(self) -> bool:
        """Whether `flush` may fail: a server is told of writes when the file is closed."""
        return self.writes and not self.is_local_fs

    def duplicate(self) -> RealHandle:
        """Another handle of the same open file."""
        flags = os.O_RDWR if self.writes else os.O_RDONLY
        return RealHandle(os.dup(self._descriptor), flags=flags, is_local_fs=self.is_local_fs)

    def reopen(self, flags: int) -> RealHandle:
        """A handle of the file with flags of its own, even if it was renamed or deleted. May block."""
        flags = flags & FORWARDED_FLAGS | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(descriptor_path(self._descriptor), flags)
        return RealHandle(descriptor, flags=flags, is_local_fs=self.is_local_fs)

    def attributes(self) -> Attributes:
        """The attributes of the open file, even if it was renamed or deleted."""
        return Attributes.of(os.fstat(self._descriptor))

    def read_nowait(self, offset: int, buffer: memoryview) -> memoryview | None:
        """Read into `buffer` from the page cache: a thread would double the time of a read."""
        if not self._supports_nowait:
            return None
        done = 0
        try:
            while done < len(buffer):
                count = os.preadv(self._descriptor, [buffer[done:]], offset + done, os.RWF_NOWAIT)
                if count == 0:
                    break
                done += count
        except BlockingIOError:
            return None
        except OSError as error:
            if error.errno != errno.EOPNOTSUPP:
                raise
            self._supports_nowait = False
            return None
        return buffer[:done]

    def read(self, offset: int, size: int) -> bytes:
        """Read all `size` bytes: the kernel takes a short read for the end of the file."""
        data = os.pread(self._descriptor, size, offset)
        while 0 < len(data) < size:
            more = os.pread(self._descriptor, size - len(data), offset + len(data))
            if not more:
                break
            data += more
        return data

    def write(self, offset: int, data: bytes) -> int:
        """Write `data` and return how much of it; a file opened with `O_APPEND` ignores the offset.

        A part is written where the rest has no room: the next write raises the error.
        """
        done = os.pwrite(self._descriptor, data, offset)
        while done < len(data):
            try:
                done += os.pwrite(self._descriptor, data[done:], offset + done)
            except OSError:
                break
        self.last_attributes = self.attributes()
        if self.clears_set_id:
            clear_set_id(self._descriptor, self.last_attributes.mode)
        return done

    def sync(self, *, data_only: bool) -> None:
        """Call `fsync`, or `fdatasync` if `data_only`."""
        (os.fdatasync if data_only else os.fsync)(self._descriptor)

    def flush(self) -> None:
        """Close the file as the program does, who has it open once more: that may raise `EDQUOT`, for example."""
        os.close(os.dup(self._descriptor))

    def can_close_nowait(self) -> bool:
        """Whether the file was only read, and is small and local: closing the last descriptor may free its blocks."""
        if self.writes or not self.is_local_fs:
            return False
        status = os.fstat(self._descriptor)
        return max(status.st_size, status.st_blocks * STAT_BLOCK_BYTES) <= MAX_NOWAIT_CLOSE_BYTES

    def leave_descriptor(self) -> None:
        """Leave the closing to somebody else: its number will be that of another file while calls here may go on."""
        self._descriptor = -1

    def close(self) -> None:
        """Close the descriptor."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def clear_set_id(path: str | int, mode: int) -> None:
    """Take the set-user-ID and set-group-ID bits away, as a write does. Without the right to execute, the second stays.

    `mode` is that of the file; nothing happens if it has no such bits.
    """
    cleared = mode & ~stat.S_ISUID
    if mode & stat.S_IXGRP:
        cleared &= ~stat.S_ISGID
    if cleared != mode:
        os.chmod(path, stat.S_IMODE(cleared))
