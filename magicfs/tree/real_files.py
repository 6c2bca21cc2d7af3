"""Regular files of the roots: the results of searches, the files of the mirror, and the files that failed.

Used by the directories of this package and by the FUSE adapter. Files are opened below their root without following
links, and read and written by descriptor. Methods that end in `_nowait` do what the kernel can do from memory, on the
event loop of the mount: a round trip to a thread takes longer than the call itself. All others may block.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from magicfs.domain.attributes import STAT_BLOCK_BYTES, AttributeChange, Attributes
from magicfs.domain.files import FailedFile, FileStat
from magicfs.domain.results import Hit
from magicfs.linux import open_below, open_below_cached
from magicfs.tree.gone_files import GoneFileLog
from magicfs.tree.locations import FileLocation, RealNode, descriptor_path
from magicfs.tree.nodes import Handle, Openable, not_found

MAX_NOWAIT_CLOSE_BYTES = 1 << 20
"""A file system frees the blocks of a deleted file of this size without blocking for long."""
_FORWARDED_FLAGS = os.O_ACCMODE | os.O_APPEND | os.O_TRUNC | os.O_SYNC | os.O_DSYNC
"""The program's flags with which the real file is opened too."""


class RealHandle:
    """An open file of a root."""

    direct_io = False
    _descriptor = -1

    def __init__(self, descriptor: int, *, is_local_fs: bool = False) -> None:
        """Take over an open descriptor.

        `is_local_fs` is True for a descriptor that only reads, on a file system that never waits for a server: closing
        it blocks at most while the blocks of a deleted file are freed.
        """
        status = os.fstat(descriptor)
        self._descriptor = descriptor
        self._is_local_fs = is_local_fs
        self._supports_nowait = hasattr(os, "RWF_NOWAIT")
        self.version: FileStat | None = FileStat.of(status)
        self.last_attributes = Attributes.of(status)
        """The attributes after the file was opened, or after the last write."""

    @property
    def descriptor(self) -> int:
        """The descriptor, open as long as the handle is."""
        return self._descriptor

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
        """Write all of `data`; a file opened with `O_APPEND` ignores the offset."""
        done = os.pwrite(self._descriptor, data, offset)
        while done < len(data):
            done += os.pwrite(self._descriptor, data[done:], offset + done)
        self.last_attributes = self.attributes()
        return done

    def sync(self, *, data_only: bool) -> None:
        """Call `fsync`, or `fdatasync` if `data_only`."""
        (os.fdatasync if data_only else os.fsync)(self._descriptor)

    def can_close_nowait(self) -> bool:
        """Whether the file is small and local: closing the last descriptor of a deleted file frees its blocks."""
        if not self._is_local_fs:
            return False
        status = os.fstat(self._descriptor)
        return max(status.st_size, status.st_blocks * STAT_BLOCK_BYTES) <= MAX_NOWAIT_CLOSE_BYTES

    def close(self) -> None:
        """Close the descriptor."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


class RealFile(RealNode, Openable):
    """A regular file of a root, of this host or of another one."""

    key_prefix = b"f"

    def __init__(
        self,
        location: FileLocation,
        *,
        is_local: bool,
        indexed_attributes: Attributes | None = None,
        index_record: Hit | FailedFile | None = None,
        gone_files: GoneFileLog | None = None,
    ) -> None:
        """Stand for the file at `location`; `is_local` is True if that is on this host.

        `indexed_attributes` are returned for a file of another host. `index_record` holds the values of the extended
        attributes; None for a file of the mirror. `gone_files` is told when the file is not there.
        """
        super().__init__(location)
        self._is_local = is_local
        self._indexed_attributes = indexed_attributes
        self._index_record = index_record
        self._gone_files = gone_files
        self.last_lookup: tuple[int, bytes] | None = None
        """The directory's inode and the name of the kernel's last lookup of this file."""
        self._kernel_attributes: Attributes | None = None
        """The attributes that the kernel was given last."""
        self._opened_version: FileStat | None = None
        """The file as it was opened last: the kernel's pages are those of this version."""

    def cached_attributes(self) -> Attributes | None:
        """The attributes of `lstat` if the kernel has them in memory; those of the index for a file of another host."""
        if not self._is_local:
            return self._indexed_attributes
        # A file that is gone is left to `attributes`, which reports it.
        with contextlib.suppress(FileNotFoundError):
            status = self._location.lstat_nowait()
            return Attributes.of(status) if status is not None and stat.S_ISREG(status.st_mode) else None
        return None

    def attributes(self) -> Attributes:
        """The attributes of `lstat`; those of the index for a file of another host.

        Raises `FileNotFoundError` if it is no regular file any more.
        """
        if not self._is_local and self._indexed_attributes is not None:
            return self._indexed_attributes
        self._require_local()
        with self._reports_gone():
            status = self._location.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise not_found(self._location.path)
        return Attributes.of(status)

    def update(self, newer: RealFile) -> None:
        """Take over the record and the attributes that the index has, as `newer` has them from a later lookup."""
        self._index_record = newer._index_record
        self._indexed_attributes = newer._indexed_attributes

    def merge_kernel_attributes(self, attributes: Attributes) -> Attributes:
        """Compare these attributes with those that the kernel has; record and return the ones with the later ctime.

        The index is older than the file system: a listing must not replace newer attributes that the kernel has.
        """
        if self._kernel_attributes is None or attributes.ctime_ns >= self._kernel_attributes.ctime_ns:
            self._kernel_attributes = attributes
        return self._kernel_attributes

    def set_kernel_attributes(self, attributes: Attributes) -> None:
        """Record the attributes that the kernel is given."""
        self._kernel_attributes = attributes

    def kernel_attributes_match(self, version: FileStat | None) -> bool:
        """Whether the kernel has the size and mtime of this version, or no attributes at all."""
        given = self._kernel_attributes
        return given is None or version is None or (given.size, given.mtime_ns) == (version.size, version.mtime_ns)

    def replace_opened_version(self, version: FileStat | None) -> bool:
        """Record the version that is opened now; whether its content is that of the version opened before."""
        previous, self._opened_version = self._opened_version, version
        return previous is not None and version is not None and previous.same_content_as(version)

    def extended_attributes(self) -> Mapping[bytes, bytes]:
        """The fields of the index record as `user.magicfs.*`: those of the search that was looked up last."""
        return {
            b"user.magicfs." + name.encode(): value if isinstance(value, bytes) else value.encode("utf-8", "replace")
            for name, value in self._index_facts()
        }

    def _index_facts(self) -> Iterator[tuple[str, str | bytes]]:
        yield "path", self._location.absolute
        yield "host", self._location.host
        record = self._index_record
        if isinstance(record, FailedFile):
            yield "reason", record.reason
            yield "detail", record.detail or ""
        elif record is not None:
            yield "score", f"{record.score:.4f}"
            # Empty if that retriever did not return the file: every result has the attribute.
            yield "vector", "" if record.vector is None else f"{record.vector:.4f}"
            yield "lexical", "" if record.lexical is None else f"{record.lexical:.4f}"
            yield "lines", f"{record.first_line}-{record.last_line}" if record.has_text else ""
            yield "language", record.language or ""
            yield "snippet", record.snippet
            indexed_at = datetime.fromtimestamp(record.indexed_at, UTC) if record.indexed_at else None
            yield "indexed_at", indexed_at.isoformat(timespec="seconds") if indexed_at else ""

    def open_nowait(self, flags: int) -> Handle | None:
        """Open to read, from what the kernel has in memory. None if that does not suffice, and for other modes.

        Raises `EHOSTUNREACH` for a file of another host.
        """
        self._require_local()
        if flags & (os.O_ACCMODE | os.O_TRUNC):
            return None
        try:
            descriptor = open_below_cached(self._location.root, self._location.path, flags=flags & _FORWARDED_FLAGS)
        except FileNotFoundError:
            # Left to `open`, which reports it.
            return None
        if descriptor is None:
            return None
        try:
            _require_regular(os.fstat(descriptor))
            return RealHandle(descriptor, is_local_fs=True)
        except BaseException:
            os.close(descriptor)
            raise

    def open(self, flags: int) -> Handle:
        """Open the real file. Raises `EHOSTUNREACH` for one of another host, `EINVAL` if it is not regular."""
        self._require_local()
        # Truncate only after the type of the file is checked.
        with self._reports_gone():
            descriptor = open_below(
                self._location.root, self._location.path, flags=flags & _FORWARDED_FLAGS & ~os.O_TRUNC
            )
        try:
            _require_regular(os.fstat(descriptor))
            if flags & os.O_TRUNC and flags & os.O_ACCMODE != os.O_RDONLY:
                os.ftruncate(descriptor, 0)
            return RealHandle(descriptor)
        except BaseException:
            os.close(descriptor)
            raise

    def set_attributes(self, change: AttributeChange, handle: Handle | None) -> None:
        """Change size, mode, owner and times of the real file."""
        self._require_local()
        if change.size is not None:
            self._resize(change.size, handle)
        with self._location.path_descriptor() as descriptor:
            status = os.fstat(descriptor)
            _require_regular(status)
            path = descriptor_path(descriptor)
            if change.uid is not None or change.gid is not None:
                os.chown(path, _id_or_unchanged(change.uid), _id_or_unchanged(change.gid))
            if change.mode is not None:
                os.chmod(path, stat.S_IMODE(change.mode))
            if change.atime_ns is not None or change.mtime_ns is not None:
                atime_ns = status.st_atime_ns if change.atime_ns is None else change.atime_ns
                mtime_ns = os.fstat(descriptor).st_mtime_ns if change.mtime_ns is None else change.mtime_ns
                os.utime(path, ns=(atime_ns, mtime_ns))

    def _resize(self, size: int, handle: Handle | None) -> None:
        if isinstance(handle, RealHandle):
            os.ftruncate(handle.descriptor, size)
            return
        opened = self.open(os.O_WRONLY)
        with contextlib.closing(opened):
            if isinstance(opened, RealHandle):
                os.ftruncate(opened.descriptor, size)

    def access_nowait(self, mode: int) -> bool | None:
        """What `access` returns if the kernel has the file in memory, or the file is of another host."""
        return self._location.access_nowait(mode) if self._is_local else self.access(mode)

    def access(self, mode: int) -> bool:
        """Whether the file system grants access; a file of another host is shown as readable."""
        if not self._is_local:
            return not mode & (os.W_OK | os.X_OK)
        return self._location.access(mode)

    @contextlib.contextmanager
    def _reports_gone(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            if self._gone_files is not None:
                self._gone_files.report(self._location)
            raise

    def _require_local(self) -> None:
        if not self._is_local:
            raise OSError(errno.EHOSTUNREACH, f"the file is on {self._location.host}")


def _require_regular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")


def _id_or_unchanged(owner: int | None) -> int:
    """The user or group id for `os.chown`, where -1 keeps it."""
    return -1 if owner is None else owner
