"""What programs have open: files and listings, by the number that the kernel knows them by.

Used by the thread that serves the tree.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import dataclass

from magicfs.domain.files import FileStat
from magicfs.tree.nodes import Entries, Handle, Node


@dataclass(frozen=True, slots=True)
class OpenFile:
    """An open file and the node that it was opened by."""

    node: Node
    handle: Handle


@dataclass(frozen=True, slots=True)
class OpenListing:
    """An open directory, with the entries that it had then."""

    directory: Node
    entries: Entries


class Handles:
    """All open files and listings."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._files: dict[int, OpenFile] = {}
        self._listings: dict[int, OpenListing] = {}
        self._by_inode: defaultdict[int, list[Handle]] = defaultdict(list)

    def add_file(self, node: Node, handle: Handle) -> int:
        """Give an open file its number."""
        number = next(self._numbers)
        self._files[number] = OpenFile(node, handle)
        self._by_inode[node.ino].append(handle)
        return number

    def file(self, number: int) -> OpenFile:
        """The open file of that number."""
        return self._files[number]

    def remove_file(self, number: int) -> Handle:
        """Take the number back."""
        opened = self._files.pop(number)
        others = self._by_inode[opened.node.ino]
        others.remove(opened.handle)
        if not others:
            del self._by_inode[opened.node.ino]
        return opened.handle

    def of(self, node: Node) -> list[Handle]:
        """What is open of a node, the first opened first."""
        return list(self._by_inode.get(node.ino, ()))

    def shares_pages(self, node: Node, version: FileStat | None) -> bool:
        """Whether all that is open of a node is one and the same file: its name may stand for another by now."""
        return all(
            version is not None and other.version is not None and other.version.ino == version.ino
            for other in self._by_inode.get(node.ino, ())
        )

    def add_listing(self, directory: Node, entries: Entries) -> int:
        """Give an open directory its number."""
        number = next(self._numbers)
        self._listings[number] = OpenListing(directory, entries)
        return number

    def listing(self, number: int) -> OpenListing:
        """The open directory of that number."""
        return self._listings[number]

    def remove_listing(self, number: int) -> None:
        """Take the number back."""
        del self._listings[number]
