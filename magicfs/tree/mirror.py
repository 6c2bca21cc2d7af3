"""`mirror/`: the roots of this host as they are on disk. Needs no database once the roots are set.

Used by `tree.Tree`. Links are shown as links and never followed. Files are read and written in place; nothing is
created or removed. Methods that may block run in the thread pool of files, the others on the event loop of the mount.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from magicfs.domain.attributes import Attributes
from magicfs.domain.roots import Root
from magicfs.linux import open_below
from magicfs.tree.gone_files import GoneFileLog
from magicfs.tree.locations import REAL_FILE_TIMEOUT_SECONDS, FileLocation, RealNode
from magicfs.tree.nodes import Directory, Entry, InMemoryListing, Link, Node, ThreadPool, not_found
from magicfs.tree.real_files import RealFile
from magicfs.tree.virtual import VirtualDirectory

_VANISHED = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
"""Errors for a name that was removed or replaced after it was listed."""


class MirrorDirectory(VirtualDirectory):
    """`mirror/` itself: one entry a root."""

    def __init__(self, *, host: str, gone_files: GoneFileLog, mounted_at_ns: int) -> None:
        super().__init__(b"mirror", mounted_at_ns=mounted_at_ns)
        self._host = host
        self._gone_files = gone_files
        self._lock = threading.Lock()
        self._roots: dict[bytes, Root] = {}

    def set_roots(self, roots: Iterable[Root]) -> None:
        """Replace the roots; those of other hosts are left out. Safe in any thread."""
        by_name = {root.name.encode("utf-8", "replace"): root for root in roots if root.host == self._host}
        with self._lock:
            self._roots = by_name

    def root_paths(self) -> list[bytes]:
        """The directories of the roots. Safe in any thread."""
        with self._lock:
            return [root.path for root in self._roots.values()]

    def lookup_cached(self, name: bytes) -> Entry | None:
        """None for the name of a root: its directory may be missing. Raises `FileNotFoundError` for other names."""
        self._root(name)
        return None

    def lookup_pool(self, name: bytes) -> ThreadPool:
        """The pool of the root's file system. Raises `FileNotFoundError`."""
        return self._location(self._root(name)).thread_pool

    def lookup(self, name: bytes) -> Entry:
        """The directory of a root. Raises `OSError` if it is not there. May block."""
        location = self._location(self._root(name))
        try:
            return _entry(name, location, location.lstat())
        except FileNotFoundError:
            self._gone_files.report(location)
            raise

    def list(self) -> InMemoryListing:
        """The roots, without attributes: each may lie on another file system. Never blocks."""
        with self._lock:
            roots = sorted(self._roots.items())
        return InMemoryListing(
            [
                Entry(
                    name,
                    RealDirectory(self._location(root)),
                    attributes=None,
                    timeout_seconds=REAL_FILE_TIMEOUT_SECONDS,
                )
                for name, root in roots
            ]
        )

    def _location(self, root: Root) -> FileLocation:
        return FileLocation(host=self._host, root=root.path, path=b"")

    def _root(self, name: bytes) -> Root:
        with self._lock:
            root = self._roots.get(name)
        if root is None:
            raise not_found(name)
        return root


class RealDirectory(RealNode, Directory):
    """A directory of a root. Nothing is created or removed in it."""

    key_prefix = b"r"

    def cached_attributes(self) -> Attributes | None:
        """The attributes that `lstat` returns, if the kernel has them in memory."""
        status = self._location.lstat_nowait()
        return Attributes.of(status) if status is not None and stat.S_ISDIR(status.st_mode) else None

    def attributes(self) -> Attributes:
        """The attributes that `lstat` returns. Raises `FileNotFoundError` if it is no directory any more. May block."""
        status = self._location.lstat()
        if not stat.S_ISDIR(status.st_mode):
            raise not_found(self._location.path)
        return Attributes.of(status)

    def lookup_cached(self, name: bytes) -> Entry | None:
        """The entry of that name, if the kernel has its attributes in memory.

        Raises `FileNotFoundError` if it has in memory that the name does not exist.
        """
        location = self._location.child(name)
        status = location.lstat_nowait()
        return None if status is None else _entry(name, location, status)

    def lookup(self, name: bytes) -> Entry:
        """The entry of that name. May block."""
        location = self._location.child(name)
        return _entry(name, location, location.lstat())

    def list(self) -> RealDirectoryListing:
        """The names in the directory; the attributes are read with each batch. May block."""
        location = self._location
        descriptor = open_below(location.root, location.path or b".", flags=os.O_RDONLY | os.O_DIRECTORY)
        try:
            return RealDirectoryListing(location, sorted(os.fsencode(name) for name in os.listdir(descriptor)))
        finally:
            os.close(descriptor)

    def access_nowait(self, mode: int) -> bool | None:
        """What `access` returns if the kernel has the directory in memory."""
        return False if mode & os.W_OK else self._location.access_nowait(mode)

    def access(self, mode: int) -> bool:
        """Whether the file system grants access; writing is never granted. May block."""
        return not mode & os.W_OK and self._location.access(mode)


@dataclass(frozen=True, slots=True)
class RealDirectoryListing:
    """The names that a real directory had when it was opened."""

    location: FileLocation
    names: Sequence[bytes]
    may_block: bool = field(default=True, init=False)

    def batch(self, start: int, count: int) -> Sequence[tuple[int, Entry]]:
        """The entries of the next `count` names without those that vanished; empty only at the end. May block."""
        entries: list[tuple[int, Entry]] = []
        while not entries and start < len(self.names):
            for position, name in enumerate(self.names[start : start + count], start + 1):
                try:
                    location = self.location.child(name)
                    entries.append((position, _entry(name, location, location.lstat())))
                except OSError as error:
                    if error.errno not in _VANISHED:
                        raise
            start += count
        return entries


class SymbolicLink(RealNode, Link):
    """A symbolic link of a root."""

    key_prefix = b"l"

    def target(self) -> bytes:
        """The path that the link holds. May block."""
        with self._location.path_descriptor() as descriptor:
            return os.readlink(b"", dir_fd=descriptor)


class SpecialFile(RealNode):
    """A FIFO, socket or device of a root. It is listed, and cannot be opened through the mount."""

    key_prefix = b"s"


def _entry(name: bytes, location: FileLocation, status: os.stat_result) -> Entry:
    attributes = Attributes.of(status)
    return Entry(name, _node(location, attributes.mode), attributes, timeout_seconds=REAL_FILE_TIMEOUT_SECONDS)


def _node(location: FileLocation, mode: int) -> Node:
    if stat.S_ISDIR(mode):
        return RealDirectory(location)
    if stat.S_ISREG(mode):
        return RealFile(location, is_local=True)
    return SymbolicLink(location) if stat.S_ISLNK(mode) else SpecialFile(location)
