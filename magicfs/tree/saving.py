"""Replacing the content of a real file as an editor does: by a new file beside it that is renamed over it.

Used by the scratch files of searches. Whoever reads the file, and whatever ends this process, finds the old content or
the new one. Safe in any thread; everything here may block.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat

from magicfs.linux import open_below, status_and_birth
from magicfs.tree.locations import FileLocation, descriptor_path

_COPY_BYTES = 1 << 20
_NO_UNNAMED_FILES = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT})
"""Errors where the file system, or the kernel, has no `O_TMPFILE`."""


def replace_content(location: FileLocation, source: int) -> None:
    """Give the regular file at `location` the content of the open file `source`, and flush it to the disk.

    Mode, owner and extended attributes stay. Where the new file could not belong to the old one's owner, or no file can
    be made in its directory, the old one is written to instead, as editors do. Raises `OSError`.
    """
    path, _, name = location.path.rpartition(b"/")
    directory = open_below(location.root, path or b".", flags=os.O_PATH | os.O_DIRECTORY)
    try:
        old = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
        try:
            if not stat.S_ISREG(os.fstat(old).st_mode):
                raise OSError(errno.ELOOP, "not a regular file any more", name)
            try:
                _replace(directory, name, old, source)
            except PermissionError:
                _overwrite(old, source)
        finally:
            os.close(old)
    finally:
        os.close(directory)


def copy_content(source: int, target: int) -> None:
    """Write all of one open file to the beginning of another one, which is cut to that length."""
    offset = 0
    while data := os.pread(source, _COPY_BYTES, offset):
        done = 0
        while done < len(data):
            done += os.pwrite(target, data[done:], offset + done)
        offset += len(data)
    os.ftruncate(target, offset)


def _replace(directory: int, name: bytes, old: int, source: int) -> None:
    status, _ = status_and_birth(old)
    temporary = b".magicfs-" + secrets.token_hex(8).encode()
    flags = os.O_RDWR | os.O_CLOEXEC
    is_named = False
    try:
        new = os.open(b".", flags | os.O_TMPFILE, 0o600, dir_fd=directory)
    except OSError as error:
        if error.errno not in _NO_UNNAMED_FILES:
            raise
        new = os.open(temporary, flags | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=directory)
        is_named = True
    try:
        copy_content(source, new)
        if (status.st_uid, status.st_gid) != (os.fstat(new).st_uid, os.fstat(new).st_gid):
            os.fchown(new, status.st_uid, status.st_gid)
        os.fchmod(new, stat.S_IMODE(status.st_mode))
        _copy_extended_attributes(old, new)
        os.fsync(new)
        if not is_named:
            os.link(descriptor_path(new), temporary, dst_dir_fd=directory)
            is_named = True
        os.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
        is_named = False
        _flush_names(directory)
    finally:
        os.close(new)
        if is_named:
            with contextlib.suppress(OSError):
                os.unlink(temporary, dir_fd=directory)


def _copy_extended_attributes(old: int, new: int) -> None:
    """Copy those that this user may set: others, such as a label of SELinux, the file system sets itself."""
    try:
        names = os.listxattr(descriptor_path(old))
    except OSError:
        return
    for name in names:
        with contextlib.suppress(OSError):
            os.setxattr(new, name, os.getxattr(descriptor_path(old), name))


def _flush_names(directory: int) -> None:
    with contextlib.suppress(OSError):
        opened = os.open(b".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _overwrite(old: int, source: int) -> None:
    opened = os.open(descriptor_path(old), os.O_WRONLY | os.O_CLOEXEC)
    try:
        copy_content(source, opened)
        os.fsync(opened)
    finally:
        os.close(opened)
