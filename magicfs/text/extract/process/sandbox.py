"""Parses files in a child process (`child`): says what is asked of it, and what follows from a failure.

Used by `FileExtractor`. `child_keeper` starts the process and replaces it. Not thread-safe: a sandbox belongs to the
thread that uses it first, and the kernel kills the child when that thread ends.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from magicfs.domain.contents import Document, PageText, Recognition, Unreadable, UnreadPages
from magicfs.domain.files import SkipReason
from magicfs.ipc.framing import FramingError, Message
from magicfs.text.extract.file_types import NOT_RECOGNISED
from magicfs.text.extract.options import Limits, Ocr, Wall
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

_PDF = "application/pdf"

_FAILURES_OF_OCR = frozenset({SkipReason.TIMEOUT, SkipReason.CRASHED, SkipReason.BOMB})
"""Reasons for which a picture is read again without OCR, for what it says of itself."""

_FAILURES_OF_A_PAGE = _FAILURES_OF_OCR
"""Reasons for which a PDF file is read again page by page: one of its pages may be the cause."""

_PAGES_TIME_SHARE = 0.5
"""The time for reading page by page after the file has used up its own, as a share of that."""

_NO_OCR = "pages are pictures: install tesseract or rapidocr to read them"


class Sandbox:
    """Parses files in a child process, one at a time."""

    def __init__(self, *, limits: Limits, ocr: Ocr | None = None, command: Sequence[str] | None = None) -> None:
        """Start no process yet; the first `parse` does.

        `command` is a program that speaks the protocol of `child.serve`; the default is `child` itself, in
        which rapidocr is loaded only when a picture or a scanned page comes.
        """
        self._limits = limits
        self._ocr = ocr
        self._children = ChildKeeper(limits=limits, ocr=ocr, command=command)
        self._time = TimeLimit()
        self._descriptor: int | None = None
        """That of the file, while one is parsed that is not in memory."""
        self._known: Mapping[int, PageText] | None = None
        """The pages that were read before, by number from 0, while a file goes on."""

    def missing_walls(self) -> list[Wall]:
        """The walls that do not stand around the child, which is started if none runs.

        Raises `ServerError` when no child can be started.
        """
        return self._children.running(TimeLimit()).missing_walls

    def recognises(self) -> bool:
        """Whether there is OCR, and a child starts with it. Raises `ServerError` when none starts without it."""
        return self._children.recogniser(TimeLimit()) is not None

    def lacks_ocr(self) -> bool:
        """Whether there is OCR that did not start when it was last tried."""
        return self._children.ocr_problem is not None

    def why_ocr_does_not_start(self) -> str | None:
        """The reason, in one line, found by starting a child with OCR; None if it starts, or if there is none.

        Raises `ServerError` when no child can be started even without OCR.
        """
        self._children.recogniser(TimeLimit())
        return self._children.ocr_problem

    def parse(self, content: bytes, *, mime_type: str) -> Document | Unreadable:
        """The text of a file of this type, or why there is none. A document may be partly read: see `Document`.

        Where OCR does not start, the file is read without it. Raises `ServerError` when no child can be started.
        """
        self._children.prepare()
        self._time = TimeLimit()
        request = Message({"mime_type": mime_type, **self._what_is_known()}, content)
        if _is_picture(mime_type) and self._ocr is not None:
            return self._parse_picture(request, self._ocr)
        outcome, answers = self._outcome(request)
        if self._ocr is None:
            return _as_partly_read(outcome, SkipReason.NEEDS_OCR) if _is_picture(mime_type) else outcome
        if isinstance(outcome, Unreadable):
            has_looked = outcome.reason is SkipReason.NO_TEXT and answers.has_document
            return dataclasses.replace(outcome, ocr=str(self._ocr.engine)) if has_looked else outcome
        pages = tuple(page + 1 for page in answers.recognised_pages)
        return dataclasses.replace(outcome, recognition=Recognition(str(self._ocr.engine), pages)) if pages else outcome

    def parse_open(self, descriptor: int, *, mime_type: str) -> Document | Unreadable:
        """The text of an open PDF file, which a process reads itself: it may be larger than the memory.

        What is cut off meanwhile is missing. Raises `ServerError` as `parse` does.
        """
        self._descriptor = descriptor
        try:
            return self.parse(b"", mime_type=mime_type)
        finally:
            self._descriptor = None

    def go_on(
        self, source: bytes | int, *, mime_type: str, page_texts: Mapping[int, PageText]
    ) -> Document | Unreadable:
        """The text of a PDF file of which pages were pending: what was read of others, by number from 1, stays.

        `source` is its bytes or its descriptor. Pages are begun for `PAGES_SECONDS`. One at least has an answer
        afterwards if the file can be read at all. Raises `ServerError` as `parse` does.
        """
        self._known = {page - 1: read for page, read in page_texts.items()}
        try:
            if isinstance(source, bytes):
                return self.parse(source, mime_type=mime_type)
            return self.parse_open(source, mime_type=mime_type)
        finally:
            self._known = None

    def _what_is_known(self) -> dict[str, Any]:
        """The part of a request that says which pages were read before; nothing unless a file goes on."""
        if self._known is None:
            return {}
        seconds = min(PAGES_SECONDS, self._limits.seconds)
        return {"known": list(self._known), "known_bytes": Answers(self._known).known_bytes, "seconds": seconds}

    def _outcome(self, request: Message) -> tuple[Document | Unreadable, Answers]:
        """What a file gives, and the answers that say so. It is read twice if the first failure may be chance."""
        answers, failure = self._read(request)
        used_s = self._used_s()
        if failure is not None and failure.may_be_chance and not answers.has_document:
            answers, failure = self._read(request)
            used_s += self._used_s()
            if failure is not None and failure.may_be_chance and not answers.has_document:
                return Unreadable(SkipReason.CRASHED, "the parser was killed twice"), answers
        outcome = answers.outcome() or (failure.unreadable if failure is not None else self._timed_out())
        if isinstance(outcome, Document) or outcome.reason not in _FAILURES_OF_A_PAGE or answers.has_document:
            return outcome, answers
        # A task has the time of two files: see MAX_EXTRACT_SECONDS.
        if request.head["mime_type"] == _PDF and used_s < (2 - _PAGES_TIME_SHARE) * self._limits.seconds:
            by_page = self._read_page_by_page(request)
            read = by_page.outcome()
            if isinstance(read, Document):
                log.info("a PDF file whose text fails (%s) is read page by page", outcome.reason)
                return read, by_page
        return outcome, answers

    def _used_s(self) -> float:
        """The time of the last reading that counts: neither the start of a child nor a wait for a processor does."""
        return self._limits.seconds - max(self._time.seconds_left(), 0.0)

    def _parse_picture(self, request: Message, ocr: Ocr) -> Document | Unreadable:
        """What a picture says of itself and its recognised text. It is partly read where OCR fails."""
        self._children.recognise_from_now()
        outcome, _ = self._outcome(request)
        if not self._children.recognises:
            needs_ocr = isinstance(outcome, Unreadable) and outcome.reason is SkipReason.NEEDS_OCR
            return self._needs_ocr() if needs_ocr else _as_partly_read(outcome, SkipReason.NEEDS_OCR)
        if isinstance(outcome, Document):
            return dataclasses.replace(outcome, recognition=Recognition(str(ocr.engine)))
        if outcome == Unreadable(SkipReason.NO_TEXT):
            engine = str(ocr.engine)
            return dataclasses.replace(outcome, detail=f"{engine} recognises no text in it", ocr=engine)
        if outcome.reason not in _FAILURES_OF_OCR:
            return outcome
        self._children.stop_recognising()
        said, _ = self._outcome(request)
        return _as_partly_read(said, outcome.reason) if isinstance(said, Document) else outcome

    def free_memory(self) -> None:
        """Free the memory of rapidocr, if it is loaded. Call it when no file waits."""
        self._children.free_memory()

    def close(self) -> None:
        """Kill the child, if one runs. The next `parse` starts another."""
        self._children.close()

    def _needs_ocr(self) -> Unreadable:
        if self._ocr is None:
            return Unreadable(SkipReason.NEEDS_OCR, _NO_OCR)
        return Unreadable(SkipReason.NEEDS_OCR, f"{self._ocr.engine} does not start: run 'magicfs doctor'")

    def _read(self, request: Message) -> tuple[Answers, Failure | None]:
        """The answers about a file, and the failure that ended them, if one did.

        A document that was read stays. Its pages are recognised by further children where the first one does not
        recognise text, and where one fails: the next one begins at the page at which it did. A page that takes too
        long, or at which two children fail, is left out.
        """
        child = self._children.running(self._time)
        self._time.begin(self._limits.seconds)
        answers = Answers(self._known)
        failure = self._exchange(child, request, answers, content=request.body)
        failed_before = None
        while (failure is not None or not self._children.recognises) and answers.pending:
            if self._time.seconds_left() <= 0 or (failure is not None and failure.is_late):
                break
            if failure is not None and self._children.recognises:
                failed_before = leave_out_page(answers, failure, failed_before)
            if answers.pending:
                loads_ocr, left_s = not self._children.recognises, self._time.seconds_left()
                recogniser = self._children.recogniser(self._time)
                if recogniser is None:
                    answers.fail_pending_pages(self._needs_ocr())
                    break
                if loads_ocr:
                    self._time.begin(left_s)
                answers.expect_pages()
                rest = self._request_for_rest(request, answers, layers=False)
                failure = self._exchange(recogniser, rest, answers, content=request.body)
        if self._known is not None and answers.pending and not answers.has_progress:
            answers.fail_page(answers.pending_pages[0], self._timed_out())
        return answers, failure

    def _read_page_by_page(self, request: Message) -> Answers:
        """The answers about the text layer of each page of a PDF file, and the recognised text of pages without one.

        A page that takes too long, or at which two children fail, is left out.
        """
        answers = Answers(self._known)
        failed_before = None
        child = self._children.recogniser(self._time) or self._children.running(self._time)
        self._time.begin(_PAGES_TIME_SHARE * self._limits.seconds)
        while not answers.complete and self._time.seconds_left() > 0:
            rest = self._request_for_rest(request, answers, layers=True)
            failure = self._exchange(child, rest, answers, content=request.body, layers=True)
            if failure is None or not answers.has_document:
                break
            failed_before = leave_out_page(answers, failure, failed_before)
            if not answers.pending:
                break
            child = self._children.running(self._time)
        return answers

    def _request_for_rest(self, request: Message, answers: Answers, *, layers: bool) -> Message:
        """The request to read the pending pages of a file one by one, with `layers` for their text layers too.

        It asks for all pages of a file of which no document was read, but for those that were read before.
        """
        seconds_left = self._time.seconds_left()
        text_bytes = answers.text_bytes if answers.has_document else answers.known_bytes
        return Message(
            {
                "mime_type": request.head["mime_type"],
                "pages": list(answers.known_letters.items()),
                "known": list(self._known or ()),
                "layers": layers,
                "seconds": seconds_left if self._known is None or layers else seconds_left - self._last_page_s(),
                "room": max(self._limits.text_bytes - text_bytes, 0),
            }
        )

    def _last_page_s(self) -> float:
        """What the last page that is begun may take, of a file that goes on."""
        return PAGE_TIME_SHARE * self._limits.seconds

    def _exchange(
        self,
        child: ParserProcess,
        request: Message,
        answers: Answers,
        *,
        content: bytes,
        layers: bool = False,
    ) -> Failure | None:
        """Send a request about `content` and add all answers to `answers`, or return why they are not complete."""
        served_before, began = child.served, time.monotonic()
        due = began
        share = LAYER_TIME_SHARE if layers else PAGE_TIME_SHARE
        try:
            if request.head["mime_type"] == _PDF and self._descriptor is None:
                child.share(content)
            child.send(request, deadline=self._time.end, descriptor=self._descriptor)
            while not answers.complete:
                room = self._limits.text_bytes - answers.text_bytes
                had_document, began = answers.has_document, time.monotonic()
                due = next_deadline(answers, self._time.end, share=share)
                answers.add(child.receive(max_body_bytes=room, due=due, limit=self._time))
                if self._known is not None and not layers and answers.has_document and not had_document:
                    self._time.begin(min(PAGES_SECONDS, self._limits.seconds) + self._last_page_s())
        except TimeoutError:
            self._children.close()
            is_late = not layers and answers.has_document and due - began < LEAST_PAGE_SHARE * self._limits.seconds
            return Failure(self._timed_out(), may_be_chance=False, is_late=is_late)
        except FramingError as error:
            cause, was_killed = child.cause_of_failure(error)
            self._children.close()
            log.info("the parser failed (%s) on a %s", cause.detail, request.head["mime_type"])
            return Failure(cause, may_be_chance=was_killed or served_before > 0)
        child.finish_file()
        unreadable = answers.unreadable
        failure = None
        if unreadable is not None and unreadable.reason is SkipReason.BOMB and served_before > 0:
            failure = Failure(unreadable, may_be_chance=True)
        if answers.is_last or failure is not None:
            self._children.close()
        return failure

    def _timed_out(self) -> Unreadable:
        return Unreadable(SkipReason.TIMEOUT, f"not read after {self._limits.seconds:g} seconds")


def _as_partly_read(outcome: Document | Unreadable, reason: SkipReason) -> Document | Unreadable:
    """The outcome of a picture whose text was not recognised for this reason."""
    if isinstance(outcome, Unreadable):
        return outcome
    return dataclasses.replace(outcome, unread=(UnreadPages(reason),))


def _is_picture(mime_type: str) -> bool:
    return mime_type.startswith("image/") and mime_type not in NOT_RECOGNISED
