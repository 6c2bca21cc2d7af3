"""Telling the kernel that attributes it keeps are not true any more.

Used by the operations. A thread of its own does it: the kernel may be busy with the same inode, and wait for a reply
that the event loop cannot send meanwhile.

A reply that names an inode may still be on its way, with the attributes of before the change: the kernel has no such
inode yet. Then the name is taken back. For that the kernel waits until nobody looks up or lists names in the directory,
and so until the reply has arrived.
"""

from __future__ import annotations

import errno
import logging
import queue
import threading

import pyfuse3
from pyfuse3 import FileNameT, InodeT

log = logging.getLogger(__name__)

STOP_SECONDS = 1.0
"""The end of a mount waits this long for the thread."""


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
