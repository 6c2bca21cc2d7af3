"""Parses files in a child process (`child`), and says what its answers mean for a picture and for OCR.

Used by `FileExtractor`. `file_reading` asks the process, and `child_keeper` starts it and replaces it. Not thread-safe:
a sandbox belongs to the thread that uses it first, and the kernel kills the child when that thread ends.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from magicfs.domain.contents import Document, PageText, Recognition, Unreadable, UnreadPages
from magicfs.domain.files import SkipReason
from magicfs.text.extract.file_types import NOT_RECOGNISED
from magicfs.text.extract.options import Limits, Ocr, Wall
from magicfs.text.extract.process.answers import Answers
from magicfs.text.extract.process.child_keeper import ChildKeeper
from magicfs.text.extract.process.file_reading import FAILURES_OF_A_PART, FileReading, Source
from magicfs.text.extract.process.time_limit import TimeLimit


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
        return self._parse(Source(mime_type, content))

    def parse_open(self, descriptor: int, *, mime_type: str) -> Document | Unreadable:
        """The text of an open PDF file, which a process reads itself: it may be larger than the memory.

        What is cut off meanwhile is missing. Raises `ServerError` as `parse` does.
        """
        return self._parse(Source(mime_type, descriptor=descriptor))

    def go_on(
        self, source: bytes | int, *, mime_type: str, page_texts: Mapping[int, PageText]
    ) -> Document | Unreadable:
        """The text of a file that had pending pages or pictures: what was read of others, by number from 1, stays.

        `source` is its bytes or its descriptor. Pages are begun for `PAGES_SECONDS`. One at least has an answer
        afterwards if the file can be read at all. Nothing was read if there is no OCR any more that has
        recognised others (`NEEDS_OCR`), or the file is out of reach (`VANISHED`). Raises `ServerError` as `parse` does.
        """
        known = {page - 1: read for page, read in page_texts.items()}
        if isinstance(source, bytes):
            return self._parse(Source(mime_type, source, known=known))
        return self._parse(Source(mime_type, descriptor=source, known=known))

    def _parse(self, source: Source) -> Document | Unreadable:
        self._children.prepare()
        reading = FileReading(source, children=self._children, limits=self._limits, ocr=self._ocr)
        is_picture = source.mime_type.startswith("image/") and source.mime_type not in NOT_RECOGNISED
        if is_picture and self._ocr is not None:
            return self._parse_picture(reading, self._ocr)
        outcome, answers = reading.outcome()
        if self._ocr is None:
            return _as_partly_read(outcome, SkipReason.NEEDS_OCR) if is_picture else _without_pictures(outcome, answers)
        if isinstance(outcome, Unreadable):
            has_looked = outcome.reason is SkipReason.NO_TEXT and answers.has_document
            return dataclasses.replace(outcome, ocr=str(self._ocr.engine)) if has_looked else outcome
        if outcome.pictures and source.known is None:
            return dataclasses.replace(outcome, pending_pages=tuple(range(1, len(outcome.pictures) + 1)))
        pages = tuple(page + 1 for page in answers.recognised_pages)
        recognition = Recognition(str(self._ocr.engine), pages, are_pictures=bool(outcome.pictures))
        return dataclasses.replace(outcome, recognition=recognition) if pages else outcome

    def _parse_picture(self, reading: FileReading, ocr: Ocr) -> Document | Unreadable:
        """What a picture says of itself and its recognised text. It is partly read where OCR fails."""
        self._children.recognise_from_now()
        outcome, _ = reading.outcome()
        if not self._children.recognises:
            needs_ocr = isinstance(outcome, Unreadable) and outcome.reason is SkipReason.NEEDS_OCR
            return reading.needs_ocr() if needs_ocr else _as_partly_read(outcome, SkipReason.NEEDS_OCR)
        if isinstance(outcome, Document):
            return dataclasses.replace(outcome, recognition=Recognition(str(ocr.engine)))
        if outcome == Unreadable(SkipReason.NO_TEXT):
            engine = str(ocr.engine)
            return dataclasses.replace(outcome, detail=f"{engine} recognises no text in it", ocr=engine)
        if outcome.reason is SkipReason.CORRUPT and self._children.has_lost_ocr():
            outcome = reading.needs_ocr()
        elif outcome.reason not in FAILURES_OF_A_PART:
            return outcome
        self._children.stop_recognising()
        said, _ = reading.outcome()
        return _as_partly_read(said, outcome.reason) if isinstance(said, Document) else outcome

    def free_memory(self) -> None:
        """Free the memory of rapidocr, if it is loaded. Call it when no file waits."""
        self._children.free_memory()

    def close(self) -> None:
        """Kill the child, if one runs. The next `parse` starts another."""
        self._children.close()


def _without_pictures(outcome: Document | Unreadable, answers: Answers) -> Document | Unreadable:
    """The outcome without OCR: pages with a text do not wait for their pictures."""
    if isinstance(outcome, Unreadable) or not answers.pages_beside_text:
        return outcome
    pending = tuple(page for page in outcome.pending_pages if page - 1 not in answers.pages_beside_text)
    page_texts = outcome.page_texts if pending else {}
    return dataclasses.replace(outcome, pending_pages=pending, page_texts=page_texts, has_unseen_pictures=True)


def _as_partly_read(outcome: Document | Unreadable, reason: SkipReason) -> Document | Unreadable:
    """The outcome of a picture whose text was not recognised for this reason."""
    if isinstance(outcome, Unreadable):
        return outcome
    return dataclasses.replace(outcome, unread=(UnreadPages(reason),))
