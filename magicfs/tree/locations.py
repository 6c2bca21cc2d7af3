"""The location of a file, directory or link below a root.

Used by the nodes that stand for one. Resolves each path below its root and follows no link. Immutable; any thread.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from magicfs.linux.mounts import device_of_path
from magicfs.linux.opening import open_below
from magicfs.tree.nodes import ThreadPool

REAL_FILE_TIMEOUT_SECONDS = 1.0
"""The kernel caches names and attributes of real files for this long: other programs change them without notice."""


class FileLocation(NamedTuple):
    """A host and a path. `path` is relative to the absolute path `root`; empty for the root itself."""

    host: str
    root: bytes
    path: bytes

    @property
    def absolute(self) -> bytes:
        """The absolute path on the host."""
        return self.root + b"/" + self.path if self.path else self.root

    @property
    def key(self) -> bytes:
        """The node key: the same for the same path, whichever root it was reached through."""
        return self.host.encode("utf-8", "surrogateescape") + b"\0" + self.absolute

    def child(self, name: bytes) -> FileLocation:
        """The location of a name in this directory."""
        return FileLocation(host=self.host, root=self.root, path=self.path + b"/" + name if self.path else name)

    @contextmanager
    def path_descriptor(self) -> Iterator[int]:
        """An `O_PATH` descriptor of the file, directory or link. May block. Raises `OSError`."""
        descriptor = open_below(self.root, self.path or b".", flags=os.O_PATH)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def lstat(self) -> os.stat_result:
        """The result of `lstat`. May block. Raises `OSError`."""
        with self.path_descriptor() as descriptor:
            return os.fstat(descriptor)

    @property
    def thread_pool(self) -> ThreadPool:
        """The pool for calls that wait for the file system there. Does not touch it."""
        return ThreadPool(device_of_path(self.absolute))

    def access(self, mode: int) -> bool:
        """Whether the file system grants this process access; `mode` is that of `os.access`. May block."""
        with self.path_descriptor() as descriptor:
            return os.access(descriptor_path(descriptor), mode, effective_ids=True)


def descriptor_path(descriptor: int) -> str:
    """A path for calls that do not take an `O_PATH` descriptor itself."""
    return f"/proc/self/fd/{descriptor}"
