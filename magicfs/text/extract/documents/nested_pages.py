"""Reads pages of HTML whose elements are nested so deeply, or are so many, that kreuzberg cannot read them.

Runs in the child process, called by `document_parser`. Browsers nest elements 512 deep; a deeper page is damaged, or
was made by a program that does not close what it opens. Tables of databases have a million elements. Pure functions.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.html_parts import html_texts, html_title
from magicfs.text.extract.plain.plain_text import clean

_MAX_DEPTH: Final = 2000
"""The library takes 0.1 s for so many elements that are open, and 12 s for twenty times as many."""
MAX_TAGS: Final = 700_000
"""The library takes two thirds of the memory for a file for a page with so many."""
_TAG: Final = re.compile(rb"<(/?)([a-zA-Z][a-zA-Z0-9:-]{0,40})")
_NEVER_OPEN: Final = frozenset(
    b"area base br col embed hr img input link meta param source track wbr"
    b" p li dt dd tr td th option optgroup thead tbody tfoot colgroup rb rt rp html head body".split()
)
"""Elements that are empty, or that the next one of their kind closes."""


def is_nested_deeply(page: bytes) -> bool:
    """Whether more elements are open at once than in any page that somebody has written."""
    if page.count(b"<") < _MAX_DEPTH:
        return False
    open_elements: Counter[bytes] = Counter()
    depth = 0
    for match in _TAG.finditer(page):
        name = match[2].lower()
        if name in _NEVER_OPEN:
            continue
        if not match[1]:
            open_elements[name] += 1
            depth += 1
            if depth > _MAX_DEPTH:
                return True
        elif open_elements[name]:
            open_elements[name] -= 1
            depth -= 1
    return False


def has_too_many_tags(page: bytes) -> bool:
    """Whether the library would take more memory than a file may."""
    return page.count(b"<") > MAX_TAGS


def read_nested_page(page: bytes, mime_type: str) -> Document | Unreadable:
    """The title of a page, and all that it says to a person, a line for each paragraph."""
    text = page.decode("utf-8", "replace")
    said = clean("\n".join(html_texts(text)))
    return Document(text=said, mime_type=mime_type, title=html_title(text)) if said else Unreadable(SkipReason.NO_TEXT)
