"""The texts of the pages of a document: which pages have few letters, and how other texts of pages join theirs.

Used on both sides of the sandbox. Pure functions; pages count from 0.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from itertools import accumulate, pairwise

from magicfs.domain.contents import Document
from magicfs.text.extract.documents.missing_texts import missing_lines

PAGE_SEPARATOR = "\n\n"

MIN_PAGE_CHARACTERS = 8
"""A page with fewer letters and digits has no text layer: a page number is none."""

FEW_PAGE_CHARACTERS = 200
"""Fewer letters and digits than these on a page covered by pictures may be a stamp or a header on a scan."""


def letters_of_pages(document: Document, pages: Collection[int]) -> dict[int, int]:
    """The letters and digits in the text layer of some pages, counted up to FEW_PAGE_CHARACTERS.

    Where the document has pictures, the pages are these: they have none.
    """
    if document.pictures:
        return dict.fromkeys(pages, 0)
    return {
        page: _letters_and_digits(text, limit=FEW_PAGE_CHARACTERS)
        for page, text in enumerate(_page_texts(document))
        if page in pages
    }


def pages_in_order(letters: Mapping[int, int]) -> dict[int, int]:
    """Pages with the letters of their text layers, in the order in which they are read: last those without one.

    A look at one of the others mostly shows that there is nothing to recognise, which takes milliseconds.
    """
    return dict(sorted(letters.items(), key=lambda item: (item[1] < MIN_PAGE_CHARACTERS, item[0])))


def pages_with_few_letters(document: Document, *, fewer_than: int) -> tuple[int, ...]:
    """The pages with fewer letters and digits in their text layer, by number from 0, ascending."""
    letters = letters_of_pages(document, range(len(document.page_starts)))
    return tuple(page for page, count in letters.items() if count < fewer_than)


def insert_page_texts(document: Document, texts: Mapping[int, str]) -> Document:
    """The document with the given texts of pages, by number from 0.

    A page without a text layer keeps its own text when the given one has no more letters and digits. Any other page
    keeps its words, and gets the lines that have others.
    """
    pages = list(_page_texts(document))
    for page, text in texts.items():
        own = pages[page]
        if _letters_and_digits(own, limit=MIN_PAGE_CHARACTERS) >= MIN_PAGE_CHARACTERS:
            more = next(missing_lines([text], in_text=own))
            pages[page] = f"{own.rstrip()}{PAGE_SEPARATOR}{more}{PAGE_SEPARATOR}" if more else own
        elif _letters_and_digits(text) > _letters_and_digits(own):
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
