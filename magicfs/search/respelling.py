"""Other spellings of words that no text and no name has: one letter is wrong, or several words are typed in one.

Used by `compiled_query`; `near_spellings` and `longer_words` have what is looked up. `recieve` stands for `receive`,
`tpsreport` for `tps_report`, `packinglist` for `packing list`, `Heizungswartung` for `Heizung` and `Wartung`, where the
index has these. Words that the index has cost nothing.
Runs in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import product
from typing import Final, NamedTuple

from magicfs.db.pool import Connection
from magicfs.db.search.known_words import count_chunks, words_like
from magicfs.db.search.search_facts import WordChunks
from magicfs.domain.query import STEM_MARK, Lexeme, Term
from magicfs.search.longer_words import (
    beginning_of_codes,
    is_code,
    longer_words,
    pieces_of_code,
    shorter_digest,
    shortest_with_stem,
    words_ending,
)
from magicfs.search.near_spellings import edits, in_pieces, is_of_letters, one_letter_away
from magicfs.text.analysis import question_terms
from magicfs.text.analysis.forms import COMPOUNDING, VARIANT_FACTOR
from magicfs.text.analysis.lexemes import folded_stems
from magicfs.text.analysis.stems import DEFAULT_LANGUAGE, algorithm_for, has_no_stems
from magicfs.text.everyday_words import everyday_words
from magicfs.text.question_language import question_languages

_MIN_LETTERS: Final = 6
"""Shorter words are one letter away from too many others."""
_MIN_LETTERS_OF_LONGER: Final = 5
_MIN_LETTERS_WITHOUT_STEMS: Final = 3
"""A word that longer ones begin or end with may be shorter, and shorter still in scripts without stems."""
_MAX_LETTERS: Final = 32
_MAX_UNKNOWN: Final = 2
"""If nothing has more words of a question, it may be in a language that the index has not."""
_MAX_WORDS: Final = 3
"""The most words of a question in which a letter is taken for a wrong one. A longer question finds what it asks for by
its other words and its meaning, and most of its words that nothing has are spelt right: `bought` is not `brought`."""
_MAX_EDITS: Final = 2
"""A word of texts is so many letters away at most, with its ending: `recieve` from `received`, not `evening` from
`event`. Of the shortest words it is one: `lentil` is no `lento`."""
_MIN_WORD: Final = 3
"""The letters of each of two words that are typed in one: two letters are too often the beginning of a word."""
_MIN_PART: Final = 4
"""The letters of each part of a compound whose parts a text has apart."""
_LINKS: Final = ("s", "", "es", "n", "en", "e")
"""What joins the parts of a compound in them. The first one tells that a word is a compound."""
_NAMED: Final = 3
"""The compounds that a notice names."""
_LONG: Final = 12
"""A word of so many letters, whose language is not known, may be a compound of two with nothing between them."""


class Respelt(NamedTuple):
    """The words of a question in the spelling that something has."""

    terms: dict[Term, WordChunks]
    """Each with the chunks that have it."""
    taken: dict[str, str]
    """Which word was taken for which."""
    uncertain: frozenset[str]
    """The words of the terms that may not be what was meant."""
    as_typed: dict[str, Term]
    """The terms in which a letter was taken for a wrong one, as they were before, by their words."""


def respell(connection: Connection, known: Mapping[Term, WordChunks], languages: Sequence[str]) -> Respelt:
    """Terms with the chunks that have them, those that nothing has in the spelling that something has."""
    words = [term for term in known if not term.is_compound]
    unknown = [term for term in words if known[term].size == 0]
    looked_up = list(filter(_may_be_respelt, unknown))
    codes = [term for term in known if known[term].size == 0 and is_code(term)]
    if not 0 < len(looked_up) + len(codes) <= _MAX_UNKNOWN:
        return Respelt(dict(known), {}, frozenset(), {})
    beside = " | ".join(term.tsquery for term in words if term not in unknown)
    search = _Search(
        connection, languages, beside, may_be_wrong=len(words) <= _MAX_WORDS and len(unknown) <= _MAX_UNKNOWN
    )
    for term in sorted(codes, key=lambda code: -len(code.word)):
        search.look_for_code(term)
    for term in looked_up:
        search.look_for_word(term)
    respelt: dict[str, tuple[Term, WordChunks]] = {}
    for term, chunks in known.items():
        found = search.found.get(term, {} if term.word in search.left_out else {term: chunks})
        for one, its_chunks in found.items():
            respelt.setdefault(one.word, (one, its_chunks))
    return Respelt(dict(respelt.values()), search.taken, frozenset(search.uncertain), search.as_typed)


class _Search:
    """Looks for the words of a question that nothing has, in other spellings."""

    def __init__(self, connection: Connection, languages: Sequence[str], beside: str, *, may_be_wrong: bool) -> None:
        """`beside` is the condition that a text has other words; a letter of a word may be wrong, or none."""
        self._connection = connection
        self._languages = languages
        self._beside = beside
        self._may_be_wrong = may_be_wrong
        self.found: dict[Term, dict[Term, WordChunks]] = {}
        """What stands for each term, with the chunks that have it."""
        self.taken: dict[str, str] = {}
        self.uncertain: set[str] = set()
        self.as_typed: dict[str, Term] = {}
        self.left_out: set[str] = set()
        """The parts of codes for which something else stands."""

    def look_for_code(self, term: Term) -> None:
        """Look for all that begins as a code does, or else for a shorter digest, or for its pieces."""
        if term.word in self.left_out or self._has_any(term):
            return
        if beginning := beginning_of_codes(self._connection, term):
            self._take(term, [beginning], f"{term.word}*")
        elif digest := shorter_digest(self._connection, term.word):
            self._take(term, self._terms(digest), digest)
        elif pieces := pieces_of_code(self._connection, term.word):
            self._take(term, self._terms(" ".join(pieces)), " ".join(pieces))
        else:
            return
        self.left_out |= {term.word, *term.parts}
        if not term.word.isdigit():
            self.uncertain.discard(term.word)

    def look_for_word(self, term: Term) -> None:
        """Look for a word in pieces, as two words, with another letter, longer, and as a compound of two words."""
        if term.word in self.left_out or self._has_any(term):
            return
        lexemes: list[Lexeme] = []
        spelling = ""
        if len(term.word) >= _MIN_LETTERS:
            lexemes, spelling = _found_spelling(
                self._connection, term.word, self._languages, self._beside, may_be_wrong=self._may_be_wrong
            )
        if (spelling or not lexemes) and (two := _two_words(self._connection, term.word)):
            self._take(term, self._terms(two), two)
        elif lexemes:
            self._take(term, [replace(term, lexemes=(*term.lexemes, *lexemes))], spelling)
            self.as_typed |= {term.word: term} if spelling else {}
        elif not self._may_be_wrong:
            return
        elif longer := longer_words(self._connection, term.word, _algorithms(self._languages)):
            forms = [Lexeme(word, factor=VARIANT_FACTOR, is_exact=False) for word in longer]
            self._take(term, [replace(term, lexemes=(*term.lexemes, *forms))], ", ".join(longer))
        elif compounds := self._compounds_ending(term.word):
            forms = [form for word in compounds for form in _forms_of_stem(word)]
            named = [shortest_with_stem(self._connection, stem) for stem in compounds[:_NAMED]]
            self._take(term, [replace(term, lexemes=(*term.lexemes, *forms))], ", ".join(named))
        elif compounded := _parts_of_compound(self._connection, term.word, self._languages):
            self._take(term, compounded, " ".join(part.word for part in compounded))
            self.uncertain.update(part.word for part in compounded)

    def _compounds_ending(self, word: str) -> list[str]:
        possible = question_languages(word).possible
        if COMPOUNDING.isdisjoint(self._languages) or (possible and COMPOUNDING.isdisjoint(possible)):
            return []
        # The stem of another language is a shorter end, which other words have: `Samaras` has the Spanish stem `sam`.
        return words_ending(
            self._connection, word, _algorithms(list(filter(COMPOUNDING.__contains__, self._languages)))
        )

    def _take(self, term: Term, terms: Sequence[Term], spelling: str) -> None:
        self.found[term] = _counted(self._connection, terms)
        if spelling:
            self.taken[term.word] = spelling
            self.uncertain.add(term.word)

    def _terms(self, text: str) -> tuple[Term, ...]:
        return question_terms(text, languages=self._languages)

    def _has_any(self, term: Term) -> bool:
        return any(count_chunks(self._connection, [term.tsquery])[0])


def _forms_of_stem(stem: str) -> list[Lexeme]:
    return [Lexeme(text, factor=VARIANT_FACTOR, is_exact=False) for text in (stem, STEM_MARK + stem)]


def _algorithms(languages: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(filter(None, map(algorithm_for, (DEFAULT_LANGUAGE, *languages)))))


def _counted(connection: Connection, terms: Sequence[Term]) -> dict[Term, WordChunks]:
    counts = count_chunks(connection, [term.tsquery for term in terms])
    return {term: WordChunks(0.0, in_chunks) for term, (in_chunks, _) in zip(terms, counts, strict=True)}


def _two_words(connection: Connection, word: str) -> str:
    """The two words that a word is in one piece, if a text has them side by side, or a path has both; else nothing."""
    places = range(_MIN_WORD, len(word) - _MIN_WORD + 1)
    pairs = [(word[:place], word[place:]) for place in places]
    halves = [tuple(Lexeme(half).tsquery for half in pair) for pair in pairs]
    conditions = [sign.join(pair) for sign in (" <-> ", " & ") for pair in halves]
    counts = count_chunks(connection, conditions) if conditions else []
    of_pairs = zip(counts, counts[len(pairs) :], pairs, strict=False)
    found = [((in_chunks, in_paths), pair) for (in_chunks, _), (_, in_paths), pair in of_pairs]
    best = max(found, key=lambda one: one[0], default=((0, 0), ("", "")))
    return " ".join(best[1]) if any(best[0]) else ""


def _parts_of_compound(connection: Connection, word: str, languages: Sequence[str]) -> Sequence[Term]:
    """The two words that a compound is made of, in any form, if passages have both; else none.

    Of a word that may be in any language, only one that has a sign of it is a compound: `workmate` is no `work mate`.
    """
    possible = question_languages(word).possible
    if COMPOUNDING.isdisjoint(languages) or (possible and COMPOUNDING.isdisjoint(possible)):
        return ()
    pairs = []
    unknown = _LINKS[: 2 if len(word) >= _LONG else 1]
    everyday = everyday_words(DEFAULT_LANGUAGE)
    for first, last in halves_of(word, _LINKS if possible else unknown):
        if not everyday.isdisjoint((first, last)):
            continue
        parts = [question_terms(part, languages=languages) for part in (first, last)]
        pairs += [(one, other) for one, other in product(*parts) if one.word != other.word]
    counts = count_chunks(connection, [" & ".join(f"({part.tsquery})" for part in pair) for pair in pairs])
    best = max(zip(counts, pairs, strict=True), key=lambda found: found[0], default=((0, 0), ()))
    return best[1] if any(best[0]) else ()


def halves_of(word: str, links: Sequence[str]) -> list[tuple[str, str]]:
    """The pairs of words that a word may be a compound of, without what joins them."""
    places = range(_MIN_PART, len(word) - _MIN_PART + 1)
    halves = [(word[:place], link, word[place:]) for place in places for link in links if word[:place].endswith(link)]
    return [(first.removesuffix(link), last) for first, link, last in halves if len(first) - len(link) >= _MIN_PART]


def _may_be_respelt(term: Term) -> bool:
    word, is_exact = term.word, not any(lexeme.is_prefix for lexeme in term.lexemes)
    least = _MIN_LETTERS_WITHOUT_STEMS if has_no_stems(word) else _MIN_LETTERS_OF_LONGER
    return is_exact and is_of_letters(word) and least <= len(word) <= _MAX_LETTERS


def _found_spelling(
    connection: Connection, word: str, languages: Sequence[str], beside: str, *, may_be_wrong: bool
) -> tuple[list[Lexeme], str]:
    """The lexemes of the spelling that the index has, and the form of it that most texts have if it is another word.

    Of several spellings, one is meant that texts have together with what is `beside` it, a condition. Unless a letter
    may be wrong, the word is looked up in pieces alone.
    """
    pieces, spellings = in_pieces(word), one_letter_away(word) if may_be_wrong else []
    algorithms = _algorithms(languages)
    stems = {stem for algorithm in algorithms for stem in folded_stems(spellings, algorithm)}
    looked_for = dict.fromkeys([*pieces, *spellings, *(STEM_MARK + stem for stem in stems)])
    had = words_like(connection, list(looked_for), first=word[0])
    found = [piece for piece in pieces if piece in had]
    if found:
        return [Lexeme(piece, factor=VARIANT_FACTOR, is_exact=False) for piece in found], ""
    most_edits = _MAX_EDITS if len(word) > _MIN_LETTERS else 1
    candidates = [spelling for spelling in spellings if spelling in had] or [
        found for found in _with_stems(had, stems, algorithms) if edits(word, found) <= most_edits
    ]
    if not candidates:
        return [], ""
    best = _most_frequent(connection, candidates, beside)
    terms = question_terms(best, languages=languages)
    forms = [form for term in terms for form in term.lexemes]
    stems_of_best = {form.text.removeprefix(STEM_MARK) for form in forms if form.text.startswith(STEM_MARK)}
    named = _most_frequent(connection, [best, *_with_stems(had - {best}, stems_of_best, algorithms)])
    return [replace(form, factor=min(form.factor, VARIANT_FACTOR), is_exact=False) for form in forms], named


def _most_frequent(connection: Connection, words: Sequence[str], beside: str = "") -> str:
    """The word that most chunks have, then most names: the first one of several.

    Those that any has together with what is `beside` it, a condition, come before all others.
    """
    if len(words) == 1:
        return words[0]
    alone = [Lexeme(word).tsquery for word in words]
    together = [f"{word} & ({beside})" for word in alone] if beside else []
    counts = count_chunks(connection, together + alone)
    orders = zip(counts, counts[len(together) :], strict=False)
    return max(zip(words, orders, strict=True), key=lambda found: found[1])[0]


def _with_stems(words: Iterable[str], stems: AbstractSet[str], algorithms: Iterable[str]) -> list[str]:
    """The words, of those given, that have one of some stems, in alphabetical order."""
    typed = sorted(filter(is_of_letters, words))
    of_words = [folded_stems(typed, algorithm) for algorithm in algorithms]
    return [word for word, *found in zip(typed, *of_words, strict=True) if not stems.isdisjoint(found)]
