"""Extends a document that was read: by text beside its running text, by keywords, by the parts that could not be read.

Used by `document_parser` and `document_parts` in the child process. Pure functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import Final

from magicfs.domain.contents import Document, Unreadable, UnreadParts
from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.html_parts import html_texts, html_title
from magicfs.text.extract.documents.missing_texts import missing_texts
from magicfs.text.extract.parsed import Parsed, PartialDocument
from magicfs.text.extract.pdf.page_texts import PAGE_SEPARATOR

_ESCAPED_SIGNS: Final = "*_|"


def with_unread_parts(outcome: Parsed, unread: UnreadParts | None) -> Parsed:
    """The outcome, with the parts that could not be read. A file without any text is damaged if some were."""
    if unread is None:
        return outcome
    if isinstance(outcome, PartialDocument):
        return replace(outcome, document=replace(outcome.document, unread_parts=unread))
    if isinstance(outcome, Document) and outcome.text.strip():
        return replace(outcome, unread_parts=unread)
    if isinstance(outcome, Document) or outcome.reason is SkipReason.NO_TEXT:
        return Unreadable(unread.some[0].reason, str(unread))
    return outcome


def text_of(outcome: Parsed) -> str:
    """The text that was read; empty if none was."""
    if isinstance(outcome, PartialDocument):
        return outcome.document.text
    return outcome.text if isinstance(outcome, Document) else ""


def with_html_parts(outcome: Document | Unreadable, page: str, mime_type: str) -> Document | Unreadable:
    """The outcome with what a page of HTML holds beside its running text, and with its title."""
    title = html_title(page)
    if isinstance(outcome, Document):
        outcome = replace(outcome, title=title or outcome.title, text=_without_escapes(outcome.text, page))
        stated = "\n".join(filter(None, (outcome.text, outcome.title, outcome.author, outcome.keywords)))
        return with_text(outcome, "\n".join(missing_texts(html_texts(page), in_text=stated)), mime_type)
    outcome = with_text(outcome, "\n".join(missing_texts(html_texts(page), in_text="")), mime_type)
    return replace(outcome, title=title) if isinstance(outcome, Document) else outcome


def _without_escapes(text: str, page: str) -> str:
    """The text without the backslashes of Markdown that the library puts before signs in cells of a table."""
    for sign in _ESCAPED_SIGNS:
        if f"\\{sign}" not in page:
            text = text.replace(f"\\{sign}", sign)
    return text


def with_text(outcome: Document | Unreadable, more: str, mime_type: str) -> Document | Unreadable:
    """The outcome with more text after its own; a document of nothing else where there was none."""
    if not more:
        return outcome
    if isinstance(outcome, Unreadable):
        return Document(text=more, mime_type=mime_type)
    return replace(outcome, text=f"{outcome.text.rstrip()}{PAGE_SEPARATOR}{more}")


def with_keywords(outcome: Document | Unreadable, keywords: list[str]) -> Document | Unreadable:
    """The outcome with more keywords after its own."""
    if not keywords or isinstance(outcome, Unreadable):
        return outcome
    return replace(outcome, keywords=", ".join([*filter(None, [outcome.keywords]), *keywords]))


def append_to_pages(document: Document, texts: Mapping[int, str]) -> Document:
    """The document with more text at the end of some of its pages, by number from 0."""
    if not document.page_starts:
        return replace(document, text=PAGE_SEPARATOR.join([document.text.rstrip(), *texts.values()]))
    pages = [document.text[start:end] for start, end in pairwise([*document.page_starts, len(document.text)])]
    for page, text in texts.items():
        if page < len(pages):
            pages[page] = f"{pages[page].rstrip()}{PAGE_SEPARATOR}{text}{PAGE_SEPARATOR}"
    starts = tuple(accumulate((len(page) for page in pages[:-1]), initial=document.page_starts[0]))
    return replace(document, text=document.text[: document.page_starts[0]] + "".join(pages), page_starts=starts)
