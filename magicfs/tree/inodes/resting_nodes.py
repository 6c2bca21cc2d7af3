"""Nodes at rest: what is on the disk, as bytes, for as long as the kernel knows it and nobody asks for it.

Used by the inode table. A node as an object takes a kilobyte, and the kernel knows a million after a walk through the
roots. What a node of the mirror has to remember fits into a hundred bytes: which file it is, where it was seen last,
and what the kernel was told of its content. All else is read again from the file system when it is needed. Nodes of
results and of what exists only in the mount are never at rest. Pure; the event loop of the mount.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple, cast

import xxhash

from magicfs.domain.files import FileStat, to_signed_64
from magicfs.tree.directories import Directory
from magicfs.tree.file_nodes import FileNode, KernelVersion, LastLookup
from magicfs.tree.identities import FileIdentity
from magicfs.tree.inodes.record_table import RecordTable
from magicfs.tree.nodes import Node
from magicfs.tree.placed_nodes import ChildPlace, PlacedNode
from magicfs.tree.real.directories import RealDirectory, SpecialFile, SymbolicLink
from magicfs.tree.real.files import RealFile
from magicfs.tree.real.removed_files import REMOVED_FILES
from magicfs.tree.remote.directories import RemoteDirectory, RemoteLink, RemoteSpecialFile
from magicfs.tree.remote.nodes import RemoteFileNode

_RECORD = struct.Struct("<QIIQQqqQqQB")
"""Number, lookup count, identity (type, device, inode, birth), the version that the kernel knows (ctime, size, mtime),
number of the directory, and flags."""
_LOOKUP_COUNT, _COUNT = struct.Struct("<8xI"), struct.Struct("<I")
_KEY_OFFSET, _KEY_BYTES = 12, 20
"""The part of a record that is the beginning of its key: that of a directory has the root too."""
_HEAD, _END = struct.Struct("<QI"), struct.Struct("<QB")
"""Number and lookup count; number of the directory and flags."""
_HEAD_BYTES, _IDENTITY_BYTES, _SEEN_BYTES = 12, 28, 52
"""What a record begins with; identity; identity and version."""
_CTIME = struct.Struct("<28xq")
"""Within those."""
_MAX_COUNT = 1 << 31
_IDENTITY = struct.Struct("<12xIQQq")
_KIND = struct.Struct("<12xI")
_DIRECTORY = struct.Struct("<64xQ")
_FLAGS = struct.Struct("<72xB")
_HASH_BITS, _KEY_BITS = 64, 36
SEED_BITS = 27
"""The lower bits of a number tell apart what has the same key: a file and a deleted one that had its inode number."""
_HAS_VERSION, _WAS_OPENED = 1, 2
_NO_VERSION = KernelVersion(0, 0, 0)
_CLASSES = frozenset(
    {
        RealFile,
        RealDirectory,
        SymbolicLink,
        SpecialFile,
        RemoteFileNode,
        RemoteDirectory,
        RemoteLink,
        RemoteSpecialFile,
    }
)


class AtRest(NamedTuple):
    """A node at rest."""

    record: bytes
    name: bytes
    directory: int
    """The number of that in which it was seen last."""


class RestingNodes:
    """The nodes at rest. Not safe in several threads."""

    def __init__(self) -> None:
        self._records = RecordTable(_RECORD.size, hash_shift=SEED_BITS)
        self._resting_in: dict[int, int] = {}
        """How many nodes rest in each directory."""

    def has_in(self, directory: int) -> bool:
        """Whether nodes rest in a directory, by its number: it must stay known as long as they do."""
        return directory in self._resting_in

    def lookup_count(self, ino: int) -> int | None:
        """The lookup count of a node at rest; None if no such node rests."""
        return self._records.field(ino, _LOOKUP_COUNT)

    def set_lookup_count(self, ino: int, count: int) -> None:
        """Replace the lookup count of a node at rest."""
        self._records.set_field(ino, _LOOKUP_COUNT.size - _COUNT.size, _COUNT.pack(count))

    def forget_pages(self, ino: int) -> None:
        """Do what `Node.forget_pages` does, for a node that may rest."""
        flags = self._records.field(ino, _FLAGS)
        if flags is not None and flags & _WAS_OPENED:
            self._records.set_field(ino, _FLAGS.size - 1, bytes([flags & ~_WAS_OPENED]))

    def numbers(self, key: bytes) -> list[int]:
        """The numbers of the nodes that may have a key, the latest first."""
        return self._records.numbers(key_bits(key), key[:_KEY_BYTES], _KEY_OFFSET)

    def kind(self, ino: int) -> int | None:
        """The type of a node at rest, as `stat.S_IFMT` returns it; None if no such node rests."""
        return self._records.field(ino, _KIND)

    def directory(self, ino: int) -> int | None:
        """The number of the directory in which a node at rest was seen last; None if no such node rests."""
        return self._records.field(ino, _DIRECTORY)

    @staticmethod
    def prepare(node: Node, is_known: Callable[[int], bool]) -> AtRest | None:
        """What is left of a node with a number when it rests; None if it cannot.

        `is_known` says whether a number is that of a node: its directory must be one.
        """
        if not isinstance(node, PlacedNode) or not isinstance(node.place, ChildPlace):
            return None
        directory = node.place.directory.ino
        record = _record(node, directory) if is_known(directory) else None
        return None if record is None else AtRest(record, node.place.name, directory)

    def lay(self, node: AtRest) -> None:
        """Let a node rest."""
        self._add(*node)

    def _add(self, record: bytes, name: bytes, directory: int) -> None:
        self._records.add(record, name)
        self._resting_in[directory] = self._resting_in.get(directory, 0) + 1

    def count_listed(self, number: int, seen: bytes, directory: int, name: bytes, *, has_content: bool) -> int | None:
        """Count a look-up of what rests in a directory, or is laid there, as `InodeTable.count_listed` does.

        Returns the lookup count before that; None if a node is needed.
        """
        if not has_content:
            seen = seen[:_IDENTITY_BYTES] + bytes(_SEEN_BYTES - _IDENTITY_BYTES)
        what = seen + _END.pack(directory, _HAS_VERSION if has_content else 0)
        place = self._records.find(number)
        if place is None:
            if self._records.has_part(number >> SEED_BITS, seen[:_KEY_BYTES]):
                return None
            self._add(_HEAD.pack(number, 1) + what, name, directory)
            return 0
        known = self._records.record(place)
        count = _COUNT.unpack_from(known, _HEAD_BYTES - _COUNT.size)[0]
        is_same = known[_HEAD_BYTES:] == what or _has_newer_version(known[_HEAD_BYTES:], what)
        if not is_same or count >= _MAX_COUNT or self._records.name(place) != name:
            return None
        self._records.replace(place, _HEAD.pack(number, count + 1) + what)
        return int(count)

    def wake(self, ino: int, directory: Node) -> Node:
        """Take a node out; `directory` is that in which it was seen last."""
        return _node(*self._taken(ino), directory)

    def forget(self, ino: int) -> int:
        """Drop a node, and let go of what is kept for programs. Returns the number of its directory."""
        record, _ = self._taken(ino)
        if REMOVED_FILES:
            REMOVED_FILES.forget(FileIdentity(*_IDENTITY.unpack_from(record)))
        return int(_DIRECTORY.unpack_from(record)[0])

    def _taken(self, ino: int) -> tuple[bytes, bytes]:
        """The record of a node and its name, which are taken out."""
        record, name = self._records.take(ino)
        directory = int(_DIRECTORY.unpack_from(record)[0])
        self._resting_in[directory] -= 1
        if not self._resting_in[directory]:
            del self._resting_in[directory]
            if not self._resting_in:
                self._resting_in = {}
        return record, name


def key_bits(key: bytes) -> int:
    """The upper bits of the numbers of all nodes with a key. Those of the root are 0."""
    return xxhash.xxh3_64_intdigest(key[:_KEY_BYTES]) >> (_HASH_BITS - _KEY_BITS) or 1


def _record(node: PlacedNode, directory: int) -> bytes | None:
    """The record of a node in the directory with that number; None if it holds what cannot be read again."""
    identity = node.identity
    # A record has room for one place: a file with several names would be lost with the last one seen.
    if type(node) not in _CLASSES or len(node.places) > 1 or identity is None or identity.born_ns is None:
        return None
    version, flags = _NO_VERSION, 0
    if isinstance(node, FileNode):
        if not node.is_of_mirror:
            return None
        if node.kernel_version is not None:
            version, flags = node.kernel_version, _HAS_VERSION
            if node.opened_version is not None and KernelVersion.of(node.opened_version) == version:
                flags |= _WAS_OPENED
    try:
        return _RECORD.pack(
            node.ino,
            node.lookup_count,
            identity.kind,
            identity.device,
            identity.inode,
            identity.born_ns,
            *version,
            directory,
            flags,
        )
    except struct.error:
        # Times and sizes of some file systems do not fit.
        return None


def _has_newer_version(known: bytes, found: bytes) -> bool:
    """Whether what was found is what is known, in the same place, with other content, of which nothing is kept."""
    is_same = known[:_IDENTITY_BYTES] == found[:_IDENTITY_BYTES] and known[_SEEN_BYTES:] == found[_SEEN_BYTES:]
    return is_same and bool(_CTIME.unpack_from(known)[0] <= _CTIME.unpack_from(found)[0])


def _node(record: bytes, name: bytes, directory: Node) -> Node:
    ino, count, kind, device, inode, born_ns, *version, directory_ino, flags = _RECORD.unpack_from(record)
    parent = cast("RealDirectory | RemoteDirectory", directory)
    node = parent.child_node(ChildPlace(parent, name), kind, FileIdentity(kind, device, inode, born_ns))
    node.ino, node.lookup_count = ino, count
    if isinstance(node, Directory):
        node.parent_ino = directory_ino
    if isinstance(node, FileNode):
        node.last_lookup = LastLookup(directory_ino, name, None)
        if flags & _HAS_VERSION:
            node.kernel_version = KernelVersion(*version)
        if flags & _WAS_OPENED:
            node.opened_version = _opened_version(KernelVersion(*version), device, inode)
    return node


def _opened_version(version: KernelVersion, device: int, inode: int) -> FileStat:
    """A file as it was opened, as far as that says whether it has the same content."""
    ino = to_signed_64(inode)
    return FileStat(version.size, version.mtime_ns, version.ctime_ns, ino, device, mode=0, uid=0, gid=0)
