"""Regular files of the roots: the results of searches, the files of the mirror, and the files that failed.

Used by the directories of this package and by the FUSE adapter. Files are opened below their root without following
links. Methods that end in `_nowait` do what the kernel can do from memory, on the event loop of the mount: a round trip
to a thread takes longer than the call itself. All others may block.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from magicfs.domain.attributes import AttributeChange, Attributes
from magicfs.domain.files import FailedFile, FileStat
from magicfs.domain.results import Hit
from magicfs.linux.opening import is_on_local_file_system
from magicfs.tree.gone_files import GoneFileLog
from magicfs.tree.identities import FileIdentity
from magicfs.tree.locations import FileLocation, descriptor_path
from magicfs.tree.nodes import Handle, Node, Openable, not_found
from magicfs.tree.real_handles import FORWARDED_FLAGS, RealHandle, clear_set_id
from magicfs.tree.real_nodes import ChildPlace, RealNode, in_any_place

_TICK_NS, _COARSE_TICK_NS, _COARSE_UNIT_NS = 20_000_000, 2_500_000_000, 10_000_000
"""A change gives a file other times than one so long before. The kernel's clock goes by up to ten milliseconds at a
time, and file systems whose times are multiples of that may have one time for two seconds."""


class KernelVersion(NamedTuple):
    """What tells whether the kernel has the attributes and the pages of a file as it is."""

    ctime_ns: int
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, status: Attributes | FileStat) -> KernelVersion:
        """The version of a file with this status."""
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
        """The file as it was opened last: the kernel's pages are those of this version. None if that is not certain."""

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

    def replace_opened_version(self, version: FileStat | None, *, now_ns: int) -> bool:
        """Record the version that is opened now; whether its content is that of the version opened before.

        One that has just changed is not recorded: it may change again, and have the same times. `now_ns` is the time
        since the epoch.
        """
        previous = self.opened_version
        self.opened_version = None if version is None or _may_change_unseen(version, now_ns) else version
        return previous is not None and version is not None and previous.same_content_as(version)

    def forget_pages(self) -> None:
        """Know that the kernel may have pages that are not those of `opened_version`."""
        self.opened_version = None

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
        if flags & (os.O_ACCMODE | os.O_TRUNC):
            return None
        try:
            opened = self._open_in_memory(location, flags & FORWARDED_FLAGS)
        except FileNotFoundError:
            # Left to `open`, which reports it.
            return None
        if opened is None:
            return None
        descriptor, status = opened
        try:
            _require_regular(status)
            return RealHandle(descriptor, flags=flags, is_local_fs=True)
        except BaseException:
            os.close(descriptor)
            raise

    def open(self, flags: int) -> Handle:
        """Open the real file. Raises `EHOSTUNREACH` for one of another host, `EINVAL` if it is not regular."""
        self._require_local()
        # Truncate only after it is certain which file it is.
        with self._reports_gone():
            descriptor, status = self.open_recognised(flags & FORWARDED_FLAGS & ~os.O_TRUNC)
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


def _may_change_unseen(version: FileStat, now_ns: int) -> bool:
    """Whether a change of the file at this moment might leave its times as they are."""
    return now_ns - version.ctime_ns < (_TICK_NS if version.ctime_ns % _COARSE_UNIT_NS else _COARSE_TICK_NS)
