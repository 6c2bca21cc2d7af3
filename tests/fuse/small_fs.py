"""What the small file systems of these tests share: the replies that are alike, and serving."""

from __future__ import annotations

import sys
from collections.abc import Collection

import pyfuse3
import trio
from pyfuse3 import InodeT, ModeT, RequestContext, StatvfsData


class SmallOperations(pyfuse3.Operations):
    async def access(self, inode: InodeT, mode: ModeT, ctx: RequestContext) -> bool:
        return True

    async def statfs(self, ctx: RequestContext) -> StatvfsData:
        return pyfuse3.StatvfsData()


def serve(operations: pyfuse3.Operations, *, options: Collection[str]) -> None:
    """Mount at the first argument of the program, print a line, and serve until the mount ends."""

    async def main() -> None:
        print("ready", flush=True)
        await pyfuse3.main()

    pyfuse3.init(operations, sys.argv[1], set(options))
    trio.run(main)
