"""A file system in memory that finds names in upper and lower case alike, and lists them as they were given, as FAT.

`python -m tests.integration.ingest.folding_fs MOUNTPOINT`. Prints a line when it is mounted.
"""

from __future__ import annotations

import errno

from pyfuse3 import FUSEError

from tests.fuse.memory_fs import MemoryOperations
from tests.fuse.small_fs import serve


class FoldingOperations(MemoryOperations):
    def listed(self, parent: int, name: bytes) -> bytes:
        """The name of a directory that is this one in some case."""
        for listed in self.nodes[parent].names:
            if listed.lower() == name.lower():
                return listed
        raise FUSEError(errno.ENOENT)


if __name__ == "__main__":
    serve(FoldingOperations(), options=["fsname=folding"])
