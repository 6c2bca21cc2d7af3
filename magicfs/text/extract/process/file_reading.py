"""Reads one file by the answers of parser processes, and by further processes what is left when one fails.

Used by `sandbox`, which says what the outcome means. Not thread-safe, as `child_keeper`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from magicfs.domain.contents import Document, PageText, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.ipc.framing import FramingError, Message
from magicfs.linux.memory import count_memory_kills
from magicfs.text.extract.options import Limits, Ocr
from magicfs.text.extract.process.answers import Answers
from magicfs.text.extract.process.child_keeper import ChildKeeper
from magicfs.text.extract.process.page_turns import (
    LAYER_TIME_SHARE,
    LEAST_PAGE_SHARE,
    PAGE_TIME_SHARE,
    PAGES_SECONDS,
    Failure,
    leave_out_page,
    next_deadline,
)
from magicfs.text.extract.process.parser_process import ParserProcess
from magicfs.text.extract.process.time_limit import TimeLimit

log = logging.getLogger(__name__)

_PDF: Final = "application/pdf"

FAILURES_OF_A_PART: Final = frozenset({SkipReason.TIMEOUT, SkipReason.CRASHED, SkipReason.BOMB})
"""Reasons for which a file is read again in another way: a PDF file page by page, since one page may be the cause, and
a picture without OCR, for what it says of itself."""

_PAGES_TIME_SHARE: Final = 0.5
"""The time for reading page by page after the file has used up its own, as a share of that."""

_KILLED: Final = Unreadable(SkipReason.CRASHED, "the parser was killed twice")
_KILLED_FOR_MEMORY: Final = Unreadable(
    SkipReason.OUT_OF_MEMORY, "the system has killed the parser twice for want of memory"
)
_OUT_OF_REACH: Final = Unreadable(SkipReason.VANISHED, "the disk or the network of the file fails")
_NOTHING_READ: Final = frozenset({SkipReason.NEEDS_OCR, SkipReason.VANISHED})
"""Why the turn of a file that goes on has no effect, whatever the answers were."""

_NO_OCR: Final = "pages are pictures: install tesseract or rapidocr to read them"


@dataclass(frozen=True, slots=True)
class Source:
    """A file that is to be read."""

    mime_type: str
    content: bytes = b""
    descriptor: int | None = None
    """That of a file that is not in memory: a process reads it itself."""
    known: Mapping[int, PageText] | None = None
    """The pages that were read before, by number from 0; None unless a file goes on of which pages were pending."""


class FileReading:
    """The reading of one file, by one process or by several in turn."""

    def __init__(self, source: Source, *, children: ChildKeeper, limits: Limits, ocr: Ocr | None) -> None:
        """`children` has the process, and starts further ones."""
        self._source = source
        self._children = children
        self._limits = limits
        self._ocr = ocr
        self._time = TimeLimit()

    def outcome(self) -> tuple[Document | Unreadable, Answers]:
        """What a file gives, and the answers that say so. It is read twice if the first failure may be chance.

        One that goes on is read once: it has more time for its pages, and another turn follows.
        """
        memory_kills = count_memory_kills()
        answers, failure = self._read()
        used_s = self._used_s()
        goes_on = self._source.known is not None
        if failure is not None and failure.may_be_chance and not answers.has_document and not goes_on:
            answers, failure = self._read()
            used_s += self._used_s()
            if failure is not None and failure.may_be_chance and not answers.has_document:
                lacked_memory = count_memory_kills() >= memory_kills + 2
                return _KILLED_FOR_MEMORY if lacked_memory else _KILLED, answers
        if failure is not None and failure.unreadable.reason in _NOTHING_READ:
            return failure.unreadable, answers
        outcome = answers.outcome() or (failure.unreadable if failure is not None else self._timed_out())
        if isinstance(outcome, Unreadable) and answers.is_out_of_reach:
            outcome = _OUT_OF_REACH
        if isinstance(outcome, Document) or outcome.reason not in FAILURES_OF_A_PART or answers.has_document:
            return outcome, answers
        # A task has the time of two files: see MAX_EXTRACT_SECONDS.
        if self._source.mime_type == _PDF and used_s < (2 - _PAGES_TIME_SHARE) * self._limits.seconds:
            by_page = self._read_page_by_page()
            if goes_on and by_page.is_out_of_reach:
                return _OUT_OF_REACH, by_page
            read = by_page.outcome()
            if isinstance(read, Document):
                log.info("a PDF file whose text fails (%s) is read page by page", outcome.reason)
                return read, by_page
        return outcome, answers

    def needs_ocr(self) -> Unreadable:
        """Why a file that needs OCR is not read: there is no OCR, or it does not start."""
        if self._ocr is None:
            return Unreadable(SkipReason.NEEDS_OCR, _NO_OCR)
        return Unreadable(SkipReason.NEEDS_OCR, f"{self._ocr.engine} does not start: run 'magicfs doctor'")

    def _read(self) -> tuple[Answers, Failure | None]:
        """The answers about a file, and the failure that ended them, if one did.

        A document that was read stays. Its pages are recognised by further children where the first one does not
        recognise text, and where one fails: the next one begins at the page at which it did. A page that takes too
        long, or at which two children fail, is left out.
        """
        child = self._children.running(self._time)
        self._time.begin(self._limits.seconds)
        answers = Answers(self._source.known)
        failure = self._exchange(child, self._request(), answers)
        failed_before, lacks_ocr = None, False
        while (failure is not None or not self._children.recognises) and answers.pending:
            if self._time.seconds_left() <= 0 or (failure is not None and failure.is_late):
                break
            if failure is not None and self._children.recognises:
                failed_before = leave_out_page(answers, failure, failed_before)
            if answers.pending:
                loads_ocr, left_s = not self._children.recognises, self._time.seconds_left()
                recogniser = self._children.recogniser(self._time)
                if recogniser is None:
                    lacks_ocr = True
                    break
                if loads_ocr:
                    self._time.begin(left_s)
                answers.expect_pages()
                rest = self._request_for_rest(answers, layers=False)
                failure = self._exchange(recogniser, rest, answers)
        return answers, self._end(answers, lacks_ocr=lacks_ocr) or failure

    def _end(self, answers: Answers, *, lacks_ocr: bool) -> Failure | None:
        """Record why pages have no answer. Returns why a file that goes on has no effect, if that is the outcome."""
        goes_on = self._source.known is not None
        lacks_ocr = lacks_ocr or (answers.has_corrupt_pages and self._children.has_lost_ocr())
        if goes_on and answers.is_out_of_reach:
            return Failure(_OUT_OF_REACH, may_be_chance=False)
        known = (self._source.known or {}).values()
        if lacks_ocr and (answers.are_pictures or any(page.is_recognised for page in known)):
            return Failure(self.needs_ocr(), may_be_chance=False)
        if lacks_ocr:
            answers.lack_ocr(self.needs_ocr())
        elif goes_on and answers.pending and not answers.has_progress:
            answers.fail_page(answers.pending_pages[0], self._timed_out())
        return None

    def _read_page_by_page(self) -> Answers:
        """The answers about the text layer of each page of a PDF file, and the recognised text of pages without one.

        A page that takes too long, or at which two children fail, is left out.
        """
        answers = Answers(self._source.known)
        failed_before = None
        child = self._children.recogniser(self._time) or self._children.running(self._time)
        self._time.begin(_PAGES_TIME_SHARE * self._limits.seconds)
        while not answers.complete and self._time.seconds_left() > 0:
            rest = self._request_for_rest(answers, layers=True)
            failure = self._exchange(child, rest, answers, layers=True)
            if failure is None or not answers.has_document:
                break
            failed_before = leave_out_page(answers, failure, failed_before)
            if not answers.pending:
                break
            child = self._children.running(self._time)
        return answers

    def _exchange(
        self, child: ParserProcess, request: Message, answers: Answers, *, layers: bool = False
    ) -> Failure | None:
        """Send a request about the file and add all answers to `answers`, or return why they are not complete."""
        served_before, began = child.served, time.monotonic()
        due = began
        share = LAYER_TIME_SHARE if layers else PAGE_TIME_SHARE
        try:
            has_pages = self._source.mime_type == _PDF or self._source.known is not None
            if has_pages and self._source.descriptor is None:
                child.share(self._source.content)
            child.send(request, deadline=self._time.end, descriptor=self._source.descriptor)
            while not answers.complete:
                room = self._limits.text_bytes - answers.text_bytes
                had_document, began = answers.has_document, time.monotonic()
                due = next_deadline(answers, self._time.end, share=share)
                answers.add(child.receive(max_body_bytes=room, due=due, limit=self._time))
                if self._source.known is not None and not layers and answers.has_document and not had_document:
                    self._time.begin(min(PAGES_SECONDS, self._limits.seconds) + self._last_page_s())
        except TimeoutError:
            self._children.close()
            is_late = not layers and answers.has_document and due - began < LEAST_PAGE_SHARE * self._limits.seconds
            return Failure(self._timed_out(), may_be_chance=False, is_late=is_late)
        except FramingError as error:
            cause, was_killed = child.cause_of_failure(error)
            self._children.close()
            log.info("the parser failed (%s) on a %s", cause.detail, self._source.mime_type)
            return Failure(cause, may_be_chance=was_killed or served_before > 0)
        child.finish_file()
        unreadable = answers.unreadable
        failure = None
        if unreadable is not None and unreadable.reason is SkipReason.BOMB and served_before > 0:
            failure = Failure(unreadable, may_be_chance=True)
        if answers.is_last or failure is not None:
            self._children.close()
        return failure

    def _request(self) -> Message:
        """The first request: the whole file, or the pages that were pending."""
        head: dict[str, object] = {"mime_type": self._source.mime_type}
        known = self._source.known
        if known is not None:
            seconds = min(PAGES_SECONDS, self._limits.seconds)
            head |= {"known": list(known), "known_bytes": Answers(known).known_bytes, "seconds": seconds}
        return Message(head, self._source.content)

    def _request_for_rest(self, answers: Answers, *, layers: bool) -> Message:
        """The request to read the pending pages of a file one by one, with `layers` for their text layers too.

        It asks for all pages of a file of which no document was read, but for those that were read before.
        """
        seconds_left = self._time.seconds_left()
        text_bytes = answers.text_bytes if answers.has_document else answers.known_bytes
        return Message(
            {
                "mime_type": self._source.mime_type,
                "pages": list(answers.known_letters.items()),
                "known": list(self._source.known or ()),
                "layers": layers,
                "seconds": seconds_left if self._source.known is None or layers else seconds_left - self._last_page_s(),
                "room": max(self._limits.text_bytes - text_bytes, 0),
            }
        )

    def _last_page_s(self) -> float:
        """What the last page that is begun may take, of a file that goes on."""
        return PAGE_TIME_SHARE * self._limits.seconds

    def _used_s(self) -> float:
        """The time of the last reading that counts: neither the start of a child nor a wait for a processor does."""
        return self._limits.seconds - max(self._time.seconds_left(), 0.0)

    def _timed_out(self) -> Unreadable:
        return Unreadable(SkipReason.TIMEOUT, f"not read after {self._limits.seconds:g} seconds")
