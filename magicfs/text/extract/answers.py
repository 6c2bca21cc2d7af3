"""The answers of the parser process: how `child` encodes an outcome, and how `sandbox` decodes it.

A file has one answer, or several when pages without a text layer are recognised: first the document with the text that
it has, then each page as soon as it is recognised or has failed, then an end. Where another child recognises pages, the
end follows the document. So the parent keeps what was read when the child is killed, and knows at which page that was.
Every field is checked: a file may have taken control of the child. No I/O; an `Answers` is for one thread.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.framing import FramingError, Message
from magicfs.text.extract.plain_text import clean

PAGE_SEPARATOR = "\n\n"

MIN_PAGE_CHARACTERS = 8
"""A page with fewer letters and digits has no text layer: a page number is none."""

_MAX_COUNT = 2**31 - 1
_MAX_DETAIL_CHARACTERS = 300
_MAX_LINE_CHARACTERS = 300
_MAX_MIME_TYPE_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class PartialDocument:
    """A document of which some pages have no text layer; their text can be recognised."""

    document: Document
    """It has page starts; its text may be blank."""
    pages: tuple[int, ...]
    """The pages without a text layer, by number from 0, ascending; at least one."""


def encode_unreadable(unreadable: Unreadable) -> Message:
    """The only answer about a file without text."""
    return Message(_encode_reason(unreadable))


def encode_document(document: Document, *, pages: Sequence[int] = ()) -> Message:
    """The only answer about a document, or the first one when more follow: about its `pages` without a text layer."""
    metadata: dict[str, Any] = {
        "mime_type": document.mime_type,
        "title": _one_line(document.title),
        "author": _one_line(document.author),
        "keywords": _one_line(document.keywords),
        "language": _one_line(document.language),
        "page_starts": document.page_starts,
        "cut_bytes": document.cut_bytes,
        "pages": pages,
    }
    return Message(metadata, document.text.encode("utf-8"))


def encode_page(page: int, text: str) -> Message:
    """The answer with the recognised text of a page; pages count from 0."""
    return Message({"page": page}, text.encode("utf-8"))


def encode_unread_page(page: int, unreadable: Unreadable) -> Message:
    """The answer about a page that could not be recognised; pages count from 0."""
    return Message({"page": page, **_encode_reason(unreadable)})


def encode_end(*, cut_bytes: int = 0) -> Message:
    """The last answer about a document with recognised pages, of whose texts `cut_bytes` were cut off."""
    return Message({"cut_bytes": cut_bytes})


def as_final(answer: Message, *, is_last: bool) -> Message:
    """The last answer about a file; `is_last` announces the end of the child."""
    return Message({**answer.head, "last": is_last}, answer.body)


class Answers:
    """Collects the answers about one file, of one child or of several in turn."""

    def __init__(self) -> None:
        self.complete = False
        """Whether the file has no further answer."""
        self.is_last = False
        """Whether the child ends after this file."""
        self.text_bytes = 0
        """The bytes of UTF-8 that were received."""
        self._outcome: Document | Unreadable | None = None
        self._pages: frozenset[int] = frozenset()
        self._texts: dict[int, str] = {}
        self._failures: dict[int, Unreadable] = {}
        self._cut_bytes = 0

    @property
    def has_document(self) -> bool:
        """Whether a document was read; some of its pages may be pending."""
        return isinstance(self._outcome, Document)

    @property
    def unreadable(self) -> Unreadable | None:
        """Why the file was not read, if that was the answer."""
        return self._outcome if isinstance(self._outcome, Unreadable) else None

    @property
    def known_letters(self) -> dict[int, int]:
        """The pages about which there is no answer yet, ascending; each with the few letters of its text layer."""
        return letters_of_pages(self._outcome, self.pending_pages) if isinstance(self._outcome, Document) else {}

    @property
    def recognised_pages(self) -> tuple[int, ...]:
        """The pages with recognised text, ascending."""
        return tuple(page for page in sorted(self._texts) if self._texts[page].strip())

    @property
    def pending(self) -> int:
        """The number of pages about which there is no answer yet."""
        return len(self._pages) - len(self._texts) - len(self._failures)

    @property
    def pending_pages(self) -> tuple[int, ...]:
        """Those pages, ascending: the child works on the first one."""
        return tuple(sorted(self._pages - self._texts.keys() - self._failures.keys()))

    def add(self, answer: Message) -> None:
        """Decode one answer. Raises `FramingError` when it is malformed."""
        try:
            if self._outcome is None:
                self._outcome = _decode_outcome(answer)
                self._pages = _decode_pages(answer, self._outcome)
                self.complete = not self._pages
            elif "page" in answer.head:
                self._add_page(answer)
            else:
                self._cut_bytes = _count(answer.head["cut_bytes"])
                self.complete = True
        except (KeyError, TypeError, ValueError) as error:
            raise FramingError(f"{type(error).__name__}: {error}"[:_MAX_DETAIL_CHARACTERS]) from error
        self.text_bytes += len(answer.body)
        self.is_last = bool(answer.head.get("last"))

    def expect_pages(self) -> None:
        """Go on with the answers of another child about the pending pages."""
        self.complete = False

    def fail_page(self, page: int, unreadable: Unreadable) -> None:
        """Record why a page was not recognised."""
        self._failures[page] = unreadable

    def fail_pending_pages(self, unreadable: Unreadable) -> None:
        """Record why the pages about which there is no answer yet are not recognised."""
        self._failures |= dict.fromkeys(self.pending_pages, unreadable)

    def outcome(self) -> Document | Unreadable | None:
        """The outcome so far; None while no text was read and nothing says why."""
        if self._outcome is None or isinstance(self._outcome, Unreadable) or not self._pages:
            return self._outcome
        document = dataclasses.replace(
            insert_page_texts(self._outcome, self._texts),
            cut_bytes=self._outcome.cut_bytes + self._cut_bytes,
            unread_pages=len(self._pages) - len(self._texts),
        )
        if document.text and not document.text.isspace():
            return document
        if not document.unread_pages:
            return Unreadable(SkipReason.NO_TEXT, "no text was recognised in its pages")
        return next(iter(self._failures.values()), None)

    def _add_page(self, answer: Message) -> None:
        page = int(answer.head["page"])
        if page not in self._pages or page in self._texts or page in self._failures:
            raise ValueError(f"page {page} was not expected")
        if "reason" in answer.head:
            self._failures[page] = _decode_reason(answer)
        else:
            self._texts[page] = clean(answer.body.decode("utf-8", errors="replace"))


def letters_of_pages(document: Document, pages: Collection[int]) -> dict[int, int]:
    """The letters and digits in the text layer of some pages: at most those of a page without one, which are few."""
    return {
        page: _letters_and_digits(text, limit=MIN_PAGE_CHARACTERS)
        for page, text in enumerate(_page_texts(document))
        if page in pages
    }


def pages_without_text(document: Document) -> tuple[int, ...]:
    """The pages that have no text layer, by number from 0, ascending."""
    letters = letters_of_pages(document, range(len(document.page_starts)))
    return tuple(page for page, count in letters.items() if count < MIN_PAGE_CHARACTERS)


def insert_page_texts(document: Document, texts: Mapping[int, str]) -> Document:
    """The document with the given texts of pages, by number from 0.

    A page keeps its own text when the given one has no more letters and digits.
    """
    pages = list(_page_texts(document))
    for page, text in texts.items():
        if _letters_and_digits(text) > _letters_and_digits(pages[page]):
            pages[page] = text.strip() + PAGE_SEPARATOR
    starts = tuple(accumulate((len(page) for page in pages[:-1]), initial=0))
    return dataclasses.replace(document, text="".join(pages), page_starts=starts)


def _page_texts(document: Document) -> Iterator[str]:
    return (document.text[start:end] for start, end in pairwise([*document.page_starts, len(document.text)]))


def _letters_and_digits(text: str, *, limit: int | None = None) -> int:
    """The number of letters and digits, counted up to about `limit`."""
    count = 0
    for character in text:
        count += character.isalnum()
        if limit is not None and count >= limit:
            break
    return count


def _decode_outcome(answer: Message) -> Document | Unreadable:
    head = answer.head
    if "reason" in head:
        return _decode_reason(answer)
    return Document(
        text=clean(answer.body.decode("utf-8", errors="replace")),
        mime_type=str(head["mime_type"])[:_MAX_MIME_TYPE_CHARACTERS],
        title=_clean_or_none(head.get("title")),
        author=_clean_or_none(head.get("author")),
        keywords=_clean_or_none(head.get("keywords")),
        language=_clean_or_none(head.get("language")),
        page_starts=tuple(int(start) for start in head["page_starts"]),
        cut_bytes=_count(head["cut_bytes"]),
    )


def _encode_reason(unreadable: Unreadable) -> dict[str, Any]:
    return {"reason": unreadable.reason.value, "detail": _one_line(unreadable.detail)}


def _decode_reason(answer: Message) -> Unreadable:
    detail = clean(str(answer.head.get("detail") or ""))[:_MAX_DETAIL_CHARACTERS]
    return Unreadable(SkipReason(answer.head["reason"]), detail)


def _decode_pages(answer: Message, outcome: Document | Unreadable) -> frozenset[int]:
    """The pages about which further answers follow."""
    if isinstance(outcome, Unreadable):
        return frozenset()
    pages = frozenset(int(page) for page in answer.head["pages"])
    starts = outcome.page_starts
    if pages and (max(pages) >= len(starts) or min(pages) < 0 or starts[0] != 0 or list(starts) != sorted(starts)):
        raise ValueError("pages that the document does not have")
    return pages


def _one_line(value: str | None) -> str | None:
    """Metadata as one clean line of bounded length, or None when it is blank."""
    return None if value is None else " ".join(clean(value).split())[:_MAX_LINE_CHARACTERS] or None


def _count(value: Any) -> int:
    """A number of bytes or pages that Postgres can store. Raises `TypeError` or `ValueError` for another value."""
    return min(max(int(value), 0), _MAX_COUNT)


def _clean_or_none(value: Any) -> str | None:
    return None if value is None else clean(str(value))
