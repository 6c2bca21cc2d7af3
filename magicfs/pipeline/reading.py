"""Reads claimed files whole, although other programs may write to them meanwhile, and identifies their bytes.

Of a recording beyond the size limit it reads what says what it is, and identifies it by that and its size.

Used by `file_processor`, which gets the text out of the bytes. Small files are read in groups. It opens nothing but
regular files below their root and never waits for a file. It keeps no state, so any thread may use it.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import xxhash

from magicfs.allowed_roots import NOT_ADDED
from magicfs.domain.contents import ContentKey, Unreadable
from magicfs.domain.file_groups import EXTENSIONS
from magicfs.domain.files import ClaimedFile, FileStat, SkipReason
from magicfs.domain.ids import Digest
from magicfs.errors import ServerError
from magicfs.linux.files import regular_file_status
from magicfs.linux.opening import open_below
from magicfs.text.extract.excerpts import excerpt_of_recording, has_excerpt
from magicfs.text.extract.file_types import Route
from magicfs.text.extract.plain.plain_text import decode
from magicfs.text.extract.versions import reader_version

GROUP_FILES = 32
GROUP_BYTES = 128 << 10
GROUPED_FILE_BYTES = 32 << 10
"""Limits of a group, which is a tenth of a second of work at most, and of each file in it."""

EMPTIED_SECONDS = 1.0
"""A file that had a text and was emptied less than this ago is being saved: most programs empty it first."""

READ_TRIES = 3
"""A file that changes while it is read is often unchanged a moment later."""

_BLOCK_BYTES = 1 << 20
_HEAD_BYTES = 64 * 1024
"""The part of a file beyond the limit by which its type is told."""
_ROUTES_WITHOUT_TEXT = frozenset({Route.IMAGE, Route.MEDIA, Route.ARCHIVE, Route.BINARY, Route.ENCRYPTED})
_EXTENSIONS_WITHOUT_TEXT = frozenset().union(*(EXTENSIONS[group] for group in ("image", "audio", "video", "archive")))


class TypeDetector(Protocol):
    """Detects file types; an `Extractor` is one."""

    def kind(self, content: bytes, *, name: bytes) -> str:
        """The detected type of `content`. Equal bytes of one type always give the same text."""


@dataclass(frozen=True, slots=True)
class FileRead:
    """A claimed file that was read whole, and its metadata while it had these bytes."""

    claim: ClaimedFile
    content: bytes
    key: ContentKey
    stat: FileStat


@dataclass(frozen=True, slots=True)
class StillChanging:
    """The file became shorter while it was read, or was emptied just before; its bytes are of no use."""


@dataclass(frozen=True, slots=True)
class TooLargeForGroup:
    """The file exceeds the limit of its group and was not read."""


ReadOutcome = FileRead | Unreadable | StillChanging | TooLargeForGroup


@dataclass(frozen=True, slots=True)
class GroupReading:
    """The files of a group, by the outcome of reading them."""

    read: Sequence[FileRead]
    unreadable: Sequence[tuple[ClaimedFile, Unreadable]]
    changing: Sequence[ClaimedFile]
    too_large: Sequence[ClaimedFile]


def group_files(
    claims: Sequence[ClaimedFile], *, may_need_parser: Callable[[bytes], bool]
) -> Iterator[Sequence[ClaimedFile]]:
    """The groups in which files are processed, in order: small files of one priority together, any other file alone.

    `may_need_parser` tells by a file's name that it is processed alone, so that no other file waits for its parser.
    """
    group: list[ClaimedFile] = []
    for claim in claims:
        alone = claim.size > GROUPED_FILE_BYTES or may_need_parser(claim.name)
        size = sum(each.size for each in group) + claim.size
        if group and (alone or len(group) == GROUP_FILES or size > GROUP_BYTES or claim.priority != group[0].priority):
            yield group
            group = []
        if alone:
            yield [claim]
        else:
            group.append(claim)
    if group:
        yield group


def read_group(
    claims: Sequence[ClaimedFile], *, detector: TypeDetector, max_bytes: int, allows: Callable[[bytes, bytes], bool]
) -> GroupReading:
    """Read the files of a group. One is not opened if `allows` refuses it, given its root and its path below that.

    The bytes of all files are in memory at the same time, so a file of a larger group that has become too large for it
    is not read. Raises `ServerError` as `read_file` does.
    """
    read: list[FileRead] = []
    unreadable: list[tuple[ClaimedFile, Unreadable]] = []
    changing: list[ClaimedFile] = []
    too_large: list[ClaimedFile] = []
    group_bytes = 0
    for claim in claims:
        if not allows(claim.root, claim.path):
            unreadable.append((claim, Unreadable(SkipReason.PERMISSION, NOT_ADDED)))
            continue
        limit = None if len(claims) == 1 else min(GROUPED_FILE_BYTES, GROUP_BYTES - group_bytes)
        match read_file(claim, detector=detector, max_bytes=max_bytes, group_limit=limit):
            case FileRead() as file:
                read.append(file)
                group_bytes += len(file.content)
            case Unreadable() as reason:
                unreadable.append((claim, reason))
            case StillChanging():
                changing.append(claim)
            case TooLargeForGroup():
                too_large.append(claim)
    return GroupReading(read, unreadable, changing, too_large)


def read_file(
    claim: ClaimedFile, *, detector: TypeDetector, max_bytes: int, group_limit: int | None = None
) -> ReadOutcome:
    """Read a claimed file whole and hash what was read.

    Of sound or a film of more than `max_bytes` an excerpt is read. Any other such file is unreadable, for the reason
    `binary` if its beginning and its name say that it has no text; one of more than `group_limit` bytes is too large
    for its group.
    A file that changes during every try is returned as the last try read it, so that searches find it. It is read
    again later, because the database records the change. Raises `ServerError` when this process cannot open any file.
    """
    descriptor = _open(claim)
    if isinstance(descriptor, Unreadable):
        return descriptor
    try:
        stat_after = _file_stat(descriptor)
        for _ in range(READ_TRIES):
            if stat_after is None:
                return Unreadable(SkipReason.VANISHED, "no regular file any more")
            oversize = _check_size(stat_after.size, max_bytes=max_bytes, group_limit=group_limit)
            if oversize is not None:
                return _read_large(oversize, descriptor, claim, stat_after, detector=detector)
            stat, content = stat_after, _read_all(descriptor, size=stat_after.size)
            stat_after = _file_stat(descriptor)
            if stat_after is not None and (stat.same_content_as(stat_after) or _only_grew(stat, stat_after)):
                break
    except OSError as error:
        return _unreadable(error)
    finally:
        os.close(descriptor)
    # `abs`, so that a file with a time in the future is not postponed until then.
    written_just_now = abs(time.time() - stat.mtime_ns / 1e9) < EMPTIED_SECONDS
    if len(content) < stat.size or (not content and claim.content_id is not None and written_just_now):
        return StillChanging()
    kind = detector.kind(content, name=claim.name)
    key = ContentKey(Digest(xxhash.xxh3_128_digest(content)), reader_version(kind), kind)
    return FileRead(claim, content, key, stat)


def _check_size(size: int, *, max_bytes: int, group_limit: int | None) -> Unreadable | TooLargeForGroup | None:
    if size > max_bytes:
        return Unreadable(SkipReason.TOO_LARGE, f"{size} bytes; the limit is {max_bytes}")
    return TooLargeForGroup() if group_limit is not None and size > group_limit else None


def _read_large(
    oversize: Unreadable | TooLargeForGroup,
    descriptor: int,
    claim: ClaimedFile,
    stat: FileStat,
    *,
    detector: TypeDetector,
) -> ReadOutcome:
    """The outcome for a large file: an excerpt of a recording.

    Nothing is missing of any other file without text, so it is named and not skipped.
    """
    if not isinstance(oversize, Unreadable):
        return oversize
    head = os.pread(descriptor, _HEAD_BYTES, 0)
    kind = detector.kind(head, name=claim.name)
    if has_excerpt(kind):
        content = excerpt_of_recording(lambda offset, length: os.pread(descriptor, length, offset), stat.size)
        # Films without tags may have equal excerpts.
        digest = xxhash.xxh3_128(content)
        for part in (
            stat.size.to_bytes(8, "big"),
            head,
            os.pread(descriptor, _HEAD_BYTES, max(0, stat.size - _HEAD_BYTES)),
        ):
            digest.update(part)
        return FileRead(claim, content, ContentKey(Digest(digest.digest()), reader_version(kind), kind), stat)
    if _has_no_text(head, kind, name=claim.name):
        return Unreadable(SkipReason.BINARY, f"{oversize.detail}, and this type holds no text")
    return oversize


def _has_no_text(head: bytes, kind: str, *, name: bytes) -> bool:
    """Whether a file is a picture, sound, a film, an archive or a program, by its first bytes or by its name."""
    route = kind.rpartition(" ")[2]
    if route in _ROUTES_WITHOUT_TEXT:
        return True
    # A film and a script in TypeScript may both be named `.ts`, and a zip file may be a document.
    extension = os.fsdecode(name).rpartition(".")[2].lower()
    return extension in _EXTENSIONS_WITHOUT_TEXT and (route == Route.PARSE or decode(head) is None)


def _only_grew(before: FileStat, after: FileStat) -> bool:
    """Whether a file became longer. The bytes that were read are then most likely still its beginning."""
    return after.ino == before.ino and after.size > before.size


def _open(claim: ClaimedFile) -> int | Unreadable:
    try:
        return open_below(claim.root, claim.path)
    except PermissionError:
        return Unreadable(SkipReason.PERMISSION, "not readable by the user that MagicFS runs as")
    except OSError as error:
        if error.errno in _OUT_OF_RESOURCES:
            raise ServerError(f"no file can be opened ({error.strerror}): raise the limit, or add memory") from error
        return _unreadable(error)


def _unreadable(error: OSError) -> Unreadable:
    if error.errno in _GONE_OR_REPLACED:
        return Unreadable(SkipReason.VANISHED, error.strerror or "")
    return Unreadable(SkipReason.CORRUPT, f"cannot be read: {error.strerror}")


_OUT_OF_RESOURCES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
_GONE_OR_REPLACED = frozenset(
    {
        # The file is gone, or its name belongs to a link, a socket or a directory now.
        *(errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.ENODEV, errno.EISDIR),
        # The network file system does not answer.
        *(errno.ESTALE, errno.ENOTCONN, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN),
        *(errno.ENETUNREACH, errno.ECONNRESET, errno.ENOKEY),
    }
)
"""Errors after which the next scan checks the file again."""


def _file_stat(descriptor: int) -> FileStat | None:
    """The metadata of an open file; None when it is not a regular file."""
    status = regular_file_status(descriptor)
    return None if status is None else FileStat.of(status)


def _read_all(descriptor: int, *, size: int) -> bytes:
    """The first `size` bytes of a file, or all of one that has become shorter. In memory once."""
    content = os.pread(descriptor, size, 0)
    if len(content) == size:
        return content
    # A signal may end a call before it has read all.
    blocks = [content]
    while blocks[-1] and (missing := size - sum(map(len, blocks))):
        blocks.append(os.pread(descriptor, min(missing, _BLOCK_BYTES), size - missing))
    return b"".join(blocks)
