"""Replaces the content of a real file, by a new file beside it that is complete before it takes the name.

Used where results are saved. Whoever reads the file, and whatever ends this process, finds the old content or the new
one. Everything here may block; generators stop between two steps, so that whoever runs them can give up there.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from magicfs.linux.opening import open_below
from magicfs.tree.locations import FileLocation, descriptor_path
from magicfs.tree.nodes import FILE_CAPABILITIES

Version = tuple[int, int, int, int, int]
"""Device, inode, size, and times of the last changes of content and inode in nanoseconds."""

COPY_BYTES = 1 << 20
_FLUSHED_BYTES = 64 << 20
"""What is flushed at a time: flushing a large file at once might take longer than a step may."""
_PREFIX = b".magicfs-"
"""The beginning of the names of new files. The index leaves out names that begin with a dot."""
_NO_UNNAMED_FILES = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT})
"""Errors where the file system, or the kernel, has no `O_TMPFILE`."""
_OWN_ATTRIBUTES = (b"security.", b"trusted.")
"""Extended attributes that the file system gives a new file itself, or that only the superuser may set, begin so."""


class Replacement:
    """A new file that becomes the one at a location. Nothing has changed before `commit` returns."""

    def __init__(self, location: FileLocation, *, records: Path) -> None:
        """Prepare nothing yet.

        `records` is a directory for links to new files as long as they have a name of their own: what a killed process
        leaves beside the old file is found by them (`remove_recorded`).
        """
        self._location = location
        self._name = os.path.basename(location.path)
        self._records = records
        self._directory = -1
        self._temporary: bytes | None = None
        """The name that the new file has meanwhile."""
        self._old_version: Version | None = None
        self.descriptor = -1
        """The new file, open to read and to write, until `close`."""

    def prepare(self, source: int) -> Generator[None]:
        """Write the content of the open file `source` to a new file with the mode, owner and attributes of the old one.

        Raises `OSError`: `ENOENT` where the old file is gone, `ELOOP` where a link has replaced it, `EACCES` or `EPERM`
        where no file can be made beside it or the new one could not be like it.
        """
        path = os.path.dirname(self._location.path) or b"."
        self._directory = open_below(self._location.root, path, flags=os.O_PATH | os.O_DIRECTORY)
        with self._old():
            self.descriptor = self._new_file()
        yield from copying(source, self.descriptor)
        with self._old() as old:
            self._old_version = version_of(os.fstat(old))
            _make_like(self.descriptor, old)
        status = os.fstat(source)
        os.utime(self.descriptor, ns=(status.st_atime_ns, status.st_mtime_ns))
        os.fsync(self.descriptor)

    def is_current(self) -> bool:
        """Whether the old file is as it was when the new one was made like it. May block."""
        try:
            with self._old() as old:
                return version_of(os.fstat(old)) == self._old_version
        except OSError:
            return False

    def commit(self) -> None:
        """Let the new file take the name of the old one. Raises `OSError`, and nothing has changed then."""
        with self._old():
            pass
        temporary = self._temporary
        if temporary is None:
            temporary = self._record()
            os.link(descriptor_path(self.descriptor), temporary, dst_dir_fd=self._directory)
        os.rename(temporary, self._name, src_dir_fd=self._directory, dst_dir_fd=self._directory)
        self._forget_record()

    def flush_name(self) -> None:
        """Flush the directory, as far as that can be done."""
        with contextlib.suppress(OSError):
            opened = os.open(b".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self._directory)
            try:
                os.fsync(opened)
            finally:
                os.close(opened)

    def close(self) -> None:
        """Close the new file, and remove it if it was not committed."""
        if self._temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._temporary, dir_fd=self._directory)
            self._forget_record()
        for descriptor in (self.descriptor, self._directory):
            if descriptor >= 0:
                os.close(descriptor)
        self.descriptor = self._directory = -1

    @contextmanager
    def _old(self) -> Iterator[int]:
        """An `O_PATH` descriptor of the old file. Raises `ELOOP` if that is not a regular file any more."""
        old = os.open(self._name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._directory)
        try:
            if not stat.S_ISREG(os.fstat(old).st_mode):
                raise OSError(errno.ELOOP, "not a regular file any more", self._name)
            yield old
        finally:
            os.close(old)

    def _new_file(self) -> int:
        """A new file without a name, or with a temporary one where the file system does not have such files."""
        flags = os.O_RDWR | os.O_CLOEXEC
        try:
            return os.open(b".", flags | os.O_TMPFILE, 0o600, dir_fd=self._directory)
        except OSError as error:
            if error.errno not in _NO_UNNAMED_FILES:
                raise
        return os.open(self._record(), flags | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=self._directory)

    def _record(self) -> bytes:
        """A temporary name, which is recorded from now on."""
        self._temporary = _PREFIX + secrets.token_hex(8).encode()
        path = os.path.dirname(self._location.absolute) + b"/" + self._temporary
        (self._records / os.fsdecode(self._temporary)).symlink_to(os.fsdecode(path))
        return self._temporary

    def _forget_record(self) -> None:
        temporary, self._temporary = self._temporary, None
        if temporary is None:
            return
        with contextlib.suppress(OSError):
            (self._records / os.fsdecode(temporary)).unlink(missing_ok=True)


def remove_recorded(records: Path) -> None:
    """Remove the new files that a killed process has left beside old ones, and the directory of records."""
    if not records.is_dir():
        return
    for record in list(records.iterdir()):
        path = Path(os.readlink(record))
        if path.name == record.name and path.name.startswith(os.fsdecode(_PREFIX)):
            path.unlink(missing_ok=True)
        record.unlink()
    records.rmdir()


def version_of(status: os.stat_result) -> Version:
    """What differs once a file was changed or is another one."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def copying(source: int, target: int) -> Generator[None]:
    """Write all of one open file to another one, which is empty, a step for each megabyte. Raises `OSError`."""
    offset = 0
    while data := os.pread(source, COPY_BYTES, offset):
        done = 0
        while done < len(data):
            done += os.pwrite(target, data[done:], offset + done)
        offset += len(data)
        if offset % _FLUSHED_BYTES == 0:
            os.fdatasync(target)
        yield


def _make_like(new: int, old: int) -> None:
    """Give a new file the owner, mode, access lists and attributes of an old one. Raises `OSError` if that fails.

    A write takes set-user-ID bits away, unless the superuser writes.
    """
    status = os.fstat(old)
    made = os.fstat(new)
    if (status.st_uid, status.st_gid) != (made.st_uid, made.st_gid):
        os.fchown(new, status.st_uid, status.st_gid)
    kept = 0o7777 if os.geteuid() == 0 else 0o777
    os.fchmod(new, stat.S_IMODE(status.st_mode) & kept)
    attributes = _attributes(descriptor_path(old))
    for name in _attributes(new).keys() - attributes.keys():
        # A default access list of the directory.
        with contextlib.suppress(OSError):
            os.removexattr(new, name)
    for name, value in attributes.items():
        try:
            os.setxattr(new, name, value)
        except OSError:
            if not name.startswith(_OWN_ATTRIBUTES):
                raise


def _attributes(file: str | int) -> dict[bytes, bytes]:
    """The extended attributes of a file; none where the file system has no such thing."""
    try:
        names = [os.fsencode(name) for name in os.listxattr(file)]
    except OSError as error:
        if error.errno == errno.EOPNOTSUPP:
            return {}
        raise
    return {name: os.getxattr(file, name) for name in names if name != FILE_CAPABILITIES}
