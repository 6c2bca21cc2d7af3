"""Nodes that stand for a file, directory or link of a root: where each was seen last, and which one it is.

The base of the real files and of everything in the mirror. The place of a node in the mirror is a name in the node of
its directory: when a directory is renamed, its descendants keep their nodes, and nothing is walked. The place may be
out of date; the identity tells. A node whose place holds another file raises `ESTALE`: then the kernel looks the name
up again. Blocking methods may run in any thread; the places are replaced as a whole.
"""

from __future__ import annotations

import errno
import functools
import os
import stat
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, TypeVar

from magicfs.domain.attributes import AttributeChange, Attributes
from magicfs.linux.files import status_and_birth
from magicfs.linux.opening import open_below, open_below_cached
from magicfs.tree.identities import FileIdentity
from magicfs.tree.locations import REAL_FILE_TIMEOUT_SECONDS, FileLocation, descriptor_path
from magicfs.tree.nodes import Handle, Node, ThreadPool, stale
from magicfs.tree.removed_files import REMOVED_FILES

GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
"""Errors for a path that leads nowhere any more, or through something that has become a link."""
_MAX_PLACES = 4
_REPLACING = threading.Lock()
"""Held while the places of a node are replaced."""
_NodeT = TypeVar("_NodeT", bound="RealNode")
_ResultT = TypeVar("_ResultT")
_Arguments = ParamSpec("_Arguments")


@dataclass(frozen=True, slots=True)
class ChildPlace:
    """A name in a directory of the mirror."""

    directory: RealNode
    name: bytes

    @property
    def location(self) -> FileLocation:
        """Where that is as long as the directories above are where they were seen last."""
        names = [self.name]
        place = self.directory.place
        while isinstance(place, ChildPlace):
            names.append(place.name)
            place = place.directory.place
        return place.child(b"/".join(reversed(names)))

    def is_below(self, node: RealNode) -> bool:
        """Whether `node` is one of the directories above."""
        place: ChildPlace | FileLocation = self
        while isinstance(place, ChildPlace):
            if place.directory is node:
                return True
            place = place.directory.place
        return False


def in_any_place(
    call: Callable[Concatenate[_NodeT, FileLocation, _Arguments], _ResultT],
) -> Callable[Concatenate[_NodeT, _Arguments], _ResultT]:
    """Make a method of a node and a location one of the node: it tries the places of the node until one is not stale.

    A file with several names has them all. Where the last one seen is removed, a program that uses another one must not
    depend on the kernel, which looks a name up again once only, while other programs make and remove names. Where no
    place fits, all are kept: a directory above may be on its way to another name.
    """

    @functools.wraps(call)
    def wrapped(self: _NodeT, /, *arguments: _Arguments.args, **named: _Arguments.kwargs) -> _ResultT:
        places = self.places
        for place in places:
            try:
                result = call(self, _location(place), *arguments, **named)
            except OSError as error:
                if error.errno != errno.ESTALE or place is places[-1]:
                    raise
            else:
                if result is not None and place is not places[0]:
                    self._seen_again(places, place)
                return result
        raise stale()

    return wrapped


class RealNode(Node):
    """A node that stands for something below a root."""

    attribute_timeout_seconds = REAL_FILE_TIMEOUT_SECONDS
    has_one_name = False
    """Whether it was seen to have one name only: where it was seen before, it is not any more."""

    def __init__(self, place: ChildPlace | FileLocation, identity: FileIdentity | None) -> None:
        """Without an `identity` the node stands for whatever is at its place."""
        self.places: tuple[ChildPlace | FileLocation, ...] = (place,)
        """Where it was seen, the latest first: a file may have all of these names."""
        self.identity = identity
        super().__init__(_location(place).key if identity is None else self.key_of(identity))

    def key_of(self, identity: FileIdentity) -> bytes:
        """The key of a node with that identity."""
        return identity.key

    @property
    def place(self) -> ChildPlace | FileLocation:
        """Where it was seen last."""
        return self.places[0]

    @place.setter
    def place(self, place: ChildPlace | FileLocation) -> None:
        self.places = (place,)

    @property
    def location(self) -> FileLocation:
        """The location of that place."""
        return _location(self.places[0])

    @property
    def thread_pool(self) -> ThreadPool:
        """The pool of its file system."""
        return self.location.thread_pool

    @property
    def number_seed(self) -> bytes:
        """What tells it apart from files that had its inode number before."""
        return b"" if self.identity is None else self.identity.seed

    def is_same(self, other: Node) -> bool:
        """Whether `other`, which has the same key, stands for the same file."""
        if not isinstance(other, RealNode) or self.identity is None or other.identity is None:
            return super().is_same(other)
        return self.identity.is_same_file(other.identity)

    def update(self, newer: Node) -> None:
        """Take over the place where `newer` was seen. What only the index says of a place is not taken over."""
        if not isinstance(newer, RealNode) or newer.identity is None or newer.identity.born_ns is None:
            return
        self.identity = newer.identity
        place = newer.place
        has_one_place = newer.has_one_name or stat.S_ISDIR(newer.identity.kind)
        if place == self.place:
            if not has_one_place or len(self.places) == 1:
                return
        elif isinstance(place, ChildPlace) and place.is_below(self):
            # A bind mount may show a directory below itself.
            return
        with _REPLACING:
            earlier = () if has_one_place else (other for other in self.places if other != place)
            self.places = (place, *earlier)[:_MAX_PLACES]
        if isinstance(place, ChildPlace):
            self.parent_ino = place.directory.ino

    def _seen_again(self, places: tuple[ChildPlace | FileLocation, ...], place: ChildPlace | FileLocation) -> None:
        """Put a place before the others, unless the node was seen at another one meanwhile. Any thread."""
        with _REPLACING:
            if self.places is places:
                self.places = (place, *(other for other in places if other is not place))

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

    @contextmanager
    def stale_if_gone(self) -> Iterator[None]:
        """Raises `ESTALE` for errors that say that the place is gone, if the kernel knows the node by that place."""
        try:
            yield
        except OSError as error:
            if self.ino and error.errno in GONE:
                raise stale() from error
            raise

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


def _location(place: ChildPlace | FileLocation) -> FileLocation:
    return place.location if isinstance(place, ChildPlace) else place


def _id_or_unchanged(owner: int | None) -> int:
    """The user or group id for `os.chown`, where -1 keeps it."""
    return -1 if owner is None else owner
