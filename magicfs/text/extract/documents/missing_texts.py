"""Finds what a reader of documents leaves out: texts that have a word which the read text does not have.

Used by the readers beside kreuzberg in the child process, so that nothing is read twice. Pure functions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

_WORD: Final = re.compile(r"[^\W_]+")
_INVISIBLE: Final = re.compile("[\u00ad\u200b\u200c\u200d\u2060\ufeff]+")
_AT_ONCE: Final = 256
"""Texts."""


def missing_texts(texts: Iterable[str], *, in_text: str) -> list[str]:
    """Those of the texts that have a word which neither `in_text` nor a text before them has, in their order."""
    known = _words(in_text)
    found: list[str] = []
    rest = iter(texts)
    while some := list(islice(rest, _AT_ONCE)):
        # Most texts of a page were read: a look at many costs as much as one at a few.
        if _words("\n".join(some)) <= known:
            continue
        for text in some:
            words = _words(text)
            if not words <= known:
                known |= words
                found.append(text)
    return found


def missing_lines(texts: Iterable[str], *, in_text: str) -> Iterator[str]:
    """Yield each text without those of its lines of which `in_text` and the texts before have every word."""
    known: set[str] | None = None
    for text in texts:
        # Only now: most documents have no further texts.
        known = _words(in_text) if known is None else known
        lines = [line for line in text.split("\n") if not line.strip() or not _words(line) <= known]
        known |= _words("\n".join(lines))
        yield "\n".join(lines).strip()


def _words(text: str) -> set[str]:
    return set(_WORD.findall(_INVISIBLE.sub("", text).casefold()))
