"""Other forms of what is typed in Chinese, Japanese and Korean: numbers in characters, endings of verbs, particles.

Used by `question`: the pairs of characters of a typed run, each with what a text may have instead. Pure functions; any
thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from magicfs.domain.query import Lexeme
from magicfs.text.analysis.folding import fold
from magicfs.text.analysis.forms import VARIANT_FACTOR
from magicfs.text.analysis.han import HAN
from magicfs.text.analysis.okurigana import compounds_of_verbs
from magicfs.text.analysis.variants import OtherForms

_HANGUL: Final = "\uac00-\ud7a3"
_HANGUL_RUN: Final = re.compile(f"[{_HANGUL}]+")
_PARTICLE: Final = re.compile(
    "(?<=..)(?:에서|에게|으로|부터|까지|처럼|보다|이나|은|는|을|를|와|과)$|(?<=...)(?:이|가|의|에|도|로|만)$"
)
"""A particle of Korean, which stands behind a word without a space."""
_PARTICLES: Final = "은는이가을를의에도로으와과만까부처보"
"""The first syllables of particles."""
_MIN_COMPOUND: Final = 4
"""The syllables from which on a word of Korean may be two: people write them with a space and without."""

_CHARACTERS: Final = "〇一二三四五六七八九"
_DIGITS: Final = {character: value for value, character in enumerate(_CHARACTERS)} | {"零": 0}
_UNITS: Final = {"十": 10, "百": 100, "千": 1000}
_NUMERALS: Final = "".join([*_DIGITS, *_UNITS])
_COUNTERS: Final = "条條章节節回巻卷版番期届页頁项項级級课課号號位名人年月日時时分度個个ヶヵカケか"
_OF_ORDER: Final = "条條章节節回巻卷期届页頁项項课課号號月日"
"""Those before which one numeral is a number: before others, `一个`, `十分` and `百度` are words."""
_OF_PARTS: Final = frozenset("一十百千")
_NTH: Final = "第"
_BEFORE: Final = "第年月日号號和成治正有共约約在于於至到自从從"
"""Chinese characters before a number: behind any other one, a numeral is a part of a word."""
_IN_CHARACTERS: Final = re.compile(f"(?<![{_NUMERALS}])([{_NUMERALS}]{{1,7}})(?=[{_COUNTERS}])")
_OTHER_BEFORE: Final = re.compile(f"(?![{_BEFORE}])[{HAN}]")
_IN_DIGITS: Final = re.compile(f"(?<![0-9.,])([0-9]{{1,4}})([{_COUNTERS}])")
_YEAR_DIGITS: Final = 4


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
    for place in range(1, end - 2) if end >= _MIN_COMPOUND else ():
        yield start + place, start + place + 1, [_form(word[place])]


def _form(text: str) -> Lexeme:
    return Lexeme(text, factor=VARIANT_FACTOR, is_exact=False)


def numbers_in_characters(text: str) -> Iterator[OtherForms]:
    """Yield the numbers before counters in a typed text in digits: `12` for the pairs of `第十二条`."""
    for match in _IN_CHARACTERS.finditer(text):
        before, counter = text[: match.start()][-1:], text[match.end()]
        number = _value(match[1])
        if number is not None and _is_number(match[1], before, counter):
            around = (before if before and before in _BEFORE else "") + match[1] + counter
            yield frozenset(fold(first + second) for first, second in pairwise(around)), [str(number)]


def _is_number(numerals: str, before: str, counter: str) -> bool:
    """Whether numerals between two characters are a number, and no part of a word."""
    if numerals in _OF_PARTS and before != _NTH and counter not in _OF_ORDER:
        return False
    return not _OTHER_BEFORE.match(before)


def numbers_in_digits(text: str) -> Iterator[OtherForms]:
    """Yield the numbers before counters in a typed text in characters: `十二` for the `12` of `第12条`."""
    for match in _IN_DIGITS.finditer(text):
        digits, counter = match.groups()
        is_digit_by_digit = len(digits) == _YEAR_DIGITS
        written = "".join(_CHARACTERS[int(digit)] for digit in digits) if is_digit_by_digit else _written(int(digits))
        if len(written) > 1:
            yield frozenset({digits}), [written[-2:]]
        elif _is_number(written, text[: match.start()][-1:], counter):
            yield frozenset({digits}), [written + counter]


def _value(characters: str) -> int | None:
    """The number of some characters, digit by digit or with units; None for what is no number."""
    if not set(characters) & _UNITS.keys():
        # Two digits side by side are no number but `two or three`.
        is_number = len(characters) in {1, _YEAR_DIGITS}
        return int("".join(str(_DIGITS[character]) for character in characters)) if is_number else None
    total, digit = 0, None
    for character in characters:
        if character in _UNITS:
            total += (1 if digit is None else digit) * _UNITS[character]
            digit = None
        elif digit:
            return None
        else:
            digit = _DIGITS[character]
    return total + (digit or 0)


def _written(number: int) -> str:
    """A number below 1,000 with units: `一百二十三`."""
    written = ""
    for unit, value in (("百", 100), ("十", 10)):
        digit, number = divmod(number, value)
        if digit:
            written += ("" if digit == 1 and unit == "十" and not written else _CHARACTERS[digit]) + unit
    return written + (_CHARACTERS[number] if number or not written else "")
