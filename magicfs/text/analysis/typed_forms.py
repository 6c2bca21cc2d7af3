"""Other forms of numbers and words that are typed in a question: of dates, hours, measures, codes and ordinal numbers.

A text that has one of them has what was typed, or nearly. Each is given with the words of the question that it stands
for. Used by `question`. Pure functions; any thread.
"""

from __future__ import annotations

import re
from typing import Final

from magicfs.text.analysis.clocks import clock_forms
from magicfs.text.analysis.codes import codes_in_pieces, designation_forms
from magicfs.text.analysis.dates import date_forms
from magicfs.text.analysis.measures import Forms, dimensions, measure_forms
from magicfs.text.analysis.unspaced_forms import number_forms
from magicfs.text.analysis.variants import numbers_in_pieces

_ORDINALS: Final = dict(
    enumerate("first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split(), 1)  # noqa: SIM905
)
_ENDINGS: Final = {1: "st", 2: "nd", 3: "rd"}
_ORDINAL: Final = re.compile(r"(?<![\w.,:/-])([0-9]{1,3})(?:st|nd|rd|th|er|ère|ème|eme)(?![\w/-])", re.IGNORECASE)
_ROMAN: Final = {
    "ii": "2", "iii": "3", "iv": "4", "vii": "7", "viii": "8", "ix": "9", "xii": "12", "xiii": "13", "xiv": "14",
    "xv": "15", "xvi": "16", "xvii": "17", "xviii": "18", "xix": "19",
}  # fmt: skip
"""Roman numbers that are no words and no abbreviations, as `vi` and `xl` are."""
_BY_NUMBER: Final = {number: roman for roman, number in _ROMAN.items()}
_NUMBERED: Final = re.compile(
    rf"[^\W\d_]{{2,}}\.? (?=({'|'.join([*_ROMAN, *_BY_NUMBER])})(?![\w.,:/%'-]))", re.IGNORECASE
)
"""A word before such a number: `chapter 4`, `Louis XIV`."""

_STREET: Final = re.compile(
    r"(?<!\w)(?:([^\W\d_]{3,})(str|stra(?:ß|ss)e)|(str(?=\.? ?[0-9])|stra(?:ß|ss)e))(?!\w)", re.IGNORECASE
)


def typed_forms(text: str) -> Forms:
    """The other forms of what a readable typed text has."""
    found = _ordinal_forms(text) + _roman_forms(text) + _street_forms(text)
    if not text.isascii():
        found += number_forms(text)
    if any(map(str.isdigit, text)):
        found += date_forms(text) + clock_forms(text) + measure_forms(text) + designation_forms(text)
    return found


def typed_in_pieces(text: str) -> list[str]:
    """The numbers and codes of a typed text, whose letters may be small, in one piece."""
    return [*numbers_in_pieces(text), *codes_in_pieces(text.upper()), *dimensions(text)]


def _ordinal_forms(text: str) -> Forms:
    """`3` and `third` for `3rd`, and `3rd` for `third`."""
    found: Forms = []
    for match in _ORDINAL.finditer(text):
        forms = [match[1], _ORDINALS.get(int(match[1]))]
        found += [(frozenset({match[0].lower()}), form) for form in forms if form]
    words = text.lower().split()
    found += [
        (frozenset({word}), f"{number}{_ENDINGS.get(number, 'th')}")
        for number, word in _ORDINALS.items()
        if word in words
    ]
    return found


def _roman_forms(text: str) -> Forms:
    """`XIV` for `14` behind a word, and `14` for `XIV`."""
    typed = [match[1].lower() for match in _NUMBERED.finditer(text)]
    return [(frozenset({number}), _ROMAN.get(number) or _BY_NUMBER[number]) for number in typed]


def _street_forms(text: str) -> Forms:
    """`Goethestraße` for `Goethestr.`, and the other way round."""
    found: Forms = []
    for match in _STREET.finditer(text):
        before, ending = match[1] or "", match[2] or match[3]
        other = "straße" if ending.lower() == "str" else "str"
        found.append((frozenset({match[0]}), before + other))
    return found
