"""Directories whose entries are fixed for the life of the mount."""

from __future__ import annotations

import os
from collections.abc import Mapping

from magicfs.tree.attributes import DIRECTORY_MODE, Attributes
from magicfs.tree.nodes import FOREVER_SECONDS, Directory, Entry, Node, ReadyEntries, missing


class OurDirectory(Directory):
    """A directory that only the mount has. Its times are the mount's: a listing again and again shows no change."""

    def __init__(self, key: bytes, *, born_ns: int) -> None:
        super().__init__(b"d" + key)
        self.born_ns = born_ns

    def known_attributes(self) -> Attributes:
        """Always the same."""
        return Attributes.of_ours(mode=DIRECTORY_MODE, born_ns=self.born_ns)

    def attributes(self) -> Attributes:
        """Always the same."""
        return self.known_attributes()

    def may(self, mode: int) -> bool:
        """To list and to enter."""
        return not mode & os.W_OK


class FixedDirectory(OurDirectory):
    """A directory with the same few entries for ever, all of which know their attributes."""

    missing_seconds = FOREVER_SECONDS

    def __init__(self, key: bytes, entries: Mapping[bytes, Node], *, born_ns: int) -> None:
        super().__init__(key, born_ns=born_ns)
        self._entries = entries

    def peek(self, name: bytes) -> Entry:
        """The entry. Never blocks."""
        node = self._entries.get(name)
        if node is None:
            raise missing(name)
        return Entry(name, node, node.known_attributes() or node.attributes())

    def lookup(self, name: bytes) -> Entry:
        """The same."""
        return self.peek(name)

    def list(self) -> ReadyEntries:
        """The entries. Never blocks."""
        return ReadyEntries([self.peek(name) for name in self._entries])
