"""Whether a root is there, and is the tree that it was: a disk that is not mounted must never empty the index.

Used by the scanner. Looks at the disk, writes nothing.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence

from magicfs.domain.files import Root, storable

SAMPLE_FILES = 100
"""So many known files are looked for in a tree whose device number is another one."""

KnownFiles = Sequence[tuple[bytes, int, int]]
"""Path, size, and mtime in nanoseconds."""


class Absent(Exception):
    """A root is not there, or something else is in its place. The message tells a person."""


def device_of(root: Root, known_files: Callable[[], KnownFiles]) -> int:
    """The device number of a root that is there. Raises `Absent`.

    Numbers are not for ever: btrfs and NFS give others after a reboot. So under another number, the tree is taken for
    the same when it holds most of the files that are known. One of which no file is known has nothing to lose.
    A root had no link in its path when it was added: one that is there now leads to something else.
    """
    try:
        status = os.lstat(root.path)
        if stat.S_ISLNK(status.st_mode):
            raise Absent("a symbolic link is in its place: remove the root and add it anew if that is meant")
        os.scandir(root.path).close()
    except OSError as error:
        raise Absent(f"{error.strerror}: its files stay in the index until it is back") from error
    device = status.st_dev
    if device != root.device:
        known = known_files()
        if 2 * sum(_is_there(root, *file) for file in known) < len(known):
            raise Absent("another device is mounted there: remove the root and add it anew if that is meant")
    return device


def _is_there(root: Root, path: bytes, size: int, mtime_ns: int) -> bool:
    try:
        status = os.lstat(os.path.join(root.path, path))
    except OSError:
        return False
    return (status.st_size, storable(status.st_mtime_ns)) == (size, mtime_ns)
