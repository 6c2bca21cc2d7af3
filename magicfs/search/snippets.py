"""Snippets of passages: the part of a text that shows why it was found, and where it has words of the question.

Used by `hits` and `passage_ranking`. Reads no file: the text of a passage is the one that is indexed. Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial, reduce
from itertools import chain, islice, takewhile

from magicfs.domain.query import Term
from magicfs.domain.results import Snippet, UncutSnippet
from magicfs.search.fusion import SHORT_QUESTION
from magicfs.search.word_finder import Place, WordFinder
from magicfs.text.excerpts import cells_before, excerpt
from magicfs.text.terminal_signs import without_terminal_signs

SNIPPET_CELLS = 200
"""About two lines of a terminal, where a Chinese character takes two cells."""
_JOINERS = "\u200c\u200d"
"""Invisible signs that belong to words and to emoji."""
_ELLIPSIS = "…"
_TAB_CELLS = 4
_MORE_WORDS = 2
"""The least number of words that two pieces have more than one, which is read more easily."""
_FIRST_HEADERS = ("Subject: ", "From: ")
"""How the text of a message begins, and what people know one by."""
_HEADER = re.compile("(?:Subject|From|Reply-To|To|Cc|Bcc|Date|Keywords|Newsgroups|List-Id|X-[A-Za-z-]+): ")
_MAX_WORDS_COUNTED = 500


class SnippetCutter:
    """Cuts snippets that show the words of one question."""

    def __init__(self, terms: Iterable[Term], *, languages: Iterable[str] = ()) -> None:
        """`languages` are those of the index, by ISO 639-1 code."""
        terms = list(terms)
        self._words = WordFinder(terms, languages=languages)
        self._is_short = sum(not term.is_compound for term in terms) <= SHORT_QUESTION

    def uncut(self, text: str) -> UncutSnippet:
        """The snippet of `text`, which is cut when it is read. It keeps this cutter, but nothing of other texts."""
        self._words.forget_texts()
        return UncutSnippet(partial(self.snippet, text))

    def unmarked(self, text: str) -> UncutSnippet:
        """The whole of `text`, in which the words of the question are looked for when it is read."""
        return UncutSnippet(lambda: Snippet(text, _merged((start, end) for start, end, _ in self._words.find(text))))

    def snippet(self, text: str) -> Snippet:
        """The part of `text` that `cut` returns, and where it has words of the question."""
        shown = self.cut(text)
        return Snippet(shown, _merged((start, end) for start, end, _ in self._words.find(shown)))

    def cut(self, text: str) -> str:
        """About `SNIPPET_CELLS` cells of `text` where most of the words are, in lines as in the text.

        It is two pieces of half the length, with an ellipsis between them, where these have all words of a short
        question that the text has, or of another one half as many more than one piece. Blank lines, the indentation
        that all lines have, and headers of a message that have no word of the question are left out.
        """
        lines = self._without_headers(_shown_lines(text))
        cells = cells_before(lines)
        if cells[-1] <= SNIPPET_CELLS:
            return _without_indentation(lines)
        words = self.words_in(lines)
        pieces = [_best_words(words, cells, length=SNIPPET_CELLS)]
        if not pieces[0]:
            return _without_indentation(excerpt(lines, cells, start=0, length=SNIPPET_CELLS))
        count, most = len(_different(pieces[0])), len(_different(words))
        needed = most if self._is_short else count + max(_MORE_WORDS, count // 2)
        if count < needed <= most:
            half = _best_words(words, cells, length=SNIPPET_CELLS // 2)
            others = [place for place in words if place[2] not in _different(half)]
            halves = sorted([half, _best_words(others, cells, length=SNIPPET_CELLS // 2)])
            if len(_different(chain(*halves))) >= needed:
                pieces = halves
        excerpts = [_excerpt_around(piece, lines, cells, length=SNIPPET_CELLS // len(pieces)) for piece in pieces]
        return _without_indentation(reduce(_with_gap, excerpts))

    def _without_headers(self, lines: str) -> str:
        """The lines of a message, without the headers that say nothing to a reader of results."""
        if not lines.startswith(_FIRST_HEADERS):
            return lines
        headers = list(takewhile(_HEADER.match, lines.split("\n")))
        shown = [line for line in headers if line.startswith(_FIRST_HEADERS) or self.words_in(line.partition(": ")[2])]
        return "\n".join([*shown, *lines.split("\n")[len(headers) :]])

    def words_in(self, text: str) -> list[Place]:
        """The words of the question in a text, in order."""
        return list(islice(self._words.find(text), _MAX_WORDS_COUNTED))


def _shown_lines(text: str) -> str:
    """The lines of a text that are not blank, with single spaces inside, and without what cannot be printed."""
    lines = []
    for line in without_terminal_signs(text).expandtabs(_TAB_CELLS).split("\n"):
        body = " ".join(line.split())
        if not body.isprintable():
            body = "".join(character for character in body if character.isprintable() or character in _JOINERS)
        if body:
            lines.append(" " * (len(line) - len(line.lstrip(" "))) + body)
    return "\n".join(lines)


def _without_indentation(text: str) -> str:
    """Lines without the indentation that all of them have; a first one that begins with an ellipsis does not count."""
    lines = text.split("\n")
    common = min((len(line) - len(line.lstrip(" ")) for line in lines if line[:1] != _ELLIPSIS), default=0)
    return "\n".join(line if line[:1] == _ELLIPSIS else line[common:] for line in lines)


def _merged(places: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Places in order without those that overlap or touch: these become one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(places):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def _best_words(words: list[Place], cells: Sequence[int], *, length: int) -> list[Place]:
    """Those of some words that stand in the `length` cells with the most different ones, then the most."""
    best, best_words = (0, 0), slice(0)
    words_in_excerpt: Counter[str] = Counter()
    next_word = 0
    for number, (start, _, word) in enumerate(words):
        while next_word < len(words) and cells[words[next_word][1]] <= cells[start] + length:
            words_in_excerpt[words[next_word][2]] += 1
            next_word += 1
        if (counts := (len(words_in_excerpt), words_in_excerpt.total())) > best:
            best, best_words = counts, slice(number, next_word)
        if words_in_excerpt[word] <= 1:
            del words_in_excerpt[word]
        else:
            words_in_excerpt[word] -= 1
    return words[best_words]


def _different(words: Iterable[Place]) -> set[str]:
    """The different words among some places."""
    return {word for _, _, word in words}


def _excerpt_around(words: Sequence[Place], lines: str, cells: Sequence[int], *, length: int) -> str:
    """About `length` cells of a text with some of its words in the middle."""
    width = cells[words[-1][1]] - cells[words[0][0]]
    start = cells[words[0][0]] - (length - width) // 2
    return excerpt(lines, cells, start=start, length=length, shown=_all_different(words))


def _with_gap(before: str, after: str) -> str:
    """Two excerpts of a text, between which some of it is left out."""
    if before.endswith(_ELLIPSIS) and after.startswith(_ELLIPSIS):
        return f"{before.removesuffix(_ELLIPSIS)} {_ELLIPSIS} {after.removeprefix(_ELLIPSIS)}"
    is_marked = before.endswith(_ELLIPSIS) or after.startswith(_ELLIPSIS)
    return f"{before}\n{after}" if is_marked else f"{before}\n{_ELLIPSIS}\n{after}"


def _all_different(words: Sequence[Place]) -> tuple[int, int]:
    """The start and the end of a part of some words that has each different one."""
    counts = Counter(word for _, _, word in words)
    first, last = 0, len(words) - 1
    while counts[words[first][2]] > 1:
        counts[words[first][2]] -= 1
        first += 1
    while counts[words[last][2]] > 1:
        counts[words[last][2]] -= 1
        last -= 1
    return words[first][0], words[last][1]
