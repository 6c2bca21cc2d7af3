"""Large numbers with a word or a letter for their zeros: `1.5 million`, `$1.5M`, `1,5 Mio. €`.

The form in which all meet has digits alone, `1500000`, which is also that of `1,500,000`, and stands beside the words
of a text. Used by `words` for texts and by `typed_forms` for what is typed. Pure functions; any thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from magicfs.text.analysis.variants import OtherForms

_ZEROS: Final = {
    word: zeros
    for zeros, words in {
        3: "thousand tausend tsd mil тыс тысяч тысячи",
        6: "million millions millionen millones milioni milhões miljoen mio mln млн миллион миллиона миллионов",
        9: "billion billions milliarde milliarden milliard milliards miliardi mrd mld млрд миллиард миллиарда",
    }.items()
    for word in words.split()
}
_ZEROS_OF_LETTER: Final = {"k": 3, "K": 3, "m": 6, "M": 6, "mn": 6, "Mn": 6, "b": 9, "B": 9, "bn": 9, "Bn": 9}
"""Letters that stand for zeros in amounts of money; elsewhere, they are mostly units of other things."""
_SIGNS: Final = "$€£"
_NUMBER: Final = r"([0-9](?<![\w.,:/-].)[0-9]{0,2}(?:[.,][0-9]{1,2})?)"
_LETTER: Final = f"({'|'.join(_ZEROS_OF_LETTER)})"
_BLANK: Final = "[ \u00a0\u202f-]?"
_WITH_WORD: Final = re.compile(rf"{_NUMBER}{_BLANK}({'|'.join(_ZEROS)})(?!\w)", re.IGNORECASE)
_SIGN_FIRST: Final = re.compile(
    rf"[{_SIGNS}](?:(?<![\w$].)|(?<=\bUS.))([0-9]{{1,3}}(?:[.,][0-9]{{1,2}})?) ?{_LETTER}(?!\w)"
)
_SIGN_LAST: Final = re.compile(rf"{_NUMBER} ?{_LETTER} ?(?:[{_SIGNS}]|(?:EUR|USD|GBP|CHF|[Ee]uros?|dollars?)\b)")
_THOUSANDS: Final = re.compile(r"(?<![\w.,:/-])(?:([1-9][0-9]{1,2})000|([1-9][0-9]{0,2})[.,]000)(?![\w/-]|[.,][0-9])")
"""A number of thousands, which a text may have with a letter alone, as in `750k users`. Four digits are a year."""
_TYPED: Final = re.compile(rf"{_NUMBER}([kKM])(?!\w)")
"""What is typed has no other meaning that a text would have in digits alone."""
_WORD_BEHIND: Final = re.compile(f"[0-9]{_BLANK}[MTBmtbМТмт][IHALRiharlиыл]")
_LETTER_BEHIND: Final = re.compile("[0-9] ?[kKmMbB][nN]?(?![^\\W\\d_])")
"""What one of them has, and most texts have not."""


def stated_magnitudes(text: str) -> list[str]:
    """The large numbers of a readable text in digits alone, each once."""
    return list(dict.fromkeys(digits for _, digits in _found(text)))


def magnitude_forms(text: str) -> Iterator[OtherForms]:
    """Yield `1500000` for the words of `1.5 million`, `$1.5M` and `1.5M`, and `750k` for `750,000`."""
    for match in _THOUSANDS.finditer(text):
        yield frozenset({match[0], *re.findall("[0-9]+", match[0])}), [f"{match[1] or match[2]}k"]
    typed = ((match[0], _in_digits(match[1], _ZEROS_OF_LETTER[match[2]])) for match in _TYPED.finditer(text))
    for written, digits in (*_found(text), *typed):
        if digits:
            yield frozenset(re.findall(r"\w+", written)), [digits]


def _found(text: str) -> Iterator[tuple[str, str]]:
    """Yield each large number of a text as it is written, and in digits."""
    matches: list[tuple[re.Match[str], int]] = []
    if _WORD_BEHIND.search(text):
        matches += [(match, _ZEROS[match[2].lower()]) for match in _WITH_WORD.finditer(text)]
    if _LETTER_BEHIND.search(text):
        for pattern in (_SIGN_FIRST, _SIGN_LAST):
            matches += [(match, _ZEROS_OF_LETTER[match[2]]) for match in pattern.finditer(text)]
    for match, zeros in matches:
        if digits := _in_digits(match[1], zeros):
            yield match[0], digits


def _in_digits(number: str, zeros: int) -> str:
    """A number times a power of ten, in digits; empty for nothing and for a part of one."""
    value = Decimal(number.replace(",", ".")).scaleb(zeros)
    return str(int(value)) if value and value == int(value) else ""
