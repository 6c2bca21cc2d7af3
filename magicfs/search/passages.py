"""Passages of results: the snippet of a chunk that shows why it was found, and the text of `.passages`.

Used by `ranking` and by the result cache of the mount. Reads no file: the text of a passage is the one that is indexed.
Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from magicfs.domain.query import Term
from magicfs.domain.results import SearchResult
from magicfs.text.analysis import fold
from magicfs.text.analysis.stems import algorithm_for
from magicfs.text.analysis.tokens import camel_parts, locate, parse
from magicfs.text.analysis.words import STEM_MARK, folded_stem

SNIPPET_CHARACTERS = 200
"""About two lines of a terminal."""
_MAX_WORDS_COUNTED = 500


def passages_text(result: SearchResult) -> bytes:
    """One line a hit that has text, best first, as `grep -n` writes them: `path:first-last: text`.

    Paths keep their bytes.
    """
    return b"".join(
        b"%s:%d-%d: %s\n"
        % (
            hit.absolute_path.replace(b"\n", b"?"),
            hit.first_line,
            hit.last_line,
            hit.snippet.encode("utf-8", "replace"),
        )
        for hit in result.hits
        if hit.has_text
    )


class SnippetCutter:
    """Cuts snippets that show the words of one question."""

    def __init__(
        self, terms: Iterable[Term], *, languages: Iterable[str] = (), length: int = SNIPPET_CHARACTERS
    ) -> None:
        """`languages` are those of the index, by ISO 639-1 code; `length` is in characters."""
        self._length = length
        self._algorithms = {algorithm for code in languages if (algorithm := algorithm_for(code)) is not None}
        self._words: dict[str, str] = {}
        self._beginnings: list[tuple[str, str]] = []
        for term in terms:
            for lexeme in term.lexemes:
                if lexeme.is_prefix:
                    self._beginnings.append((lexeme.text, term.word))
                else:
                    self._words.setdefault(lexeme.text, term.word)
        self._places: dict[str, list[tuple[int, int, str]]] = {}

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
        words = list(islice(self._words_in(line), _MAX_WORDS_COUNTED))
        best, best_start = (0, 0), 0
        words_in_window: Counter[str] = Counter()
        next_word = 0
        for start, _, word in words:
            while next_word < len(words) and words[next_word][1] <= start + self._length:
                words_in_window[words[next_word][2]] += 1
                next_word += 1
            if (counts := (len(words_in_window), words_in_window.total())) > best:
                best, best_start = counts, start - (self._length - (words[next_word - 1][1] - start)) // 2
            if words_in_window[word] <= 1:
                del words_in_window[word]
            else:
                words_in_window[word] -= 1
        return best_start

    def _words_in(self, line: str) -> Iterator[tuple[int, int, str]]:
        """The words of the question in a line, each with its start and end."""
        if not (self._words or self._beginnings):
            return
        for text, end in locate(line):
            places = self._places.get(text)
            if places is None:
                places = self._places[text] = list(self._places_in(text))
            start = end - len(text)
            for offset, length, word in places:
                yield start + offset, start + offset + length, word

    def _places_in(self, token: str) -> Iterator[tuple[int, int, str]]:
        """The words of the question in a token of a text, each with its place and length."""
        for place, piece in _pieces(token):
            if (word := self._word_of(piece)) is not None:
                yield place, len(piece), word

    def _word_of(self, piece: str) -> str | None:
        """The word of the question of which a piece of text is a form."""
        folded = fold(piece)
        lexemes = (folded, *(STEM_MARK + folded_stem(piece, algorithm) for algorithm in self._algorithms))
        forms = (self._words[lexeme] for lexeme in lexemes if lexeme in self._words)
        begun = (word for beginning, word in self._beginnings if folded.startswith(beginning))
        return next(chain(forms, begun), None)


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
