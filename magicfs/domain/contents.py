"""What was read of a content, the distinct bytes of files: its text and what was left out, or why it has no text.

`stored_contents` has contents as the database keeps them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from magicfs.domain.files import FileState, SkipReason
from magicfs.domain.ids import Digest

EXTRACTOR_VERSION = 3
"""To be raised when all kinds of files get other texts or chunks: every file is then read again, text or not.
`magicfs.text.extract.versions` has higher versions of single kinds."""

_MAX_RANGES = 20
"""The ranges of pages that are told."""
_RANGE = re.compile(r"(\d+)(?:-(\d+))?")

WAITING = "waiting"
"""What is said of pages that are read later, in the place of a reason."""

NO_OCR = "none"
"""Stands for the OCR of a content of which pages wait until there is one."""


@dataclass(frozen=True, slots=True)
class Recognition:
    """What has recognised text in the pictures of a file, and where."""

    engine: str
    """The name of the OCR, such as `tesseract`."""
    pages: tuple[int, ...] = ()
    """The pages, by number from 1, ascending; empty for a file that is a picture."""
    are_pictures: bool = False
    """Whether these are pictures in a document, rather than its pages."""

    @classmethod
    def parse(cls, said: str) -> Recognition:
        """What its `str` says; of very many ranges of pages, that has the first ones."""
        engine, _, pages = said.partition(", ")
        ranges = [(int(first), int(last or first)) for first, last in _RANGE.findall(pages.partition(" and ")[0])]
        numbers = tuple(page for first, last in ranges for page in range(first, last + 1))
        return cls(engine, numbers, are_pictures=pages.startswith("picture"))

    def __str__(self) -> str:
        """One line for a person, such as `tesseract, pages 1-3, 7`."""
        pages = _for_people(self.pages, are_pictures=self.are_pictures)
        return f"{self.engine}, {pages}" if self.pages else self.engine


@dataclass(frozen=True, slots=True)
class UnreadPages:
    """Pages that were not read, all for one reason."""

    reason: SkipReason
    pages: tuple[int, ...] = ()
    """By number from 1, ascending; empty for a file that is a picture."""
    are_pictures: bool = False
    """Whether these are pictures in a document, rather than its pages."""

    @property
    def count(self) -> int:
        """The number of pages; a picture is one."""
        return max(1, len(self.pages))

    def __str__(self) -> str:
        """One line for a person, such as `pages 3, 7-9: timeout`."""
        pages = _for_people(self.pages, are_pictures=self.are_pictures)
        return f"{pages}: {self.reason}" if self.pages else str(self.reason)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in a document that may show text."""

    digest: Digest
    """Digest that tells its bytes from others: the same picture has the same text in every document."""
    page: int | None = None
    """The number, from 1, of the page or slide that shows it first; None in formats without pages."""


@dataclass(frozen=True, slots=True)
class PageText:
    """What was read of a page that has no text layer, or a few words only, or of a picture in a document."""

    text: str
    """Empty for one that shows nothing more, and for one that could not be read."""
    is_recognised: bool = False
    """Whether OCR has read it."""
    failure: SkipReason | None = None
    """Why it could not be read; None if it was."""


@dataclass(frozen=True, slots=True)
class UnreadPart:
    """A part of a file, such as a sheet, a chapter or an attached file, that could not be read."""

    name: str
    """The path of a member in its container, or the name of an attached file."""
    reason: SkipReason


@dataclass(frozen=True, slots=True)
class UnreadParts:
    """The parts of a file that could not be read."""

    count: int
    """At least one."""
    of: int
    """The parts that were looked at, these included."""
    some: tuple[UnreadPart, ...] = ()
    """The first of them."""

    def __str__(self) -> str:
        """One line for a person, such as `2 of 14 parts could not be read: a.docx (encrypted), b.xlsx (corrupt)`."""
        parts = "part" if self.of == 1 else "parts"
        named = ", ".join(f"{part.name} ({part.reason})" for part in self.some)
        more = f" and {self.count - len(self.some)} more" if self.count > len(self.some) else ""
        return f"{self.count} of {self.of} {parts} could not be read: {named}{more}"


@dataclass(frozen=True, slots=True)
class Gap:
    """The part of a large file that is not in its content: its middle, or everything after its beginning."""

    offset: int
    """Where in the content the end of the file begins; a multiple of four, as its place in the file is."""
    length: int
    """The bytes of the part."""
    line_ends: int
    """The line ends in the file before its end begins."""


@dataclass(frozen=True, slots=True)
class Omission:
    """The place in the text of a document at which the middle of the file is left out."""

    offset: int
    """Where in the text the line begins that follows."""
    line: int
    """The number of that line in the file, from 1."""


def _for_people(pages: Sequence[int], *, are_pictures: bool) -> str:
    """Ascending numbers of pages or pictures as `page 3` or `pages 1-3, 7`."""
    ranges: list[list[int]] = []
    for page in pages:
        if ranges and page == ranges[-1][1] + 1:
            ranges[-1][1] = page
        else:
            ranges.append([page, page])
    more = f" and {len(ranges) - _MAX_RANGES} more" if len(ranges) > _MAX_RANGES else ""
    texts = [str(first) if first == last else f"{first}-{last}" for first, last in ranges[:_MAX_RANGES]]
    return f"{'picture' if are_pictures else 'page'}{'s' if len(pages) > 1 else ''} {', '.join(texts)}{more}"


@dataclass(frozen=True, slots=True)
class Document:
    """The text of one file, and the metadata that its format has."""

    text: str
    mime_type: str
    title: str | None = None
    author: str | None = None
    keywords: str | None = None
    """What the document says that it is about, besides its title."""
    language: str | None = None
    """ISO 639-1; from a parser, the tag that the file states, such as `en-US`, or None."""
    page_starts: tuple[int, ...] = field(default=())
    """Offsets in `text` at which pages begin, ascending; empty for formats without pages."""
    first_page: int | None = 1
    """The number of the first of them; None where it is not known how many pages were left out before it."""
    headings: tuple[tuple[int, int], ...] = ()
    """The lines that a parser has found to be headings, from 1, ascending, each with its rank, the highest one 1; empty
    where the text itself marks its headings."""
    pictures: tuple[Picture, ...] = ()
    """Pictures in it that may show text. Where there are any, the numbers of pages that are pending, unread, recognised
    or read are those of pictures, from 1. Their texts are not in `text`: see `with_picture_texts`."""
    has_unseen_pictures: bool = False
    """Whether pages with a text show pictures at which no OCR has looked, because there is none."""
    cut_bytes: int = 0
    """Bytes beyond the limit of a text, which are not in `text`."""
    omission: Omission | None = None
    """Where in the text they stood; None where they followed it."""
    unread: tuple[UnreadPages, ...] = ()
    """Pages that were not read or not recognised, by their reasons: the time was over, or the parser failed."""
    pending_pages: tuple[int, ...] = ()
    """Pages whose turn did not come before the time was over, by number from 1, ascending: they are read later."""
    page_texts: Mapping[int, PageText] = field(default_factory=dict, hash=False)
    """While some are pending, what was read of others, by number from 1: those are not read again. Of pictures, also
    when none is pending: other documents may have the same."""
    unread_parts: UnreadParts | None = None
    """Parts that are damaged or need a password, such as sheets and attached files; None if all were read."""
    encoded_characters: int = 0
    """Characters of encoded data, such as pictures in base64, that were taken out of the text."""
    recognition: Recognition | None = None
    """What has recognised text in its pictures; None if nothing has."""

    @property
    def chunk_bounds(self) -> tuple[int, ...]:
        """Offsets in `text` at which a chunk begins, ascending: those of pages, and of the omission."""
        if self.omission is None:
            return self.page_starts
        return tuple(sorted({*self.page_starts, self.omission.offset}))

    @property
    def unread_pages(self) -> int:
        """The number of pages in `unread`, and of those that are read later."""
        return sum(unread.count for unread in self.unread) + len(self.pending_pages)

    @property
    def missing_pages(self) -> tuple[int | None, ...]:
        """The pages that an earlier reading may have read better: pending ones, and failed ones; None for a picture.

        None of pictures in a document: what was read of these is known by their digests.
        """
        if self.pictures:
            return ()
        failed = [unread for unread in self.unread if unread.reason is not SkipReason.TOO_LARGE]
        return (*self.pending_pages, *(page for unread in failed for page in unread.pages or (None,)))

    @property
    def unread_detail(self) -> str | None:
        """The pages that were not read, and why, such as `page 3: timeout; pages 41-300: waiting`; None if all were."""
        waiting = _for_people(self.pending_pages, are_pictures=bool(self.pictures))
        pending = [f"{waiting}: {WAITING}"] if self.pending_pages else []
        return "; ".join([*map(str, self.unread), *pending]) or None

    @property
    def ocr(self) -> str | None:
        """The OCR that has recognised its pictures, `NO_OCR` while some wait for one; None without either."""
        is_unseen = bool(self.pictures) and not self.pending_pages and not self.page_texts
        if (
            is_unseen
            or self.has_unseen_pictures
            or any(unread.reason is SkipReason.NEEDS_OCR for unread in self.unread)
        ):
            return NO_OCR
        return self.recognition.engine if self.recognition is not None else None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The reason why a file has no text."""

    reason: SkipReason
    detail: str = ""
    """One line for a person, such as the message of the parser."""
    ocr: str | None = field(default=None, compare=False)
    """The OCR that has found no text in its pictures; None if none has looked."""

    def state(self, *, kind: str) -> FileState:
        """The state of a file whose content has this kind. A picture without OCR is a file without text."""
        if self.reason is SkipReason.NEEDS_OCR and kind.startswith("image/"):
            return FileState.NAMED
        return self.reason.state
