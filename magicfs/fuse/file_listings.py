"""Replies with files of a directory of a root, many at a time: a node for each would take Python a second for 10,000.

Part of the operations, on the event loop of the mount. A file that nobody uses is added to the inode table as a packed
node, which it would become after a while. Whatever needs more than to be counted has a node, as in any other listing:
directories, what a program uses, files with several names, and what is not what it was before.
"""

from __future__ import annotations

import stat
from array import array
from collections.abc import Sequence

import pyfuse3
from pyfuse3 import EntryAttributes, FileNameT

from magicfs.fuse.fast_path import FAST_PATH
from magicfs.fuse.handles import DirectoryReply, OpenDirectory
from magicfs.fuse.library_interface import SEVERAL_ENTRIES
from magicfs.fuse.listed_files import ListedFiles
from magicfs.fuse.watched_directory import WATCHED_SECONDS, unchanged_since_ns
from magicfs.fuse.watches import DirectoryWatches
from magicfs.tree.inodes.inodes import InodeTable
from magicfs.tree.locations import REAL_FILE_TIMEOUT_SECONDS

_SEVERAL = EntryAttributes()
_SEVERAL.generation = SEVERAL_ENTRIES
_TOGETHER = 16
"""Files that are added to a reply together. What it has no room for was prepared in vain."""


class FileListings:
    """Adds files to replies, and counts them."""

    def __init__(self, inodes: InodeTable, watches: DirectoryWatches) -> None:
        self._inodes = inodes
        self._watches = watches

    def add(self, reply: DirectoryReply, files: ListedFiles, start: int) -> tuple[int, bool]:
        """Add files from position `start` on. Returns how many, and whether the reply is full.

        The next one needs a node if it is not.
        """
        opened = reply.opened
        numbers, seconds = self._count(opened, files, start)
        if not numbers:
            return 0, False
        files.prepare_entries(start, numbers, seconds, start + 1 + reply.first)
        pyfuse3.readdir_reply(reply.token, FileNameT(b""), _SEVERAL, 0)
        count = FAST_PATH.added_entries()
        for number in numbers[count:]:
            self._inodes.forget(number, 1)
        if count:
            self._note(opened, files.names_from(start, count), numbers, seconds)
            if self._watches.has(opened.directory):
                files.remember(start, numbers, count)
        return count, count < len(numbers)

    def _count(self, opened: OpenDirectory, files: ListedFiles, start: int) -> tuple[array[int], array[float]]:
        """Count replies with files from a position on that need no node.

        Returns their numbers, and for how long the kernel may keep each.
        """
        numbers, seconds = array("Q"), array("d")
        directory, unchanged, count_listed = opened.directory.ino, opened.unchanged, self._inodes.count_listed
        (first,) = files.names_from(start, 1)
        is_kept = unchanged is not None and unchanged.holds() and unchanged.watch.has_room(first, _TOGETHER)
        kept_since_ns = unchanged_since_ns() if is_kept else float("-inf")
        for name, seen, ctime_ns, mode, links in files.seen(start, _TOGETHER):
            if links != 1 or stat.S_ISDIR(mode):
                break
            number = count_listed(seen, directory, name, has_content=stat.S_ISREG(mode))
            if not number:
                break
            numbers.append(number)
            seconds.append(WATCHED_SECONDS if ctime_ns <= kept_since_ns else REAL_FILE_TIMEOUT_SECONDS)
        return numbers, seconds

    @staticmethod
    def _note(opened: OpenDirectory, names: Sequence[bytes], numbers: array[int], seconds: array[float]) -> None:
        """Note what the kernel keeps for longer of files in a reply, whose names these are."""
        kept = {
            name: number
            for name, number, duration in zip(names, numbers, seconds, strict=False)
            if duration == WATCHED_SECONDS
        }
        if len(kept) < len(names):
            opened.version = None
        if kept and opened.unchanged is not None:
            opened.unchanged.watch.keep_listed(kept)
