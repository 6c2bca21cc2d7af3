"""A file under a root: what the file system says of it, and what has become of it in the index."""

from __future__ import annotations

import os
import stat as stat_module
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from magicfs.domain.ids import ContentId, FileId, Lease


class FileState(StrEnum):
    """Where a file stands in the pipeline. The values are the labels of the `file_state` type in Postgres."""

    PENDING = "pending"
    INDEXED = "indexed"
    SKIPPED = "skipped"
    FAILED = "failed"


class SkipReason(StrEnum):
    """Why a file is `skipped` (nothing is wrong, there is nothing to index) or `failed`.

    docs/reasons.md says what each one means to a user.
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
    IGNORED = "ignored"

    @property
    def state(self) -> FileState:
        """The state that a file with this reason is in."""
        return FileState.FAILED if self in _FAILURES else FileState.SKIPPED


INT64_SIGN_BIT = 1 << 63


def to_signed_64(number: int) -> int:
    """The bits of an unsigned 64-bit number as a to_signed_64 one."""
    return number if number < INT64_SIGN_BIT else number - 2 * INT64_SIGN_BIT


def clamp_to_int64(nanoseconds: int) -> int:
    """A time as 64 bits hold it: some file systems keep years beyond 2262, or before 1678."""
    return min(max(nanoseconds, -INT64_SIGN_BIT), INT64_SIGN_BIT - 1)


_FAILURES = frozenset(
    {SkipReason.CORRUPT, SkipReason.PERMISSION, SkipReason.TIMEOUT, SkipReason.CRASHED, SkipReason.BOMB}
)


@dataclass(frozen=True, slots=True)
class FileStat:
    """What `stat` says of a regular file. Times are nanoseconds since the epoch, sizes are bytes.

    `ino` holds the bits of the unsigned inode number as a to_signed_64 one, since Postgres has no other.
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
        """Take over the fields of a `stat` result."""
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
        """Whether nothing says that the file differs (ctime tells writes that keep size and mtime)."""
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
    """How often it has been claimed, this time included."""
    content_id: ContentId | None
    priority: int
    """1 for what a person just saved, 0 otherwise. Its chunks inherit it."""
    size: int
    """Bytes, when it was last looked at."""

    @property
    def name(self) -> bytes:
        """The file's own name."""
        return self.path.rpartition(b"/")[2]


@dataclass(frozen=True, slots=True)
class IndexedFile:
    """What the index believes about a file, for comparison with the disk."""

    id: FileId
    path: bytes
    size: int
    mtime_ns: int
    ctime_ns: int
    ino: int


@dataclass(frozen=True, slots=True)
class SeenFile:
    """A file as it was met on disk. `path` is relative to the root."""

    path: bytes
    stat: FileStat


@dataclass(frozen=True, slots=True)
class FileText:
    """A claimed file whose text is in the index as `content`, as it was when `stat` was taken."""

    claim: ClaimedFile
    content: ContentId
    stat: FileStat


@dataclass(frozen=True, slots=True)
class FailedFile:
    """A file that could not be indexed. `path` is relative to `root_path`."""

    host: str
    root_path: bytes
    path: bytes
    stat: FileStat
    """As the index has it."""
    reason: str
    detail: str | None


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A row of `files` and what hangs on it."""

    state: FileState
    reason: str | None
    detail: str | None
    attempts: int
    leased_by: str | None
    """The worker that has it now."""
    size: int
    mtime_ns: int
    indexed_at: float | None
    """Seconds since the epoch."""
    mime_type: str | None
    chunks: int
    embedded: int
