"""Read one claimed file whole, however it changes meanwhile, and tell what its bytes are.

Used by `extraction`. Opens nothing but regular files beneath their root, and never waits for a file.
"""

from __future__ import annotations

import errno
import os
import time
from dataclasses import dataclass
from typing import Protocol

import xxhash

from magicfs.domain.contents import EXTRACTOR_VERSION, ContentKey, Unreadable
from magicfs.domain.files import ClaimedFile, FileStat, SkipReason
from magicfs.domain.ids import Digest
from magicfs.errors import ServerError
from magicfs.linux import open_below, regular_file_status

REST_SECONDS = 1.0
"""A file that had a text and was emptied less than so long ago is being saved: most programs empty it first."""

READ_TRIES = 3
"""A file that is written to while it is read may be at rest a moment later."""

_BLOCK = 1 << 20


class Kinds(Protocol):
    """Tells what bytes are taken to be; an `Extractor` does."""

    def kind(self, content: bytes, *, name: bytes) -> str:
        """Bytes of one kind always give the same text."""


@dataclass(frozen=True, slots=True)
class Changed:
    """The file became shorter while it was read, or was emptied just before: what was read is worth nothing."""


@dataclass(frozen=True, slots=True)
class Larger:
    """The file is larger than was asked for, and was not read."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The bytes of a file, and its metadata while it had them."""

    content: bytes
    key: ContentKey
    stat: FileStat


def read_file(
    claim: ClaimedFile, *, kinds: Kinds, max_bytes: int, at_most: int | None = None
) -> Reading | Unreadable | Changed | Larger:
    """Read a file whole; what is hashed is what is to be extracted.

    Beyond `max_bytes` it is too large for the index, beyond `at_most` only for now.
    One that is written over all the time is taken as it was read in the end: it is read again, and may be found
    until then. Raises `ServerError` when no file can be opened at all.
    """
    descriptor = _open(claim)
    if isinstance(descriptor, Unreadable):
        return descriptor
    try:
        before = _metadata(descriptor)
        for _ in range(READ_TRIES):
            if before is None:
                return Unreadable(SkipReason.VANISHED, "no regular file any more")
            refusal = _refusal(before.size, max_bytes=max_bytes, at_most=at_most)
            if refusal is not None:
                return refusal
            read, content = before, _read_all(descriptor, limit=before.size)
            before = _metadata(descriptor)
            if before is not None and (read.same_content_as(before) or _grew(read, before)):
                break
    except OSError as error:
        return _verdict_on(error)
    finally:
        os.close(descriptor)
    # A time that lies ahead must not make it wait until then.
    just_now = abs(time.time() - read.mtime_ns / 1e9) < REST_SECONDS
    if len(content) < read.size or (not content and claim.content_id is not None and just_now):
        return Changed()
    content = content[: read.size]
    kind = kinds.kind(content, name=claim.name)
    return Reading(content, ContentKey(Digest(xxhash.xxh3_128_digest(content)), EXTRACTOR_VERSION, kind), read)


def _refusal(size: int, *, max_bytes: int, at_most: int | None) -> Unreadable | Larger | None:
    if size > max_bytes:
        return Unreadable(SkipReason.TOO_LARGE, f"{size} bytes; the limit is {max_bytes}")
    return Larger() if at_most is not None and size > at_most else None


def _grew(before: FileStat, after: FileStat) -> bool:
    """Whether a file was only appended to, as far as can be told: then what was read was there."""
    return after.ino == before.ino and after.size > before.size


def _open(claim: ClaimedFile) -> int | Unreadable:
    try:
        return open_below(claim.root, claim.path)
    except PermissionError:
        return Unreadable(SkipReason.PERMISSION, "not readable by the user that MagicFS runs as")
    except OSError as error:
        if error.errno in _NO_FAULT_OF_THE_FILE:
            raise ServerError(f"no file can be opened ({error.strerror}): raise the limit, or add memory") from error
        return _verdict_on(error)


def _verdict_on(error: OSError) -> Unreadable:
    if error.errno in _NO_FILE_ANY_MORE:
        return Unreadable(SkipReason.VANISHED, error.strerror or "")
    return Unreadable(SkipReason.CORRUPT, f"cannot be read: {error.strerror}")


_NO_FAULT_OF_THE_FILE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
_NO_FILE_ANY_MORE = frozenset(
    {
        # Gone, or something else has its name now: a link, a socket, a directory.
        *(errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.ENODEV, errno.EISDIR),
        # Its network file system is away.
        *(errno.ESTALE, errno.ENOTCONN, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN),
        *(errno.ENETUNREACH, errno.ECONNRESET, errno.ENOKEY),
    }
)
"""The next scan looks at such a file again."""


def _metadata(descriptor: int) -> FileStat | None:
    """The metadata of an open file; None when it is not a regular file."""
    status = regular_file_status(descriptor)
    return None if status is None else FileStat.of(status)


def _read_all(descriptor: int, *, limit: int) -> bytes:
    """The file's bytes from its beginning; one more than `limit` at most, should it grow while it is read."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    parts: list[bytes] = []
    left = limit + 1
    while left > 0:
        part = os.read(descriptor, min(left, _BLOCK))
        if not part:
            break
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
