"""A file system in memory whose operations fail or hang when they are told to.

`python -m tests.fuse.faulty_fs MOUNTPOINT FAULTS`. Prints a line when it is mounted. A file in the directory `FAULTS`
with the name of an operation, such as `write`, has the name of an error that the operation fails with, such as
`EDQUOT`, or `hang`: then the operation waits until the file is gone, and `FAULTS/<operation>.seen` says that it does.
"""

from __future__ import annotations

import contextlib
import errno
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import trio
from pyfuse3 import FUSEError

from tests.fuse.memory_fs import MemoryOperations
from tests.fuse.small_fs import serve

POLL_SECONDS = 0.02
OPERATIONS = ("lookup", "setattr", "create", "open", "read", "write", "flush", "fsync", "rename", "unlink")


class FaultyOperations(MemoryOperations):
    def __init__(self, faults: Path) -> None:
        super().__init__()
        self.faults = faults
        for operation in OPERATIONS:
            setattr(self, operation, self.faulty(operation, getattr(self, operation)))

    def fault(self, operation: str) -> str:
        """The error that the operation fails with, or `hang`; empty when it does neither."""
        with contextlib.suppress(FileNotFoundError):
            return (self.faults / operation).read_text()
        return ""

    def faulty(self, operation: str, work: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """An operation that fails or waits first, if it is told to."""

        async def fail_or_work(*arguments: object) -> Any:
            while (fault := self.fault(operation)) == "hang":
                (self.faults / f"{operation}.seen").touch()
                await trio.sleep(POLL_SECONDS)
            if fault:
                raise FUSEError(getattr(errno, fault))
            return await work(*arguments)

        return fail_or_work


if __name__ == "__main__":
    serve(FaultyOperations(Path(sys.argv[2])), options=["fsname=faulty"])
