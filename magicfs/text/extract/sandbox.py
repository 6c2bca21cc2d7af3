"""Parses files in a child process (`child`), which is started when a file needs it and replaced when it fails.

Used by `FileExtractor`. Says what is asked of the child and what follows from a failure; `parser_process` is the
process itself. Not thread-safe: a sandbox belongs to the thread that uses it first, and the kernel kills the child when
that thread ends.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from magicfs.domain.contents import Document, Recognition, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.framing import FramingError, Message
from magicfs.text.extract.answers import Answers
from magicfs.text.extract.options import Limits, Ocr, OcrEngine, Wall
from magicfs.text.extract.parser_process import ParserProcess
from magicfs.text.extract.xml_documents import SVG_TYPE

log = logging.getLogger(__name__)

_INHERITED_VARIABLES = (
    "PATH",
    "PYTHONPATH",
    "PYTHONHOME",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
    "LANG",
    "LC_ALL",
    "TMPDIR",
)
"""The child gets no other variable: passwords and server addresses stay out of it."""

_PDF = "application/pdf"


class Sandbox:
    """Parses files in a child process, one at a time."""

    def __init__(self, *, limits: Limits, ocr: Ocr | None = None, command: Sequence[str] | None = None) -> None:
        """Start no process yet; the first `parse` does.

        `command` is a program that speaks the protocol of `child.serve`; the default is `magicfs.text.extract.child`,
        in which rapidocr is loaded only when a picture or a scanned page comes.
        """
        self._limits = limits
        self._ocr = ocr
        self._environment = _environment(ocr)
        self._command = command
        self._child: ParserProcess | None = None
        self._recognises = False
        """Whether the child recognises text itself. rapidocr is loaded in one only when a file needs it."""
        self._walls_are_logged = False

    def missing_walls(self) -> list[Wall]:
        """The walls that do not stand around the child, which is started if none runs.

        Raises `ServerError` when no child can be started.
        """
        return self._running_child().missing_walls

    def parse(self, content: bytes, *, mime_type: str) -> Document | Unreadable:
        """The text of a file of this type, or why there is none. A document may be partly read: see `Document`.

        Raises `ServerError` when no child can be started.
        """
        if not self._is_running():
            self._recognises = self._ocr is None or self._ocr.engine is not OcrEngine.RAPIDOCR
        if _is_picture(mime_type):
            self._recognise_from_now()
        request = Message({"mime_type": mime_type}, content)
        answers, failure = self._read(request)
        if failure is not None and failure.may_be_chance and not answers.has_document:
            answers, failure = self._read(request)
            if failure is not None and failure.may_be_chance and not answers.has_document:
                return Unreadable(SkipReason.CRASHED, "the parser was killed twice")
        outcome = answers.outcome() or (failure.unreadable if failure is not None else self._timed_out())
        return self._with_recognition(outcome, answers, mime_type)

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

    def _recognise_from_now(self) -> None:
        """Replace a child that does not recognise text when it is used next."""
        if not self._recognises:
            self.close()
            self._recognises = True

    def _load_recogniser(self) -> float:
        """Start a child that recognises text if there is none yet. Returns the seconds that it took."""
        if self._recognises:
            return 0.0
        began = time.monotonic()
        self._recognise_from_now()
        self._running_child()
        return time.monotonic() - began

    def _with_recognition(
        self, outcome: Document | Unreadable, answers: Answers, mime_type: str
    ) -> Document | Unreadable:
        """The outcome, and what recognised text in its pictures."""
        if self._ocr is None:
            return outcome
        if isinstance(outcome, Unreadable):
            if _is_picture(mime_type) and outcome == Unreadable(SkipReason.NO_TEXT):
                return dataclasses.replace(outcome, detail=f"{self._ocr.engine} recognises no text in it")
            return outcome
        pages = tuple(page + 1 for page in answers.recognised_pages)
        if not pages and not _is_picture(mime_type):
            return outcome
        return dataclasses.replace(outcome, recognition=Recognition(str(self._ocr.engine), pages))

    def _running_child(self) -> ParserProcess:
        if self._child is None or not self._child.alive():
            self.close()
            command = self._command or _command(self._limits, self._ocr, recognises=self._recognises)
            self._child = ParserProcess(command, self._environment, shares_pdf=self._ocr is not None)
            self._log_walls(self._child.missing_walls)
        return self._child

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
        self._running_child()
        deadline = time.monotonic() + self._limits.seconds
        answers = Answers()
        failure = self._exchange(request, answers, content=request.body, deadline=deadline)
        failed_before = None
        while (failure is not None or not self._recognises) and answers.pending and time.monotonic() < deadline:
            if failure is not None and self._recognises:
                page = answers.pending_pages[0]
                if page == failed_before or failure.unreadable.reason is SkipReason.TIMEOUT:
                    answers.fail_page(page, failure.unreadable)
                failed_before = page
            if answers.pending:
                deadline += self._load_recogniser()
                answers.expect_pages()
                rest = self._request_for_rest(request, answers, deadline=deadline)
                failure = self._exchange(rest, answers, content=request.body, deadline=deadline)
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

    def _exchange(self, request: Message, answers: Answers, *, content: bytes, deadline: float) -> _Failure | None:
        """Send a request about `content` and add all answers to `answers`, or return why they are not complete."""
        child = self._running_child()
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


def _is_picture(mime_type: str) -> bool:
    return mime_type.startswith("image/") and mime_type != SVG_TYPE


def _command(limits: Limits, ocr: Ocr | None, *, recognises: bool) -> list[str]:
    """The command line of `child`. `-P` keeps the working directory out of its import path."""
    arguments = [json.dumps(ocr and dataclasses.asdict(ocr)), json.dumps(recognises)]
    arguments = [json.dumps(dataclasses.asdict(limits)), *arguments]
    return [sys.executable, "-P", "-m", "magicfs.text.extract.child", *arguments]


def _environment(ocr: Ocr | None) -> dict[str, str]:
    environment = {name: os.environ[name] for name in _INHERITED_VARIABLES if name in os.environ}
    environment["MALLOC_ARENA_MAX"] = "2"  # one arena per thread would use up the address space
    if ocr is not None and ocr.engine is OcrEngine.TESSERACT:
        environment["TESSDATA_PREFIX"] = ocr.data_dir
    return environment
