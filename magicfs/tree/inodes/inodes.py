"""The inode table: the nodes that the kernel refers to by number, with their lookup counts.

An inode number is derived from what the node stands for: the same file has the same number again after the kernel has
forgotten it, and in each mount; another file never gets it. A node that nobody uses is packed (`packed_nodes`), and is
unpacked when it is asked for. Belongs to the event loop of the mount; no locks.
"""

from __future__ import annotations

import logging
import stat
import weakref
from collections import OrderedDict
from typing import Protocol, TypeVar

import xxhash

from magicfs.tree.directories import Directory
from magicfs.tree.inodes.packed_nodes import SEED_BITS, PackedNodes, key_bits
from magicfs.tree.nodes import Node

log = logging.getLogger(__name__)

ROOT_INO = 1
"""The kernel's number for the top of a file system."""
MAX_OBJECTS = 4096
"""The number of nodes that stay objects although nobody uses them."""
_NODES_TRIED = 4
"""The number of nodes that are tried for each new one: a node that is in use is not packed."""
MAX_DEPTH = 100_000
"""More directories above each other than a file system has: whoever counts more goes round in a circle."""
_SEEDS = (1 << SEED_BITS) - 1
_KEY_BYTES, _IDENTITY_BYTES = 20, 28
_NOT_OF_INDEX = bytes(8)
"""What the seed of a file begins with that was not seen by the index."""

NodeT = TypeVar("NodeT", bound=Node)


class OtherLookups(Protocol):
    """Look-ups of plain files that are answered beside the table, and counted in it before anything else happens.

    They give a file the number that follows from what identifies it. A file that is claimed is left to the table.
    """

    def claim(self, ino: int) -> None:
        """Leave files to the table whose numbers begin with the same key as this one, until they are released."""

    def release(self, ino: int) -> None:
        """Take a claim back. There may be several for a key."""

    def assign(self, ino: int) -> None:
        """Leave such files to the table until this is called for another number."""

    def settle(self) -> bool:
        """Count what was answered; whether there was anything."""


class NoOtherLookups:
    """There are none."""

    def claim(self, ino: int) -> None:
        """Do nothing."""

    def release(self, ino: int) -> None:
        """Do nothing."""

    def assign(self, ino: int) -> None:
        """Do nothing."""

    def settle(self) -> bool:
        """Nothing was answered."""
        return False


class InodeTable:
    """The nodes that the kernel holds."""

    def __init__(self, root: Directory) -> None:
        root.ino, root.lookup_count = ROOT_INO, 1
        self._nodes: dict[int, Node] = {ROOT_INO: root}
        """The nodes that are objects, by number."""
        self._latest: dict[bytes, int] = {}
        """The number of the latest of them with a key: a file may have the key of a deleted one that is still open."""
        self.packed = PackedNodes()
        """The nodes that are no objects."""
        self._pack_queue: OrderedDict[int, Node] = OrderedDict()
        """Nodes that are packed when nobody uses them, the first one to be tried first."""
        self._count = 1
        self.other_lookups: OtherLookups = NoOtherLookups()
        """Every node that is an object is claimed there, and every packed node has the number that follows."""

    def __len__(self) -> int:
        return self._count

    def __contains__(self, ino: int) -> bool:
        return ino in self._nodes or self.packed.lookup_count(ino) is not None

    def find(self, ino: int) -> Node:
        """The node with that inode number."""
        node = self._nodes.get(ino)
        return self._unpacked(ino) if node is None else node

    def is_packed_file(self, ino: int) -> bool:
        """Whether it is the number of a packed node that is a plain file."""
        return self.packed.kind(ino) == stat.S_IFREG

    def forget_pages(self, ino: int) -> None:
        """Note that the kernel may have pages of the file with that number that are not those of its opened version."""
        node = self._nodes.get(ino)
        if node is None:
            self.packed.forget_pages(ino)
        else:
            node.forget_pages()

    def get_or_assign(self, node: NodeT) -> NodeT:
        """The table's node of the same thing, updated from `node`; if there is none, `node` with a number.

        `add_lookup` puts a new node into the table, as soon as a reply to the kernel has named it.
        """
        existing = self.update(node)
        if existing is not None:
            return existing
        number = self._number(node)
        self.other_lookups.assign(number)
        while self.other_lookups.settle():
            # The kernel may have been given the number of this file: another one would make two files of it.
            existing = self.update(node)
            if existing is not None:
                return existing
            # What was counted may have needed another number.
            self.other_lookups.assign(number)
        while number in self:
            number = number & ~_SEEDS | (number + 1) & _SEEDS
        node.ino = number
        return node

    def update(self, node: NodeT) -> NodeT | None:
        """The table's node of the same thing, updated from `node`; None if there is none."""
        existing = self._same(self._latest.get(node.key), node)
        if existing is None and node.number_seed:
            existing = self._same(self._number(node), node) or self._same_packed(node)
        if existing is not None and existing is not node:
            existing.update(node)
        return existing

    def add_lookup(self, node: Node) -> None:
        """Count a reply to the kernel that names a node from `get_or_assign`."""
        if node.ino in self._nodes:
            node = self._nodes[node.ino]
        else:
            self._add(node)
        self._count += node.lookup_count == 0
        node.lookup_count += 1

    def count_listed(self, seen: bytes, directory: int, name: bytes, *, has_content: bool) -> int:
        """Count a reply to the kernel that names what a directory has under a name, and return its number.

        0 if an object is needed: what has that name has others too, is used by a program, or is not what it was before.
        `seen` is identity and version as in the records of packed nodes; `has_content` is True for a plain file.
        """
        key = seen[:_KEY_BYTES]
        number = self.number_of(key, _NOT_OF_INDEX + seen[_KEY_BYTES:_IDENTITY_BYTES])
        if key in self._latest or number in self._nodes:
            return 0
        before = self.packed.count_listed(number, seen, directory, name, has_content=has_content)
        if before is None:
            return 0
        self._count += before == 0
        return number

    def forget(self, ino: int, lookups: int) -> bool:
        """Subtract from the lookup count; at zero the node is dropped, which the result tells. The root stays."""
        node = self._nodes.get(ino)
        before = self.packed.lookup_count(ino) if node is None else node.lookup_count
        if not before or ino == ROOT_INO:
            return False
        left = before - lookups
        if left < 0:
            log.error("the kernel forgets inode %d %d times more often than it was told", ino, -left)
        if node is not None:
            node.lookup_count = max(left, 0)
        elif left > 0 or self.packed.has_in(ino):
            self.packed.set_lookup_count(ino, max(left, 0))
        else:
            self._drop_if_unused(self.packed.forget(ino))
        if left > 0:
            return False
        self._count -= 1
        if node is not None:
            self._drop_if_unused(ino)
        return True

    def _same_packed(self, node: NodeT) -> NodeT | None:
        """The packed node of the same thing, unpacked. Others with its key may be unpacked too."""
        for ino in self.packed.numbers(node.key):
            self._unpacked(ino)
            existing = self._same(ino, node)
            if existing is not None:
                return existing
        return None

    def _same(self, ino: int | None, node: NodeT) -> NodeT | None:
        """The node with that number if it is an object and stands for the same thing as `node`."""
        known = None if ino is None else self._nodes.get(ino)
        if known is None or known.key != node.key or not isinstance(known, type(node)):
            return None
        return known if known.is_same(node) else None

    def _add(self, node: Node) -> None:
        self.other_lookups.claim(node.ino)
        self._nodes[node.ino] = self._pack_queue[node.ino] = node
        self._latest[node.key] = node.ino
        self.pack_some()

    def _remove(self, ino: int, key: bytes) -> None:
        """Forget that a node with a key was an object."""
        self._nodes.pop(ino, None)
        self.other_lookups.release(ino)
        if self._latest.get(key) == ino:
            del self._latest[key]

    def _drop_if_unused(self, ino: int) -> None:
        """Drop a node that the kernel does not refer to, unless it has packed nodes; and then the directories above."""
        while not self.packed.has_in(ino):
            node = self._nodes.get(ino)
            if node is None and self.packed.lookup_count(ino) == 0:
                ino = self.packed.forget(ino)
                continue
            if node is not None and node.lookup_count == 0:
                self._pack_queue.pop(ino, None)
                self._remove(ino, node.key)
                node.forgotten()
            return

    def pack_some(self) -> None:
        """Pack some nodes that nobody uses, if there are too many objects: each node that is added calls this."""
        for _ in range(_NODES_TRIED if len(self._pack_queue) > MAX_OBJECTS else 0):
            ino, node = self._pack_queue.popitem(last=False)
            packed = self.packed.pack(node, self.__contains__) if self._number(node) == ino else None
            if packed is None:
                self._pack_queue[ino] = node
                continue
            key, reference = node.key, weakref.ref(node)
            # Without the references of the table, the node still exists only if somebody uses it.
            del self._nodes[ino], node
            used = reference()
            if used is None:
                self.packed.add(*packed)
                self._remove(ino, key)
            else:
                self._nodes[ino] = self._pack_queue[ino] = used

    def _unpacked(self, ino: int) -> Node:
        """A packed node as an object. The directories above are unpacked too, up to one that is an object."""
        numbers = [ino]
        while (node := self._nodes.get(numbers[-1])) is None:
            directory = self.packed.directory(numbers[-1])
            if directory is None or len(numbers) > MAX_DEPTH:
                raise KeyError(ino)
            numbers.append(directory)
        for number in numbers[-2::-1]:
            directory_node, node = node, self.packed.unpack(number, node)
            self._add(node)
            self._drop_if_unused(directory_node.ino)
        return node

    def _number(self, node: Node) -> int:
        """The number that a node has as long as no other one has it: the hashes of its key and its seed."""
        return self.number_of(node.key, node.number_seed)

    @staticmethod
    def number_of(key: bytes, seed: bytes) -> int:
        """The number for a key and a seed. The library of `fastpath/` computes the same."""
        return key_bits(key) << SEED_BITS | xxhash.xxh3_64_intdigest(key + seed) & _SEEDS
