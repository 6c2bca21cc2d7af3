"""Passages of results: the snippet of a chunk that shows why it was found, and the text of `.passages`.

Used by `ranking` and by the result cache of the mount. Reads no file: the text of a passage is the one that is indexed.
Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from magicfs.domain.results import SearchResult

SNIPPET_CHARACTERS = 200
"""About two lines of a terminal."""
_MIN_STEM_CHARACTERS = 3
_MAX_WORDS_COUNTED = 500
_ENDINGS = ("ing", "ies", "es", "ed", "s", "e", "y")
_WORD = re.compile(r"\w+")


def passages_text(result: SearchResult) -> bytes:
    """One line a hit, best first, in the format of `grep -n`: `path:first-last: text`. Paths keep their bytes."""
    return b"".join(
        b"%s:%d-%d: %s\n"
        % (
            hit.absolute_path.replace(b"\n", b"?"),
            hit.first_line,
            hit.last_line,
            hit.snippet.encode("utf-8", "replace"),
        )
        for hit in result.hits
    )


class SnippetCutter:
    """Cuts snippets that show the words of one question."""

    def __init__(self, words: Iterable[str], *, length: int = SNIPPET_CHARACTERS) -> None:
        """`length` is in characters."""
        stems = {_stem(word) for phrase in words for word in _WORD.findall(phrase.lower())}
        longest_first = sorted(stems, key=lambda stem: (-len(stem), stem))
        self._length = length
        # A stem with any of the usual endings: Postgres decides what matches, this chooses the part that a person sees.
        self._words = (
            re.compile(rf"\b({'|'.join(map(re.escape, longest_first))})\w{{0,4}}\b", re.IGNORECASE) if stems else None
        )

    def cut(self, text: str) -> str:
        """About `length` characters of `text` where most of the words are, in one line."""
        line = " ".join(text.split())
        if not line.isprintable():
            line = "".join(character for character in line if character.isprintable())
        if len(line) <= self._length:
            return line
        return _cut_at_spaces(line, self._best_start(line), self._length)

    def _best_start(self, line: str) -> int:
        """The start of the window that has the most different words, then the most words."""
        if self._words is None:
            return 0
        words = [(match.start(), match.end(), match[1].lower()) for match in self._words.finditer(line)]
        words = words[:_MAX_WORDS_COUNTED]
        best, best_start = (0, 0), 0
        stems_in_window: Counter[str] = Counter()
        next_word = 0
        for start, _, stem in words:
            while next_word < len(words) and words[next_word][1] <= start + self._length:
                stems_in_window[words[next_word][2]] += 1
                next_word += 1
            if (counts := (len(stems_in_window), stems_in_window.total())) > best:
                best, best_start = counts, start - (self._length - (words[next_word - 1][1] - start)) // 2
            if stems_in_window[stem] <= 1:
                del stems_in_window[stem]
            else:
                stems_in_window[stem] -= 1
        return best_start


def _stem(word: str) -> str:
    """The beginning that the forms of an English word share, roughly."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _MIN_STEM_CHARACTERS:
            return word.removesuffix(ending)
    return word


def _cut_at_spaces(line: str, start: int, length: int) -> str:
    """About `length` characters from `start`, without parts of words. An ellipsis marks each cut."""
    start = max(0, min(start, len(line) - length))
    if start:
        space = line.find(" ", start, start + length // 4)
        start = space + 1 if space >= 0 else start
    end = min(len(line), start + length)
    if end < len(line):
        space = line.rfind(" ", end - length // 4, end)
        end = space if space >= 0 else end
    return ("…" if start else "") + line[start:end] + ("…" if end < len(line) else "")
