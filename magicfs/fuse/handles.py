"""The table of open files and open directories, by the file handle number that the kernel uses.

Belongs to the event loop of the mount; no locks. Files of local file systems are read and written by the fast path,
which is asked what was written. It may open them too: those are taken over when a request for them comes to Python, or
when the open file is needed.
"""

from __future__ import annotations

import itertools
import os
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

import pyfuse3

from magicfs.domain.attributes import Attributes
from magicfs.domain.files import FileStat
from magicfs.fuse.fast_path import FastPath, SeenFile
from magicfs.fuse.listed_files import ListedFiles
from magicfs.fuse.watched_directory import Unchanged
from magicfs.tree.directories import Directory, DirectoryListing, Entry
from magicfs.tree.file_nodes import FileNode, KernelVersion
from magicfs.tree.locations import REAL_FILE_TIMEOUT_SECONDS
from magicfs.tree.nodes import Handle, Node
from magicfs.tree.real.directories import RealDirectory
from magicfs.tree.real.files import RealFile
from magicfs.tree.real.handles import RealHandle


@dataclass(frozen=True, slots=True)
class OpenFile:
    """An open file and the node that it was opened through."""

    node: Node
    handle: Handle


@dataclass(slots=True)
class OpenDirectory:
    """An open directory and the entries that it had when it was opened or rewound."""

    directory: Directory
    listing: DirectoryListing | None
    """None before it is read. The kernel may ask for one that it has kept all the same."""
    changes: int
    """How many names the mount had made, removed and renamed when the directory was opened."""
    version: tuple[int, int] | None = None
    """The version of the directory when the kernel began to keep this listing; None if it does not keep all of it."""
    is_read: bool = False
    """Whether a program has begun to read the listing: its next beginning is that of a new one."""
    unchanged: Unchanged | None = None
    """Whether the directory has stayed as it is since the listing was begun."""
    opened_at: float = field(default_factory=time.monotonic)
    entries_read_at: float = 0.0
    """When entries were read last, by the monotonic clock."""
    files: ListedFiles | None = None
    """The files of the part of the listing that was read last."""
    names_replied: int = 0
    """How many names the last reply had that had names alone."""
    lookups_before_names: int = 0
    """How many names of the directory had been looked up then."""
    wants_attributes: bool = False
    """Whether the program looks at each name that it has read."""
    _ahead: Sequence[tuple[int, Entry]] = ()
    _ahead_start: int = -1

    def is_outdated(self, changes: int) -> bool:
        """Whether the listing may lack what a program has made meanwhile; `changes` are those of the mount by now."""
        if self.listing is None or self.is_read:
            return True
        is_old = time.monotonic() - self.opened_at > REAL_FILE_TIMEOUT_SECONDS
        return self.listing.may_block and (is_old or changes != self.changes)

    def begin(self, listing: DirectoryListing, files: ListedFiles | None) -> None:
        """List, or list anew: what was read of the listing before is at other positions. `files` were read with it."""
        self.listing, self.files, self._ahead = listing, files, ()

    def files_at(self, start: int) -> ListedFiles | None:
        """The files that were read last if there is one for that position, and they are not too old; else None."""
        files = self.files
        if files is None or not files.start <= start < files.end:
            return None
        return files if time.monotonic() - files.read_at < REAL_FILE_TIMEOUT_SECONDS else None

    def keep_ahead(self, start: int, entries: Sequence[tuple[int, Entry]]) -> None:
        """Keep entries from position `start` on, for which the reply had no room, for the next one."""
        self._ahead, self._ahead_start = entries, start

    def take_ahead(self, start: int) -> Sequence[tuple[int, Entry]]:
        """The entries that were kept for that position; none if there are none, or their attributes are too old."""
        entries, self._ahead = self._ahead, ()
        is_fresh = time.monotonic() - self.entries_read_at < REAL_FILE_TIMEOUT_SECONDS
        return entries if start == self._ahead_start and is_fresh else ()


class DirectoryReply(NamedTuple):
    """A reply to one request to read an open directory."""

    token: pyfuse3.ReaddirToken
    opened: OpenDirectory
    first: int
    """By how much positions in the reply are higher than those in the listing."""

    def add(self, name: bytes, entry: pyfuse3.EntryAttributes, position: int) -> bool:
        """Add an entry of the listing, which `position` follows; False if there is no room for it."""
        added: bool = pyfuse3.readdir_reply(self.token, pyfuse3.FileNameT(name), entry, position + self.first)
        return added


class HandleTable:
    """All open files and directories of the mount."""

    def __init__(self, fast_path: FastPath, find_node: Callable[[int], Node]) -> None:
        """`find_node` returns the node with an inode number."""
        self._fast_path = fast_path
        self._find_node = find_node
        self._numbers = itertools.count(1)
        self._files: dict[int, OpenFile] = {}
        self._directories: dict[int, OpenDirectory] = {}
        self._by_inode: defaultdict[int, list[Handle]] = defaultdict(list)
        self._fast_writers: defaultdict[int, list[int]] = defaultdict(list)
        """The numbers of open files that the fast path may write to, by inode."""

    def add_file(self, node: Node, handle: Handle) -> int:
        """Add an open file and return its number. It is left to the fast path if possible."""
        number = next(self._numbers)
        self._put_file(number, OpenFile(node, handle))
        # Other handles do more than to read and write.
        if (
            type(handle) is RealHandle
            and handle.is_local_fs
            and self._fast_path.add(number, handle.descriptor, writes=handle.writes, clears_set_id=handle.clears_set_id)
            and handle.writes
        ):
            self._fast_writers[node.ino].append(number)
        return number

    def _put_file(self, number: int, opened: OpenFile) -> None:
        self._files[number] = opened
        self._by_inode[opened.node.ino].append(opened.handle)

    def note_opened(self, node: Node, handle: Handle) -> None:
        """Leave further openings to the fast path, as long as they find what this one has found.

        Only files that are opened to read: whatever is to be decided otherwise is decided anew each time.
        """
        version = handle.version if type(handle) is RealHandle and handle.is_local_fs and not handle.writes else None
        if type(node) is not RealFile or version is None:
            self._fast_path.forget(node.ino)
        else:
            self._know(node, version, has_pages=node.opened_version is not None)

    def note_found(self, node: FileNode) -> None:
        """Leave openings of a file of a local file system to the fast path before Python has opened it once."""
        version = node.kernel_version
        if type(node) is RealFile and node.opened_version is None and version is not None:
            self._know(node, version, has_pages=False)

    def note_found_directory(self, node: Node, attributes: Attributes) -> None:
        """Leave questions about a directory of a local file system to the fast path: `ls -l` asks two of each.

        The directory of a root may show others than its own, so it is left to Python.
        """
        if type(node) is RealDirectory:
            self._know(node, attributes, has_pages=False)

    def _know(
        self, node: RealFile | RealDirectory, version: FileStat | KernelVersion | Attributes, *, has_pages: bool
    ) -> None:
        identity, location = node.identity, node.location
        if identity is None or identity.born_ns is None:
            self._fast_path.forget(node.ino)
            return
        seen = SeenFile(
            identity.device, identity.inode, version.size, identity.born_ns, version.mtime_ns, version.ctime_ns
        )
        self._fast_path.remember(node.ino, location.root, location.path, seen, has_pages=has_pages)

    def note_attributes(self, node: FileNode) -> None:
        """Leave the next opening to Python if the kernel was given the attributes of another version than the last.

        Then it has to be told of those of the file.
        """
        if not node.kernel_attributes_match(node.opened_version):
            self._fast_path.forget(node.ino)

    def _take_over(self, number: int) -> OpenFile:
        """A file that the fast path has opened, from now on in this table."""
        inode, descriptor = self._fast_path.hand_over(number)
        try:
            handle = RealHandle(descriptor, flags=os.O_RDONLY, is_local_fs=True)
            opened = OpenFile(self._find_node(inode), handle)
        except BaseException:
            if not self._fast_path.remove(number):
                os.close(descriptor)
            raise
        self._put_file(number, opened)
        return opened

    def note_writes(self, node: FileNode) -> None:
        """Record the attributes of a file that the fast path has written to, as a handler of writes would have."""
        for number in self._fast_writers.get(node.ino, ()):
            self._note_write(node, number)

    def _note_write(self, node: FileNode, number: int) -> None:
        handle = self._files[number].handle
        if isinstance(handle, RealHandle) and self._fast_path.take_written(number):
            node.merge_kernel_attributes(handle.attributes())

    def file(self, number: int) -> OpenFile:
        """The open file with that number."""
        opened = self._files.get(number)
        return self._take_over(number) if opened is None else opened

    def remove_file(self, number: int) -> OpenFile | None:
        """Remove an open file and return it to be closed; None if a call hangs with it: it is closed after that."""
        removed = self.file(number)
        numbers = self._fast_writers.get(removed.node.ino, [])
        if number in numbers and isinstance(removed.node, FileNode):
            self._note_write(removed.node, number)
            numbers.remove(number)
            if not numbers:
                del self._fast_writers[removed.node.ino]
        del self._files[number]
        handles = self._by_inode[removed.node.ino]
        handles.remove(removed.handle)
        if not handles:
            del self._by_inode[removed.node.ino]
        if not self._fast_path.remove(number):
            return removed
        if isinstance(removed.handle, RealHandle):
            removed.handle.leave_descriptor()
        return None

    def of_node(self, node: Node) -> list[Handle]:
        """Handles of a node, the first opened first: those of Python, or one that the library has opened."""
        while not self._by_inode.get(node.ino) and (number := self._fast_path.opened(node.ino)) is not None:
            # The library may have closed it since then.
            with suppress(KeyError):
                self._take_over(number)
        return list(self._by_inode.get(node.ino, ()))

    def add_directory(self, opened: OpenDirectory) -> int:
        """Add an open directory and return its number."""
        number = next(self._numbers)
        self._directories[number] = opened
        return number

    def directory(self, number: int) -> OpenDirectory:
        """The open directory with that number."""
        return self._directories[number]

    def remove_directory(self, number: int) -> None:
        """Remove an open directory."""
        del self._directories[number]
