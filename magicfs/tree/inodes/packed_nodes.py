"""Packed nodes: nodes that the kernel knows and nobody uses, as a hundred bytes each instead of an object.

Used by the inode table. A node as an object takes a kilobyte, and the kernel knows a million after a walk through the
roots. A packed node of the mirror holds which file it is, where it was seen last, and what the kernel was told of its
content. Everything else is read again from the file system when it is needed. Nodes of results and of what exists only
in the mount are never packed. Pure; the event loop of the mount.
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


class PackedNode(NamedTuple):
    """A node as bytes."""

    record: bytes
    name: bytes
    directory: int
    """The inode number of the directory in which it was seen last."""


class PackedNodes:
    """The packed nodes. Not safe in several threads."""

    def __init__(self) -> None:
        self._records = RecordTable(_RECORD.size, hash_shift=SEED_BITS)
        self._count_in: dict[int, int] = {}
        """The number of packed nodes in each directory that has some."""

    def has_in(self, directory: int) -> bool:
        """Whether a directory, by its number, has packed nodes: it stays in the inode table as long as it has some."""
        return directory in self._count_in

    def lookup_count(self, ino: int) -> int | None:
        """The lookup count of a packed node; None if there is none with that number."""
        return self._records.field(ino, _LOOKUP_COUNT)

    def set_lookup_count(self, ino: int, count: int) -> None:
        """Replace the lookup count of a packed node."""
        self._records.set_field(ino, _LOOKUP_COUNT.size - _COUNT.size, _COUNT.pack(count))

    def forget_pages(self, ino: int) -> None:
        """Do what `Node.forget_pages` does, if a packed node has that number."""
        flags = self._records.field(ino, _FLAGS)
        if flags is not None and flags & _WAS_OPENED:
            self._records.set_field(ino, _FLAGS.size - 1, bytes([flags & ~_WAS_OPENED]))

    def numbers(self, key: bytes) -> list[int]:
        """The numbers of the packed nodes that may have a key, the latest first."""
        return self._records.numbers(key_bits(key), key[:_KEY_BYTES], _KEY_OFFSET)

    def kind(self, ino: int) -> int | None:
        """The type of a packed node, as `stat.S_IFMT` returns it; None if there is none with that number."""
        return self._records.field(ino, _KIND)

    def directory(self, ino: int) -> int | None:
        """The number of the directory in which a packed node was seen last; None if there is no such node."""
        return self._records.field(ino, _DIRECTORY)

    @staticmethod
    def pack(node: Node, is_known: Callable[[int], bool]) -> PackedNode | None:
        """A node, which has a number, in packed form; None if it holds what cannot be read again.

        `is_known` says whether the inode table has a number: it must have that of the directory.
        """
        if not isinstance(node, PlacedNode) or not isinstance(node.place, ChildPlace):
            return None
        directory = node.place.directory.ino
        record = _record(node, directory) if is_known(directory) else None
        return None if record is None else PackedNode(record, node.place.name, directory)

    def add(self, record: bytes, name: bytes, directory: int) -> None:
        """Add a packed node, given by its fields."""
        self._records.add(record, name)
        self._count_in[directory] = self._count_in.get(directory, 0) + 1

    def count_listed(self, number: int, seen: bytes, directory: int, name: bytes, *, has_content: bool) -> int | None:
        """Count a look-up of a packed node, which is added if there is none, as `InodeTable.count_listed` does.

        Returns the lookup count before that; None if an object is needed.
        """
        if not has_content:
            seen = seen[:_IDENTITY_BYTES] + bytes(_SEEN_BYTES - _IDENTITY_BYTES)
        what = seen + _END.pack(directory, _HAS_VERSION if has_content else 0)
        place = self._records.find(number)
        if place is None:
            if self._records.has_part(number >> SEED_BITS, seen[:_KEY_BYTES]):
                return None
            self.add(_HEAD.pack(number, 1) + what, name, directory)
            return 0
        known = self._records.record(place)
        count = _COUNT.unpack_from(known, _HEAD_BYTES - _COUNT.size)[0]
        is_same = known[_HEAD_BYTES:] == what or _has_newer_version(known[_HEAD_BYTES:], what)
        if not is_same or count >= _MAX_COUNT or self._records.name(place) != name:
            return None
        self._records.replace(place, _HEAD.pack(number, count + 1) + what)
        return int(count)

    def unpack(self, ino: int, directory: Node) -> Node:
        """Remove a packed node, and return it as an object; `directory` is that in which it was seen last."""
        return _node(*self._take(ino), directory)

    def forget(self, ino: int) -> int:
        """Drop a packed node, and what is kept of it after a removal. Returns the number of its directory."""
        record, _ = self._take(ino)
        if REMOVED_FILES:
            REMOVED_FILES.forget(FileIdentity(*_IDENTITY.unpack_from(record)))
        return int(_DIRECTORY.unpack_from(record)[0])

    def _take(self, ino: int) -> tuple[bytes, bytes]:
        """Remove a packed node, and return its record and its name."""
        record, name = self._records.take(ino)
        directory = int(_DIRECTORY.unpack_from(record)[0])
        self._count_in[directory] -= 1
        if not self._count_in[directory]:
            del self._count_in[directory]
            if not self._count_in:
                self._count_in = {}
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
    """Whether a found record is of the known file in its place, in a version that is not older."""
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
