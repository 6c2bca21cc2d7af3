"""Which names of results the kernel may keep, in the directory of one query.

Used by `scratch.names`. The kernel carries what it keeps of a name along when the name is renamed, and would take a
backup for the real file. So it may keep no name once a program has made something in the directory, and a result is
renamed only when the kernel does not keep its name any more. Safe in any thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator

from magicfs.tree.directories import Entry
from magicfs.tree.locations import REAL_FILE_TIMEOUT_SECONDS
from magicfs.tree.nodes import stale

KEPT_SECONDS = 10.0
"""The kernel has dropped a name that it was given longer ago, however late it has read the reply."""
ASKED_TIMEOUT_SECONDS = 0.0
"""The kernel asks for a name each time: it may be that of a result the next moment."""
_WAIT_SECONDS = 0.1


class KernelNames:
    """What the kernel was given of the names of results."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._is_edited = False
        self._given_at = float("-inf")
        """When the kernel was last given a name to keep."""
        self._asked: set[bytes] = set()
        """Names that the kernel has asked for since, and does not keep."""
        self._refused: set[bytes] = set()
        """Names of which the kernel was told to ask for them again."""

    def edit(self) -> None:
        """Let the kernel keep no name any more: a program makes something. Never blocks."""
        self._is_edited = True

    def listed(self, entry: Entry) -> Entry:
        """An entry of a listing, as the kernel may keep it. Never blocks."""
        if self._is_edited:
            return entry._replace(timeout_seconds=ASKED_TIMEOUT_SECONDS)
        self._given_at = self._clock()
        return entry

    def looked_up(self, entry: Entry) -> Entry:
        """An entry that the kernel has asked for by its name, as it may keep it. Never blocks."""
        if self._is_edited and self._may_keep_some():
            self._asked.add(entry.name)
        return self.listed(entry)

    def expiring(self, name: bytes) -> Generator[None]:
        """Go on when the kernel does not keep this name, and will keep none.

        Raises `ESTALE` the first time if it may keep it: the kernel then asks for the name, and renames it again. One
        that does not ask is waited for.
        """
        self.edit()
        if not self._may_keep_some() or name in self._asked:
            return
        if name not in self._refused:
            self._refused.add(name)
            raise stale(name)
        ends_at = self._clock() + REAL_FILE_TIMEOUT_SECONDS + _WAIT_SECONDS
        while self._clock() < ends_at:
            time.sleep(_WAIT_SECONDS)
            yield

    def _may_keep_some(self) -> bool:
        return self._clock() - self._given_at < KEPT_SECONDS
