"""Nodes that stand for a file, directory or link of a root: where each was seen last, and which one it is.

The base of everything below a root, of this host (`real.nodes`) and of others (`remote.nodes`). The place of a node in
the mirror is a name in the node of its directory: when a directory is renamed, its descendants keep their nodes, and
nothing is walked. The place may be out of date; the identity tells. A node whose place holds another file raises
`ESTALE`: then the kernel looks the name up again. Any thread; the places are replaced as a whole.
"""

from __future__ import annotations

import errno
import functools
import stat
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, TypeVar

from magicfs.tree.identities import FileIdentity
from magicfs.tree.locations import FileLocation
from magicfs.tree.nodes import INDEX_ATTRIBUTE_PREFIX, Node, stale

GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
"""Errors for a path that leads nowhere any more, or through something that has become a link."""
_MAX_PLACES = 4
_REPLACING = threading.Lock()
"""Held while the places of a node are replaced."""
_NodeT = TypeVar("_NodeT", bound="PlacedNode")
_ResultT = TypeVar("_ResultT")
_Arguments = ParamSpec("_Arguments")


@dataclass(frozen=True, slots=True)
class ChildPlace:
    """A name in a directory of the mirror."""

    directory: PlacedNode
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

    def is_below(self, node: PlacedNode) -> bool:
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


class PlacedNode(Node):
    """A node that stands for something below a root."""

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

    def extended_attributes(self) -> Mapping[bytes, bytes]:
        """Which file it is: its path, and the host that has it."""
        location = self.location
        return {
            INDEX_ATTRIBUTE_PREFIX + b"path": location.absolute,
            INDEX_ATTRIBUTE_PREFIX + b"host": location.host.encode("utf-8", "replace"),
        }

    @property
    def number_seed(self) -> bytes:
        """What tells it apart from files that had its inode number before."""
        return b"" if self.identity is None else self.identity.seed

    def is_same(self, other: Node) -> bool:
        """Whether `other`, which has the same key, stands for the same file."""
        if not isinstance(other, PlacedNode) or self.identity is None or other.identity is None:
            return super().is_same(other)
        return self.identity.is_same_file(other.identity)

    def update(self, newer: Node) -> None:
        """Take over the place where `newer` was seen. What only the index says of a place is not taken over."""
        if not isinstance(newer, PlacedNode) or newer.identity is None or newer.identity.born_ns is None:
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

    def stale_if_gone(self) -> AbstractContextManager[None]:
        """Raises `ESTALE` for errors that say that the place is gone, if the kernel knows the node by that place."""
        return _StaleIfGone(self)


class _StaleIfGone(AbstractContextManager[None]):
    """A class, because a generator that raises another error leaves a cycle that holds the node, since Python 3.12."""

    __slots__ = ("_node",)

    def __init__(self, node: PlacedNode) -> None:
        self._node = node

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, OSError) and self._node.ino and error.errno in GONE:
            raise stale() from error


def _location(place: ChildPlace | FileLocation) -> FileLocation:
    return place.location if isinstance(place, ChildPlace) else place
