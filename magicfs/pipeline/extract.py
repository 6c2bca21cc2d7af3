"""Read files that wait: claim, read once, hash, extract, cut into chunks, write down, release.

One `ExtractService` belongs to one worker process and is used by one thread. A file's claim is committed before
any parser sees it, so that a crash is counted. Small files are brought to their end several at a time: to ask the
database about each of them takes longer than to read it. What a file turned out to be is written in one transaction,
guarded by the claim's lease.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from magicfs.db import contents as contents_db
from magicfs.db import files as files_db
from magicfs.db.pool import Database, retry_on_conflict
from magicfs.domain.chunks import Chunk
from magicfs.domain.contents import ContentKey, Document, NewContent, Unreadable
from magicfs.domain.files import ClaimedFile, FileText, SkipReason
from magicfs.domain.ids import ContentId
from magicfs.errors import DatabaseConflict, DatabaseError, DatabaseUnavailable, ServerError
from magicfs.jobs import JobQueue
from magicfs.pipeline.reading import Changed, Larger, Reading, read_file
from magicfs.text.extract import Extractor

log = logging.getLogger(__name__)

BATCH_FILES = 64
BATCH_BYTES = 4 << 20
"""A batch is a fraction of a second of work, so that a file just saved does not wait long behind it."""

BATCH_SECONDS = 0.25
"""After this no further file of the batch is begun; the rest goes back."""

GROUP_FILES = 32
GROUP_BYTES = 128 << 10
SMALL_BYTES = 32 << 10
"""Small files that are read and written down together, if nothing but their text is to be decoded: a tenth of a second
of work at most. Any other file is on its own, so that none waits for a parser that another one needs."""

LEASE_SECONDS = 300.0
"""Longer than the hard time limit of a task. A worker that dies frees its claims as soon as it is back: this is
for hosts that never come back."""

CHANGED_PAUSE_SECONDS = 0.5
"""A file that changed while it was read is being written: let the writer go on."""

LONG_SECONDS = 0.25
CHANGED_PAUSES = 10
CHANGED_PAUSE_LIMIT = 60.0
"""A file that took longer than LONG_SECONDS is read again after so many times as long at the earliest."""


class Chunker(Protocol):
    """Cuts a document into pieces that the model can read whole."""

    def chunks(self, document: Document) -> list[Chunk]:
        """The pieces in order. The same document always gives the same ones."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A claimed file that has been read."""

    claim: ClaimedFile
    reading: Reading


@dataclass(frozen=True, slots=True)
class _Looked:
    """What became of files that were to be read together."""

    read: list[_Read] = field(default_factory=list)
    unread: list[tuple[ClaimedFile, Unreadable]] = field(default_factory=list)
    changed: list[ClaimedFile] = field(default_factory=list)
    later: list[ClaimedFile] = field(default_factory=list)
    """Each is to have a turn of its own."""


class ExtractService:
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
        until = time.monotonic() + BATCH_SECONDS
        done = 0
        left: Sequence[ClaimedFile] = ()
        waiting = deque(groups(claims, apart=self._extractor.may_need_parser))
        try:
            # One of those that a group has left has its turn in any case: else they might be read time after time.
            while waiting and (left or not done or time.monotonic() < until):
                group = waiting.popleft()
                left = self._process_or_return(group)
                waiting.extendleft([claim] for claim in reversed(left))
                done += len(group) - len(left)
        finally:
            self._return([claim for group in waiting for claim in group], counted=False)
        if claims:
            self._queue.notify_extract(self._host)
            self._queue.notify_embed()
        return done

    def _process_or_return(self, claims: Sequence[ClaimedFile]) -> Sequence[ClaimedFile]:
        """Bring files to the end of their claims, whatever happens.

        Returns those that are to have a turn of their own: what needs time, or all of them should one be at fault.
        """
        try:
            return self._process(claims)
        except (DatabaseUnavailable, DatabaseConflict, ServerError):
            # The database is away, or no parser process can be started: that is not the file's fault.
            self._return(claims, counted=False)
            raise
        except Exception as error:
            if len(claims) > 1:
                log.info("%d files are read one by one, since one of them is bad: %s", len(claims), error)
                return claims
            name = files_db.display_path(claims[0].path)
            if isinstance(error, DatabaseError):
                # Something in the file is too much for the database, and will be again: the others are to go on.
                log.warning("%s cannot be written down: %s", name, error)
            else:
                log.exception("reading a file failed: %s", name)
            self._return(claims, counted=True)
            return []

    def _return(self, claims: Sequence[ClaimedFile], *, counted: bool) -> None:
        """Free claims; when even that fails, they run out by themselves."""
        if not claims:
            return

        def give_back() -> None:
            with self._database.transaction() as connection:
                files_db.return_files(connection, claims, counted=counted, pause_s=0.0)

        try:
            retry_on_conflict(give_back)
        except DatabaseError as error:
            log.warning("%d claims run out by themselves: %s", len(claims), error)

    def _process(self, claims: Sequence[ClaimedFile]) -> list[ClaimedFile]:
        """Bring files to the end of their claims. Returns those that are to have a turn of their own."""
        clock = _Clock(len(claims))
        looked = self._look(claims)
        new = retry_on_conflict(lambda: self._take_over(looked, pause_s=clock.pause()))
        now: list[_Read] = []
        for file in new:
            if len(claims) == 1 or self._extractor.needs_no_parser(file.reading.key.kind):
                now.append(file)
            else:
                looked.later.append(file.claim)
        if now:
            self._extract(now, clock)
        return looked.later

    def _look(self, claims: Sequence[ClaimedFile]) -> _Looked:
        """Read files. Of several, only what is small by now, too: they are all in memory at once."""
        looked = _Looked()
        left = None if len(claims) == 1 else GROUP_BYTES
        for claim in claims:
            at_most = None if left is None else min(SMALL_BYTES, left)
            match read_file(claim, kinds=self._extractor, max_bytes=self._max_file_bytes, at_most=at_most):
                case Larger():
                    looked.later.append(claim)
                case Changed():
                    looked.changed.append(claim)
                case Unreadable() as verdict:
                    looked.unread.append((claim, verdict))
                case Reading() as reading:
                    looked.read.append(_Read(claim, reading))
                    left = None if left is None else left - len(reading.content)
        return looked

    def _take_over(self, looked: _Looked, *, pause_s: float) -> list[_Read]:
        """Finish what needs no extractor: files that cannot be read, and those whose bytes are known. The others."""
        with self._database.transaction() as connection:
            # The files before their contents, as everybody locks them.
            unread = [claim for claim, _ in looked.unread]
            held = files_db.lock_claims(connection, [*(file.claim for file in looked.read), *unread, *looked.changed])
            read = [file for file in looked.read if file.claim.id in held]
            known = contents_db.find_contents(connection, [file.reading.key for file in read])
            texts: list[FileText] = []
            verdicts = list(looked.unread)
            for file in read:
                content = known.get(file.reading.key)
                if content is None:
                    continue
                if content.unreadable is not None:
                    verdicts.append((file.claim, content.unreadable))
                else:
                    texts.append(FileText(file.claim, content.id, file.reading.stat))
            files_db.finish_indexed(connection, texts, pause_s=pause_s)
            files_db.finish_unreadable(connection, verdicts, pause_s=pause_s)
            contents_db.enqueue_chunks(connection, _priorities(texts))
            pause_s = max(CHANGED_PAUSE_SECONDS, pause_s)
            files_db.return_files(connection, looked.changed, counted=False, pause_s=pause_s)
        return [file for file in read if file.reading.key not in known]

    def _extract(self, files: Sequence[_Read], clock: _Clock) -> None:
        """Get the text out of files, of copies once, and write down what they turned out to be."""
        contents: dict[ContentKey, NewContent] = {}
        for file in files:
            if file.reading.key not in contents:
                contents[file.reading.key] = self._content(file)
        retry_on_conflict(lambda: self._write(files, contents, pause_s=clock.pause()))

    def _content(self, file: _Read) -> NewContent:
        reading = file.reading
        found = self._extractor.extract(reading.content, name=file.claim.name)
        chunks = self._chunker.chunks(found) if isinstance(found, Document) else []
        if isinstance(found, Document) and not chunks:
            found = Unreadable(SkipReason.NO_TEXT)
        return NewContent(reading.key, size=len(reading.content), extracted=found, chunks=chunks)

    def _write(self, files: Sequence[_Read], contents: Mapping[ContentKey, NewContent], *, pause_s: float) -> None:
        """Write down what files turned out to be, in one transaction."""
        with self._database.transaction() as connection:
            held = files_db.lock_claims(connection, [file.claim for file in files])
            files = [file for file in files if file.claim.id in held]
            lasting = {file.reading.key: contents[file.reading.key] for file in files}
            ids = contents_db.insert_contents(connection, [each for each in lasting.values() if _lasts(each)])
            texts: list[FileText] = []
            verdicts: list[tuple[ClaimedFile, Unreadable]] = []
            for file in files:
                key = file.reading.key
                match contents[key].extracted:
                    case Unreadable() as verdict:
                        verdicts.append((file.claim, verdict))
                    case _:
                        texts.append(FileText(file.claim, ids[key], file.reading.stat))
            contents_db.enqueue_chunks(connection, _priorities(texts))
            files_db.finish_indexed(connection, texts, pause_s=pause_s)
            files_db.finish_unreadable(connection, verdicts, pause_s=pause_s)


class _Clock:
    """How long the files in hand take, each on average."""

    def __init__(self, files: int) -> None:
        self._files = files
        self._began = time.monotonic()

    def pause(self) -> float:
        """Seconds for which a file is left alone should it change again, so that it costs little."""
        took = (time.monotonic() - self._began) / self._files
        return min(CHANGED_PAUSE_LIMIT, CHANGED_PAUSES * took) if took > LONG_SECONDS else 0.0


def groups(claims: Sequence[ClaimedFile], *, apart: Callable[[bytes], bool]) -> Iterator[Sequence[ClaimedFile]]:
    """What is brought to its end together: small files that are equally urgent, any other file alone. In order.

    `apart` says by a file's name that it is to be alone: it would only be read in vain.
    """
    group: list[ClaimedFile] = []
    for claim in claims:
        alone = claim.size > SMALL_BYTES or apart(claim.name)
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


def _priorities(texts: Sequence[FileText]) -> dict[ContentId, int]:
    """How urgent the vectors of these contents are."""
    urgent = {text.content for text in texts if text.claim.priority}
    return {text.content: int(text.content in urgent) for text in texts}


def _lasts(content: NewContent) -> bool:
    """Whether it is to be remembered for copies: not if another try, or a program installed later, may change it."""
    return not isinstance(content.extracted, Unreadable) or content.extracted.reason not in _PASSING


_PASSING = frozenset({SkipReason.TIMEOUT, SkipReason.CRASHED, SkipReason.NEEDS_OCR})
