"""Open a file below a root and nowhere else: neither the root nor a component below it may be a symbolic link.

Used by extraction and by the mount. Between a scan and an open, a directory can become a link to `/etc`;
so each component is opened on its own, relative to the one above it.
"""

from __future__ import annotations

import os
import stat

from magicfs.domain.files import FileStat

_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def open_beneath(root: bytes, path: bytes, *, flags: int = os.O_RDONLY) -> int:
    """Open `path`, relative to `root`, and return the file descriptor.

    Never follows a symbolic link, be it below `root` or in its place, never blocks on a FIFO or a device. Raises
    `OSError` as `open` does; `ELOOP` or `ENOTDIR` where a link stands in the way.
    """
    *parents, name = path.split(b"/")
    directory = os.open(root, _DIRECTORY)
    try:
        for parent in parents:
            below = os.open(parent, _DIRECTORY, dir_fd=directory)
            os.close(directory)
            directory = below
        return os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)
    finally:
        os.close(directory)


def regular_file_stat(descriptor: int) -> FileStat | None:
    """The metadata of an open file; None when it is not a regular file."""
    status = os.fstat(descriptor)
    return FileStat.of(status) if stat.S_ISREG(status.st_mode) else None
