"""`mirror/`: the roots of this host as they are on disk, to read and to write.

Used by `tree.Tree`. Needs no database once the roots are set. The roots themselves are neither renamed nor removed.
Methods that may block run in the thread pool of a root's file system, the others on the event loop of the mount.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace

from magicfs.domain.attributes import Attributes
from magicfs.domain.roots import Root
from magicfs.tree.directories import Directory, Entry, InMemoryListing
from magicfs.tree.gone_files import GoneFileLog
from magicfs.tree.locations import REAL_FILE_TIMEOUT_SECONDS, FileLocation
from magicfs.tree.nodes import Node, ThreadPool, not_found
from magicfs.tree.real_directories import RealDirectory
from magicfs.tree.virtual import VirtualDirectory


class MirrorDirectory(VirtualDirectory):
    """`mirror/` itself: one entry a root."""

    def __init__(self, *, host: str, gone_files: GoneFileLog, mounted_at_ns: int, is_shared: bool = False) -> None:
        """`is_shared` says whether other users may enter the mount."""
        super().__init__(b"mirror", mounted_at_ns=mounted_at_ns)
        self._root_class = SharedRoot if is_shared else RealDirectory
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
        directory = self._root_class(location)
        try:
            return Entry(name, directory, directory.attributes(), timeout_seconds=REAL_FILE_TIMEOUT_SECONDS)
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
                    self._root_class(self._location(root)),
                    attributes=None,
                    timeout_seconds=REAL_FILE_TIMEOUT_SECONDS,
                )
                for name, root in roots
            ]
        )

    def remove(self, name: bytes, *, is_directory: bool) -> None:
        """Raise `EBUSY`: a root is removed by `magicfs roots remove`."""
        del is_directory
        raise self._busy(name)

    def rename(self, name: bytes, target: Directory, new_name: bytes, *, flags: int) -> Sequence[Node]:
        """Raise `EBUSY`: a root keeps its name."""
        del target, new_name, flags
        raise self._busy(name)

    def _busy(self, name: bytes) -> OSError:
        self._root(name)
        return OSError(errno.EBUSY, os.strerror(errno.EBUSY), name)

    def _location(self, root: Root) -> FileLocation:
        return FileLocation(host=self._host, root=root.path, path=b"")

    def _root(self, name: bytes) -> Root:
        with self._lock:
            root = self._roots.get(name)
        if root is None:
            raise not_found(name)
        return root


class SharedRoot(RealDirectory):
    """The directory of a root in a mount that other users may enter.

    The mount must not be a way around the directories above: where one of them is not open to all, the root is shown as
    open to its owner alone.
    """

    def cached_attributes(self) -> None:
        """None: the directories above are asked too."""

    def attributes(self) -> Attributes:
        """The attributes that `lstat` returns, but for the mode. May block."""
        attributes = super().attributes()
        path = self.location.absolute
        while path not in {b"", b"/"}:
            path = os.path.dirname(path)
            if not os.stat(path).st_mode & stat.S_IXOTH:
                return replace(attributes, mode=attributes.mode & ~(stat.S_IRWXG | stat.S_IRWXO))
        return attributes
