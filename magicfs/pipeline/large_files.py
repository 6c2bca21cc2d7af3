"""Reads what is wanted of files beyond the size limit, by ranges: the ends of texts, mail, containers, recordings.

PDF files are only identified here: their parser reads them by ranges itself.

Used by `reading`. Memory does not grow with a file, and time only with the lines of a text that are counted. Belongs to
one thread.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import xxhash

from magicfs.domain.contents import Gap, Unreadable
from magicfs.domain.file_groups import EXTENSIONS
from magicfs.domain.files import FileStat, SkipReason
from magicfs.domain.ids import Digest
from magicfs.domain.stored_contents import ContentKey
from magicfs.pipeline.counted_lines import LineCounts
from magicfs.text.extract.archives.tar_excerpt import excerpt_of_tar
from magicfs.text.extract.archives.zip_excerpt import excerpt_of_zip
from magicfs.text.extract.file_types import Route
from magicfs.text.extract.mail.mailboxes import last_messages
from magicfs.text.extract.media.recording_excerpt import excerpt_of_recording, has_excerpt
from magicfs.text.extract.plain.plain_text import decode
from magicfs.text.extract.versions import reader_version

_HEAD_BYTES: Final = 64 * 1024
"""The part of a file by which its type is told."""
_BLOCK_BYTES: Final = 1 << 20
HASH_SECONDS: Final = 30.0
"""Enough for some gigabytes, as `COUNT_SECONDS`."""
_UNIT_BYTES: Final = 4
"""No character of UTF-16 or UTF-32 goes over a multiple of it."""
_CONTAINERS: Final = {"application/zip": excerpt_of_zip, "application/x-tar": excerpt_of_tar}
_MAILBOX_TYPE: Final = "application/mbox"
_READ_FROM_THE_BEGINNING: Final = frozenset(
    {"message/rfc822", "application/gzip", "application/zstd"}
    | {f"application/x-{kind}" for kind in ("bzip2", "xz", "lzma", "lz4", "compress", "spss-sav", "stata-dta")}
)
"""Of a message, the text comes before what is attached, and of a data set what describes it before the data; of what is
compressed, nothing can be read without it."""
_ROUTES_WITHOUT_TEXT: Final = frozenset({Route.IMAGE, Route.MEDIA, Route.ARCHIVE, Route.BINARY, Route.ENCRYPTED})
_EXTENSIONS_WITHOUT_TEXT: Final = frozenset().union(
    *(EXTENSIONS[group] for group in ("image", "audio", "video", "archive"))
)


class TypeDetector(Protocol):
    """Detects file types; an `Extractor` is one."""

    def kind(self, content: bytes, *, name: bytes) -> str:
        """The detected type of `content`. Equal bytes of one type always give the same text."""

    def reads_open(self, kind: str) -> bool:
        """Whether files of this kind need not be in memory."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What was read of a large file."""

    content: bytes
    key: ContentKey
    gap: Gap | None
    """The part of the file that has text and is not in `content`; None if there is none."""
    reads_open: bool = False
    """Whether the parser reads the file itself, and `content` is empty."""


class LargeFiles:
    """Reads files beyond the limit."""

    def __init__(self, *, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        """The limit, and the most that is kept of a file."""
        self._line_counts = LineCounts()

    def read(self, descriptor: int, stat: FileStat, *, name: bytes, detector: TypeDetector) -> Excerpt | Unreadable:
        """What is wanted of an open file, or why nothing is.

        Nothing is missing of a file without text, so it is named and not skipped. Raises `OSError`.
        """
        head = read_range(descriptor, _HEAD_BYTES)
        kind = detector.kind(head, name=name)
        if detector.reads_open(kind):
            return Excerpt(b"", _key(_digest_of_all(descriptor, stat), kind), None, reads_open=True)
        excerpt = self._excerpt(descriptor, stat, kind, head)
        if excerpt is not None:
            return excerpt
        detail = f"{stat.size} bytes; the limit is {self.max_bytes}"
        if _has_no_text(kind.rpartition(" ")[2], head, name=name):
            return Unreadable(SkipReason.BINARY, f"{detail}, and this type holds no text")
        return Unreadable(SkipReason.TOO_LARGE, detail)

    def _excerpt(self, descriptor: int, stat: FileStat, kind: str, head: bytes) -> Excerpt | None:
        """What is wanted of an open file; None if nothing is."""
        mime_type, _, route = kind.partition(" ")
        if has_excerpt(kind):
            return _recording(descriptor, stat, kind, head)
        if mime_type in _CONTAINERS:
            return self._container(descriptor, stat, kind, head)
        if mime_type == _MAILBOX_TYPE:
            return self._mailbox(descriptor, stat, kind)
        if mime_type in _READ_FROM_THE_BEGINNING:
            return self._beginning(descriptor, stat, kind)
        return self._text(descriptor, stat, kind) if route == Route.DECODE and decode(head) is not None else None

    def _container(self, descriptor: int, stat: FileStat, kind: str, head: bytes) -> Excerpt | None:
        """A container without its pictures; None for other and damaged files. Its directory identifies it too."""
        excerpt_of = _CONTAINERS[kind.partition(" ")[0]]
        small = excerpt_of(_reader(descriptor), stat.size, max_bytes=self.max_bytes)
        if small is None:
            return None
        key = _key(_digest(stat, small.content, head, _tail(descriptor, stat)), kind)
        return Excerpt(small.content, key, Gap(len(small.content), small.left_out, 0) if small.left_out else None)

    def _mailbox(self, descriptor: int, stat: FileStat, kind: str) -> Excerpt:
        """The last messages of a mailbox; its beginning if the last one is too large by itself."""
        last = last_messages(_reader(descriptor), stat.size, max_bytes=self.max_bytes)
        if not last.content:
            return self._beginning(descriptor, stat, kind)
        return Excerpt(last.content, _key(_digest(stat, last.content), kind), Gap(0, last.left_out, 0))

    def _beginning(self, descriptor: int, stat: FileStat, kind: str) -> Excerpt:
        """The beginning of a file."""
        content = read_range(descriptor, self.max_bytes)
        return Excerpt(content, _key(_digest(stat, content), kind), Gap(len(content), stat.size - len(content), 0))

    def _text(self, descriptor: int, stat: FileStat, kind: str) -> Excerpt:
        """The beginning and the end of a text; the beginning alone if there are too many lines between them to count.

        A text whose lines were counted is identified by all its bytes, as a small file is.
        """
        half = self.max_bytes // 2 // _UNIT_BYTES * _UNIT_BYTES
        tail_start = -(-(stat.size - half) // _UNIT_BYTES) * _UNIT_BYTES
        head = read_range(descriptor, half)
        counted = self._line_counts.count(descriptor, stat, head, until=tail_start)
        tail = read_range(descriptor, stat.size - tail_start, offset=tail_start)
        if counted.end < tail_start:
            return Excerpt(head, _key(_digest(stat, head, tail), kind), Gap(len(head), stat.size - len(head), 0))
        hasher = counted.hasher.copy()
        hasher.update(tail)
        gap = Gap(len(head), tail_start - len(head), counted.lines.count_before(tail))
        return Excerpt(head + tail, _key(hasher, kind), gap)


def read_range(descriptor: int, length: int, *, offset: int = 0) -> bytes:
    """So many bytes of an open file, or those up to its end. In memory once. Raises `OSError`."""
    content = os.pread(descriptor, length, offset)
    if len(content) == length:
        return content
    # A signal may end a call before it has read all.
    blocks = [content]
    while blocks[-1] and (missing := length - sum(map(len, blocks))):
        blocks.append(os.pread(descriptor, missing, offset + length - missing))
    return b"".join(blocks)


def _reader(descriptor: int) -> Callable[[int, int], bytes]:
    """A function that reads a number of bytes of an open file from an offset."""
    return lambda offset, length: read_range(descriptor, length, offset=offset)


def _tail(descriptor: int, stat: FileStat) -> bytes:
    """The end of an open file, as long as what is looked at of its beginning."""
    return read_range(descriptor, _HEAD_BYTES, offset=max(0, stat.size - _HEAD_BYTES))


def _recording(descriptor: int, stat: FileStat, kind: str, head: bytes) -> Excerpt:
    """The parts of a recording that say what it is; it is identified by them, its ends and its size."""
    content = excerpt_of_recording(_reader(descriptor), stat.size)
    # Films without tags may have equal excerpts.
    return Excerpt(content, _key(_digest(stat, content, head, _tail(descriptor, stat)), kind), None)


def _digest(stat: FileStat, *parts: bytes) -> xxhash.xxh3_128:
    """The identity of a file of which only some parts were read."""
    hasher = xxhash.xxh3_128(parts[0])
    for part in (stat.size.to_bytes(8, "big"), *parts[1:]):
        hasher.update(part)
    return hasher


def _digest_of_all(descriptor: int, stat: FileStat) -> xxhash.xxh3_128:
    """The identity of a file by all its bytes; on a disk that is slow, by those that are read in time, and its end."""
    hasher, offset = xxhash.xxh3_128(), 0
    deadline = time.monotonic() + HASH_SECONDS
    while block := read_range(descriptor, _BLOCK_BYTES, offset=offset):
        hasher.update(block)
        offset += len(block)
        if offset < stat.size and time.monotonic() >= deadline:
            return _digest(stat, hasher.digest(), _tail(descriptor, stat))
    return hasher


def _key(hasher: xxhash.xxh3_128, kind: str) -> ContentKey:
    return ContentKey(Digest(hasher.digest()), reader_version(kind), kind)


def _has_no_text(route: str, head: bytes, *, name: bytes) -> bool:
    """Whether a file is a picture, sound, a film, an archive or a program, by its first bytes or by its name."""
    if route in _ROUTES_WITHOUT_TEXT:
        return True
    # A film and a script in TypeScript may both be named `.ts`, and a zip file may be a document.
    extension = os.fsdecode(name).rpartition(".")[2].lower()
    return extension in _EXTENSIONS_WITHOUT_TEXT and (route == Route.PARSE or decode(head) is None)
