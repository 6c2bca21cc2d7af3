"""What programs have removed or replaced in the mount and may still use.

Used by the nodes that stand for something below a root. A disk keeps a directory in which a program stands, and a file
that one has found and is about to open; a node has no name any more by which it could be found. So a descriptor is kept
until the kernel forgets the node, which it does at once where nothing refers to it. What the kernel does not know it
never forgets: the event loop has that let go after each removal. Only on local file systems: others make a file that is
kept visible. Any thread.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from magicfs.domain.attributes import STAT_BLOCK_BYTES
from magicfs.linux.files import status_and_birth
from magicfs.linux.opening import open_child
from magicfs.tree.identities import FileIdentity
from magicfs.tree.nodes import Node

MAX_KEPT_BYTES = 1 << 20
"""The space of a larger file is free as soon as it is removed."""
MAX_KEPT = 4096
"""Descriptors that are kept at most: the kernel forgets most of the nodes within milliseconds."""


class RemovedFiles:
    """Descriptors of files and directories that have no name any more, by their identity."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._descriptors: dict[FileIdentity, int | None] = {}
        """A descriptor by the file's identity; None for a file that is too large to be kept."""
        self._removed: set[FileIdentity] = set()
        """The files whose name is gone for certain."""
        self._unsettled: list[tuple[FileIdentity, Node]] = []
        """The files of which nobody has asked yet whether the kernel knows them, with nodes that stand for them."""

    def __bool__(self) -> bool:
        """Whether anything is kept."""
        return bool(self._descriptors)

    def holds(self, identity: FileIdentity | None) -> bool:
        """Whether it is being removed in the mount, or was removed, and a program may still use it."""
        return bool(self._descriptors) and identity in self._descriptors

    def is_removed(self, identity: FileIdentity | None) -> bool:
        """Whether it was removed in the mount, and a program may still use it."""
        return bool(self._removed) and identity in self._removed

    def open(self, identity: FileIdentity | None) -> int | None:
        """A new `O_PATH` descriptor of what was removed; None if none is kept."""
        with self._lock:
            descriptor = None if identity is None else self._descriptors.get(identity)
            return None if descriptor is None else os.dup(descriptor)

    def forget(self, identity: FileIdentity | None) -> None:
        """Close what is kept of it: nothing refers to it any more."""
        if not self._descriptors or identity is None:
            return
        with self._lock:
            self._removed.discard(identity)
            descriptor = self._descriptors.pop(identity, None)
        if descriptor is not None:
            os.close(descriptor)

    @contextmanager
    def removing(self, directory: int, name: bytes, make_node: Callable[[FileIdentity], Node]) -> Iterator[None]:
        """Within the context a name of an open directory is removed or replaced: keep what loses its last name so.

        Nothing is kept if the context raises, or if there is nothing of that name. `make_node` returns a node that
        stands for what has the name. Call `settle` afterwards. May block.
        """
        descriptor = open_child(directory, name)
        identity = None if descriptor is None else self._keep(descriptor)
        try:
            yield
        except BaseException:
            self.forget(identity)
            raise
        with self._lock:
            # The kernel may have forgotten it already.
            if identity is not None and identity in self._descriptors:
                self._removed.add(identity)
                self._unsettled.append((identity, make_node(identity)))

    def settle(self, update: Callable[[Node], Node | None]) -> None:
        """Let go of what was removed and the kernel does not know: another program has just put it there.

        `update` returns the node that the kernel knows of the same thing, which takes over the identity; None if there
        is none. Call it on the event loop.
        """
        with self._lock:
            unsettled, self._unsettled = self._unsettled, []
        for identity, node in unsettled:
            if update(node) is None:
                self.forget(identity)

    def _keep(self, descriptor: int) -> FileIdentity | None:
        """Take over a descriptor; close it if it is not to be kept."""
        status, born_ns = status_and_birth(descriptor)
        is_directory = stat.S_ISDIR(status.st_mode)
        if not is_directory and status.st_nlink > 1:
            os.close(descriptor)
            return None
        identity = FileIdentity.of(status, born_ns)
        is_small = is_directory or status.st_blocks * STAT_BLOCK_BYTES <= MAX_KEPT_BYTES
        with self._lock:
            is_kept = is_small and len(self._descriptors) < MAX_KEPT and identity not in self._descriptors
            if is_kept:
                self._descriptors[identity] = descriptor
            else:
                self._descriptors.setdefault(identity, None)
        if not is_kept:
            os.close(descriptor)
        return identity


REMOVED_FILES = RemovedFiles()
"""The removed files of this process."""
