"""The file that a person means by a path: below a mount of MagicFS, the real file that is shown there.

A result of a search and a file of `mirror/` are other names of a file of a root, on whatever host. The mount says which
in extended attributes; those of other file systems say nothing, because anybody may set them. Used by the commands that
take a path of the index. Any thread.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from magicfs.cli.isolation import without_marks
from magicfs.errors import UsageError


class RealPath(NamedTuple):
    """Where a file is."""

    path: str
    """Absolute, as `os.fsdecode` returns it."""
    host: str | None = None
    """The host that has it; None for a path that was typed, which may be of any."""


def real_path(typed: str) -> RealPath:
    """The real file at a path, with links resolved. What is not on this machine may be on another host.

    Raises `UsageError` for what cannot be a path.
    """
    if not typed or "\0" in typed:
        raise UsageError("an empty path, or one with a NUL byte, names no file: give a path")
    path = os.path.expanduser(typed)
    if not os.path.lexists(path):
        path = without_marks(path)
    try:
        status = os.stat(path)
    except OSError:
        # With links resolved as far as there are any: the file may be gone, or be one of another host.
        return RealPath(os.path.realpath(path) if os.path.lexists(path) else os.path.abspath(path))
    return _shown_in_mount(path, status.st_dev) or RealPath(os.path.realpath(path))


def _shown_in_mount(path: str, device: int) -> RealPath | None:
    """The real file that a mount of MagicFS on this device shows at a path; None for a file elsewhere."""
    from magicfs.linux.mounts import read_mounts

    number = f"{os.major(device)}:{os.minor(device)}"
    if not any(mount.is_magicfs and mount.device == number for mount in read_mounts()):
        return None
    try:
        real = os.getxattr(path, "user.magicfs.path")
        host = os.getxattr(path, "user.magicfs.host")
    except OSError:
        # A directory of results, or a file that only the mount has.
        return None
    return RealPath(os.fsdecode(real), os.fsdecode(host))
