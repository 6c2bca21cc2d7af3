"""Snippets of passages: the part of a text that shows why it was found, and where it has words of the question.

Used by `hits` and `passage_ranking`. Reads no file: the text of a passage is the one that is indexed. Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import partial, reduce
from itertools import chain, islice, takewhile

from magicfs.domain.query import STEM_MARK, Term
from magicfs.domain.results import Snippet, UncutSnippet
from magicfs.search.fusion import SHORT_QUESTION
from magicfs.text.analysis.folding import fold_all
from magicfs.text.analysis.hebrew import is_hebrew, without_prefixes
from magicfs.text.analysis.lexemes import folded_stems
from magicfs.text.analysis.signs import is_sign
from magicfs.text.analysis.spellings import SILENT
from magicfs.text.analysis.stems import KEEPING_INITIALS, algorithm_for
from magicfs.text.analysis.tokens import camel_parts, locate, parse
from magicfs.text.excerpts import cells_before, excerpt

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

_Place = tuple[int, int, str]
"""A word of the question in a line: its start, its end, and the word."""


class SnippetCutter:
    """Cuts snippets that show the words of one question."""

    def __init__(self, terms: Iterable[Term], *, languages: Iterable[str] = ()) -> None:
        """`languages` are those of the index, by ISO 639-1 code."""
        self._algorithms = {algorithm for code in languages if (algorithm := algorithm_for(code)) is not None}
        self._words: dict[str, str] = {}
        self._stems: dict[str, str] = {}
        self._beginnings: list[tuple[str, str]] = []
        terms = list(terms)
        self._is_short = sum(not term.is_whole for term in terms) <= SHORT_QUESTION
        self._signs = frozenset(term.word for term in terms if is_sign(term.word))
        for term in terms:
            for lexeme in term.lexemes:
                if lexeme.is_prefix:
                    self._beginnings.append((lexeme.text, term.word))
                elif lexeme.text.startswith(STEM_MARK):
                    self._stems.setdefault(lexeme.text.removeprefix(STEM_MARK), term.word)
                else:
                    self._words.setdefault(lexeme.text, term.word)
        self._has_hebrew = any(map(is_hebrew, (*self._words, *self._stems)))
        self._initials = self._initials_of_forms()
        self._seen: set[str] = set()
        """The tokens of texts that were compared with the question."""
        self._places: dict[str, list[tuple[int, int, str]]] = {}
        """Those that have words of it, with their places in the token."""

    def _initials_of_forms(self) -> frozenset[str] | None:
        """The first letters of all forms, in both cases; None where a word may have a form with another first letter.

        A word of ASCII that begins otherwise is none of the question: most words of a text are looked at no further.
        """
        if not self._algorithms <= KEEPING_INITIALS:
            return None
        first = {form[:1] for form in (*self._words, *self._stems, *(text for text, _ in self._beginnings))}
        return frozenset(first | {letter.upper() for letter in first})

    def uncut(self, text: str) -> UncutSnippet:
        """The snippet of `text`, which is cut when it is read. It keeps this cutter, but nothing of other texts."""
        self._seen.clear()
        self._places.clear()
        return UncutSnippet(partial(self.snippet, text))

    def unmarked(self, text: str) -> UncutSnippet:
        """The whole of `text`, in which the words of the question are looked for when it is read."""
        return UncutSnippet(lambda: Snippet(text, _merged((start, end) for start, end, _ in self._words_in(text))))

    def snippet(self, text: str) -> Snippet:
        """The part of `text` that `cut` returns, and where it has words of the question."""
        shown = self.cut(text)
        return Snippet(shown, _merged((start, end) for start, end, _ in self._words_in(shown)))

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

    def words_in(self, text: str) -> list[_Place]:
        """The words of the question in a text, in order."""
        return list(islice(self._words_in(text), _MAX_WORDS_COUNTED))

    def _words_in(self, line: str) -> Iterable[_Place]:
        """The words of the question in a line, in order, also those that silent signs divide."""
        if not (self._words or self._stems or self._beginnings):
            return ()
        if self._signs and not line.isascii():
            signs = ((place, place + 1, sign) for place, sign in enumerate(line) if sign in self._signs)
            return sorted({*self._located(line), *signs})
        if SILENT.search(line) is None:
            return self._located(line)
        spoken = SILENT.sub("", line)
        kept = [place for place in range(len(line)) if not SILENT.match(line, place)]
        whole = ((kept[start], kept[end - 1] + 1, word) for start, end, word in self._located(spoken))
        return sorted({*whole, *self._located(line)})

    def _located(self, line: str) -> Iterator[_Place]:
        tokens = locate(line)
        self._learn({text for text, _ in tokens} - self._seen)
        places = self._places
        for text, end in tokens:
            if text in places:
                start = end - len(text)
                for offset, length, word in places[text]:
                    yield start + offset, start + offset + length, word

    def _learn(self, tokens: set[str]) -> None:
        """Find the words of the question in tokens of a text, all together: that takes far less than one by one."""
        self._seen |= tokens
        compounds = {token: list(_pieces(token)) for token in tokens if not _is_one_word(token)}
        simple = tokens - compounds.keys()
        words = self._words_of(
            self._possible(chain(simple, (piece for found in compounds.values() for _, piece in found)))
        )
        for token in simple & words.keys():
            self._places[token] = [(0, len(token), words[token])]
        for token, found in compounds.items():
            if places := [(place, len(piece), words[piece]) for place, piece in found if piece in words]:
                self._places[token] = places

    def _possible(self, pieces: Iterable[str]) -> set[str]:
        """Those of some pieces that may be forms of words of the question."""
        initials = self._initials
        if initials is None:
            return set(pieces)
        return {piece for piece in pieces if piece[0] in initials or not piece.isascii()}

    def _words_of(self, pieces: Collection[str]) -> dict[str, str]:
        """The word of the question of which each piece of a text is a form, if there is one."""
        typed = list(pieces)
        folded = fold_all(typed)
        found: dict[str, str] = {}
        for forms, lexemes in (
            (self._words, folded),
            *((self._stems, folded_stems(typed, algorithm)) for algorithm in self._algorithms),
        ):
            for piece, lexeme in zip(typed, lexemes, strict=True):
                if lexeme in forms:
                    found.setdefault(piece, forms[lexeme])
        for piece, lexeme in zip(typed, folded, strict=True) if self._has_hebrew else ():
            for rest in without_prefixes(lexeme):
                if rest in self._stems:
                    found.setdefault(piece, self._stems[rest])
        for beginning, word in self._beginnings:
            for piece, lexeme in zip(typed, folded, strict=True):
                if lexeme.startswith(beginning):
                    found.setdefault(piece, word)
        return found


def _shown_lines(text: str) -> str:
    """The lines of a text that are not blank, with single spaces inside, and without what cannot be printed."""
    lines = []
    for line in text.expandtabs(_TAB_CELLS).split("\n"):
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


def _best_words(words: list[_Place], cells: Sequence[int], *, length: int) -> list[_Place]:
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


def _different(words: Iterable[_Place]) -> set[str]:
    """The different words among some places."""
    return {word for _, _, word in words}


def _excerpt_around(words: Sequence[_Place], lines: str, cells: Sequence[int], *, length: int) -> str:
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


def _all_different(words: Sequence[_Place]) -> tuple[int, int]:
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


def _is_one_word(text: str) -> bool:
    """Whether a token has no parts. Most are such: letters of ASCII in lower case, the first one in any."""
    return text.isascii() and text.isalpha() and (text.islower() or text[1:].islower())


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """What may be a word of a question in a token of a text, each with its place.

    That is the whole token, its words and the parts of their names, or the pairs of characters of a script without
    spaces.
    """
    token = parse(text)
    if token.is_unspaced:
        yield from ((place, text[place : place + 2]) for place in range(len(text)))
        return
    yield 0, text
    end = 0
    for word in token.parts:
        start = text.find(word, end)
        end = start + len(word)
        if word != text:
            yield start, word
        for part in camel_parts(word):
            yield start, part
            start += len(part)
