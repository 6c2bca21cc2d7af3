"""The parts of a file, such as chapters, sheets and attached files: reads them for so long, and counts them.

Runs in the child process. `document_parser` makes one `FileParts` a file and gives it to the readers of parts: what
they leave out, because it is damaged or the time is over, is told to people. One thread.
"""

from __future__ import annotations

import contextlib
import math
import struct
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Final
from xml.etree import ElementTree as ET
from xml.parsers import expat

from magicfs.domain.contents import UnreadPart, UnreadParts
from magicfs.domain.files import SkipReason
from magicfs.text.extract.plain.plain_text import clean

DAMAGE: Final = (
    *(ET.ParseError, expat.ExpatError, zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError),
    *(NotImplementedError, RuntimeError, ValueError, LookupError),
)
"""What the standard library raises about a damaged member of a container: its bytes, compression, XML or charset."""

FAILURES: Final = frozenset({SkipReason.CORRUPT, SkipReason.ENCRYPTED, SkipReason.BOMB, SkipReason.TIMEOUT})
"""Why a part may have a text that was not read."""

WHAT_FOLLOWS: Final = "what follows "
"""How a part is named that is not read because what stands before it is damaged, or is all that was kept of a file."""

MAX_NAMES: Final = 20
"""The unread parts that are named."""
MAX_NAME_CHARACTERS: Final = 120


class FileParts:
    """The parts of one file and of the files inside of it."""

    def __init__(
        self, read: Callable[[bytes, bytes], str] = lambda _content, _name: "", *, until: float = math.inf
    ) -> None:
        self.read = read
        """Returns the text of a file inside by its bytes and its name; empty if it has none. Never raises."""
        self.until = until
        """When the reading of parts ends, on the monotonic clock: what follows is named, and not read."""
        self._parts = 0
        self._unread = 0
        self._named: list[UnreadPart] = []
        self._inside: list[str] = []

    @property
    def is_time_over(self) -> bool:
        """Whether the time for reading parts is over."""
        return time.monotonic() > self.until

    def add(self, count: int = 1) -> None:
        """Count parts that were read, or that have nothing to read."""
        self._parts += count

    def add_unread(self, name: str, reason: SkipReason = SkipReason.CORRUPT) -> None:
        """Count a part that could not be read. `name` is what a person knows it by, such as the name of a member."""
        self._parts += 1
        self._unread += 1
        if len(self._named) < MAX_NAMES:
            path = "/".join([*self._inside, " ".join(clean(name).split()) or "a part without a name"])
            self._named.append(UnreadPart(path[-MAX_NAME_CHARACTERS:], reason))

    @contextlib.contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """Name the parts that are counted meanwhile as parts of this one."""
        self._inside.append(" ".join(clean(name).split()))
        try:
            yield
        finally:
            self._inside.pop()

    @property
    def unread(self) -> UnreadParts | None:
        """The parts that could not be read; None if all could."""
        return UnreadParts(self._unread, self._parts, tuple(self._named)) if self._unread else None
