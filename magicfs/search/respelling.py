"""Other spellings of words that no text and no name has: one letter is wrong, or a name in pieces is typed in one.

Used by `compiled_query`. `recieve` stands for `receive`, `tpsreport` for `tps_report`, where the index has these. Words
that the index has cost nothing. Runs in the caller's transaction.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import combinations, pairwise
from typing import Final

from magicfs.db.groundwork import WordChunks
from magicfs.db.known_words import count_chunks, words_like
from magicfs.db.pool import Connection
from magicfs.domain.query import STEM_MARK, Lexeme, Term
from magicfs.text.analysis import question_terms
from magicfs.text.analysis.lexemes import folded_stems
from magicfs.text.analysis.question import VARIANT_FACTOR
from magicfs.text.analysis.stems import DEFAULT_LANGUAGE, algorithm_for

_MIN_LETTERS: Final = 6
"""Shorter words are one letter away from too many others."""
_MAX_LETTERS: Final = 24
_MAX_WORDS: Final = 2
"""So many words of a question are looked up in other spellings, and none of one in which more are unknown: it may be in
a language that the index has not."""
_MIN_PIECE: Final = 2
_MIN_PIECE_OF_THREE: Final = 3
_ALPHABETS: Final = {
    "LATIN": "abcdefghijklmnopqrstuvwxyz",
    "CYRILLIC": "абвгдежзиклмнопрстуфхцчшщъыьэюяії",
    "GREEK": "αβγδεζηθικλμνξοπρστυφχψω",
}
"""The folded letters of scripts, by the first word of their names in Unicode."""


def respell(
    connection: Connection, known: Mapping[Term, WordChunks], languages: Sequence[str]
) -> tuple[dict[Term, WordChunks], dict[str, str]]:
    """Terms with the chunks that have them, those that nothing has in the spelling that something has.

    Also returns which word was taken for which.
    """
    unknown = [term for term, chunks in known.items() if chunks.size == 0 and _may_be_respelt(term)]
    if not 0 < len(unknown) <= _MAX_WORDS:
        return dict(known), {}
    found: dict[Term, tuple[Term, WordChunks]] = {}
    taken: dict[str, str] = {}
    for term in unknown:
        [in_chunks, in_names] = count_chunks(connection, [term.tsquery])[0]
        if in_chunks or in_names:
            continue
        lexemes, spelling = _found_spelling(connection, term.word, languages)
        if lexemes:
            respelt = replace(term, lexemes=(*term.lexemes, *lexemes))
            found[term] = respelt, WordChunks(0.0, count_chunks(connection, [respelt.tsquery])[0][0])
        if spelling:
            taken[term.word] = spelling
    return dict(found.get(term, (term, chunks)) for term, chunks in known.items()), taken


def _may_be_respelt(term: Term) -> bool:
    word, is_exact = term.word, not any(lexeme.is_prefix for lexeme in term.lexemes)
    return is_exact and not term.is_whole and word.isalpha() and _MIN_LETTERS <= len(word) <= _MAX_LETTERS


def _found_spelling(connection: Connection, word: str, languages: Sequence[str]) -> tuple[list[Lexeme], str]:
    """The lexemes of the spelling that the index has, and that one if it is another word."""
    pieces, spellings = in_pieces(word), one_letter_away(word)
    algorithms = dict.fromkeys(filter(None, map(algorithm_for, (DEFAULT_LANGUAGE, *languages))))
    stems = {stem for algorithm in algorithms for stem in folded_stems(spellings, algorithm)}
    looked_for = dict.fromkeys([*pieces, *spellings, *(STEM_MARK + stem for stem in stems)])
    had = words_like(connection, list(looked_for), first=word[0])
    found = [piece for piece in pieces if piece in had]
    if found:
        return [Lexeme(piece, factor=VARIANT_FACTOR, is_exact=False) for piece in found], ""
    candidates = [spelling for spelling in spellings if spelling in had] or _with_stems(had, stems, algorithms)
    if not candidates:
        return [], ""
    counts = count_chunks(connection, [Lexeme(candidate).tsquery for candidate in candidates])
    best, _ = max(zip(candidates, counts, strict=True), key=lambda found: found[1])
    terms = question_terms(best, languages=languages)
    forms = [form for term in terms for form in term.lexemes]
    return [replace(form, factor=min(form.factor, VARIANT_FACTOR), is_exact=False) for form in forms], best


def _with_stems(words: Iterable[str], stems: AbstractSet[str], algorithms: Iterable[str]) -> list[str]:
    """Those words of texts that have one of some stems, in alphabetical order."""
    typed = sorted(word for word in words if word.isalpha())
    of_words = [folded_stems(typed, algorithm) for algorithm in algorithms]
    return [word for word, *found in zip(typed, *of_words, strict=True) if not stems.isdisjoint(found)]


def in_pieces(word: str) -> list[str]:
    """What a word in one piece may be with the signs of a name between two or three pieces: `tps_report`."""
    places = range(_MIN_PIECE, len(word) - _MIN_PIECE + 1)
    two = [f"{word[:place]}{sign}{word[place:]}" for place in places for sign in "_-."]
    cuts = ((0, first, last, len(word)) for first, last in combinations(places, 2))
    three = ["_".join(word[start:end] for start, end in pairwise(cut)) for cut in cuts if _is_wide(cut)]
    return two + three


def _is_wide(cut: Iterable[int]) -> bool:
    return all(end - start >= _MIN_PIECE_OF_THREE for start, end in pairwise(cut))


def one_letter_away(word: str) -> list[str]:
    """The words with one letter more, less or another, or two of them swapped. The first letter is mostly right."""
    alphabet = _ALPHABETS.get(unicodedata.name(word[0], "").partition(" ")[0], "")
    halves = [(word[:place], word[place:]) for place in range(1, len(word) + 1)]
    swapped = [before + after[1] + after[0] + after[2:] for before, after in halves if len(after) > 1]
    without = [before + after[1:] for before, after in halves if after]
    other = [before + letter + after[1:] for before, after in halves if after for letter in alphabet]
    more = [before + letter + after for before, after in halves for letter in alphabet]
    return [spelling for spelling in dict.fromkeys(swapped + without + other + more) if spelling != word]
