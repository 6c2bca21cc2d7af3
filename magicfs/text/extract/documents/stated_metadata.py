"""What documents say that they are about: their titles and keywords, without what programs state where nobody has.

Runs in the child process, used by the readers of documents. Pure functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from magicfs.domain.contents import Document
from magicfs.text.extract.documents.missing_texts import missing_lines

_GIVEN_TO_ALL: Final = frozenset({"untitled", "powerpoint presentation", "unspecified"})


def title_of(metadata: Mapping[str, Any]) -> str | None:
    r"""A document's title, or its subject; None for unparsed RTF escapes and for the titles that programs give."""
    text = stated(metadata.get("title") or metadata.get("subject"))
    return None if text is None or "\\'" in text else text


def keywords_of(metadata: Mapping[str, Any]) -> str | None:
    """What a document says that it is about, without the title."""
    keywords = metadata.get("keywords") or ()
    entries = [
        metadata.get("subject"),
        *([keywords] if isinstance(keywords, str) else keywords),
        metadata.get("category"),
        metadata.get("description"),
        metadata.get("annotation"),
    ]
    texts = dict.fromkeys(str(entry).strip() for entry in entries if entry)
    texts.pop(str(metadata.get("title") or metadata.get("subject") or "").strip(), None)
    return ", ".join(text for text in texts if stated(text)) or None


def with_statements(document: Document, *, max_characters: int) -> Document:
    """The document with keywords and a description that are longer than `max_characters` at the end of its text.

    Of one without text, its title and keywords are the text.
    """
    if not document.text or document.text.isspace():
        text = "\n".join(filter(None, (document.title, document.keywords)))
        # Of one that is all pictures, the pages stay: they stand on the first one.
        starts = (0, *[len(text)] * (len(document.page_starts) - 1)) if document.pictures else ()
        return replace(document, text=text, page_starts=starts if document.page_starts else (), headings=())
    if document.keywords is None or len(document.keywords) <= max_characters:
        return document
    statement = "\n".join(missing_lines([document.keywords], in_text=document.text))
    return replace(document, text=f"{document.text.rstrip()}\n\n{statement}") if statement else document


def stated(value: object) -> str | None:
    """A value without the space at its ends; None for one that a program gives, without or in parentheses."""
    text = str(value or "").strip()
    return None if not text or text.strip("() ").lower() in _GIVEN_TO_ALL else text
