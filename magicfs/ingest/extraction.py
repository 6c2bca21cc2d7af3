"""Read files that wait: claim, read once, hash, extract, cut into chunks, write down, release.

One `Extraction` belongs to one worker process and is used by one thread. A file's claim is committed before
any parser sees it, so that a crash is counted; what a file turned out to be is written in one transaction,
guarded by the claim's lease.
"""

from __future__ import annotations

import errno
import logging
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import xxhash

from magicfs.beneath import open_beneath, regular_file_stat
from magicfs.db import contents as contents_db
from magicfs.db import files as files_db
from magicfs.db.contents import ContentKey
from magicfs.db.pool import Connection, Database, again_on_conflict
from magicfs.domain.files import ClaimedFile, FileStat, Reason
from magicfs.domain.ids import Digest
from magicfs.domain.text import Chunk, Document, Unreadable
from magicfs.errors import DatabaseConflict, DatabaseError, DatabaseUnavailable, ServerError
from magicfs.jobs import JobQueue
from magicfs.text.extract import EXTRACTOR_VERSION, Extractor

log = logging.getLogger(__name__)

BATCH_FILES = 64
BATCH_BYTES = 4 << 20
"""A batch is a fraction of a second of work, so that a file just saved does not wait long behind it."""

BATCH_SECONDS = 0.25
"""After this no further file of the batch is begun; the rest goes back."""

LEASE_SECONDS = 300.0
"""Longer than the hard time limit of a task. A worker that dies frees its claims as soon as it is back: this is
for hosts that never come back."""

CHANGED_PAUSE_SECONDS = 0.5
"""A file that changed while it was read is being written: let the writer go on."""

LONG_SECONDS = 0.25
CHANGED_PAUSES = 10
CHANGED_PAUSE_LIMIT = 60.0
"""A file that took longer than LONG_SECONDS is read again after so many times as long at the earliest."""

REST_SECONDS = 1.0
"""A file that had a text and was emptied less than so long ago is being saved: most programs empty it first."""

READ_TRIES = 3
"""A file that is written to while it is read may be at rest a moment later."""

_BLOCK = 1 << 20


class Chunker(Protocol):
    """Cuts a document into pieces that the model can read whole."""

    def chunks(self, document: Document) -> list[Chunk]:
        """The pieces in order. The same document always gives the same ones."""


@dataclass(frozen=True, slots=True)
class Changed:
    """The file became shorter while it was read, or was emptied just before: what was read is worth nothing."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """The bytes of a file, and its metadata while it had them."""

    content: bytes
    key: ContentKey
    stat: FileStat


class Extraction:
    """Reads the waiting files of one host."""

    def __init__(
        self,
        database: Database,
        queue: JobQueue,
        *,
        extractor: Extractor,
        chunker: Chunker,
        host: str,
        owner: str,
        max_file_bytes: int,
    ) -> None:
        """`owner` is the worker's name, stable over its restarts."""
        self._database = database
        self._queue = queue
        self._extractor = extractor
        self._chunker = chunker
        self._host = host
        self._owner = owner
        self._max_file_bytes = max_file_bytes
        self._began = 0.0
        """When the file in hand was begun, monotonic."""

    def recover(self) -> int:
        """Free what this worker held when it last died, and set aside what keeps killing it."""
        with self._database.transaction() as connection:
            released = files_db.release_files(connection, owner=self._owner)
            files_db.quarantine_files(connection)
        return released

    def run_batch(self) -> int:
        """Claim and read the next files. Returns how many there were; rings again while more wait."""
        with self._database.transaction() as connection:
            claims = files_db.claim_files(
                connection,
                host=self._host,
                owner=self._owner,
                limit=BATCH_FILES,
                max_bytes=BATCH_BYTES,
                seconds=LEASE_SECONDS,
            )
        began = time.monotonic()
        waiting = list(reversed(claims))
        try:
            while waiting and (len(waiting) == len(claims) or time.monotonic() - began < BATCH_SECONDS):
                self._process_or_return(waiting.pop())
        finally:
            self._return(waiting, counted=False)
        if claims:
            self._queue.ring_extract(self._host)
            self._queue.ring_embed()
        return len(claims) - len(waiting)

    def _process_or_return(self, claim: ClaimedFile) -> None:
        """Bring one file to the end of its claim, whatever happens."""
        try:
            self._process(claim)
        except (DatabaseUnavailable, DatabaseConflict, ServerError):
            # The database is away, or no parser process can be started: that is not the file's fault.
            self._return([claim], counted=False)
            raise
        except DatabaseError as error:
            # Something in the file is too much for the database, and will be again: the others are to go on.
            log.warning("%s cannot be written down: %s", files_db.display_path(claim.path), error)
            self._return([claim], counted=True)
        except Exception:
            log.exception("reading a file failed: %s", files_db.display_path(claim.path))
            self._return([claim], counted=True)

    def _return(self, claims: Sequence[ClaimedFile], *, counted: bool) -> None:
        """Free claims; when even that fails, they run out by themselves."""

        def give_back() -> None:
            with self._database.transaction() as connection:
                files_db.return_files(connection, claims, counted=counted, pause_s=0.0)

        try:
            again_on_conflict(give_back)
        except DatabaseError as error:
            log.warning("%d claims run out by themselves: %s", len(claims), error)

    def _process(self, claim: ClaimedFile) -> None:
        """Bring one file to the end of its claim."""
        self._began = time.monotonic()
        reading = self._read(claim)
        if isinstance(reading, Changed):
            pause = max(CHANGED_PAUSE_SECONDS, self._pause())
            with self._database.transaction() as connection:
                files_db.return_files(connection, [claim], counted=False, pause_s=pause)
        elif isinstance(reading, Unreadable):
            with self._database.transaction() as connection:
                self._finish_unread(connection, claim, reading)
        else:
            self._index(claim, reading)

    def _read(self, claim: ClaimedFile) -> _Reading | Unreadable | Changed:
        """Read a file whole; what is hashed is what is extracted.

        One that is written over all the time is taken as it was read in the end: it is read again, and may be found
        until then.
        """
        descriptor = _open(claim)
        if isinstance(descriptor, Unreadable):
            return descriptor
        try:
            before = regular_file_stat(descriptor)
            for _ in range(READ_TRIES):
                if before is None:
                    return Unreadable(Reason.VANISHED, "no regular file any more")
                if before.size > self._max_file_bytes:
                    return Unreadable(Reason.TOO_LARGE, f"{before.size} bytes; the limit is {self._max_file_bytes}")
                read, content = before, _read_all(descriptor, limit=before.size)
                before = regular_file_stat(descriptor)
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
        kind = self._extractor.kind(content, name=_name(claim))
        return _Reading(content, ContentKey(Digest(xxhash.xxh3_128_digest(content)), EXTRACTOR_VERSION, kind), read)

    def _index(self, claim: ClaimedFile, reading: _Reading) -> None:
        """Take over what is known of these bytes, or extract them."""
        if again_on_conflict(lambda: self._take_over(claim, reading)):
            return
        extracted = self._extractor.extract(reading.content, name=_name(claim))
        chunks = self._chunker.chunks(extracted) if isinstance(extracted, Document) else []
        if isinstance(extracted, Document) and not chunks:
            extracted = Unreadable(Reason.NO_TEXT)
        again_on_conflict(lambda: self._write(claim, reading, extracted, chunks))

    def _take_over(self, claim: ClaimedFile, reading: _Reading) -> bool:
        """Give the file what is known of its bytes. Returns whether there is nothing left to be done."""
        with self._database.transaction() as connection:
            # The file before its content, as everybody locks them.
            if not files_db.claim_holds(connection, claim):
                return True
            known = contents_db.find_content(connection, reading.key)
            if known is None:
                return False
            if known.unreadable is not None:
                self._finish_unread(connection, claim, known.unreadable)
            else:
                files_db.finish_indexed(connection, claim, content=known.id, stat=reading.stat, pause_s=self._pause())
                contents_db.enqueue_chunks(connection, known.id, priority=claim.priority)
        return True

    def _finish_unread(self, connection: Connection, claim: ClaimedFile, verdict: Unreadable) -> None:
        files_db.finish_unread(connection, claim, reason=verdict.reason, detail=verdict.detail, pause_s=self._pause())

    def _pause(self) -> float:
        """Seconds for which the file in hand is left alone should it change again, so that it costs little."""
        took = time.monotonic() - self._began
        return min(CHANGED_PAUSE_LIMIT, CHANGED_PAUSES * took) if took > LONG_SECONDS else 0.0

    def _write(
        self,
        claim: ClaimedFile,
        reading: _Reading,
        extracted: Document | Unreadable,
        chunks: list[Chunk],
    ) -> None:
        """Write down what a file turned out to be, in one transaction."""
        size = len(reading.content)
        with self._database.transaction() as connection:
            if not files_db.claim_holds(connection, claim):
                return
            if isinstance(extracted, Unreadable):
                if extracted.reason not in _PASSING:
                    contents_db.insert_unreadable(connection, reading.key, size=size, unreadable=extracted)
                self._finish_unread(connection, claim, extracted)
                return
            content = contents_db.insert_content(connection, reading.key, size=size, document=extracted, chunks=chunks)
            contents_db.enqueue_chunks(connection, content, priority=claim.priority)
            files_db.finish_indexed(connection, claim, content=content, stat=reading.stat, pause_s=self._pause())


def _grew(before: FileStat, after: FileStat) -> bool:
    """Whether a file was only appended to, as far as can be told: then what was read was there."""
    return after.ino == before.ino and after.size > before.size


_PASSING = frozenset({Reason.TIMEOUT, Reason.CRASHED, Reason.NEEDS_OCR})
"""Verdicts that another try, or a program installed later, may change: not remembered for copies."""


def _verdict_on(error: OSError) -> Unreadable:
    if error.errno in _NO_FILE_ANY_MORE:
        return Unreadable(Reason.VANISHED, error.strerror or "")
    return Unreadable(Reason.CORRUPT, f"cannot be read: {error.strerror}")


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


def _name(claim: ClaimedFile) -> bytes:
    return claim.path.rpartition(b"/")[2]


def _open(claim: ClaimedFile) -> int | Unreadable:
    try:
        return open_beneath(claim.root, claim.path)
    except PermissionError:
        return Unreadable(Reason.PERMISSION, "not readable by the user that MagicFS runs as")
    except OSError as error:
        if error.errno in _NO_FAULT_OF_THE_FILE:
            raise ServerError(f"no file can be opened ({error.strerror}): raise the limit, or add memory") from error
        return _verdict_on(error)


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
