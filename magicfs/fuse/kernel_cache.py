"""What the kernel keeps of names and attributes, and how it is told that this is not true any more.

Used by the operations. `Invalidations` has a thread of its own: the kernel may wait for a reply to a request about the
same directory, so the event loop must not wait for the kernel.
"""

from __future__ import annotations

import errno
import logging
import os
import queue
import threading
from collections.abc import Callable

from magicfs.fuse.protocol import (
    NOTIFY_EXPIRE_ONLY,
    NOTIFY_INODE,
    NOTIFY_INODE_CODE,
    NOTIFY_NAME,
    NOTIFY_NAME_CODE,
    REPLY,
)

log = logging.getLogger(__name__)

_UNKNOWN = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENODEV, errno.ENOTCONN, errno.EBADF})
"""The kernel does not have what it should forget, or the mount has ended."""


class KernelCache:
    """Notifications to the kernel. The methods block while it works on a request about the same thing."""

    def __init__(self) -> None:
        self._descriptor = -1

    def connect(self, descriptor: int) -> None:
        """Use the connection of a mount from now on."""
        self._descriptor = descriptor

    def expire_attributes(self, ino: int) -> bool:
        """Make the kernel ask for the attributes of an inode again; False if it does not know the inode."""
        return self._notify(NOTIFY_INODE_CODE, NOTIFY_INODE.pack(ino, -1, 0))

    def forget_name(self, parent: int, name: bytes) -> bool:
        """Take a name away, also from programs that stand in that directory; False if the kernel does not have it."""
        return self._notify(NOTIFY_NAME_CODE, NOTIFY_NAME.pack(parent, len(name), 0) + name + b"\0")

    def expire_name(self, parent: int, name: bytes) -> bool:
        """Make the kernel look a name up again when it is used next; False if the kernel does not have it."""
        head = NOTIFY_NAME.pack(parent, len(name), NOTIFY_EXPIRE_ONLY)
        return self._notify(NOTIFY_NAME_CODE, head + name + b"\0")

    def _notify(self, code: int, body: bytes) -> bool:
        if self._descriptor < 0:
            return False
        try:
            os.write(self._descriptor, REPLY.pack(REPLY.size + len(body), code, 0) + body)
        except OSError as error:
            if error.errno in _UNKNOWN:
                return False
            raise
        return True


class Invalidations:
    """Runs notifications one after another, in a thread that ends with the process."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def put(self, notify: Callable[[], object]) -> None:
        """Run a notification soon. Belongs to the event loop."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="invalidations", daemon=True)
            self._thread.start()
        self._waiting.put(notify)

    def _run(self) -> None:
        while True:
            notify = self._waiting.get()
            try:
                notify()
            except OSError as error:
                log.warning("the kernel could not be told of a change: %s", error.strerror)
