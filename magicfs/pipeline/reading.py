"""Reads claimed files whole, although other programs may write to them meanwhile, and identifies their bytes.

Of a file beyond the size limit, `large_files` reads some parts.

Used by `file_processor`, which gets the text out of the bytes. Small files are read in groups (`claim_groups`). It
opens nothing but regular files below their root and never waits for a file. It keeps no state: any thread may use it.
"""

from __future__ import annotations

import errno
import io
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from stat import S_ISREG

import xxhash

from magicfs.db.corpus.linked_files import LinkedContent
from magicfs.domain.contents import Gap, Unreadable
from magicfs.domain.files import ClaimedFile, FileStat, SkipReason
from magicfs.domain.ids import Digest, FileId
from magicfs.domain.stored_contents import ContentKey, StoredContent
from magicfs.errors import ServerError
from magicfs.linux.files import regular_file_status
from magicfs.linux.opening import open_below
from magicfs.pipeline.claim_groups import GROUP_BYTES, GROUPED_FILE_BYTES
from magicfs.pipeline.large_files import LargeFiles, TypeDetector, read_range
from magicfs.state_directory.allowed_roots import NOT_ADDED
from magicfs.text.extract.versions import reader_version

EMPTIED_SECONDS = 1.0
"""A file that had a text and was emptied less than this ago is being saved: most programs empty it first."""

HALF_WRITTEN_SECONDS = 10.0
"""A file that had a text, cannot be parsed now and was written to less than this ago may be half written: a program
that saves in place over a network pauses for seconds."""

READ_TRIES = 3
"""A file that changes while it is read is often unchanged a moment later."""


@dataclass(frozen=True, slots=True)
class FileRead:
    """A claimed file that was read, and its metadata while it had these bytes."""

    claim: ClaimedFile
    content: bytes
    key: ContentKey
    stat: FileStat
    gap: Gap | None = None
    """The part of the file that has text and is not in `content`; None if there is none."""
    opened: io.FileIO | None = None
    """The file, to be closed, if its parser reads it itself and `content` is empty."""
    read_by_link: bool = False
    """Whether `content` is empty because the file was read by another of its names."""
    stored: StoredContent | None = None
    """The content of which pending pages are read now; None for a file that is read as a whole."""

    @property
    def size(self) -> int:
        """The bytes of the file that was read."""
        return self.stat.size if self.opened is not None else len(self.content) + (self.gap.length if self.gap else 0)

    @property
    def mime_type(self) -> str:
        """The MIME type that its bytes and its name say."""
        return self.key.kind.partition(" ")[0]

    def may_be_half_written(self) -> bool:
        """Whether a program that saves a file which had a text may have written a part of it only."""
        return self.claim.content_id is not None and _was_written_within(HALF_WRITTEN_SECONDS, self.stat)

    def has_changed(self) -> bool:
        """Whether a file that its parser reads itself has changed since it was identified, or is out of reach."""
        if self.opened is None:
            return False
        try:
            stat = _file_stat(self.opened.fileno())
        except OSError:
            return True
        return stat is None or not self.stat.same_content_as(stat)


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

    def close(self) -> None:
        """Close the files that are open."""
        for file in self.read:
            if file.opened is not None:
                file.opened.close()


def stat_of_link(claim: ClaimedFile) -> FileStat | None:
    """The metadata of a file that has other names, as a path leads to it; None if it has none or cannot be told."""
    try:
        status = os.lstat(os.path.join(claim.root, claim.path))
    except (OSError, ValueError):
        return None
    return FileStat.of(status) if status.st_nlink > 1 and S_ISREG(status.st_mode) else None


def read_group(
    claims: Sequence[ClaimedFile],
    *,
    detector: TypeDetector,
    large_files: LargeFiles,
    allows: Callable[[bytes, bytes], bool],
    find_links: Callable[[Sequence[ClaimedFile]], Mapping[FileId, LinkedContent]],
) -> GroupReading:
    """Read the files of a group. One is not opened if `allows` refuses it, given its root and its path below that.

    `find_links` returns contents of files that were read by another name: they are not read if they have not changed.
    The bytes of all files are in memory at the same time, so a file of a larger group that has become too large for it
    is not read. Raises `ServerError` as `read_file` does.
    """
    read: list[FileRead] = []
    unreadable: list[tuple[ClaimedFile, Unreadable]] = []
    changing: list[ClaimedFile] = []
    too_large: list[ClaimedFile] = []
    group_bytes = 0
    allowed: list[ClaimedFile] = []
    for claim in claims:
        if allows(claim.root, claim.path):
            allowed.append(claim)
        else:
            unreadable.append((claim, Unreadable(SkipReason.PERMISSION, NOT_ADDED)))
    links = find_links(allowed)
    for claim in allowed:
        limit = None if len(claims) == 1 else min(GROUPED_FILE_BYTES, GROUP_BYTES - group_bytes)
        match read_file(claim, detector=detector, large_files=large_files, group_limit=limit, link=links.get(claim.id)):
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
    claim: ClaimedFile,
    *,
    detector: TypeDetector,
    large_files: LargeFiles,
    group_limit: int | None = None,
    link: LinkedContent | None = None,
) -> ReadOutcome:
    """Read a claimed file whole and hash what was read.

    A file with the metadata of `link` has its content, and is not read. Parts of one beyond the limit are read
    (`large_files`); one of more than `group_limit` bytes is too large for its group. A file that changes during every
    try is returned as the last try read it, so that searches find it. It is read again later, because the database
    records the change. Raises `ServerError` when this process cannot open any file.
    """
    descriptor = _open(claim)
    if isinstance(descriptor, Unreadable):
        return descriptor
    try:
        stat = _file_stat(descriptor)
        if stat is not None and link is not None and stat.same_content_as(link.stat):
            return FileRead(claim, b"", link.key, stat, read_by_link=True)
        return _read_open(descriptor, claim, stat, detector=detector, large_files=large_files, group_limit=group_limit)
    except OSError as error:
        return _unreadable(error, claim)
    finally:
        os.close(descriptor)


def _read_open(
    descriptor: int,
    claim: ClaimedFile,
    stat_after: FileStat | None,
    *,
    detector: TypeDetector,
    large_files: LargeFiles,
    group_limit: int | None,
) -> ReadOutcome:
    """Read an open file with these metadata; None when it is not a regular file. Raises `OSError`."""
    for _ in range(READ_TRIES):
        if stat_after is None:
            return Unreadable(SkipReason.VANISHED, "no regular file any more")
        if group_limit is not None and stat_after.size > group_limit:
            return TooLargeForGroup()
        if stat_after.size > large_files.max_bytes:
            return _read_large(descriptor, claim, stat_after, detector=detector, large_files=large_files)
        stat, content = stat_after, read_range(descriptor, stat_after.size)
        stat_after = _file_stat(descriptor)
        if stat_after is not None and (stat.same_content_as(stat_after) or _only_grew(stat, stat_after)):
            break
    return _identify(claim, content, stat, detector=detector)


def _identify(
    claim: ClaimedFile, content: bytes, stat: FileStat, *, detector: TypeDetector
) -> FileRead | StillChanging:
    """A file that was read whole, with what identifies its bytes."""
    is_emptied = not content and claim.content_id is not None and _was_written_within(EMPTIED_SECONDS, stat)
    if len(content) < stat.size or is_emptied:
        return StillChanging()
    kind = detector.kind(content, name=claim.name)
    key = ContentKey(Digest(xxhash.xxh3_128_digest(content)), reader_version(kind), kind)
    return FileRead(claim, content, key, stat)


def _was_written_within(seconds: float, stat: FileStat) -> bool:
    # `abs`, so that a file with a time in the future is not postponed until then.
    return abs(time.time() - stat.mtime_ns / 1e9) < seconds


def _read_large(
    descriptor: int, claim: ClaimedFile, stat: FileStat, *, detector: TypeDetector, large_files: LargeFiles
) -> FileRead | Unreadable:
    """The outcome for a file beyond the limit."""
    excerpt = large_files.read(descriptor, stat, name=claim.name, detector=detector)
    if isinstance(excerpt, Unreadable):
        return excerpt
    opened = io.FileIO(os.dup(descriptor)) if excerpt.reads_open else None
    return FileRead(claim, excerpt.content, excerpt.key, stat, excerpt.gap, opened)


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
        return _unreadable(error, claim)


def _unreadable(error: OSError, claim: ClaimedFile) -> Unreadable:
    # A file that was read before keeps its text: its disk may fail for a moment only.
    if error.errno in _GONE_OR_REPLACED or claim.content_id is not None:
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
