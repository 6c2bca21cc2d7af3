"""Answers programs that look for a file in a directory and in all those above it: below `search/` every name exists.

Cargo asks for `Cargo.toml` so, npm for `node_modules`, and editors for the root of a project. They would find a query
of that name, fail because it is a directory, or take `search/` for a project and search for what they look at there.
Such a program is known by what it does: it asks for the name of a file, with a point or an underscore and without
blanks, in the directory of a query, and then for the same name in `search/`. Used by `searches`, on the event loop of
the mount. The clock is passed in.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from magicfs.linux.process import are_of_one_process

UPWARD_SECONDS: Final = 2.0
"""The longest time between the two: a person who types both takes longer."""
_MAX_NAMES: Final = 1000
_FILE_NAME: Final = re.compile(rb"\S*[._]\S+")


class UpwardSearches:
    """The names that programs have asked for in the directories of queries."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        are_of_one_process: Callable[[int, int], bool] = are_of_one_process,
    ) -> None:
        self._clock = clock
        self._are_of_one_process = are_of_one_process
        self._asked: OrderedDict[bytes, tuple[int, float]] = OrderedDict()
        """The thread that has asked for a name last, and when."""

    def begin(self, name: bytes, caller: int) -> None:
        """Record that a thread asks for a name in the directory of a query.

        The id of a thread is 0 where the kernel cannot tell it, as in some containers: then nothing is recorded.
        """
        if caller == 0 or _FILE_NAME.fullmatch(name) is None:
            return
        self._asked[name] = caller, self._clock()
        self._asked.move_to_end(name)
        if len(self._asked) > _MAX_NAMES:
            self._asked.popitem(last=False)

    def continues(self, name: bytes, caller: int) -> bool:
        """Whether a name that a thread asks for in `search/` was asked for below by its program.

        Threads of one process are one program: Node asks in several.
        """
        thread, asked_at = self._asked.get(name, (0, 0.0))
        return thread != 0 and self._clock() - asked_at <= UPWARD_SECONDS and self._are_of_one_process(thread, caller)
