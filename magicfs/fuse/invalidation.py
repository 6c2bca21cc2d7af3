"""Telling the kernel that attributes and names it keeps are not true any more.

Used by the operations. Threads of their own do it, the one for attributes here and pyfuse3's for names: the kernel may
be busy with the same inode, and wait for a reply that the event loop cannot send meanwhile.

A reply that names an inode may still be on its way, with the attributes of before the change: the kernel has no such
inode yet. Then the name is taken back. For that the kernel waits until nobody looks up or lists names in the directory,
and so until the reply has arrived.
"""

from __future__ import annotations

import errno
import logging
import math
import queue
import threading
import time
from collections.abc import Callable

import pyfuse3
from pyfuse3 import FileNameT, InodeT

from magicfs.tree.file_nodes import FileNode, LastLookup
from magicfs.tree.locations import REAL_FILE_TIMEOUT_SECONDS

log = logging.getLogger(__name__)

STOP_SECONDS = 1.0
"""The end of a mount waits this long for the thread."""
RESULT_NAME_SECONDS = 10 * REAL_FILE_TIMEOUT_SECONDS
"""Until then the kernel may know a result by its name; a busy machine learns of the name later than it was told."""


def expire_attributes(ino: int) -> bool:
    """Make the kernel ask for the attributes of an inode again. May block. Returns whether the kernel has the inode."""
    try:
        pyfuse3.invalidate_inode(InodeT(ino), attr_only=True)
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise
        return False
    return True


class AttributeInvalidations:
    """Expires attributes one after another, in its thread."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[tuple[int, tuple[int, bytes] | None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="invalidations", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def put(self, ino: int, name: tuple[int, bytes] | None = None) -> None:
        """Expire the attributes of an inode soon. Any thread.

        `name` is a directory, with the name there under which the kernel may learn of the inode at this moment.
        """
        self._waiting.put((ino, name))

    def stop(self) -> None:
        """End the thread: nothing is told to a mount that is gone."""
        if self._thread.ident is not None:
            self._waiting.put(None)
            self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        while (waiting := self._waiting.get()) is not None:
            ino, name = waiting
            try:
                if not expire_attributes(ino) and name is not None:
                    pyfuse3.invalidate_entry_async(InodeT(name[0]), FileNameT(name[1]), ignore_enoent=True)
            except OSError as error:
                log.warning("the kernel could not be told of a change: %s", error.strerror)


class EarlierNames:
    """The names under which files were looked up before, which the kernel is to look up again.

    An inode has one set of extended attributes of the index, those of its last lookup. When a program uses an earlier
    name, the kernel repeats the lookup, which brings back those of that name's search. A listing has dozens of such
    files: they wait until it is closed, since all that costs as much as half of the listing. Belongs to the event loop.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waiting: list[LastLookup] = []

    def note_lookup(self, node: FileNode, directory: int, name: bytes) -> None:
        """Record that the kernel is told of a file under a name; an earlier one waits for `invalidate`."""
        earlier, record, now = node.last_lookup, node.index_record, self._clock()
        # The name of a result is looked up again anyway as soon as the kernel may not keep it any more.
        ends_at = math.inf if record is None else now + RESULT_NAME_SECONDS
        node.last_lookup = LastLookup(directory, name, record, ends_at)
        if earlier is None or earlier.record is record or now >= earlier.ends_at:
            return
        if earlier[:2] != (directory, name):
            self._waiting.append(earlier)

    def invalidate(self) -> None:
        """Invalidate the names that wait."""
        for earlier in self._waiting:
            pyfuse3.invalidate_entry_async(InodeT(earlier.directory), FileNameT(earlier.name), ignore_enoent=True)
        self._waiting.clear()
