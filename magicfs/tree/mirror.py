"""`mirror/`: the roots of this host as they are on disk, to read and to write, and those of other hosts, to read.

Used by `tree.Tree`. Needs no database once the roots are set. The roots themselves are neither renamed nor removed.
Methods that may block run in the thread pool of a root's file system or host, the others on the event loop of the
mount.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Iterable, Sequence

from magicfs.domain.attributes import DIRECTORY_MODE, PRIVATE_DIRECTORY_MODE, Attributes
from magicfs.domain.roots import Root
from magicfs.linux.mounts import is_shared_file_system
from magicfs.tree.directories import Directory, Entry, InMemoryListing
from magicfs.tree.gone_files import GoneFileLog
from magicfs.tree.locations import REAL_FILE_TIMEOUT_SECONDS, FileLocation
from magicfs.tree.names import numbered_names
from magicfs.tree.nodes import Node, ThreadPool, not_found, read_only
from magicfs.tree.real.directories import RealDirectory
from magicfs.tree.remote.directories import RemoteDirectory
from magicfs.tree.remote.nodes import REMOTE_TIMEOUT_SECONDS, RemoteSource
from magicfs.tree.virtual import VirtualDirectory


class MirrorDirectory(VirtualDirectory):
    """`mirror/` itself: one entry a root."""

    def __init__(self, *, host: str, gone_files: GoneFileLog, source: RemoteSource, mounted_at_ns: int) -> None:
        """`source` has the files of other hosts, and says whether other users may enter the mount."""
        super().__init__(b"mirror", mounted_at_ns=mounted_at_ns)
        self._root_class = SharedRoot if source.is_shared else RootDirectory
        self._remote_root_class = SharedRemoteRoot if source.is_shared else RemoteDirectory
        self._host = host
        self._gone_files = gone_files
        self._source = source
        self._lock = threading.Lock()
        self._roots: dict[bytes, Root] = {}

    def set_roots(self, roots: Iterable[Root]) -> None:
        """Replace the roots. Safe in any thread."""
        # Names of this host come first, so that no other host changes them.
        ordered = sorted(roots, key=lambda root: (root.host != self._host, root.host, root.name))
        names = numbered_names(self._name_of(root).encode("utf-8", "replace") for root in ordered)
        with self._lock:
            self._roots = dict(zip(names, ordered, strict=True))

    def _name_of(self, root: Root) -> str:
        return root.name if self._is_local(root) else f"{root.host}:{root.name}"

    def _is_local(self, root: Root) -> bool:
        return root.host == self._host

    def root_paths(self) -> list[bytes]:
        """The directories of the roots of this host. Safe in any thread."""
        with self._lock:
            return [root.path for root in self._roots.values() if self._is_local(root)]

    def lookup_cached(self, name: bytes) -> Entry | None:
        """The directory of a root of another host, or on a file system that may wait for one: neither is asked.

        The kernel asks for one name once at a time: where a host or such a file system hangs, all who use the root, or
        list `mirror/`, would wait in turn. None for other roots: the directory may be missing. Raises
        `FileNotFoundError` for other names.
        """
        root = self._root(name)
        return None if self._is_local(root) and not is_shared_file_system(root.path) else self._unasked(name, root)

    def lookup_pool(self, name: bytes) -> ThreadPool:
        """The pool of the root's file system or host. Raises `FileNotFoundError`."""
        return self._directory(self._root(name)).thread_pool

    def lookup(self, name: bytes) -> Entry:
        """The directory of a root. Raises `OSError` if it is not there. May block."""
        directory = self._directory(self._root(name))
        return Entry(name, directory, directory.attributes(), timeout_seconds=REAL_FILE_TIMEOUT_SECONDS)

    def list(self) -> InMemoryListing:
        """The roots. Never blocks.

        Those of this host have no attributes: each may lie on another file system. A host that does not answer would
        delay the listing, so others are not asked.
        """
        with self._lock:
            roots = sorted(self._roots.items())
        hosts = self._source.files.hosts()
        return InMemoryListing(
            [
                Entry(name, self._directory(root), attributes=None, timeout_seconds=REAL_FILE_TIMEOUT_SECONDS)
                if self._is_local(root)
                else self._unasked(name, root)
                for name, root in roots
                if self._is_local(root) or root.host in hosts
            ]
        )

    def _unasked(self, name: bytes, root: Root) -> Entry:
        """The directory of a root, whose own attributes the kernel asks for when it needs them."""
        timeout_s = REAL_FILE_TIMEOUT_SECONDS if self._is_local(root) else REMOTE_TIMEOUT_SECONDS
        attributes = self._unknown_attributes()
        return Entry(name, self._directory(root), attributes, timeout_seconds=timeout_s, has_own_attributes=False)

    def _unknown_attributes(self) -> Attributes:
        """The attributes of a root that is not asked for its own."""
        mode = PRIVATE_DIRECTORY_MODE if self._source.is_shared else DIRECTORY_MODE
        return Attributes.of_virtual(mode=mode, mounted_at_ns=self.mounted_at_ns)

    def remove(self, name: bytes, *, is_directory: bool) -> None:
        """Raise `EBUSY`: a root is removed by `magicfs roots remove`. One of another host raises `EROFS`."""
        del is_directory
        raise self._busy(name)

    def rename(self, name: bytes, target: Directory, new_name: bytes, *, flags: int) -> Sequence[Node]:
        """Raise `EBUSY`: a root keeps its name. One of another host raises `EROFS`."""
        del target, new_name, flags
        raise self._busy(name)

    def _busy(self, name: bytes) -> OSError:
        if not self._is_local(self._root(name)):
            return read_only()
        return OSError(errno.EBUSY, os.strerror(errno.EBUSY), name)

    def _directory(self, root: Root) -> RealDirectory | RemoteDirectory:
        location = FileLocation(host=root.host, root=root.path, path=b"")
        if self._is_local(root):
            return self._root_class(location, self._gone_files)
        return self._remote_root_class(self._source, location)

    def _root(self, name: bytes) -> Root:
        """The root of that name. Raises `FileNotFoundError`, even if only its host does not serve."""
        with self._lock:
            root = self._roots.get(name)
        if root is None or not (self._is_local(root) or root.host in self._source.files.hosts()):
            raise not_found(name)
        return root


class RootDirectory(RealDirectory):
    """The directory of a root."""

    def __init__(self, location: FileLocation, gone_files: GoneFileLog) -> None:
        super().__init__(location)
        self._gone_files = gone_files

    def attributes(self) -> Attributes:
        """The attributes that `lstat` returns. Raises `FileNotFoundError` if it is not there. May block."""
        try:
            return super().attributes()
        except FileNotFoundError:
            self._gone_files.report(self.location)
            raise


class SharedRoot(RootDirectory):
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
                return attributes._replace(mode=attributes.mode & ~(stat.S_IRWXG | stat.S_IRWXO))
        return attributes


class SharedRemoteRoot(RemoteDirectory):
    """The directory of a root of another host in a mount that other users may enter: they may not enter this.

    It is read with the rights of the user of the mount there, who need not be known to them.
    """

    def attributes(self) -> Attributes:
        """The attributes that `lstat` returns there, but for the mode. May block."""
        attributes = super().attributes()
        return attributes._replace(mode=attributes.mode & ~(stat.S_IRWXG | stat.S_IRWXO))
