"""What stands for something of another host, and its regular files: in the mirror, and as results of searches.

Used by the directories of this package and by the FUSE adapter. All is asked of `RemoteFiles`, and every change is
refused with `EROFS`. What is at the place of a node is compared with its identity, as for files of this host: another
file there raises `ESTALE`. Blocking methods run in the thread pool of the host.
"""

from __future__ import annotations

import contextlib
import functools
import os
import stat
import time
from dataclasses import dataclass

import xxhash

from magicfs.domain.attributes import Attributes
from magicfs.domain.files import FailedFile, FileStat, clamp_to_int64, to_signed_64
from magicfs.domain.results import Hit
from magicfs.tree.file_nodes import FileNode
from magicfs.tree.gone_files import GoneFileLog
from magicfs.tree.identities import FileIdentity
from magicfs.tree.locations import REAL_FILE_TIMEOUT_SECONDS, FileLocation
from magicfs.tree.nodes import Handle, Node, ReadOnlyHandle, ThreadPool, read_only, stale
from magicfs.tree.placed_nodes import ChildPlace, PlacedNode
from magicfs.tree.remote.files import RemoteFile, RemoteFiles, RemoteStatus, unreachable

REMOTE_TIMEOUT_SECONDS = 5.0
"""The kernel caches names and attributes of other hosts for this long: nobody tells of changes there, and asking takes
a round trip. Whoever opens a file, or lists a directory, gets it as it is."""
QUIET_TIMEOUT_SECONDS = 30.0
"""The same for what has not changed for `QUIET_SECONDS`, which mostly does not change in the next moment either."""
QUIET_SECONDS = 300.0
_NANOSECONDS = 10**9
_NOT_OF_THIS_HOST = 1 << 63
"""A bit of the devices in identities that no device of this host has."""


def identity_of(host: str, status: RemoteStatus) -> FileIdentity:
    """Which file of a host this is. Its device is one of that host alone, unless two hosts have the same hash."""
    born_ns = 0 if status.born_ns is None else clamp_to_int64(status.born_ns)
    return FileIdentity(stat.S_IFMT(status.attributes.mode), _device_of(host, status.device), status.number, born_ns)


@functools.lru_cache(maxsize=256)
def _device_of(host: str, device: int) -> int:
    return xxhash.xxh3_64_intdigest(f"{device} {host}".encode("utf-8", "surrogateescape")) | _NOT_OF_THIS_HOST


def kept_seconds(status: RemoteStatus) -> float:
    """How long the kernel may cache a name that leads to this, and the attributes."""
    quiet_seconds = (status.seen_ns - status.attributes.ctime_ns) / _NANOSECONDS
    return QUIET_TIMEOUT_SECONDS if quiet_seconds >= QUIET_SECONDS else REMOTE_TIMEOUT_SECONDS


@dataclass(frozen=True, slots=True)
class RemoteSource:
    """Where the nodes of other hosts come from, and how they are shown."""

    files: RemoteFiles
    is_shared: bool = False
    """Whether other users may enter the mount. The kernel then compares users with the owners of files: those of other
    hosts are shown as files of the user of the mount, with whose rights they are read."""

    def shown(self, attributes: Attributes) -> Attributes:
        """Attributes of another host as the mount shows them."""
        return attributes._replace(uid=os.geteuid(), gid=os.getegid()) if self.is_shared else attributes


class RemoteNode(PlacedNode):
    """A node that stands for something below a root of another host."""

    attribute_timeout_seconds = REMOTE_TIMEOUT_SECONDS
    file_pool = None
    """Every change is refused without asking the host."""
    has_one_name = True
    """It is looked for where it was seen last alone: what the kernel keeps of another name may be that of another file
    by now."""

    def __init__(
        self, source: RemoteSource, place: ChildPlace | FileLocation, identity: FileIdentity | None = None
    ) -> None:
        """Without an `identity` the node stands for whatever is at its place."""
        super().__init__(place, identity)
        self.source = source

    @property
    def thread_pool(self) -> ThreadPool:
        """The pool of its host."""
        return ThreadPool.of_host(self.location.host)

    def update(self, newer: Node) -> None:
        """Take over the place where `newer` was seen, and how long the kernel may cache the attributes."""
        super().update(newer)
        self.attribute_timeout_seconds = newer.attribute_timeout_seconds

    def is_same(self, other: Node) -> bool:
        """Whether `other`, which has the same key, stands for the same file of the same host."""
        return (
            isinstance(other, RemoteNode)
            and other.location.host == self.location.host
            and PlacedNode.is_same(self, other)
        )

    def status(self) -> RemoteStatus:
        """What its host says of it. May block. Raises `ESTALE` if it is not there."""
        location = self.location
        with self.stale_if_gone():
            status = self.source.files.status(location.host, location.root, location.path)
        self.recognise(status)
        self.attribute_timeout_seconds = kept_seconds(status)
        return status

    def recognise(self, status: RemoteStatus) -> None:
        """Raise `ESTALE` if that is the status of another file."""
        if self.identity is not None and not self.identity.is_same_file(identity_of(self.location.host, status)):
            raise stale()

    def attributes(self) -> Attributes:
        """The attributes of `lstat` on its host. May block."""
        return self.source.shown(self.status().attributes)

    def store_attribute(self, name: bytes, value: bytes, handle: Handle | None) -> None:
        """Raise `EROFS`."""
        del name, value, handle
        raise read_only()

    def remove_stored_attribute(self, name: bytes, handle: Handle | None) -> None:
        """Raise `EROFS`."""
        del name, handle
        raise read_only()


class RemoteFileNode(RemoteNode, FileNode):
    """A regular file of another host."""

    _clock_ahead_ns = 0
    """By how much the clock of the host is ahead of ours, at least."""

    def open_nowait(self, flags: int) -> None:
        """None: it takes a round trip. Raises `EROFS` unless opened to read, and `EHOSTUNREACH`."""
        if flags & (os.O_ACCMODE | os.O_TRUNC):
            raise read_only()
        if self.location.host not in self.source.files.hosts():
            raise unreachable(self.location.host)

    def open(self, flags: int) -> RemoteHandle:
        """Open the file to read. May block. Raises `ESTALE` if it is not at its place."""
        self.open_nowait(flags)
        location = self.location
        with self.stale_if_gone():
            file = self.source.files.open(location.host, location.root, location.path)
        try:
            self.recognise(file.status)
        except BaseException:
            file.close()
            raise
        self._clock_ahead_ns = file.status.seen_ns - time.time_ns()
        return RemoteHandle(file, self.source.shown(file.status.attributes))

    def replace_opened_version(self, version: FileStat | None, *, now_ns: int) -> bool:
        """What `FileNode.replace_opened_version` returns: the times are by the clock of the host."""
        return super().replace_opened_version(version, now_ns=now_ns + self._clock_ahead_ns)

    def access_nowait(self, mode: int) -> bool | None:
        """What `access` returns if that is known."""
        if mode & os.W_OK:
            return False
        attributes = self._kernel_attributes if mode & os.X_OK else None
        return _may_execute(attributes) if attributes else None if mode & os.X_OK else True

    def access(self, mode: int) -> bool:
        """Whether `mode` asks only to read, and to execute what somebody may execute. May block."""
        allowed = self.access_nowait(mode)
        return _may_execute(self.attributes()) if allowed is None else allowed


class RemoteHandle(ReadOnlyHandle):
    """An open file of another host."""

    def __init__(self, file: RemoteFile, attributes: Attributes) -> None:
        """`attributes` are those of the file when it was opened, as the mount shows them."""
        self._file = file
        self.last_attributes = attributes
        self.version = FileStat(
            size=attributes.size,
            mtime_ns=clamp_to_int64(attributes.mtime_ns),
            ctime_ns=clamp_to_int64(attributes.ctime_ns),
            ino=to_signed_64(file.status.number),
            dev=file.status.device,
            mode=stat.S_IMODE(attributes.mode),
            uid=attributes.uid,
            gid=attributes.gid,
        )

    def read(self, offset: int, size: int) -> bytes:
        """`size` bytes, fewer only at the end of the file. May block."""
        # More than the kernel has asked for would be no reply to it.
        return self._file.read(offset, size)[:size]

    def can_close_nowait(self) -> bool:
        """False: it may send something."""
        return False

    def close(self) -> None:
        """Close the file. May block."""
        self._file.close()


class RemoteResult(RemoteFileNode):
    """A file of another host that the index knows: a result, or a file that failed.

    It stands for whatever is at its place, and has the attributes that the index has until it is opened: then those
    that it had when it was opened last, until the index has later ones.
    """

    attribute_timeout_seconds = REAL_FILE_TIMEOUT_SECONDS

    def __init__(self, source: RemoteSource, record: Hit | FailedFile, gone_files: GoneFileLog) -> None:
        """Stand for the file of `record`; `gone_files` is told when it is not there."""
        super().__init__(source, FileLocation(host=record.host, root=record.root_path, path=record.path))
        self.index_record = record
        self.gone_files = gone_files
        self.last_attributes = Attributes.of_indexed(record.stat)

    def cached_attributes(self) -> Attributes:
        """The attributes of the index, or of the last opening."""
        return self.last_attributes

    def attributes(self) -> Attributes:
        """The attributes that `cached_attributes` returns. Never blocks."""
        return self.last_attributes

    def update(self, newer: Node) -> None:
        """Take over the record and the attributes that the index has, as `newer` has them from a later lookup."""
        super().update(newer)
        if isinstance(newer, RemoteResult) and newer.last_attributes.ctime_ns >= self.last_attributes.ctime_ns:
            self.last_attributes = newer.last_attributes

    def open(self, flags: int) -> RemoteHandle:
        """Open the file to read. May block. Raises `ENOENT` if there is none."""
        with self.reports_gone():
            handle = super().open(flags)
        self.last_attributes = handle.last_attributes
        return handle

    def stale_if_gone(self) -> contextlib.AbstractContextManager[None]:
        """Nothing is stale: the kernel would find the same result again."""
        return contextlib.nullcontext()


def _may_execute(attributes: Attributes) -> bool:
    return bool(attributes.mode & (stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH))
