"""Telling the kernel that attributes it keeps are not true any more.

Used by the operations. A thread of its own does it: the kernel may be busy with the same inode, and wait for a reply
that the event loop cannot send meanwhile.
"""

from __future__ import annotations

import errno
import logging
import queue
import threading

import pyfuse3
from pyfuse3 import InodeT

log = logging.getLogger(__name__)

STOP_SECONDS = 1.0
"""The end of a mount waits this long for the thread."""


def expire_attributes(ino: int) -> None:
    """Make the kernel ask for the attributes of an inode again, if it still has the inode. May block."""
    try:
        pyfuse3.invalidate_inode(InodeT(ino), attr_only=True)
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise


class AttributeInvalidations:
    """Expires attributes one after another, in its thread."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="invalidations", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def put(self, ino: int) -> None:
        """Expire the attributes of an inode soon. Any thread."""
        self._waiting.put(ino)

    def stop(self) -> None:
        """End the thread: nothing is told to a mount that is gone."""
        if self._thread.ident is not None:
            self._waiting.put(None)
            self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        while (ino := self._waiting.get()) is not None:
            try:
                expire_attributes(ino)
            except OSError as error:
                log.warning("the kernel could not be told of a change: %s", error.strerror)
