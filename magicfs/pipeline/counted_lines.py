"""Counts the lines of large texts and hashes their bytes, of a file that grows only those that are new.

Used by `large_files`. The counts are in memory, and a worker that starts has none: it counts a file once, at a gigabyte
a second if the disk can. Belongs to one thread.
"""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

import xxhash

from magicfs.domain.files import FileStat
from magicfs.text.extract.plain.line_ends import LineEndCounter
from magicfs.text.extract.plain.text_bytes import wide_encoding

COUNT_SECONDS: Final = 30.0
"""The time for one file: it is enough for some gigabytes on a slow disk, and for fifty on a fast one. The next reading
of the file goes on from there."""
_BLOCK_BYTES: Final = 1 << 20
_COMPARED_BYTES: Final = 64 << 10
"""What is compared of the end of the counted part, to tell a file that grew from one that was written anew."""
MAX_FILES: Final = 64


@dataclass(slots=True)
class CountedPart:
    """The part of a file whose lines are counted, from its beginning on."""

    end: int
    """Where it ends."""
    hasher: xxhash.xxh3_128
    """Has its bytes."""
    lines: LineEndCounter
    """Has its line ends."""
    head_digest: int
    stat: FileStat
    """The metadata of the file then."""
    last: bytes
    """Its last bytes."""


class LineCounts:
    """The counted parts of the files that were read last."""

    def __init__(self) -> None:
        self._parts: OrderedDict[tuple[int, int], CountedPart] = OrderedDict()

    def count(self, descriptor: int, stat: FileStat, head: bytes, *, until: int) -> CountedPart:
        """The counted part of an open file that begins with `head`: up to `until`, or less if the time is over.

        Both are multiples of four bytes long. The part is valid until the next call. Raises `OSError`.
        """
        part = self._parts.pop((stat.dev, stat.ino), None)
        head_digest = xxhash.xxh3_64_intdigest(head)
        if part is None or part.end > until or part.head_digest != head_digest or not _goes_on(part, descriptor, stat):
            part = CountedPart(
                len(head), xxhash.xxh3_128(head), LineEndCounter(wide_encoding(head)), head_digest, stat, b""
            )
            part.lines.add(head)
        part.stat = stat
        _count(part, descriptor, until=until)
        self._parts[stat.dev, stat.ino] = part
        if len(self._parts) > MAX_FILES:
            self._parts.popitem(last=False)
        return part


def _goes_on(part: CountedPart, descriptor: int, stat: FileStat) -> bool:
    """Whether the file is the one whose part was counted, or has only become longer."""
    if stat.size <= part.stat.size and not stat.same_content_as(part.stat):
        return False
    return os.pread(descriptor, len(part.last), part.end - len(part.last)) == part.last


def _count(part: CountedPart, descriptor: int, *, until: int) -> None:
    deadline = time.monotonic() + COUNT_SECONDS
    while part.end < until and time.monotonic() < deadline:
        block = os.pread(descriptor, min(_BLOCK_BYTES, until - part.end), part.end)
        # A signal may end a call inside of a character.
        block = block[: len(block) // 4 * 4]
        if not block:
            break
        part.hasher.update(block)
        part.lines.add(block)
        part.end += len(block)
    size = min(_COMPARED_BYTES, part.end)
    part.last = os.pread(descriptor, size, part.end - size)
