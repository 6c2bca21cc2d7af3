"""The forms of a word of a question: a text that has any of them has the word, or nearly.

Used by `question` and `phrases`. Each form has a factor: how much an occurrence of it counts. Any thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from magicfs.domain.query import STEM_MARK, Lexeme
from magicfs.text.analysis.english_forms import other_forms
from magicfs.text.analysis.ethiopic import without_preposition
from magicfs.text.analysis.folding import fold
from magicfs.text.analysis.hebrew import is_hebrew, plural_stems, singulars, without_prefixes
from magicfs.text.analysis.irregular_forms import irregular_forms
from magicfs.text.analysis.lexemes import folded_stem
from magicfs.text.analysis.stems import DEFAULT_ALGORITHM, DEFAULT_LANGUAGE, algorithm_for, has_letters_alone
from magicfs.text.analysis.variants import with_two_letters, with_umlauts, words_apart

EXACT_BONUS: Final = 0.05
"""How much more an occurrence of the very word counts than one of another form."""

VARIANT_FACTOR: Final = 0.5
"""How much an occurrence of a variant of a word counts: `email` for `e-mail`, `Mueller` for `Müller`."""

OTHER_FORM_FACTOR: Final = 0.25
"""The same for an irregular form: `matrix` for `matrices`. On questions about abstracts, more gains nothing."""

_MIN_REST_CHARACTERS: Final = 3
"""Fewer letters behind one that may be a word before them, in a typed word of Hebrew, are a part of it. So many are
left of the second of two words in the stem of both."""


_INFLECTED: Final = frozenset(
    {"arabic", "czech", "danish", "hungarian", "norwegian", "polish", "romanian", "russian", "swedish"}
)
"""Algorithms for languages in which a plural has further endings."""
_LONGER_STEMS: Final = frozenset({"hungarian", "turkish"})
"""Algorithms whose stem of a plural may be the singular, of which they take more: `faturalar`, `fatura`, `fatur`."""

_VOWELS: Final = ("a", "e", "i", "o", "u")
_POSSESSED: Final = re.compile(r"(?<=\w\w[aeiou])s[iu]\Z")

COMPOUNDING: Final = frozenset({"da", "de", "fi", "hu", "nl", "no", "sv"})
"""Languages in which people make compounds as they need them."""
_MIN_LETTERS_OF_COMPOUNDED: Final = 4
"""A shorter word is an article as often."""
_MAX_WORDS_OF_COMPOUNDS: Final = 3
"""A question of more words says in other words which of two things is meant."""

_ROMANCE: Final = frozenset({"catalan", "french", "italian", "portuguese", "romanian", "spanish"})
_MADE_OF_VERBS: Final = re.compile("ment(?:[eio]s?|s)?\\Z")
"""The ending of nouns and adverbs of which Snowball leaves the verb or the adjective."""
_MAX_SHORT_STEM: Final = 4
"""`testament` has the stem of `test` in French, `basement` that of `bas`, and `virement` that of `virer`."""


def algorithms_for(languages: Sequence[str]) -> tuple[str, ...]:
    """The algorithms of stems for the languages of the index, and for English."""
    return tuple(dict.fromkeys(filter(None, map(algorithm_for, (DEFAULT_LANGUAGE, *languages)))))


@lru_cache(maxsize=512)
def word_forms(part: str, word: str, algorithms: tuple[str, ...]) -> tuple[Lexeme, ...]:
    """The forms of a word, which was typed as `part`: itself, its stem in texts and as a word, its variants."""
    forms = {word: Lexeme(word, factor=EXACT_BONUS)}
    if not has_letters_alone(part):
        algorithms = ()
    for algorithm in algorithms:
        stemmed = folded_stem(part, algorithm)
        is_letter = len(stemmed) == 1 < len(word) and word.isascii()
        is_of_another = algorithm in _ROMANCE and _is_of_another_word(stemmed, word)
        if is_of_another or (is_letter and algorithm == DEFAULT_ALGORITHM):
            plural = word[:-1] if word.endswith("s") else f"{word}s"
            forms.setdefault(plural, Lexeme(plural, is_exact=False))
        if is_of_another:
            continue
        if is_letter:
            stemmed = word  # a letter alone is another word: the `a` of `AED`, in English, and of `ada`, in Turkish
        is_long = 2 * len(stemmed) > len(word) or algorithm == DEFAULT_ALGORITHM or not word.isascii()
        # An occurrence of a short stem is one of another word as often: `car` of `carrot`, in Hungarian.
        factor = 1.0 if is_long else OTHER_FORM_FACTOR
        forms.setdefault(STEM_MARK + stemmed, Lexeme(STEM_MARK + stemmed, factor=factor, is_exact=False))
        if stemmed == word:
            forms[word] = Lexeme(word, factor=1.0 + EXACT_BONUS)
        elif len(stemmed) >= _MIN_REST_CHARACTERS and 2 * len(stemmed) > len(word):
            # A shorter stem is as often another word: `in` of `init`, in Finnish, and `int` of `intern`, in German.
            forms.setdefault(stemmed, Lexeme(stemmed, is_exact=False))
    if not algorithms:
        forms[word] = Lexeme(word, factor=1.0 + EXACT_BONUS)
    others = {form.text: form for form in _other_words(part, word, algorithms) if form.text not in forms}
    return (*forms.values(), *others.values())


def _other_words(part: str, word: str, algorithms: tuple[str, ...]) -> list[Lexeme]:
    """The forms of a word that are words of their own: with two letters for an umlaut, irregular, in another number."""
    variant = with_two_letters(part.lower())
    found = [] if variant is None else list(variant_forms(variant, algorithms))
    if DEFAULT_ALGORITHM in algorithms and part.isascii():
        for other in other_forms(part.lower(), folded_stem(part, DEFAULT_ALGORITHM)):
            found += variant_forms(other, (DEFAULT_ALGORITHM,), OTHER_FORM_FACTOR)
    for algorithm in algorithms:
        for other in irregular_forms(word, algorithm):
            # The stem is none where it may be another word: `them` of `Themen`.
            texts = [fold(other), *([STEM_MARK + folded_stem(other, algorithm)] if algorithm in _INFLECTED else [])]
            found += [Lexeme(text, factor=OTHER_FORM_FACTOR, is_exact=False) for text in texts]
        if algorithm in _LONGER_STEMS:
            found += _forms_with_longer_stems(word, algorithm)
    found += [form for rest in without_preposition(word) for form in variant_forms(rest, algorithms)]
    return found + _forms_in_hebrew(word, algorithms) if is_hebrew(word) else found


def _forms_with_longer_stems(word: str, algorithm: str) -> list[Lexeme]:
    """The word itself as a stem, and in Turkish with the ending of the second noun of two: `kira sözleşmesi`."""
    stems = [word]
    found: list[Lexeme] = []
    if algorithm == "turkish" and word.endswith(_VOWELS):
        stems.append(f"{word}s")
        if len(base := _POSSESSED.sub("", word)) < len(word):
            found += variant_forms(base, (algorithm,))
            stems.append(base)
    return [*found, *(Lexeme(STEM_MARK + stem, factor=VARIANT_FACTOR, is_exact=False) for stem in stems)]


def _forms_in_hebrew(word: str, algorithms: Sequence[str]) -> list[Lexeme]:
    """The forms of a word of Hebrew without the words before it, and in the other number."""
    rests = [rest for rest in without_prefixes(word) if len(rest) >= _MIN_REST_CHARACTERS]
    found = [form for rest in rests for form in variant_forms(rest, algorithms)]
    for rest in (word, *rests):
        found += [Lexeme(STEM_MARK + stem, factor=OTHER_FORM_FACTOR, is_exact=False) for stem in plural_stems(rest)]
        for other in (*singulars(rest), *irregular_forms(rest, "hebrew")):
            found += variant_forms(other, algorithms, OTHER_FORM_FACTOR)
    return found


def _is_of_another_word(stemmed: str, word: str) -> bool:
    """Whether a stem in a Romance language has so little of a noun or an adverb that it is that of other words."""
    is_short = len(stemmed) <= _MAX_SHORT_STEM and 2 * len(stemmed) < len(word)
    return is_short and _MADE_OF_VERBS.search(word) is not None


def umlaut_forms(word: str, *, languages: Sequence[str]) -> tuple[Lexeme, ...]:
    """The forms of a folded word whose pairs of letters stand for umlauts: `muller` for `mueller`; none for others."""
    variant = with_umlauts(word, languages)
    return () if variant is None else variant_forms(variant, algorithms_for(languages))


def forms_in_one_piece(question: str, *, languages: Sequence[str]) -> list[tuple[tuple[str, str], tuple[Lexeme, ...]]]:
    """The neighbouring words of a short question, folded, each two with the forms of what they are in one piece.

    Such as `database` for `data` and `base`: a text that has it answers both.
    """
    algorithms = algorithms_for(languages)
    found = []
    for first, second, whole in words_apart(question):
        # A stem without the second word, such as that of `Störungen des`, is another word.
        least = len(first) + _MIN_REST_CHARACTERS
        forms = variant_forms(whole, algorithms)
        kept = [form for form in forms if len(form.text.removeprefix(STEM_MARK)) >= least]
        found.append(((fold(first), fold(second)), (*kept, *_compounds_of(first, second, question, languages))))
    return found


def _compounds_of(first: str, second: str, question: str, languages: Sequence[str]) -> Iterator[Lexeme]:
    """The forms of the compounds of two words of a few, in either order: `Kellerschlüssel` for `Schlüssel Keller`."""
    algorithms = algorithms_for([language for language in languages if language in COMPOUNDING])[1:]
    are_short = min(len(first), len(second)) < _MIN_LETTERS_OF_COMPOUNDED
    if are_short or not algorithms or len(question.split()) > _MAX_WORDS_OF_COMPOUNDS:
        return
    for before, behind, link in ((second, first, ""), (second, first, "s"), (first, second, "s")):
        forms = variant_forms(f"{before}{link}{behind}", algorithms)
        least = len(before) + len(link) + _MIN_REST_CHARACTERS
        yield from (form for form in forms if len(form.text.removeprefix(STEM_MARK)) >= least)


def variant_forms(word: str, algorithms: Sequence[str], factor: float = VARIANT_FACTOR) -> tuple[Lexeme, ...]:
    """The lexemes of a variant of a word, in lower case, and of its stems."""
    folded = fold(word)
    stemmed = [folded_stem(word, algorithm) for algorithm in algorithms if word.isalpha()]
    # The stem as a word is that of a text which has it without an ending.
    lexemes = dict.fromkeys([folded, *(form for stem in stemmed for form in (STEM_MARK + stem, stem))])
    return tuple(Lexeme(lexeme, factor=factor, is_exact=False) for lexeme in lexemes)
