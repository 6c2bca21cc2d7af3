"""Files below a root: their metadata on disk, and their state in the index."""

from __future__ import annotations

import os
import stat as stat_module
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from magicfs.domain.ids import ContentId, FileId, Lease

SAVED_PRIORITY = 1
"""The priority of a file that a person has just saved, and of its chunks. What has a higher priority goes first."""
USUAL_PRIORITY = 0
"""The priority of all other files and of their chunks."""
PICTURE_PRIORITY = -1
"""The priority of a picture that nobody has just saved: recognising its text takes as long as reading hundreds of
texts. Its chunks have the usual one."""
REREAD_PRIORITY = -2
"""The priority of a file that was read before, and is read again by a newer version or once there is OCR. Searches find
what was read of it meanwhile. Its chunks have the usual one."""
PAGES_PRIORITY = -3
"""The priority of a claim of a file that was read but for some pages, of which more are read when no file waits."""
SECOND_VECTOR_PRIORITY = -1
"""The priority of a chunk under the multilingual model if the active model reads its document."""


def display_path(path: bytes) -> str:
    """A path or name as text; bytes that are not UTF-8 become U+FFFD."""
    return path.decode("utf-8", "replace")


class FileState(StrEnum):
    """The state of a file in the pipeline. The values are the labels of `file_state` in Postgres."""

    PENDING = "pending"
    INDEXED = "indexed"
    NAMED = "named"
    """Without text, and found by its name: a picture, a film, an archive, an empty file."""
    SKIPPED = "skipped"
    FAILED = "failed"


class SkipReason(StrEnum):
    """Why a file has no text: it is `named` (there is none), `skipped` (it is not wanted) or it has `failed`.

    The values are stored. docs/reasons.md explains each reason to users, and `ignored` too, which is none of them: an
    ignored file has no row.
    """

    TOO_LARGE = "too-large"
    ENCRYPTED = "encrypted"
    CORRUPT = "corrupt"
    BINARY = "binary"
    EMPTY = "empty"
    NO_TEXT = "no-text"
    NEEDS_OCR = "needs-ocr"
    PERMISSION = "permission"
    VANISHED = "vanished"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    BOMB = "bomb"
    OUT_OF_MEMORY = "out-of-memory"

    @property
    def state(self) -> FileState:
        """The state of a file with this reason. A picture that needs OCR is `named`: see `Unreadable.state`."""
        if self in NAMED_REASONS:
            return FileState.NAMED
        return FileState.FAILED if self in _FAILED_REASONS else FileState.SKIPPED


NAMED_REASONS = frozenset({SkipReason.BINARY, SkipReason.EMPTY, SkipReason.NO_TEXT})
_FAILED_REASONS = frozenset(
    {
        SkipReason.CORRUPT,
        SkipReason.PERMISSION,
        SkipReason.TIMEOUT,
        SkipReason.CRASHED,
        SkipReason.BOMB,
        SkipReason.OUT_OF_MEMORY,
    }
)

INT64_SIGN_BIT = 1 << 63


def to_signed_64(number: int) -> int:
    """The signed number that has the same 64 bits as an unsigned one."""
    return number if number < INT64_SIGN_BIT else number - 2 * INT64_SIGN_BIT


def clamp_to_int64(nanoseconds: int) -> int:
    """The nearest time that fits a signed 64-bit number: some file systems have years after 2262 or before 1678."""
    return min(max(nanoseconds, -INT64_SIGN_BIT), INT64_SIGN_BIT - 1)


class FileStat(NamedTuple):
    """The metadata of a regular file. Times are nanoseconds since the epoch, sizes are bytes.

    A tuple: a search makes a hundred, and a scan many more.

    `ino` is the unsigned inode number as `to_signed_64` gives it, since Postgres has signed integers only.
    """

    size: int
    mtime_ns: int
    ctime_ns: int
    ino: int
    dev: int
    mode: int
    uid: int
    gid: int

    @classmethod
    def of(cls, status: os.stat_result) -> FileStat:
        """The metadata in a `stat` result."""
        return cls(
            size=status.st_size,
            mtime_ns=clamp_to_int64(status.st_mtime_ns),
            ctime_ns=clamp_to_int64(status.st_ctime_ns),
            ino=to_signed_64(status.st_ino),
            dev=status.st_dev,
            mode=stat_module.S_IMODE(status.st_mode),
            uid=status.st_uid,
            gid=status.st_gid,
        )

    def same_content_as(self, other: FileStat) -> bool:
        """Whether size, times and inode are equal. The ctime shows a write that restores size and mtime."""
        return (self.size, self.mtime_ns, self.ctime_ns, self.ino) == (
            other.size,
            other.mtime_ns,
            other.ctime_ns,
            other.ino,
        )


@dataclass(frozen=True, slots=True)
class ClaimedFile:
    """A file that this process may extract until the lease runs out."""

    id: FileId
    lease: Lease
    claimed_at: datetime
    """By the database's clock."""
    root: bytes
    path: bytes
    """Relative to `root`, without a leading slash."""
    attempts: int
    """How often the file has been claimed, including this claim."""
    content_id: ContentId | None
    priority: int
    """`SAVED_PRIORITY`, `USUAL_PRIORITY`, `PICTURE_PRIORITY`, `REREAD_PRIORITY` or `PAGES_PRIORITY`."""
    size: int
    """Bytes, when a scan or the watcher last saw it."""
    since_reading_s: float | None
    """Seconds from the start of the previous reading to this claim; None for a file that was never read."""
    pause_s: float
    """The pause that followed the previous reading."""

    @property
    def name(self) -> bytes:
        """The last part of the path."""
        return self.path.rpartition(b"/")[2]


@dataclass(frozen=True, slots=True)
class FileRow:
    """The row of a file in any state, as far as a comparison with the disk needs it."""

    id: FileId
    path: bytes
    size: int
    mtime_ns: int
    ctime_ns: int
    ino: int


@dataclass(frozen=True, slots=True)
class SeenFile:
    """A file that a scan or the watcher has seen on disk. `path` is relative to the root."""

    path: bytes
    stat: FileStat
    has_links: bool = False
    """Whether the file has other names on its disk (hard links), in a root or elsewhere."""


@dataclass(frozen=True, slots=True)
class FileName:
    """What the index has of a file's path for searches; `magicfs.text.names` computes it."""

    display: str
    """The path as text, for people. Bytes that are not UTF-8 are replaced."""
    extension: str
    """Folded, without the dot; empty for `README` and `.bashrc`."""
    words: str
    """The words of the path, as Postgres reads a `tsvector`; those of the file's own name have the weight A."""
    folded: str
    """The path in the folded form that filters compare."""


@dataclass(frozen=True, slots=True)
class ExtractedFile:
    """A claimed file whose content is stored; `stat` is its metadata when it was read."""

    claim: ClaimedFile
    content: ContentId
    stat: FileStat
    state: FileState = FileState.INDEXED
    """`INDEXED`, or `NAMED` for a content without text."""


@dataclass(frozen=True, slots=True)
class FailedFile:
    """A file that failed or was skipped, or an indexed file with one of its chunks that failed to get a vector."""

    host: str
    root: str
    """The root's display name."""
    root_path: bytes
    path: bytes
    """Relative to `root_path`."""
    stat: FileStat
    """The metadata in the index."""
    state: FileState
    """`FAILED` for an indexed file with a failed chunk."""
    reason: str
    detail: str | None
    changed_at: float
    """When the index last saw a change of the file, in seconds since the epoch."""
