"""Reads workbooks of before 2007, and puts the text of RTF and of old Word and PowerPoint into those of kreuzberg.

Runs in the child process, called by `own_readers` and `running_text`. The readers are `word_files`, `excel_files`,
`slide_files` and `rtf_files`, and kreuzberg says the headings. Pure functions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import accumulate
from typing import Final

from magicfs.domain.contents import Document
from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.file_parts import DAMAGE, FileParts
from magicfs.text.extract.documents.missing_texts import missing_texts
from magicfs.text.extract.office.drawn_words import words_drawn_in_word
from magicfs.text.extract.office.excel_files import OLD_WORKBOOK_TYPE, read_workbook
from magicfs.text.extract.office.ole_files import OleFile
from magicfs.text.extract.office.ole_properties import Properties, stated_properties
from magicfs.text.extract.office.rtf_files import RTF_TYPE, read_rtf
from magicfs.text.extract.office.slide_files import OLD_SLIDES_TYPE, read_slides
from magicfs.text.extract.office.word_files import (
    OLD_WORD_TYPE,
    WORD_TYPE,
    WRITE_TYPE,
    read_old_word,
    read_word,
    read_write,
)
from magicfs.text.extract.parsed import Parsed
from magicfs.text.extract.pdf.page_texts import PAGE_SEPARATOR

OLD_OFFICE_TYPES: Final = frozenset({WORD_TYPE, OLD_SLIDES_TYPE, RTF_TYPE})
_READERS: Final[dict[str, Callable[[bytes], str]]] = {OLD_WORD_TYPE: read_old_word, WRITE_TYPE: read_write}
OLDEST_TYPES: Final = frozenset(_READERS)
"""Documents that kreuzberg does not read at all."""


def read_oldest(content: bytes, mime_type: str) -> Document:
    """A document of before Word 6."""
    return Document(text=_READERS[mime_type](content), mime_type=mime_type)


def read_old_workbook(content: bytes, *, parts: FileParts) -> Document | None:
    """A workbook of Excel 5 to 2003; None for one that is damaged or shows nothing.

    What is not read in time is counted.
    """
    ole = OleFile(content)
    try:
        workbook = read_workbook(ole, until=parts.until)
    except KeyError:
        return None
    if not workbook.text.strip():
        return None
    if workbook.is_cut:
        parts.add_unread("its end", SkipReason.TIMEOUT)
    return _document(workbook.text, OLD_WORKBOOK_TYPE, stated_properties(ole))


def with_own_text(outcome: Parsed, content: bytes, mime_type: str, *, parts: FileParts) -> Parsed:
    """The outcome of kreuzberg with the text that is read here; unchanged where the document is damaged.

    Of RTF, what is not read in time is counted.
    """
    try:
        own = _read(content, mime_type, parts=parts)
    except DAMAGE:
        return outcome
    if not isinstance(outcome, Document):
        return own
    title, author = own.title or outcome.title, own.author or outcome.author
    return replace(
        outcome,
        text=own.text,
        title=title,
        author=author,
        keywords=own.keywords or outcome.keywords,
        page_starts=own.page_starts,
        headings=_moved_headings(outcome, own.text),
    )


def _read(content: bytes, mime_type: str, *, parts: FileParts) -> Document:
    if mime_type == RTF_TYPE:
        rtf = read_rtf(content, until=parts.until)
        if rtf.is_cut:
            parts.add_unread("its end", SkipReason.TIMEOUT)
        return Document(text=rtf.text, mime_type=mime_type, title=rtf.title or None, author=rtf.author or None)
    ole = OleFile(content)
    # kreuzberg takes titles for UTF-8, whatever their code page is.
    stated = stated_properties(ole)
    if mime_type == WORD_TYPE:
        text = read_word(ole)
        drawn = "\n".join(missing_texts(words_drawn_in_word(ole), in_text=text))
        return _document(f"{text.rstrip()}{PAGE_SEPARATOR}{drawn}" if drawn else text, mime_type, stated)
    pages = [page.rstrip() + PAGE_SEPARATOR for page in read_slides(ole)]
    starts = tuple(accumulate((len(page) for page in pages[:-1]), initial=0))
    return replace(_document("".join(pages), mime_type, stated), page_starts=starts)


def _document(text: str, mime_type: str, stated: Properties) -> Document:
    return Document(text=text, mime_type=mime_type, title=stated.title, author=stated.author, keywords=stated.keywords)


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
