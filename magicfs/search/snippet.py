"""One line of a chunk that shows why it was found. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

LENGTH = 200
"""Characters: about two lines of a terminal."""
_SHORTEST_STEM = 3
_MOST_PLACES = 500
_ENDINGS = ("ing", "ies", "es", "ed", "s", "e", "y")
_WORD = re.compile(r"\w+")


class Snippets:
    """Cuts snippets that show `words`; made once for a search."""

    def __init__(self, words: Iterable[str], *, length: int = LENGTH) -> None:
        stems = {_stem(word) for phrase in words for word in _WORD.findall(phrase.lower())}
        longest_first = sorted(stems, key=lambda stem: (-len(stem), stem))
        self._length = length
        # A stem with one of the usual endings; what it means is the tokenizer's business, here it is for the eye.
        self._words = (
            re.compile(rf"\b({'|'.join(map(re.escape, longest_first))})\w{{0,4}}\b", re.IGNORECASE) if stems else None
        )

    def cut(self, text: str) -> str:
        """About `length` characters of `text` around the place where most of the words are, white space folded."""
        line = " ".join(text.split())
        if not line.isprintable():
            line = "".join(sign for sign in line if sign.isprintable())
        if len(line) <= self._length:
            return line
        return _cut(line, self._densest(line), self._length)

    def _densest(self, line: str) -> int:
        """Where to begin so that the most different words, then the most words, are inside."""
        if self._words is None:
            return 0
        places = [(found.start(), found.end(), found[1].lower()) for found in self._words.finditer(line)]
        places = places[:_MOST_PLACES]
        best, best_start = (0, 0), 0
        inside: Counter[str] = Counter()
        after = 0
        for start, _, stem in places:
            while after < len(places) and places[after][1] <= start + self._length:
                inside[places[after][2]] += 1
                after += 1
            if (worth := (len(inside), inside.total())) > best:
                best, best_start = worth, start - (self._length - (places[after - 1][1] - start)) // 2
            if inside[stem] <= 1:
                del inside[stem]
            else:
                inside[stem] -= 1
        return best_start


def _stem(word: str) -> str:
    """The beginning that the forms of an English word share; a rough one will do to choose a place."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word.removesuffix(ending)
    return word


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
