"""Guards against deletions that nobody meant: a disk that is not mounted must never empty the index.

Used by the scanner, which asks three things: is the root there and still the same tree, which mounts in it are gone,
and are so many deletions suspicious. Reads the disk, writes nothing. Any thread.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from magicfs.domain.files import clamp_to_int64
from magicfs.domain.roots import Root, encloses
from magicfs.errors import RootMissing
from magicfs.linux.mounts import device_of_path, mount_point_of, read_mounts

SAMPLE_FILES = 100
"""How many indexed files are compared with a tree whose device number or mount has changed."""

DELETION_WINDOW_SECONDS = 60.0
"""Deletions within this time count together: long enough for `rm -r` of a large tree, too short for a day's work."""

MIN_SUSPICIOUS_FILES = 10
"""Fewer deletions are never suspicious: if the files come back, reading them again takes a moment."""

FileSample = Sequence[tuple[bytes, int, int]]
"""Path, size in bytes, and mtime in nanoseconds of some indexed files."""


def verify_root(root: Root, sample: Callable[[], FileSample]) -> Root:
    """The root with its present device number and mount point. Raises `RootMissing` when it is absent or replaced.

    btrfs and NFS may change device numbers at a reboot, and a container has other mounts. A tree with another number or
    in another mount is taken for the root when it holds at least half of the sampled files; a root without indexed
    files has nothing to lose. A root's path had no symbolic link when it was added, so a link there leads elsewhere.
    """
    try:
        status = os.lstat(root.path)
        if stat.S_ISLNK(status.st_mode):
            raise RootMissing("a symbolic link is in its place: remove the root and add it anew if that is meant")
        os.scandir(root.path).close()
        mount_point = mount_point_of(root.path)
    except OSError as error:
        moved = "; if it has moved, add it at its new place, and remove this one" if error.errno == errno.ENOENT else ""
        raise RootMissing(f"{error.strerror}: its files stay in the index until it is back{moved}") from error
    if status.st_dev != root.device or _is_elsewhere(root, mount_point):
        files = sample()
        if 2 * sum(_is_unchanged(root, *file) for file in files) < len(files):
            # The empty directory of a disk that is not mounted looks like this too.
            raise RootMissing("its disk is not there: mount it, or remove the root and add it anew if that is meant")
    # What was known stays: a mount that was detached this moment is not in the kernel's table, and is missing next.
    return replace(
        root, device=status.st_dev, mount_point=mount_point or root.mount_point, inner_mounts=_inner_mounts(root)
    )


def _inner_mounts(root: Root) -> tuple[bytes, ...]:
    """Where mounts stand in the root, and where mounts stood in directories that are empty now.

    Of mounts with another device no file is indexed.
    """
    present = _mounts_in(root)
    return tuple(sorted(present | {path for path in root.inner_mounts if path not in present and _is_empty(path)}))


def gone_mounts(root: Root) -> frozenset[bytes]:
    """The inner mounts of a root where nothing is mounted now: their files are missing, and not deleted."""
    return frozenset(root.inner_mounts) - _mounts_in(root) if root.inner_mounts else frozenset()


def not_missing(root: Root, paths: Iterable[bytes]) -> set[bytes]:
    """The paths, relative to the root, that are not below an inner mount that is gone and whose directory is empty.

    What the mount showed may still change where it is, and raises events by the former paths.
    """
    missing = [os.path.relpath(mount, root.path) for mount in gone_mounts(root) if _is_empty(mount)]
    return {path for path in paths if not any(path != mount and encloses(mount, path) for mount in missing)}


def _mounts_in(root: Root) -> set[bytes]:
    """The mount points below a root that show its device, by the kernel's table. Touches no mount."""
    mounts = list(read_mounts())
    inside = [mount for mount in mounts if mount.mount_point != root.path and encloses(root.path, mount.mount_point)]
    device = device_of_path(root.path) if inside else ""
    return {mount.mount_point for mount in inside if mount.device == device}


def _is_empty(path: bytes) -> bool:
    try:
        with os.scandir(path) as entries:
            return next(entries, None) is None
    except OSError:
        return False


def _is_unchanged(root: Root, path: bytes, size: int, mtime_ns: int) -> bool:
    try:
        status = os.lstat(os.path.join(root.path, path))
    except OSError:
        return False
    return (status.st_size, clamp_to_int64(status.st_mtime_ns)) == (size, mtime_ns)


def is_present(root: Root) -> bool:
    """Whether the root's directory is there, on the root's device and mount. Cheap: asked before each deletion."""
    try:
        return os.lstat(root.path).st_dev == root.device and not _is_elsewhere(root, mount_point_of(root.path))
    except OSError:
        return False


def _is_elsewhere(root: Root, mount_point: bytes | None) -> bool:
    """Whether this is another mount than the one that the root was in, if both are known."""
    return None not in (mount_point, root.mount_point) and mount_point != root.mount_point


def is_emptied(*, ignored: int, kept: Callable[[], int]) -> bool:
    """Whether a person should confirm rules that ignore `ignored` files of a root, and leave so many others in it.

    A rule says what is not to be found, and counts at once. But vectors that took hours go with a `*` in a wrong place.
    `kept` is asked only where it matters: it may count all files of the root.
    """
    return ignored >= MIN_SUSPICIOUS_FILES and kept() == 0


def is_suspicious(*, deleted: int, indexed: int) -> bool:
    """Whether a person should confirm `deleted` deletions in a root that had `indexed` files before them."""
    return deleted >= MIN_SUSPICIOUS_FILES and 2 * deleted > indexed
