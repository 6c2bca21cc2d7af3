"""Collects the answers of parser processes about a file, for `file_reading`.

A file has one answer, or several when pages are read one by one, because their text layers are missing or fail: first
the document with the text that it has, then each page as soon as it is read or has failed, then an end. Pages without
an answer are left to another child. So the parent keeps what was read when the child is killed, and knows at which page
that was.
No I/O; an `Answers` is for one thread.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from magicfs.domain.contents import Document, PageText, Unreadable, UnreadPages
from magicfs.domain.files import SkipReason
from magicfs.ipc.framing import FramingError, Message
from magicfs.text.extract.pdf.page_texts import insert_page_texts
from magicfs.text.extract.plain.plain_text import clean
from magicfs.text.extract.process.answer_messages import (
    MAX_DETAIL_CHARACTERS,
    count,
    decode_later_pages,
    decode_outcome,
    decode_pages,
    decode_reason,
)


class Answers:
    """Collects the answers about one file, of one child or of several in turn."""

    def __init__(self, known: Mapping[int, PageText] | None = None) -> None:
        """`known` has the pages that were read before, by number from 0: no answer comes about these."""
        self._known = known or {}
        self.complete = False
        """Whether the file has no further answer."""
        self.is_last = False
        """Whether the child ends after this file."""
        self.is_out_of_reach = False
        """Whether the disk or the network of the file has failed: pages that looked empty are pending again."""
        self.text_bytes = 0
        """The bytes of UTF-8 that were received."""
        self._outcome: Document | Unreadable | None = None
        self._letters: dict[int, int] = {}
        """The pages about which further answers follow, in the order in which they are read; see `pages_in_order`."""
        self.pages_beside_text: tuple[int, ...] = ()
        """The pages with a text layer and pictures, which are read when no file waits: no answer comes about these."""
        self._texts: dict[int, str] = {}
        self._recognised: set[int] = set()
        self._failures: dict[int, Unreadable] = {}
        self._cut_bytes = 0

    @property
    def has_document(self) -> bool:
        """Whether a document was read; some of its pages may be pending."""
        return isinstance(self._outcome, Document)

    @property
    def are_pictures(self) -> bool:
        """Whether what is read are pictures in the document, not its pages."""
        return isinstance(self._outcome, Document) and bool(self._outcome.pictures)

    @property
    def unreadable(self) -> Unreadable | None:
        """Why the file was not read, if that was the answer."""
        return self._outcome if isinstance(self._outcome, Unreadable) else None

    @property
    def known_letters(self) -> dict[int, int]:
        """The pages about which there is no answer yet; each with the few letters of its text layer.

        They are in the order in which a child reads them: it works on the first one.
        """
        return {page: letters for page, letters in self._letters.items() if self._is_pending(page)}

    @property
    def pending_pages(self) -> tuple[int, ...]:
        """The pages about which there is no answer yet, in the order in which a child reads them."""
        return tuple(self.known_letters)

    @property
    def pending(self) -> int:
        """The number of pages about which there is no answer yet."""
        return len(self._letters) - len(self._texts) - len(self._failures)

    @property
    def recognised_pages(self) -> tuple[int, ...]:
        """The pages with recognised text, ascending."""
        return tuple(page for page in sorted(self._recognised) if self._texts[page].strip())

    @property
    def has_corrupt_pages(self) -> bool:
        """Whether a page that was not known before could not be recognised."""
        return any(self._is_corrupt(page) for page in self._failures)

    @property
    def has_progress(self) -> bool:
        """Whether there is an answer about a page that was not known before."""
        return not self._known.keys() >= self._texts.keys() | self._failures.keys()

    @property
    def known_bytes(self) -> int:
        """The bytes of UTF-8 of the pages that were read before."""
        return sum(len(page.text.encode("utf-8")) for page in self._known.values())

    def _doubt_pages(self) -> None:
        """Take back the answers about pages that had no text, or could not be recognised."""
        new = (self._texts.keys() | self._failures.keys()) - self._known.keys()
        for page in [page for page in new if not self._texts.get(page, "").strip()]:
            self._texts.pop(page, None)
            self._failures.pop(page, None)
            self._recognised.discard(page)

    def _is_corrupt(self, page: int) -> bool:
        return page not in self._known and self._failures[page].reason is SkipReason.CORRUPT

    def _is_pending(self, page: int) -> bool:
        return page not in self._texts and page not in self._failures

    def add(self, answer: Message) -> None:
        """Decode one answer. Raises `FramingError` when it is malformed."""
        try:
            if self._outcome is None:
                self._outcome = decode_outcome(answer)
                self._letters = decode_pages(answer, self._outcome)
                self.pages_beside_text = decode_later_pages(answer, self._outcome)
                self._add_known()
                self.complete = not self._letters
            elif "page" in answer.head:
                self._add_page(answer)
            else:
                self._cut_bytes = count(answer.head["cut_bytes"])
                self.complete = True
        except (KeyError, TypeError, ValueError) as error:
            raise FramingError(f"{type(error).__name__}: {error}"[:MAX_DETAIL_CHARACTERS]) from error
        self.text_bytes += len(answer.body)
        self.is_last = bool(answer.head.get("last"))
        if answer.head.get("out_of_reach"):
            self.is_out_of_reach = True
            self._doubt_pages()

    def expect_pages(self) -> None:
        """Go on with the answers of another child about the pending pages."""
        self.complete = False

    def fail_page(self, page: int, unreadable: Unreadable) -> None:
        """Record why a page was not recognised."""
        self._failures[page] = unreadable

    def lack_ocr(self, unreadable: Unreadable) -> None:
        """Record that there is no OCR for the pages that have no answer, and those that could not be recognised."""
        without = [*self.pending_pages, *(page for page in self._failures if self._is_corrupt(page))]
        self._failures |= dict.fromkeys(without, unreadable)

    def outcome(self) -> Document | Unreadable | None:
        """The outcome so far; None while no text was read and nothing says why."""
        if (
            self._outcome is None
            or isinstance(self._outcome, Unreadable)
            or not (self._letters or self.pages_beside_text)
        ):
            return self._outcome
        pending = (
            ()
            if self._cut_bytes
            else tuple(page + 1 for page in sorted({*self.pending_pages, *self.pages_beside_text}))
        )
        document = dataclasses.replace(
            self._outcome if self.are_pictures else insert_page_texts(self._outcome, self._texts),
            cut_bytes=self._outcome.cut_bytes + self._cut_bytes,
            unread=self._unread(),
            pending_pages=pending,
            page_texts=self._page_texts() if pending or self.are_pictures else {},
        )
        if (document.text and not document.text.isspace()) or document.page_texts:
            return document
        if not document.unread_pages:
            return Unreadable(SkipReason.NO_TEXT, "no text was recognised in its pages")
        return next(iter(self._failures.values()), None)

    def _unread(self) -> tuple[UnreadPages, ...]:
        """The pages with a failure, by their reasons; no page is read any more when there is no room for text."""
        reasons = {page: failure.reason for page, failure in self._failures.items()}
        if self._cut_bytes:
            reasons |= dict.fromkeys(self.pending_pages, SkipReason.TOO_LARGE)
        pages: dict[SkipReason, list[int]] = {}
        for page, reason in sorted(reasons.items()):
            pages.setdefault(reason, []).append(page + 1)
        return tuple(UnreadPages(reason, tuple(numbers), self.are_pictures) for reason, numbers in pages.items())

    def _page_texts(self) -> dict[int, PageText]:
        """What was read of pages, by number from 1."""
        read = {page + 1: PageText(text, page in self._recognised) for page, text in self._texts.items()}
        return read | {
            page + 1: PageText("", failure=failed.reason)
            for page, failed in self._failures.items()
            if failed.reason is not SkipReason.NEEDS_OCR
        }

    def _add_known(self) -> None:
        """Add what was read before of the pages about which further answers follow."""
        for page, read in self._known.items():
            if page not in self._letters:
                continue
            if read.failure is not None:
                self._failures[page] = Unreadable(read.failure)
                continue
            self._texts[page] = read.text
            if read.is_recognised:
                self._recognised.add(page)
        self.text_bytes += self.known_bytes

    def _add_page(self, answer: Message) -> None:
        page = int(answer.head["page"])
        if page not in self._letters or not self._is_pending(page):
            raise ValueError(f"page {page} was not expected")
        if "reason" in answer.head:
            self._failures[page] = decode_reason(answer)
            return
        self._texts[page] = clean(answer.body.decode("utf-8", errors="replace"))
        if answer.head["recognised"]:
            self._recognised.add(page)
