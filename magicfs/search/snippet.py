"""One line of a chunk that shows why it was found. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

LENGTH = 200
"""Characters: about two lines of a terminal."""
_SHORTEST_STEM = 3
_WORD = re.compile(r"\w+")


def snippet(text: str, words: Iterable[str], *, length: int = LENGTH) -> str:
    """About `length` characters of `text` around the place where most of `words` are, white space folded.

    A word counts where it stands, and where a longer word begins with its stem (`invoices` for `invoice`).
    """
    line = " ".join(text.split())
    line = "".join(sign for sign in line if sign.isprintable())
    if len(line) <= length:
        return line
    stems = {_stem(word) for phrase in words for word in _WORD.findall(phrase.lower())}
    places = [
        (found.start(), found.end(), stem)
        for found in _WORD.finditer(line)
        if (stem := _known(found[0].lower(), stems)) is not None
    ]
    start = _densest(places, length)
    return _cut(line, start, length)


def _stem(word: str) -> str:
    """The beginning that the forms of an English word share; a rough one will do to choose a place."""
    for ending in ("ing", "ies", "es", "ed", "s", "e", "y"):
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word.removesuffix(ending)
    return word


def _known(word: str, stems: set[str]) -> str | None:
    stem = _stem(word)
    return stem if stem in stems else None


def _densest(places: list[tuple[int, int, str]], length: int) -> int:
    """Where to begin so that the most different words, then the most words, are inside."""
    best, best_start = (0, 0), 0
    for number, (start, _, _) in enumerate(places):
        inside = [stem for _, end, stem in places[number:] if end <= start + length]
        if (worth := (len(set(inside)), len(inside))) > best:
            last_end = max(end for _, end, _ in places[number:] if end <= start + length)
            best, best_start = worth, start - (length - (last_end - start)) // 2
    return best_start


def _cut(line: str, start: int, length: int) -> str:
    """Cut at the ends of words, with dots where something is left out."""
    start = max(0, min(start, len(line) - length))
    if start:
        gap = line.find(" ", start, start + length // 4)
        start = gap + 1 if gap >= 0 else start
    end = min(len(line), start + length)
    if end < len(line):
        gap = line.rfind(" ", end - length // 4, end)
        end = gap if gap >= 0 else end
    return ("…" if start else "") + line[start:end] + ("…" if end < len(line) else "")
