"""The file that a person means by a path: below a mount of MagicFS, the real file that is shown there.

A result of a search and a file of `mirror/` are other names of a file of a root, on whatever host. The mount says which
in extended attributes; those of other file systems say nothing, because anybody may set them. Used by the commands that
take a path of the index. Any thread.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from magicfs.cli.bidi import without_marks
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
        return shown_in_mount(path) or RealPath(os.path.realpath(path, strict=True))
    except OSError:
        # With links resolved as far as there are any: the file may be gone, or be one of another host.
        return RealPath(os.path.realpath(path) if os.path.lexists(path) else os.path.abspath(path))


def shown_in_mount(path: str) -> RealPath | None:
    """The real file or directory that a mount of MagicFS shows at a path; None for one elsewhere.

    Raises `UsageError` for what only the mount has, such as a directory of results, and `OSError` for a missing path.
    """
    from magicfs.linux.mounts import read_mounts

    status = os.stat(path)
    devices = {mount.device for mount in read_mounts() if mount.is_magicfs}
    if not devices:
        return None
    if _device(status) not in devices:
        # A link of `links/` leads out of the mount.
        return RealPath(os.path.realpath(path)) if _device(os.lstat(path)) in devices else None
    try:
        return RealPath(*(os.fsdecode(os.getxattr(path, name)) for name in ("user.magicfs.path", "user.magicfs.host")))
    except OSError as error:
        raise UsageError(f"{path} is no file or directory of a root: name a result, or a path below mirror/") from error


def _device(status: os.stat_result) -> str:
    return f"{os.major(status.st_dev)}:{os.minor(status.st_dev)}"
