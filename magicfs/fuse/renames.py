"""The renames of a mount: requests that a rename has overtaken are handled again.

Used by the operations, on the event loop of the mount. A node knows the place where it was seen last. While something
above it is renamed, a thread may try the old place, find nothing or something else there, and fail although the program
has done nothing wrong. The kernel keeps requests in one directory apart, but not those below a renamed one.
"""

from __future__ import annotations

import errno
import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import trio

from magicfs.fuse.errors import HandlerT

MAX_REPEATS = 20
"""Programs that rename without end do not keep a request for ever."""
_OVERTAKEN = frozenset({errno.ENOENT, errno.ESTALE})


class Renames:
    """How many renames there were, and which are in progress."""

    def __init__(self) -> None:
        self._count = 0
        self._in_progress = 0
        self._ended = trio.Event()

    @property
    def count(self) -> int:
        """The number of renames that have succeeded."""
        return self._count

    @contextmanager
    def renaming(self) -> Iterator[None]:
        """Something is renamed, and the places of nodes are updated, within the context."""
        self._in_progress += 1
        try:
            yield
            self._count += 1
        finally:
            self._in_progress -= 1
            self._ended.set()
            self._ended = trio.Event()

    def may_have_overtaken(self, count: int) -> bool:
        """Whether a rename is in progress, or has succeeded since `count` was read."""
        return self._in_progress > 0 or self._count != count

    async def settle(self, count: int) -> bool:
        """Wait for a rename in progress to end; whether one has succeeded since `count` was read."""
        while self._count == count and self._in_progress:
            await self._ended.wait()
        return self._count != count


def repeats_after_rename(handler: HandlerT) -> HandlerT:
    """Make a handler of operations with `_renames` begin again when a rename may be why it found nothing.

    It must not have changed anything when it raises `ENOENT` or `ESTALE`.
    """

    @functools.wraps(handler)
    async def wrapped(self: Any, *arguments: Any, **named: Any) -> Any:
        renames: Renames = self._renames
        for _ in range(MAX_REPEATS):
            count = renames.count
            try:
                return await handler(self, *arguments, **named)
            except OSError as error:
                if error.errno not in _OVERTAKEN or not await renames.settle(count):
                    raise
        return await handler(self, *arguments, **named)

    return cast("HandlerT", wrapped)
