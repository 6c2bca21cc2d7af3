"""Directories of other hosts, to read, and the links and special files in them: what they list.

Used by the mirror and by the FUSE adapter. A listing brings the attributes of all its names along. Links are shown as
links and never followed. Blocking methods run in the thread pool of the host, several at once.
"""

from __future__ import annotations

import stat
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from magicfs.tree.directories import Directory, Entry
from magicfs.tree.identities import FileIdentity
from magicfs.tree.locations import FileLocation
from magicfs.tree.names import MAX_NAME_BYTES
from magicfs.tree.nodes import Link, Node
from magicfs.tree.placed_nodes import ChildPlace
from magicfs.tree.remote.files import RemoteStatus
from magicfs.tree.remote.nodes import (
    REMOTE_TIMEOUT_SECONDS,
    RemoteFileNode,
    RemoteNode,
    RemoteSource,
    identity_of,
    kept_seconds,
)

MISSING_TIMEOUT_SECONDS = 1.0
"""The kernel caches that a name does not exist for this long."""
_NOT_NAMES = frozenset({b"", b".", b".."})


class RemoteDirectory(RemoteNode, Directory):
    """A directory of another host, or the directory of a root there."""

    negative_timeout_seconds = MISSING_TIMEOUT_SECONDS

    def __init__(
        self, source: RemoteSource, place: ChildPlace | FileLocation, identity: FileIdentity | None = None
    ) -> None:
        """Without an `identity` it is the directory of a root, whichever is there."""
        super().__init__(source, place, identity)
        self.seen_at = time.monotonic()
        """When it was at its place for certain."""

    def key_of(self, identity: FileIdentity) -> bytes:
        """The key: one for each root, since a directory can have one place only."""
        return identity.key + self.location.root

    def update(self, newer: Node) -> None:
        """Take over the place where `newer` was seen."""
        super().update(newer)
        if isinstance(newer, RemoteDirectory):
            self.seen_at = newer.seen_at

    def status(self) -> RemoteStatus:
        """What its host says of it. May block. Raises `ESTALE` if it is not there."""
        asked_at = time.monotonic()
        status = super().status()
        self.seen_at = asked_at
        return status

    def lookup(self, name: bytes) -> Entry:
        """The entry of that name. May block."""
        self._require_seen()
        place = self.location.child(name)
        return self.entry(name, self.source.files.status(place.host, place.root, place.path))

    def list(self) -> RemoteListing:
        """The names in the directory with the attributes of each, from one call. May block."""
        self._require_seen()
        location = self.location
        with self.stale_if_gone():
            found = self.source.files.list(location.host, location.root, location.path)
        return RemoteListing(self, _named(found))

    def _require_seen(self) -> None:
        """Raise `ESTALE` if it is not there any more; what was seen a moment ago is not asked for again."""
        if self.identity is not None and time.monotonic() - self.seen_at > REMOTE_TIMEOUT_SECONDS:
            self.status()

    def entry(self, name: bytes, status: RemoteStatus) -> Entry:
        """The entry of a name that leads to a file with this status."""
        identity = identity_of(self.location.host, status)
        node = self.child_node(ChildPlace(self, name), identity.kind, identity)
        node.attribute_timeout_seconds = kept_seconds(status)
        attributes = self.source.shown(status.attributes)
        return Entry(name, node, attributes, timeout_seconds=node.attribute_timeout_seconds)

    def child_node(self, place: ChildPlace, mode: int, identity: FileIdentity) -> RemoteNode:
        """A node in this directory; `mode` has its type."""
        if stat.S_ISDIR(mode):
            return RemoteDirectory(self.source, place, identity)
        if stat.S_ISREG(mode):
            return RemoteFileNode(self.source, place, identity)
        return (RemoteLink if stat.S_ISLNK(mode) else RemoteSpecialFile)(self.source, place, identity)


@dataclass(frozen=True, slots=True)
class RemoteListing:
    """What a directory of another host had when it was opened."""

    directory: RemoteDirectory
    found: Sequence[tuple[bytes, RemoteStatus]]
    number: int = field(default=0, init=False)
    may_block: bool = field(default=False, init=False)

    def batch(self, start: int, count: int) -> Sequence[tuple[int, Entry]]:
        """The entries of the next `count` names. Never blocks."""
        found = self.found[start : start + count]
        return [(position, self.directory.entry(*named)) for position, named in enumerate(found, start + 1)]


class RemoteLink(RemoteNode, Link):
    """A symbolic link of another host. It leads where such a link leads on this host."""

    def target(self) -> bytes:
        """The path that the link holds. May block."""
        location = self.location
        with self.stale_if_gone():
            return self.source.files.target(location.host, location.root, location.path)


class RemoteSpecialFile(RemoteNode):
    """A FIFO, socket or device of another host. The kernel opens it itself, on this host."""


def _named(found: Iterable[tuple[bytes, RemoteStatus]]) -> list[tuple[bytes, RemoteStatus]]:
    """What a host has listed, in the order of names, without what can be no name: the kernel would refuse all."""
    named = {
        name: status
        for name, status in found
        if len(name) <= MAX_NAME_BYTES and name not in _NOT_NAMES and b"/" not in name and b"\0" not in name
    }
    return sorted(named.items())
