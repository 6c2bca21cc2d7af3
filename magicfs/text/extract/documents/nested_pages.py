"""Reads pages of HTML whose elements are nested so deeply that kreuzberg would take the square of their number.

Runs in the child process, called by `running_text`. Browsers nest elements 512 deep; such a page is damaged, or was
made by a program that does not close what it opens. Pure functions.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from magicfs.domain.contents import Document
from magicfs.text.extract.documents.html_parts import html_texts
from magicfs.text.extract.plain.plain_text import clean

_MAX_DEPTH: Final = 2000
"""The library takes 0.1 s for so many elements that are open, and 12 s for twenty times as many."""
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


def read_nested_page(page: bytes, mime_type: str) -> Document:
    """The text of a page, a line for each paragraph."""
    return Document(text=clean("\n".join(html_texts(page.decode("utf-8", "replace")))), mime_type=mime_type)
