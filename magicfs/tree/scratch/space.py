"""The space that scratch files of a mount may take, as if they had a file system of their own. Safe in any thread."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

MAX_SCRATCH_BYTES = 4 << 30
MAX_SCRATCH_FILES = 10_000
SPARED_BYTES = 256 << 20
"""What stays free of the file system of the state directory: the index may lie there too."""
_CHECKED_BYTES = 16 << 20
"""The bytes after which the file system is asked for its free space again."""


class Space:
    """Counts files and bytes."""

    def __init__(
        self, directory: Path, *, max_bytes: int = MAX_SCRATCH_BYTES, max_files: int = MAX_SCRATCH_FILES
    ) -> None:
        """`directory` is where the files lie."""
        self._directory = directory
        self._max_bytes = max_bytes
        self._max_files = max_files
        self._lock = threading.Lock()
        self._bytes = 0
        self._files = 0
        self._unchecked = _CHECKED_BYTES

    def take(self, count: int) -> None:
        """Take bytes. Raises `ENOSPC` if they are too many. May block."""
        with self._lock:
            is_checked = self._unchecked + count >= _CHECKED_BYTES
        if is_checked:
            status = os.statvfs(self._directory)
            if status.f_bavail * status.f_frsize - count < SPARED_BYTES:
                raise _no_space()
        with self._lock:
            if self._bytes + count > self._max_bytes:
                raise _no_space()
            self._bytes += count
            self._unchecked = 0 if is_checked else self._unchecked + count

    def give(self, count: int) -> None:
        """Give bytes back. Never blocks."""
        with self._lock:
            self._bytes -= count

    def take_file(self) -> None:
        """Take a file. Raises `ENOSPC` if there are too many. Never blocks."""
        with self._lock:
            if self._files >= self._max_files:
                raise _no_space()
            self._files += 1

    def give_file(self) -> None:
        """Give a file back. Never blocks."""
        with self._lock:
            self._files -= 1


def _no_space() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
