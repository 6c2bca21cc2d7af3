"""Puts the text of Word and PowerPoint documents of before 2007 into what kreuzberg says of them: titles and headings.

Runs in the child process, called by `document_parser`. The readers are `word_files` and `slide_files`. Pure functions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import accumulate
from typing import Final

from magicfs.domain.contents import Document, Unreadable
from magicfs.text.extract.answers import PartialDocument
from magicfs.text.extract.ole_files import OleFile
from magicfs.text.extract.page_texts import PAGE_SEPARATOR
from magicfs.text.extract.part_count import DAMAGE
from magicfs.text.extract.slide_files import OLD_SLIDES_TYPE, read_slides
from magicfs.text.extract.word_files import OLD_WORD_TYPE, WORD_TYPE, WRITE_TYPE, read_old_word, read_word, read_write

OLD_OFFICE_TYPES: Final = frozenset({WORD_TYPE, OLD_SLIDES_TYPE})
_READERS: Final[dict[str, Callable[[bytes], str]]] = {OLD_WORD_TYPE: read_old_word, WRITE_TYPE: read_write}
OLDEST_TYPES: Final = frozenset(_READERS)
"""Documents that kreuzberg does not read at all."""


def read_oldest(content: bytes, mime_type: str) -> Document:
    """A document of before Word 6."""
    return Document(text=_READERS[mime_type](content), mime_type=mime_type)


def with_own_text(
    outcome: Document | PartialDocument | Unreadable, content: bytes, mime_type: str
) -> Document | PartialDocument | Unreadable:
    """The outcome of kreuzberg with the text that is read here; unchanged where the document is damaged."""
    try:
        ole = OleFile(content)
        pages = read_slides(ole) if mime_type == OLD_SLIDES_TYPE else [read_word(ole)]
    except DAMAGE:
        return outcome
    pages = [page.rstrip() + PAGE_SEPARATOR for page in pages]
    text = "".join(pages)
    starts = tuple(accumulate((len(page) for page in pages[:-1]), initial=0)) if mime_type == OLD_SLIDES_TYPE else ()
    if not isinstance(outcome, Document):
        return Document(text=text, mime_type=mime_type, page_starts=starts)
    return replace(outcome, text=text, page_starts=starts, headings=_moved_headings(outcome, text))


def _moved_headings(document: Document, text: str) -> tuple[tuple[int, int], ...]:
    """The headings of a document by the numbers of the same lines in another text."""
    if not document.headings:
        return ()
    before = document.text.split("\n")
    lines = [" ".join(line.split()) for line in text.split("\n")]
    found: list[tuple[int, int]] = []
    place = 0
    for number, rank in document.headings:
        heading = " ".join(before[number - 1].split())
        if heading in lines[place:]:
            place = lines.index(heading, place) + 1
            found.append((place, rank))
    return tuple(found)
