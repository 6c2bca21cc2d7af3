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
from typing import NamedTuple

from magicfs.domain.attributes import STAT_BLOCK_BYTES, AttributeChange, Attributes
from magicfs.domain.files import FailedFile, FileStat
from magicfs.domain.results import Hit
from magicfs.linux.opening import is_on_local_file_system, open_below_cached
from magicfs.tree.gone_files import GoneFileLog
from magicfs.tree.identities import FileIdentity
from magicfs.tree.locations import FileLocation, descriptor_path
from magicfs.tree.nodes import Handle, Node, Openable, not_found
from magicfs.tree.real_nodes import ChildPlace, RealNode, in_any_place
from magicfs.tree.removed_files import REMOVED_FILES

MAX_NOWAIT_CLOSE_BYTES = 1 << 20
"""A file system frees the blocks of a deleted file of this size without blocking for long."""
_FORWARDED_FLAGS = os.O_ACCMODE | os.O_APPEND | os.O_TRUNC | os.O_SYNC | os.O_DSYNC
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
        flags = flags & _FORWARDED_FLAGS | os.O_NONBLOCK | os.O_CLOEXEC
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


class KernelVersion(NamedTuple):
    """What tells whether the kernel has the attributes and the pages of a file as it is."""

    ctime_ns: int
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, status: Attributes | FileStat) -> KernelVersion:
        """That of a file with this status."""
        return cls(status.ctime_ns, status.size, status.mtime_ns)


class RealFile(RealNode, Openable):
    """A regular file of a root, of this host or of another one."""

    def __init__(
        self,
        place: ChildPlace | FileLocation,
        *,
        is_local: bool,
        identity: FileIdentity | None = None,
        indexed_attributes: Attributes | None = None,
        index_record: Hit | FailedFile | None = None,
        gone_files: GoneFileLog | None = None,
    ) -> None:
        """Stand for the file that was seen at `place`; `is_local` is True if that is on this host.

        Without an `identity` it is the file that the index has seen there. `indexed_attributes` are returned for a file
        of another host. `index_record` holds the values of the extended attributes; None for a file of the mirror.
        `gone_files` is told when the file is not there.
        """
        if identity is None and is_local and index_record is not None:
            identity = FileIdentity.of_indexed(index_record.stat)
        super().__init__(place, identity)
        self._is_local = is_local
        self.indexed_attributes = indexed_attributes
        self.index_record = index_record
        self._gone_files = gone_files
        self.last_lookup: tuple[int, bytes, Hit | FailedFile | None] | None = None
        """The directory's inode, the name and the record of the kernel's last lookup of this file."""
        self.kernel_version: KernelVersion | None = None
        """What the attributes that the kernel was given last say of the content."""
        self._kernel_attributes: Attributes | None = None
        """All of these attributes; None if they were not kept."""
        self.opened_version: FileStat | None = None
        """The file as it was opened last: the kernel's pages are those of this version."""

    @property
    def is_local(self) -> bool:
        """Whether it is a file of this host."""
        return self._is_local

    @property
    def is_of_mirror(self) -> bool:
        """Whether it was seen in `mirror/` last: the index says nothing of it."""
        return self._is_local and self.index_record is None and self._gone_files is None

    def cached_attributes(self) -> Attributes | None:
        """The attributes of `lstat` if the kernel has them in memory; those of the index for a file of another host."""
        if not self._is_local:
            return self.indexed_attributes
        # A file that is gone is left to `attributes`, which reports it.
        with contextlib.suppress(FileNotFoundError):
            status = self.status_nowait()
            return Attributes.of(status) if status is not None and stat.S_ISREG(status.st_mode) else None
        return None

    def attributes(self) -> Attributes:
        """The attributes of `lstat`; those of the index for a file of another host.

        Raises `FileNotFoundError` if it is no regular file any more, and `ELOOP` if it is a link.
        """
        if not self._is_local and self.indexed_attributes is not None:
            return self.indexed_attributes
        with self._reports_gone(), self.opened() as (_, status):
            if stat.S_ISLNK(status.st_mode):
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            if not stat.S_ISREG(status.st_mode):
                raise not_found(self.location.path)
            return Attributes.of(status)

    @contextlib.contextmanager
    def opened(self) -> Iterator[tuple[int, os.stat_result]]:
        """What `RealNode.opened` returns. Raises `EHOSTUNREACH` for a file of another host. May block."""
        self._require_local()
        with super().opened() as opened:
            yield opened

    def update(self, newer: Node) -> None:
        """Take over the record and the attributes that the index has, as `newer` has them from a later lookup."""
        super().update(newer)
        if isinstance(newer, RealFile):
            self.index_record = newer.index_record
            self.indexed_attributes = newer.indexed_attributes

    def merge_kernel_attributes(self, attributes: Attributes) -> Attributes:
        """Compare these attributes with those that the kernel has; record and return the ones with the later ctime.

        The index is older than the file system: a listing must not replace newer attributes that the kernel has.
        """
        if self.kernel_version is not None and attributes.ctime_ns < self.kernel_version.ctime_ns:
            return self._kernel_attributes or self._attributes_in_memory() or attributes
        self.set_kernel_attributes(attributes)
        return attributes

    def _attributes_in_memory(self) -> Attributes | None:
        """What `cached_attributes` returns; None where the file is gone."""
        try:
            return self.cached_attributes()
        except OSError:
            return None

    def set_kernel_attributes(self, attributes: Attributes) -> None:
        """Record the attributes that the kernel is given."""
        self._kernel_attributes = attributes
        self.kernel_version = KernelVersion.of(attributes)

    def kernel_attributes_match(self, version: FileStat | None) -> bool:
        """Whether the kernel has the size and mtime of this version, or no attributes at all."""
        given = self.kernel_version
        return given is None or version is None or (given.size, given.mtime_ns) == (version.size, version.mtime_ns)

    def replace_opened_version(self, version: FileStat | None) -> bool:
        """Record the version that is opened now; whether its content is that of the version opened before."""
        previous, self.opened_version = self.opened_version, version
        return previous is not None and version is not None and previous.same_content_as(version)

    def extended_attributes(self) -> Mapping[bytes, bytes]:
        """The fields of the index record as `user.magicfs.*`: those of the search that was looked up last."""
        return {
            b"user.magicfs." + name.encode(): value if isinstance(value, bytes) else value.encode("utf-8", "replace")
            for name, value in self._index_facts()
        }

    def _index_facts(self) -> Iterator[tuple[str, str | bytes]]:
        location = self.location
        yield "path", location.absolute
        yield "host", location.host
        record = self.index_record
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

    @in_any_place
    def open_nowait(self, location: FileLocation, flags: int) -> Handle | None:
        """Open to read, from what the kernel has in memory. None if that does not suffice, and for other modes.

        Raises `EHOSTUNREACH` for a file of another host.
        """
        self._require_local()
        if flags & (os.O_ACCMODE | os.O_TRUNC) or REMOVED_FILES.holds(self.identity):
            return None
        try:
            with self.stale_if_gone():
                descriptor = open_below_cached(location.root, location.path, flags=flags & _FORWARDED_FLAGS)
        except FileNotFoundError:
            # Left to `open`, which reports it.
            return None
        if descriptor is None:
            return None
        try:
            _require_regular(self.verified_status(descriptor))
            return RealHandle(descriptor, flags=flags, is_local_fs=True)
        except BaseException:
            os.close(descriptor)
            raise

    def open(self, flags: int) -> Handle:
        """Open the real file. Raises `EHOSTUNREACH` for one of another host, `EINVAL` if it is not regular."""
        self._require_local()
        # Truncate only after it is certain which file it is.
        with self._reports_gone():
            descriptor, status = self.open_recognised(flags & _FORWARDED_FLAGS & ~os.O_TRUNC)
        try:
            _require_regular(status)
            if flags & os.O_TRUNC:
                # A program may cut a file that it opens to read.
                os.truncate(descriptor if flags & os.O_ACCMODE else descriptor_path(descriptor), 0)
            return RealHandle(descriptor, flags=flags, is_local_fs=is_on_local_file_system(descriptor))
        except BaseException:
            os.close(descriptor)
            raise

    def set_attributes(self, change: AttributeChange, handle: Handle | None) -> None:
        """Change size, mode, owner and times of the real file."""
        self._require_local()
        if change.size is not None:
            self._resize(change.size, handle)
            if change.clears_set_id:
                with self._changeable(handle) as (path, status):
                    clear_set_id(path, status.st_mode)
        super().set_attributes(change, handle)

    def _resize(self, size: int, handle: Handle | None) -> None:
        if isinstance(handle, RealHandle):
            os.ftruncate(handle.descriptor, size)
            return
        opened = self.open(os.O_WRONLY)
        with contextlib.closing(opened):
            os.ftruncate(opened.descriptor, size)

    def access_nowait(self, mode: int) -> bool | None:
        """What `access` returns if the kernel has the file in memory, or the file is of another host."""
        return super().access_nowait(mode) if self._is_local else self.access(mode)

    def access(self, mode: int) -> bool:
        """Whether the file system grants access; a file of another host is shown as readable."""
        if not self._is_local:
            return not mode & (os.W_OK | os.X_OK)
        return super().access(mode)

    @contextlib.contextmanager
    def _reports_gone(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            if self._gone_files is not None:
                self._gone_files.report(self.location)
            raise

    def _require_local(self) -> None:
        if not self._is_local:
            raise OSError(errno.EHOSTUNREACH, f"the file is on {self.location.host}")


def _require_regular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")


def clear_set_id(path: str | int, mode: int) -> None:
    """Take the set-user-ID and set-group-ID bits away, as a write does. Without the right to execute, the second stays.

    `mode` is that of the file; nothing happens if it has no such bits.
    """
    cleared = mode & ~stat.S_ISUID
    if mode & stat.S_IXGRP:
        cleared &= ~stat.S_ISGID
    if cleared != mode:
        os.chmod(path, stat.S_IMODE(cleared))
