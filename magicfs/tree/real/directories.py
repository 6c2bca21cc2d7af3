"""Directories of the roots, and the links and special files in them: what is looked up and changed in them.

Used by the mirror and by the FUSE adapter. Links are shown as links and never followed. Each change happens in a
directory that was opened and recognised just before, so that it never happens elsewhere. Blocking methods run in the
thread pool of the root's file system, several at once.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from magicfs.domain.attributes import Attributes
from magicfs.linux.files import has_default_access_list, rename, status_and_birth
from magicfs.linux.opening import is_on_local_file_system, open_below_cached, open_name_cached
from magicfs.linux.process import file_system_user
from magicfs.tree.directories import Caller, Directory, Entry
from magicfs.tree.identities import FileIdentity
from magicfs.tree.locations import REAL_FILE_TIMEOUT_SECONDS, FileLocation, descriptor_path
from magicfs.tree.nodes import Link, Node, not_found, read_only, stale
from magicfs.tree.placed_nodes import GONE, ChildPlace
from magicfs.tree.real.files import RealFile
from magicfs.tree.real.handles import RealHandle
from magicfs.tree.real.listings import RealDirectoryListing
from magicfs.tree.real.nodes import RealNode
from magicfs.tree.real.removed_files import REMOVED_FILES

_CREATE_FLAGS = os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FORWARDED_CREATE_FLAGS = os.O_ACCMODE | os.O_APPEND | os.O_SYNC | os.O_DSYNC
_RENAME_EXCHANGE = 2


class RealDirectory(RealNode, Directory):
    """A directory of a root, or the root itself."""

    def __init__(self, place: ChildPlace | FileLocation, identity: FileIdentity | None = None) -> None:
        """Without an `identity` it is the directory of a root, whichever is there."""
        super().__init__(place, identity)

    def key_of(self, identity: FileIdentity) -> bytes:
        """The key: one for each root, since a directory can have one place only."""
        return identity.key + self.location.root

    def cached_attributes(self) -> Attributes | None:
        """The attributes that `lstat` returns, if the kernel has them in memory."""
        status = self.status_nowait()
        return Attributes.of(status) if status is not None and stat.S_ISDIR(status.st_mode) else None

    def attributes(self) -> Attributes:
        """The attributes that `lstat` returns. Raises `FileNotFoundError` if it is no directory any more. May block."""
        with self.opened() as (_, status):
            if not stat.S_ISDIR(status.st_mode):
                raise not_found(self.location.path)
            return Attributes.of(status)

    def lookup_cached(self, name: bytes) -> Entry | None:
        """The entry of that name, if the kernel has its attributes in memory.

        Raises `FileNotFoundError` if it has in memory that the name does not exist, and `ESTALE` as `opened` does.
        """
        if REMOVED_FILES.is_removed(self.identity):
            raise not_found(name)
        opened = self._open_in_memory(self.location, os.O_PATH)
        if opened is None:
            return None
        directory, _ = opened
        try:
            descriptor = open_name_cached(directory, name)
        finally:
            os.close(directory)
        if descriptor is None:
            return None
        try:
            return self.entry(name, *status_and_birth(descriptor))
        finally:
            os.close(descriptor)

    def lookup(self, name: bytes) -> Entry:
        """The entry of that name. May block. Raises `ESTALE` as `opened` does."""
        if REMOVED_FILES.is_removed(self.identity):
            raise not_found(name)
        with self.opened() as (directory, _):
            return self.entry(name, *status_and_birth(directory, name))

    def list(self) -> RealDirectoryListing:
        """The names in the directory; the attributes are read with each batch. May block."""
        with self._opened_to_read() as descriptor:
            with os.scandir(descriptor) as found:
                entries = list(found)
            return RealDirectoryListing.of(self, entries)

    def version_nowait(self) -> tuple[int, int] | None:
        """When its names and it itself have changed last, if it is in memory and may be read; None otherwise."""
        if REMOVED_FILES.holds(self.identity):
            return None
        location = self.location
        try:
            descriptor = open_below_cached(location.root, location.path or b".", flags=os.O_RDONLY)
        except FileNotFoundError:
            return None
        if descriptor is None:
            return None
        try:
            status = self.verified_status(descriptor)
        except OSError:
            return None
        finally:
            os.close(descriptor)
        return (status.st_mtime_ns, status.st_ctime_ns) if stat.S_ISDIR(status.st_mode) else None

    def sync(self) -> None:
        """Flush the names to the disk. May block."""
        with self._opened_to_read() as descriptor:
            os.fsync(descriptor)

    @contextmanager
    def _opened_to_read(self) -> Iterator[int]:
        descriptor, _ = self.open_recognised(os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def _opened_to_make(self, caller: Caller, mode: int = 0) -> Iterator[tuple[int, int]]:
        """An `O_PATH` descriptor of the directory, and the mode of what is made: it belongs to `caller`."""
        with self.opened() as (descriptor, _), file_system_user(caller.uid, caller.gid):
            is_masked = mode == caller.asked_mode or not has_default_access_list(descriptor)
            yield descriptor, mode if is_masked else caller.asked_mode

    def create_file(self, name: bytes, *, mode: int, flags: int, caller: Caller) -> tuple[Entry, RealHandle]:
        """Create a file and open it. May block."""
        with self._opened_to_make(caller, mode) as (directory, granted):
            try:
                descriptor = os.open(
                    name, flags & _FORWARDED_CREATE_FLAGS | _CREATE_FLAGS, stat.S_IMODE(granted), dir_fd=directory
                )
            except FileExistsError:
                if flags & os.O_EXCL:
                    raise
                # Somebody else has made it, and the program may have no right to open it: the kernel knows.
                raise stale() from None
        handle = RealHandle(descriptor, flags=flags, is_local_fs=is_on_local_file_system(descriptor))
        return self.entry(name, *status_and_birth(descriptor)), handle

    def make_directory(self, name: bytes, *, mode: int, caller: Caller) -> Entry:
        """Make a directory. May block."""
        with self._opened_to_make(caller, mode) as (directory, granted):
            os.mkdir(name, stat.S_IMODE(granted), dir_fd=directory)
            return self.entry(name, *status_and_birth(directory, name))

    def make_special_file(self, name: bytes, *, mode: int, device: int, caller: Caller) -> Entry:
        """Make a FIFO, socket, device or regular file; `mode` has its type. May block."""
        with self._opened_to_make(caller, mode) as (directory, granted):
            os.mknod(name, granted, device, dir_fd=directory)
            return self.entry(name, *status_and_birth(directory, name))

    def make_link(self, name: bytes, target: bytes, *, caller: Caller) -> Entry:
        """Make a symbolic link. May block."""
        with self._opened_to_make(caller) as (directory, _):
            os.symlink(target, name, dir_fd=directory)
            return self.entry(name, *status_and_birth(directory, name))

    def add_name(self, name: bytes, node: Node) -> Entry:
        """Make a hard link to the file of a node of the same root. May block."""
        with self._in_same_root(node).opened() as (file, _), self.opened() as (directory, _):
            os.link(descriptor_path(file), name, dst_dir_fd=directory)
            return self.entry(name, *status_and_birth(directory, name))

    def remove(self, name: bytes, *, is_directory: bool) -> None:
        """Remove a name, of an empty directory or of anything else. May block. `RemovedFiles.settle` is due then."""
        with self.opened() as (directory, _), _removing(self, directory, name):
            (os.rmdir if is_directory else os.unlink)(name, dir_fd=directory)

    def rename(self, name: bytes, target: Directory, new_name: bytes, *, flags: int) -> Sequence[Node]:
        """Rename within the root, and return the nodes with their new places. May block.

        `RemovedFiles.settle` is due then.
        """
        if not isinstance(target, RealDirectory):
            raise read_only()
        self._in_same_root(target)
        moved: list[Node] = []
        with self.opened() as (old, _), target.opened() as (new, _):
            keep = contextlib.nullcontext() if flags else _removing(target, new, new_name)
            with keep:
                rename(old, name, new, new_name, flags=flags)
            # What another program has renamed since is looked up again when it is used.
            with contextlib.suppress(OSError):
                moved.append(target.entry(new_name, *status_and_birth(new, new_name)).node)
            if flags & _RENAME_EXCHANGE:
                with contextlib.suppress(OSError):
                    moved.append(self.entry(name, *status_and_birth(old, name)).node)
        return moved

    def _in_same_root(self, node: Node) -> RealNode:
        """The node. Raises `EXDEV` if it is not in this root."""
        if not isinstance(node, RealNode) or node.location.root != self.location.root:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        return node

    def entry(self, name: bytes, status: os.stat_result, born_ns: int) -> Entry:
        """The entry of a name with what `status_and_birth` returns for it."""
        return self.entry_of(name, FileIdentity.of(status, born_ns), Attributes.of(status))

    def entry_of(self, name: bytes, identity: FileIdentity, attributes: Attributes) -> Entry:
        """The entry of a name that leads to a file with that identity and these attributes."""
        node = self.child_node(ChildPlace(self, name), identity.kind, identity)
        node.has_one_name = attributes.links == 1
        return Entry(name, node, attributes, timeout_seconds=REAL_FILE_TIMEOUT_SECONDS)

    def child_node(self, place: ChildPlace, mode: int, identity: FileIdentity) -> RealNode:
        """A node in this directory; `mode` has its type."""
        if stat.S_ISDIR(mode):
            return RealDirectory(place, identity)
        if stat.S_ISREG(mode):
            return RealFile(place, identity=identity)
        return SymbolicLink(place, identity) if stat.S_ISLNK(mode) else SpecialFile(place, identity)

    def entries(self, names: Sequence[bytes]) -> Iterator[Entry | None]:
        """The entries of some names; None for one that vanished. May block."""
        with self.opened() as (directory, _):
            for name in names:
                try:
                    yield self.entry(name, *status_and_birth(directory, name))
                except OSError as error:
                    if error.errno not in GONE:
                        raise
                    yield None


class SymbolicLink(RealNode, Link):
    """A symbolic link of a root."""

    def target(self) -> bytes:
        """The path that the link holds. May block."""
        with self.opened() as (descriptor, _):
            return os.readlink(b"", dir_fd=descriptor)


class SpecialFile(RealNode):
    """A FIFO, socket or device of a root. The kernel opens it itself."""


def _removing(directory: RealDirectory, descriptor: int, name: bytes) -> AbstractContextManager[None]:
    """Keep what has a name in a directory, which is open as `descriptor`, and loses it within the context."""
    return REMOVED_FILES.removing(
        descriptor, name, lambda identity: directory.child_node(ChildPlace(directory, name), identity.kind, identity)
    )
