"""Parses files in a child process (`child`), which is started when a file needs it and replaced when it fails.

Used by `FileExtractor`. Says what is asked of the child and what follows from a failure; `parser_process` is the
process itself. Not thread-safe: a sandbox belongs to the thread that uses it first, and the kernel kills the child when
that thread ends.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from magicfs.domain.contents import Document, Recognition, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.errors import ServerError
from magicfs.framing import FramingError, Message
from magicfs.text.extract.answers import Answers
from magicfs.text.extract.options import Limits, Ocr, OcrEngine, Wall
from magicfs.text.extract.parser_process import ParserProcess, command_of, environment_of
from magicfs.text.extract.xml_documents import SVG_TYPE

log = logging.getLogger(__name__)

_PDF = "application/pdf"

_OCR_PAUSE_SECONDS = 60.0
"""Files are read without OCR for this time after it has not started: each try takes seconds."""

_FAILURES_OF_OCR = frozenset({SkipReason.TIMEOUT, SkipReason.CRASHED, SkipReason.BOMB})
"""Reasons for which a picture is read again without OCR, for what it says of itself."""


class Sandbox:
    """Parses files in a child process, one at a time."""

    def __init__(self, *, limits: Limits, ocr: Ocr | None = None, command: Sequence[str] | None = None) -> None:
        """Start no process yet; the first `parse` does.

        `command` is a program that speaks the protocol of `child.serve`; the default is `magicfs.text.extract.child`,
        in which rapidocr is loaded only when a picture or a scanned page comes.
        """
        self._limits = limits
        self._ocr = ocr
        self._environment = environment_of(ocr)
        self._command = command
        self._child: ParserProcess | None = None
        self._recognises = False
        """Whether the child recognises text itself. rapidocr is loaded in one only when a file needs it."""
        self._ocr_problem: str | None = None
        """Why OCR did not start when it was last tried."""
        self._ocr_pause_ends = 0.0
        """The moment, on the monotonic clock, from which OCR is tried again."""
        self._walls_are_logged = False

    def missing_walls(self) -> list[Wall]:
        """The walls that do not stand around the child, which is started if none runs.

        Raises `ServerError` when no child can be started.
        """
        return self._running_child().missing_walls

    def why_ocr_does_not_start(self) -> str | None:
        """The reason, in one line, found by starting a child with OCR; None if it starts, or if there is none.

        Raises `ServerError` when no child can be started even without OCR.
        """
        self._recognise_from_now()
        self._running_child()
        return self._ocr_problem

    def parse(self, content: bytes, *, mime_type: str) -> Document | Unreadable:
        """The text of a file of this type, or why there is none. A document may be partly read: see `Document`.

        Where OCR does not start, the file is read without it. Raises `ServerError` when no child can be started.
        """
        if not self._is_running():
            starts_with_ocr = self._ocr is None or self._ocr.engine is not OcrEngine.RAPIDOCR
            self._recognises = starts_with_ocr and self._may_recognise()
        request = Message({"mime_type": mime_type}, content)
        if _is_picture(mime_type) and self._ocr is not None:
            return self._parse_picture(request, self._ocr)
        outcome, answers = self._outcome(request)
        pages = tuple(page + 1 for page in answers.recognised_pages)
        if self._ocr is None or not pages or isinstance(outcome, Unreadable):
            return outcome
        return dataclasses.replace(outcome, recognition=Recognition(str(self._ocr.engine), pages))

    def _outcome(self, request: Message) -> tuple[Document | Unreadable, Answers]:
        """What a file gives, and the answers that say so. It is read twice if the first failure may be chance."""
        answers, failure = self._read(request)
        if failure is not None and failure.may_be_chance and not answers.has_document:
            answers, failure = self._read(request)
            if failure is not None and failure.may_be_chance and not answers.has_document:
                return Unreadable(SkipReason.CRASHED, "the parser was killed twice"), answers
        outcome = answers.outcome() or (failure.unreadable if failure is not None else self._timed_out())
        return outcome, answers

    def _parse_picture(self, request: Message, ocr: Ocr) -> Document | Unreadable:
        """What a picture says of itself and its recognised text. It is partly read where OCR fails."""
        self._recognise_from_now()
        outcome, _ = self._outcome(request)
        if not self._recognises:
            needs_ocr = isinstance(outcome, Unreadable) and outcome.reason is SkipReason.NEEDS_OCR
            return self._needs_ocr() if needs_ocr else _as_partly_read(outcome)
        if isinstance(outcome, Document):
            return dataclasses.replace(outcome, recognition=Recognition(str(ocr.engine)))
        if outcome == Unreadable(SkipReason.NO_TEXT):
            return dataclasses.replace(outcome, detail=f"{ocr.engine} recognises no text in it")
        if outcome.reason not in _FAILURES_OF_OCR:
            return outcome
        self.close()
        self._recognises = False
        said, _ = self._outcome(request)
        return _as_partly_read(said) if isinstance(said, Document) else outcome

    def rest(self) -> None:
        """Free the memory of rapidocr, if it is loaded. Call it when no file waits."""
        if self._ocr is not None and self._ocr.engine is OcrEngine.RAPIDOCR and self._recognises:
            self.close()

    def close(self) -> None:
        """Kill the child, if one runs. The next `parse` starts another."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def _is_running(self) -> bool:
        return self._child is not None and self._child.alive()

    def _may_recognise(self) -> bool:
        """Whether OCR starts, as far as is known: it is not tried again at once."""
        return time.monotonic() >= self._ocr_pause_ends

    def _recognise_from_now(self) -> None:
        """Replace a child that does not recognise text when it is used next, if OCR starts."""
        if not self._recognises and self._may_recognise():
            self.close()
            self._recognises = True

    def _recogniser(self) -> ParserProcess | None:
        """A child that recognises text; None where OCR does not start."""
        self._recognise_from_now()
        child = self._running_child() if self._recognises else None
        return child if self._recognises else None

    def _running_child(self) -> ParserProcess:
        """The child, which is started if none runs: without OCR where it does not start with OCR."""
        if self._child is not None and self._child.alive():
            return self._child
        self.close()
        try:
            self._child = self._start()
        except ServerError as error:
            if self._ocr is None or not self._recognises:
                raise
            self._recognises = False
            self._child = self._start()
            self._pause_ocr(str(error))
        else:
            if self._recognises:
                self._ocr_problem = None
        return self._child

    def _start(self) -> ParserProcess:
        command = self._command or command_of(self._limits, self._ocr, recognises=self._recognises)
        child = ParserProcess(command, self._environment, shares_pdf=self._ocr is not None)
        self._log_walls(child.missing_walls)
        return child

    def _pause_ocr(self, problem: str) -> None:
        """Read without OCR for a while. Logged once until it starts again."""
        if self._ocr_problem is None and self._ocr is not None:
            log.warning("%s does not start, so it reads no text in images: %s", self._ocr.engine, problem)
        self._ocr_problem = problem
        self._ocr_pause_ends = time.monotonic() + _OCR_PAUSE_SECONDS

    def _needs_ocr(self) -> Unreadable:
        return Unreadable(
            SkipReason.NEEDS_OCR, f"{self._ocr and self._ocr.engine} does not start: run 'magicfs doctor'"
        )

    def _log_walls(self, missing: list[Wall]) -> None:
        """Log once whether the child is confined as it should be."""
        if self._walls_are_logged:
            return
        self._walls_are_logged = True
        if missing:
            log.warning("no wall keeps parsers from %s: see 'magicfs doctor'", ", ".join(missing))
        else:
            log.info("walls keep parsers from %s", ", ".join(Wall))

    def _read(self, request: Message) -> tuple[Answers, _Failure | None]:
        """The answers about a file, and the failure that ended them, if one did.

        A document that was read stays. Its pages are recognised by further children where the first one does not
        recognise text, and where one fails: the next one begins at the page at which it did. A page that takes too
        long, or at which two children fail, is left out.
        """
        child = self._running_child()
        deadline = time.monotonic() + self._limits.seconds
        answers = Answers()
        failure = self._exchange(child, request, answers, content=request.body, deadline=deadline)
        failed_before = None
        while (failure is not None or not self._recognises) and answers.pending and time.monotonic() < deadline:
            if failure is not None and self._recognises:
                page = answers.pending_pages[0]
                if page == failed_before or failure.unreadable.reason is SkipReason.TIMEOUT:
                    answers.fail_page(page, failure.unreadable)
                failed_before = page
            if answers.pending:
                loads_ocr, began = not self._recognises, time.monotonic()
                recogniser = self._recogniser()
                if recogniser is None:
                    answers.fail_pending_pages(self._needs_ocr())
                    break
                deadline += time.monotonic() - began if loads_ocr else 0.0
                answers.expect_pages()
                rest = self._request_for_rest(request, answers, deadline=deadline)
                failure = self._exchange(recogniser, rest, answers, content=request.body, deadline=deadline)
        return answers, failure

    def _request_for_rest(self, request: Message, answers: Answers, *, deadline: float) -> Message:
        """The request to recognise the pending pages of a file, whose text another child has read."""
        return Message(
            {
                "mime_type": request.head["mime_type"],
                "pages": list(answers.known_letters.items()),
                "seconds": deadline - time.monotonic(),
                "room": self._limits.text_bytes - answers.text_bytes,
            }
        )

    def _exchange(
        self, child: ParserProcess, request: Message, answers: Answers, *, content: bytes, deadline: float
    ) -> _Failure | None:
        """Send a request about `content` and add all answers to `answers`, or return why they are not complete."""
        served_before = child.served
        try:
            if request.head["mime_type"] == _PDF:
                child.share(content)
            child.send(request, deadline=deadline)
            while not answers.complete:
                room = self._limits.text_bytes - answers.text_bytes
                answers.add(child.receive(max_body_bytes=room, deadline=_next_deadline(answers, deadline)))
        except TimeoutError:
            self.close()
            return _Failure(self._timed_out(), may_be_chance=False)
        except FramingError as error:
            cause, was_killed = child.cause_of_failure(error)
            self.close()
            log.info("the parser failed (%s) on a %s", cause.detail, request.head["mime_type"])
            return _Failure(cause, may_be_chance=was_killed or served_before > 0)
        child.finish_file()
        unreadable = answers.unreadable
        failure = None
        if unreadable is not None and unreadable.reason is SkipReason.BOMB and served_before > 0:
            failure = _Failure(unreadable, may_be_chance=True)
        if answers.is_last or failure is not None:
            self.close()
        return failure

    def _timed_out(self) -> Unreadable:
        return Unreadable(SkipReason.TIMEOUT, f"not read after {self._limits.seconds:g} seconds")


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why the answers about a file are not complete."""

    unreadable: Unreadable
    may_be_chance: bool
    """Whether the cause may be an earlier file of the child, or another process that killed it."""


def _next_deadline(answers: Answers, deadline: float) -> float:
    """When the next answer is due. A page gets half of the time that is left, so that the pages after it get some."""
    if answers.pending <= 1:
        return deadline
    now = time.monotonic()
    return now + (deadline - now) / 2


def _as_partly_read(outcome: Document | Unreadable) -> Document | Unreadable:
    """The outcome of a picture whose text was not recognised."""
    return dataclasses.replace(outcome, unread_pages=1) if isinstance(outcome, Document) else outcome


def _is_picture(mime_type: str) -> bool:
    return mime_type.startswith("image/") and mime_type != SVG_TYPE
