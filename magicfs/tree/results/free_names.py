"""Ends a program's search for a name that is free: below `search/` every name exists, so it would never end.

A file manager that creates a folder asks for `New Folder`, `New Folder (2)`, `New Folder (3)` and so on, in any
language, until a name does not exist. A program that does so is known by what it does: one thread asks for names that
differ in a number, counts up, and lists none of them. Used by `searches`, on the event loop of the mount. Pure; the
clock is passed in.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

SERIES_LENGTH: Final = 4
"""The number of names in a row that are a search for a free one. The last of them is free."""
SERIES_SECONDS: Final = 2.0
"""The longest time between two names of a series: a person takes longer."""
_MAX_CALLERS: Final = 64
_MAX_TAKEN: Final = 1000
_LAST_NUMBER: Final = re.compile(rb"(.*?)(\d{1,9})(\D*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Series:
    name: bytes
    """The last of its names."""
    text: tuple[bytes, bytes]
    """What stands before and after the number."""
    number: int
    length: int
    asked_at: float


class FreeNameSearches:
    """The series of names that threads ask for."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._series: OrderedDict[int, _Series] = OrderedDict()
        """The latest one of each thread, by its id."""
        self._taken: OrderedDict[bytes, None] = OrderedDict()

    def note(self, name: bytes, caller: int) -> None:
        """Record that a thread asks for a name."""
        match = _LAST_NUMBER.fullmatch(name)
        if match is None:
            return
        text, number = (match[1], match[3]), int(match[2])
        previous = self._series.pop(caller, None)
        length = 1
        if previous is not None and previous.text == text and self._clock() - previous.asked_at <= SERIES_SECONDS:
            # A program may ask for the same name again, to create it.
            length = {previous.number: previous.length, previous.number + 1: previous.length + 1}.get(number, 1)
        self._series[caller] = _Series(name, text, number, length, self._clock())
        if len(self._series) > _MAX_CALLERS:
            self._series.popitem(last=False)

    def is_free(self, name: bytes, caller: int) -> bool:
        """Whether a name is to be free for a thread, which has asked for it and is looking for one that is free."""
        series = self._series.get(caller)
        return series is not None and series.name == name and series.length >= SERIES_LENGTH and name not in self._taken

    def take(self, name: bytes) -> None:
        """Record that a program has created a name: it is not free any more."""
        self._taken[name] = None
        if len(self._taken) > _MAX_TAKEN:
            self._taken.popitem(last=False)

    def end(self, caller: int) -> None:
        """Record that a thread lists a directory: it is not looking for a free name."""
        self._series.pop(caller, None)
