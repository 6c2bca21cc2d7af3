"""Nodes that stand for a file, directory or link of a root of this host.

The base of the real files and of what the mirror has of this host. What is at the place of a node is opened below its
root without following links, and compared with the identity of the node. Blocking methods may run in any thread.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from magicfs.domain.attributes import AttributeChange, Attributes
from magicfs.linux.files import status_and_birth
from magicfs.linux.opening import open_below, open_below_cached
from magicfs.tree.identities import FileIdentity
from magicfs.tree.locations import REAL_FILE_TIMEOUT_SECONDS, FileLocation, descriptor_path
from magicfs.tree.nodes import Handle, ThreadPool, stale
from magicfs.tree.placed_nodes import PlacedNode, in_any_place
from magicfs.tree.real.removed_files import REMOVED_FILES


class RealNode(PlacedNode):
    """A node that stands for something below a root of this host."""

    attribute_timeout_seconds = REAL_FILE_TIMEOUT_SECONDS

    @property
    def thread_pool(self) -> ThreadPool:
        """The pool of its file system."""
        return self.location.thread_pool

    def forgotten(self) -> None:
        """Close what is kept of it after it was removed."""
        REMOVED_FILES.forget(self.identity)

    @contextmanager
    def opened(self) -> Iterator[tuple[int, os.stat_result]]:
        """An `O_PATH` descriptor of it, and what `fstat` says. May block.

        Raises `ESTALE` if it is not there, unless it was removed in the mount and is still referred to.
        """
        descriptor, status = self.open_recognised(os.O_PATH)
        try:
            yield descriptor, status
        finally:
            os.close(descriptor)

    @in_any_place
    def open_recognised(self, location: FileLocation, flags: int) -> tuple[int, os.stat_result]:
        """Open it, and return the descriptor and what `fstat` says, as `opened` does. May block."""
        try:
            with self.stale_if_gone():
                descriptor = open_below(location.root, location.path or b".", flags=flags)
            try:
                return descriptor, self.verified_status(descriptor)
            except BaseException:
                os.close(descriptor)
                raise
        except OSError as error:
            removed = REMOVED_FILES.open(self.identity) if error.errno == errno.ESTALE else None
            if removed is None:
                raise
        if flags & os.O_PATH:
            return removed, os.fstat(removed)
        try:
            descriptor = os.open(descriptor_path(removed), flags | os.O_NONBLOCK | os.O_CLOEXEC)
        finally:
            os.close(removed)
        return descriptor, os.fstat(descriptor)

    def verified_status(self, descriptor: int) -> os.stat_result:
        """What `fstat` says of a descriptor of its place. Raises `ESTALE` if that is another file.

        A node that the kernel does not know yet, from the index, becomes what is there instead.
        """
        status, born_ns = status_and_birth(descriptor)
        if self.identity is not None:
            found = FileIdentity.of(status, born_ns)
            if not self.identity.is_same_file(found):
                if self.ino:
                    raise stale()
                self.key = self.key_of(found)
            self.identity = found
        return status

    def _open_in_memory(self, location: FileLocation, flags: int) -> tuple[int, os.stat_result] | None:
        """What `open_recognised` returns if the kernel has the file at a location in memory; None otherwise.

        A file that was removed in the mount is left to `open_recognised`. Raises `ESTALE` as that does.
        """
        if REMOVED_FILES.holds(self.identity):
            return None
        with self.stale_if_gone():
            descriptor = open_below_cached(location.root, location.path or b".", flags=flags)
        if descriptor is None:
            return None
        try:
            return descriptor, self.verified_status(descriptor)
        except BaseException:
            os.close(descriptor)
            raise

    @in_any_place
    def status_nowait(self, location: FileLocation) -> os.stat_result | None:
        """What `lstat` says if the kernel has it in memory; None otherwise. Raises `ESTALE` as `opened` does."""
        opened = self._open_in_memory(location, os.O_PATH)
        if opened is None:
            return None
        descriptor, status = opened
        os.close(descriptor)
        return status

    def cached_attributes(self) -> Attributes | None:
        """The attributes that `lstat` returns, if the kernel has them in memory."""
        status = self.status_nowait()
        return None if status is None else Attributes.of(status)

    def attributes(self) -> Attributes:
        """The attributes that `lstat` returns. May block."""
        with self.opened() as (_, status):
            return Attributes.of(status)

    @in_any_place
    def access_nowait(self, location: FileLocation, mode: int) -> bool | None:
        """What `access` returns if the kernel has the file in memory. Raises `ESTALE` as `opened` does."""
        opened = self._open_in_memory(location, os.O_PATH)
        if opened is None:
            return None
        descriptor, _ = opened
        try:
            return os.access(descriptor_path(descriptor), mode, effective_ids=True)
        finally:
            os.close(descriptor)

    def access(self, mode: int) -> bool:
        """Whether the file system grants access. May block."""
        with self.opened() as (descriptor, _):
            return os.access(descriptor_path(descriptor), mode, effective_ids=True)

    @contextmanager
    def _changeable(self, handle: Handle | None) -> Iterator[tuple[str, os.stat_result]]:
        """A path for calls that take no descriptor, and the status. An open file needs no name any more."""
        if handle is not None and handle.descriptor >= 0:
            yield descriptor_path(handle.descriptor), os.fstat(handle.descriptor)
            return
        with self.opened() as (descriptor, status):
            yield descriptor_path(descriptor), status

    def set_attributes(self, change: AttributeChange, handle: Handle | None) -> None:
        """Change mode, owner and times. A link is changed itself. May block."""
        if change.is_of_size_alone:
            return
        with self._changeable(handle) as (path, status):
            if change.uid is not None or change.gid is not None:
                os.chown(path, _id_or_unchanged(change.uid), _id_or_unchanged(change.gid))
            if change.mode is not None:
                os.chmod(path, stat.S_IMODE(change.mode))
            if change.atime_ns is not None or change.mtime_ns is not None:
                atime_ns = status.st_atime_ns if change.atime_ns is None else change.atime_ns
                mtime_ns = status.st_mtime_ns if change.mtime_ns is None else change.mtime_ns
                os.utime(path, ns=(atime_ns, mtime_ns))

    def stored_attribute(self, name: bytes, handle: Handle | None) -> bytes:
        """The value of an extended attribute that the file system has. May block."""
        with self._changeable(handle) as (path, _):
            return os.getxattr(path, name)

    def stored_attribute_names(self, handle: Handle | None) -> Sequence[bytes]:
        """The extended attributes that the file system has; none where it has no such thing. May block."""
        try:
            with self._changeable(handle) as (path, _):
                return [os.fsencode(name) for name in os.listxattr(path)]
        except OSError as error:
            if error.errno == errno.EOPNOTSUPP:
                return ()
            raise

    def store_attribute(self, name: bytes, value: bytes, handle: Handle | None) -> None:
        """Set an extended attribute. May block."""
        with self._changeable(handle) as (path, _):
            os.setxattr(path, name, value)

    def remove_stored_attribute(self, name: bytes, handle: Handle | None) -> None:
        """Remove an extended attribute. May block."""
        with self._changeable(handle) as (path, _):
            os.removexattr(path, name)


def _id_or_unchanged(owner: int | None) -> int:
    """The user or group id for `os.chown`, where -1 keeps it."""
    return -1 if owner is None else owner
