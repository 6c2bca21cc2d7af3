"""Folds text: two spellings of one word, such as `Fußgänger` and `FUSSGANGER`, have one folded form.

Used for words, names of files and filters. Pure functions; any thread. What only scripts other than Latin need is made
by the first text that has them: that takes a tenth of a second, half of the time of a short command.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Final

from magicfs.text.analysis.han import one_form
from magicfs.text.analysis.spellings import KANA, LETTERS, one_spelling, with_one_hamza

_LETTERS: Final = {
    "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ŧ": "t", "ŋ": "n", "ı": "i",
    "ĸ": "k", "ƀ": "b", "ɨ": "i", "ʉ": "u", "ɵ": "o", "ƶ": "z", "ɓ": "b", "ɗ": "d", "ƙ": "k", "ƴ": "y", "ɛ": "e",
    "ɔ": "o", "ə": "e", "ǝ": "e",
    "ґ": "г", "ғ": "г", "қ": "к", "ҡ": "к", "ң": "н", "ө": "о", "ұ": "у", "ү": "у", "ә": "а", "һ": "х", "җ": "ж",
    "ҙ": "з", "ҫ": "с", "ٱ": "ا", "ى": "ي", "ی": "ي", "ک": "ك", "ة": "ه", "ـ": "",
}  # fmt: skip
"""Letters without a decomposition, after `casefold`, which turns `ß` into `ss`. The tatweel only stretches a word."""

_COMBINING_CLASSES: Final = frozenset({1, 7, *range(10, 37), *range(202, 241)})
"""The classes of accents, points and vowel signs that people leave out: strokes through letters, nuktas, Hebrew and
Arabic points, and whatever stands above or below a letter. Vowel signs of Indic scripts, tone marks of Thai and the
voicing marks of kana are in other classes: without them, a word is another word."""

_BEYOND_MARKS: Final = 0x20000


@cache
def _by_category() -> dict[str, list[str]]:
    """The characters of the categories that matter here, in order, by one pass over all."""
    found: dict[str, list[str]] = {"Mn": [], "Mc": [], "Me": [], "Nd": []}
    for character in map(chr, range(0x80, _BEYOND_MARKS)):
        characters = found.get(unicodedata.category(character))
        if characters is not None:
            characters.append(character)
    return found


def character_class(characters: list[str]) -> str:
    """The inside of a regular expression's `[…]` that matches exactly these characters, which are in order."""
    ranges: list[list[int]] = []
    for code in map(ord, characters):
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)


@cache
def marks() -> list[str]:
    """All combining characters, in order."""
    found = _by_category()
    return sorted(found["Mn"] + found["Mc"] + found["Me"])


_FIRST_ASTRAL: Final = "\U00010000"
_ASTRAL: Final = re.compile(f"[{_FIRST_ASTRAL}-\U0010ffff]")
"""The characters beyond the Basic Multilingual Plane. A class that names some of them is slow: `re` keeps those of the
plane in a bitmap, and compares all others one by one."""


def basic(characters: list[str]) -> list[str]:
    """The characters, of those given, that are of the Basic Multilingual Plane."""
    return [character for character in characters if character < _FIRST_ASTRAL]


def is_basic(text: str) -> bool:
    """Whether all characters of a text are of that plane."""
    return text.isascii() or _ASTRAL.search(text) is None


def _is_left_out(mark: str) -> bool:
    return unicodedata.combining(mark) in _COMBINING_CLASSES


_LATIN: Final = re.compile("[\x00-\u02af\u2010-\u2027\u2030-\u205e\u20a0-\u20c0]*")
"""Latin letters, and the signs of typography and money: they have no marks but those of `_LATIN_POINTS`."""
_POINTED_LATIN: Final = re.compile("[\x00-\u036f\u2010-\u2027\u2030-\u205e\u20a0-\u20c0]*")
"""The same with its marks as characters of their own."""
_FIRST_POINT, _LAST_POINT = "\u0300", "\u036f"
_LATIN_POINTS: Final = re.compile(
    f"[{character_class(list(filter(_is_left_out, map(chr, range(ord(_FIRST_POINT), ord(_LAST_POINT) + 1)))))}]+"
)
_LATIN_LETTERS: Final = re.compile(f"[{''.join(letter for letter in _LETTERS if letter < _FIRST_POINT)}]")


_IOTA_BELOW: Final = re.compile("[\u0345\u1f80-\u1fff]")
"""Greek letters that may have an iota below them, which people leave out. Folding the case makes a letter of it."""


@cache
def _left_out(*, is_basic: bool) -> re.Pattern[str]:
    """What finds the marks that people leave out, in a text of the Basic Multilingual Plane or in any."""
    left_out = list(filter(_is_left_out, marks()))
    return re.compile(f"[{character_class(basic(left_out) if is_basic else left_out)}]+")


@cache
def _stands_for() -> dict[str, str]:
    """What each letter and digit of the pattern `_replaced` stands for."""
    return _LETTERS | LETTERS | KANA | {digit: str(unicodedata.decimal(digit)) for digit in _by_category()["Nd"]}


@cache
def _replaced() -> re.Pattern[str]:
    return re.compile(f"[{character_class(basic(sorted(_stands_for())))}{_FIRST_ASTRAL}-\U0010ffff]")


def fold(text: str) -> str:
    """The folded form of a text: NFKC, no case, no accents, one form of a letter, digits of ASCII. Signs stay."""
    if text.isascii():
        return text.lower()
    composed = unicodedata.normalize("NFKC", text)
    is_latin = _LATIN.fullmatch(text)
    if not is_latin:
        composed = with_one_hamza(composed)
        if _IOTA_BELOW.search(composed):
            composed = unicodedata.normalize("NFD", composed).replace("\u0345", "")
    folded = unicodedata.normalize("NFKD", composed.casefold())
    if is_latin:
        folded = _LATIN_LETTERS.sub(lambda match: _LETTERS[match[0]], _LATIN_POINTS.sub("", folded))
        return unicodedata.normalize("NFC", folded)
    folded = one_spelling(_replaced().sub(_replacement, one_form(without_points(folded))))
    return unicodedata.normalize("NFC", folded)


def _replacement(match: re.Match[str]) -> str:
    return _stands_for().get(match[0], match[0])


def fold_all(words: list[str]) -> list[str]:
    """The folded forms of words, none of which has a line end. Folding them together is many times quicker."""
    return fold("\n".join(words)).split("\n") if words else []


def without_points(text: str) -> str:
    """A text without the accents, points and vowel signs that are characters of their own."""
    points = _LATIN_POINTS if _POINTED_LATIN.fullmatch(text) else _left_out(is_basic=is_basic(text))
    return points.sub("", text)
