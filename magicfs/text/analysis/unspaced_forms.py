"""Other forms of what is typed in Japanese and Korean: endings of verbs, particles.

Used by `question`: the pairs of characters of a typed run, each with what a text may have instead, and those that are
no part of a word. Pure functions; any thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from magicfs.domain.query import Lexeme
from magicfs.text.analysis.forms import EXACT_BONUS, OTHER_FORM_FACTOR, VARIANT_FACTOR
from magicfs.text.analysis.okurigana import compounds_of_verbs

_HANGUL: Final = "\uac00-\ud7a3"
_HANGUL_RUN: Final = re.compile(f"[{_HANGUL}]+")
_PARTICLE: Final = re.compile(
    "(?<=..)(?:에서|에게|으로|부터|까지|처럼|보다|이나|은|는|을|를|와|과)$|(?<=...)(?:이|가|의|에|도|로|만)$"
)
"""A particle of Korean, which stands behind a word without a space."""
_PARTICLES: Final = "은는이가을를의에도로으와과만까부처보"
"""The first syllables of particles."""
_NEGATIONS: Final = "안못"
"""`Not` and `cannot` stand before verbs, with a space or without."""
_MIN_NEGATED: Final = 3
_MIN_COMPOUND: Final = 4
"""The syllables from which on a word of Korean may be two: people write them with a space and without."""

_HIRAGANA: Final = "\u3041-\u3096"
_IDEOGRAPHS: Final = "\u4e00-\u9fff\u3005"
_KATAKANA: Final = "\u30a1-\u30fa\u30fc"
_JAPANESE_PARTICLES: Final = "のをはがにへとでもや"
_BETWEEN_WORDS: Final = re.compile(
    f"(?<=[{_HIRAGANA}])(?=[{_IDEOGRAPHS}]{{2}}|[{_KATAKANA}]{{2}})"
    f"|(?<=[{_KATAKANA}]{{2}})(?=[{_HIRAGANA}])"
    f"|(?<=[{_IDEOGRAPHS}]{{2}})(?=[{_JAPANESE_PARTICLES}])"
    f"|(?<=[^{_HIRAGANA}][{_JAPANESE_PARTICLES}])(?=[{_JAPANESE_PARTICLES}])"
    f"|(?<=[{_IDEOGRAPHS}]{{2}})(?<![目标標])(?=的[{_IDEOGRAPHS}])(?!的[确確士话話])"
    f"|(?<=[{_IDEOGRAPHS}]的)(?<![目标標]的)(?=[{_IDEOGRAPHS}]{{2}})"
)
"""Where a word ends or begins that has a pair of its own, or a particle follows one that is behind a word. Behind
ideographs, other hiragana are the ending of a verb. A word in hiragana, such as `はがき`, may begin as particles do.
And the particle of Chinese between two words, which texts leave out: `公司的利润`, not `目的地`."""


def pairs_between_words(run: str) -> frozenset[int]:
    """The places of the pairs of a typed run that no word has, but particles: `の基` of `Gitの基本`.

    Few texts have such a pair, so that it weighs more than the words. A run of nothing else keeps them.
    """
    places = frozenset(match.start() - 1 for match in _BETWEEN_WORDS.finditer(run))
    return places if len(places) < len(run) - 1 else frozenset()


def forms_of_syllable(word: str) -> tuple[Lexeme, ...]:
    """The forms of a word of one syllable of Hangul, with particles and in front of other words; none of another one.

    Longer words that begin with the syllable are mostly others: `물` is water, and `물건` a thing.
    """
    if not _HANGUL_RUN.fullmatch(word):
        return ()
    with_particles = (Lexeme(word + particle, is_exact=False) for particle in _PARTICLES)
    longer = Lexeme(word, factor=OTHER_FORM_FACTOR, is_exact=False, is_prefix=True)
    return (Lexeme(word, factor=1.0 + EXACT_BONUS), *with_particles, longer)


def pair_forms(run: str, pairs: Sequence[str]) -> list[list[Lexeme]]:
    """What a text may have instead of each pair of a folded run, in their order."""
    forms: list[list[Lexeme]] = [[] for _ in pairs]
    for start, end, others in _replaced(run):
        for place in range(start, min(end, len(pairs))):
            forms[place] += [other for other in others if other.text != pairs[place]]
    return forms


def _replaced(run: str) -> Iterator[tuple[int, int, list[Lexeme]]]:
    """Yield the first and the last place of pairs that another form replaces, and that form."""
    for start, end, middles in compounds_of_verbs(run):
        yield start, end, list(map(_form, middles))
    for match in _HANGUL_RUN.finditer(run):
        yield from _of_korean(match)


def _of_korean(match: re.Match[str]) -> Iterator[tuple[int, int, list[Lexeme]]]:
    """A word that has another particle, or that is two words: then the last syllable of the first stands alone."""
    start, word = match.start(), match[0]
    particle = _PARTICLE.search(word)
    end = particle.start() if particle else len(word)
    if particle:
        last = word[end - 1]
        yield start + end - 1, start + len(word), [_form(last + behind) for behind in ("", *_PARTICLES)]
    if word[0] in _NEGATIONS and len(word) >= _MIN_NEGATED:
        yield start, start + 1, [_form(word[0])]
    for place in range(1, end - 2) if end >= _MIN_COMPOUND else ():
        yield start + place, start + place + 1, [_form(word[place])]


def _form(text: str) -> Lexeme:
    return Lexeme(text, factor=VARIANT_FACTOR, is_exact=False)
