"""Puts the recognised texts of the pictures of a document into it. Used by the extract workers. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from magicfs.domain.contents import Document
from magicfs.text.extract.documents.extended_documents import append_to_pages
from magicfs.text.extract.documents.missing_texts import missing_lines
from magicfs.text.extract.pdf.page_texts import PAGE_SEPARATOR
from magicfs.text.language import language_of


def with_picture_texts(document: Document, texts: Mapping[int, str]) -> Document:
    """The document with the texts of its pictures, by number from 1: on their pages, or under headings at its end.

    The chunks of its own text, but for those of such pages and the last one, are the same as without them.
    """
    texts = {number: text for number, text in texts.items() if text.strip()}
    if not texts:
        return document
    whole = _at_end(document, texts) if not document.page_starts else _on_pages(document, texts)
    return whole if document.language else replace(whole, language=language_of(whole))


def _on_pages(document: Document, texts: Mapping[int, str]) -> Document:
    """The document with the lines of pictures that have other words than their pages."""
    starts = document.page_starts
    ends = [*starts[1:], len(document.text)]
    of_pages: dict[int, list[str]] = {}
    for number, text in texts.items():
        page = min(max(document.pictures[number - 1].page or len(starts), 1), len(starts)) - 1
        of_pages.setdefault(page, []).append(text)
    more = {
        page: PAGE_SEPARATOR.join(filter(None, missing_lines(read, in_text=document.text[starts[page] : ends[page]])))
        for page, read in of_pages.items()
    }
    return append_to_pages(document, {page: text for page, text in more.items() if text})


def _at_end(document: Document, texts: Mapping[int, str]) -> Document:
    """The document with a heading for each picture: the last one of its text is not above them."""
    text = document.text.rstrip()
    headings = list(document.headings)
    for number, read in texts.items():
        text = f"{text}{PAGE_SEPARATOR if text else ''}"
        headings.append((text.count("\n") + 1, 1))
        text = f"{text}Picture {number}\n\n{read.strip()}"
    return replace(document, text=text, headings=tuple(headings) if document.headings else ())
