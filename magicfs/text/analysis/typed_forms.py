"""Other forms of numbers and words that are typed in a question: of dates, hours, measures, codes and ordinal numbers.

A text that has one of them has what was typed, or nearly. Each is given with the words of the question that it stands
for. Used by `question`. Pure functions; any thread.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Final

from magicfs.text.analysis.abbreviations import (
    abbreviation_forms,
    days_without_year,
    short_months,
    title_forms,
    weekday_forms,
)
from magicfs.text.analysis.cjk_numbers import numbers_in_characters, numbers_in_digits
from magicfs.text.analysis.clocks import clock_forms
from magicfs.text.analysis.codes import designation_forms, numbers_with_brackets, typed_codes_in_pieces
from magicfs.text.analysis.dates import date_forms
from magicfs.text.analysis.degrees import degree_forms
from magicfs.text.analysis.folding import fold
from magicfs.text.analysis.magnitudes import magnitude_forms
from magicfs.text.analysis.measures import decimal_forms, dimensions, micro_forms, money_forms, percent_forms
from magicfs.text.analysis.months import month_number
from magicfs.text.analysis.periods import period_forms
from magicfs.text.analysis.spaced_numbers import numbers_in_pieces
from magicfs.text.analysis.spoken_signs import forms_with_signs, greek_letter_forms
from magicfs.text.analysis.variants import OtherForms
from magicfs.text.analysis.years import doubtful_forms, year_forms

_ORDINALS: Final = {
    1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", 6: "sixth",
    7: "seventh", 8: "eighth", 9: "ninth", 10: "tenth", 11: "eleventh", 12: "twelfth",
}  # fmt: skip
_OF_ENGLISH: Final = frozenset({"st", "nd", "rd", "th"})
_OF_FRENCH_AND_DUTCH: Final = ("e", "eme", "de", "ste")
"""The endings of an ordinal number."""
_ENDINGS: Final = {1: "st", 2: "nd", 3: "rd"}
_ORDINAL: Final = re.compile(
    r"(?<![\w.,:/-])([0-9]{1,3})(st|nd|rd|th|er|i?[èe]me|ère|de|ste|e)(?![\w/-])", re.IGNORECASE
)
_ROMAN: Final = {
    "ii": "2", "iii": "3", "iv": "4", "vii": "7", "viii": "8", "ix": "9", "xii": "12", "xiii": "13", "xiv": "14",
    "xv": "15", "xvi": "16", "xvii": "17", "xviii": "18", "xix": "19",
}  # fmt: skip
"""Roman numbers that are no words and no abbreviations, as `vi` and `xl` are."""
_BY_NUMBER: Final = {number: roman for roman, number in _ROMAN.items()}
_ROMAN_ORDINAL: Final = re.compile(rf"(?<!\w)({'|'.join(_ROMAN)})(?:i?[èe]me|ste|de|e)(?!\w)", re.IGNORECASE)
_NUMBERED: Final = re.compile(
    rf"(?<![^\W\d_])([^\W\d_]{{2,}}+)\.? (?=({'|'.join([*_ROMAN, *_BY_NUMBER])})(?![\w.,:/%'-])(?P<behind> \w)?)",
    re.IGNORECASE,
)
"""A word before such a number: `chapter 4`, `Louis XIV`."""
_NUMBERED_WITH_POINT: Final = re.compile(
    rf"(?<![\w.,:/%'-])({'|'.join([*_ROMAN, *_BY_NUMBER])})"
    r"(?:\. (?=([^\W\d_]{3,}))| (?=wiek|век|столет|stolet|század|yüzyıl|centur))",
    re.IGNORECASE,
)
"""The number of an order before a word: `14. Kongress`, `XIX wiek`."""
_FOUR: Final = frozenset({"4", "iv"})
"""What is a number of units, and the abbreviation of intravenous and of other terms."""
_NUMBERED_THINGS: Final = (
    "act appendix article book chapter class episode grade level part phase scene section stage title type vol volume "
    "war abschnitt anhang band buch kap kapitel stufe teil titel acte annexe chapitre livre partie tome bd capo "
    "capitolo libro parte sezione capítulo capitulo sección tomo volumen deel hoofdstuk część rozdział tom глава том "
    "часть"
)
_OF_ORDER: Final = frozenset(_NUMBERED_THINGS.split())
"""What has numbers of an order."""
_NUMBERS: Final = dict(enumerate("one two three four five six seven eight nine ten eleven twelve".split(), 1))
_VALUES: Final = {word: str(number) for number, word in _NUMBERS.items()}
_NUMBERED_IN_ENGLISH: Final = re.compile(
    r"(?<!\w)(?:act|appendix|article|book|chapter|episode|grade|lesson|level|part|phase|scene|section|stage|unit|volume)"
    rf" (?:([1-9]|1[0-2])(?![\w.,:/%'-])|({'|'.join(_VALUES)})(?!\w))",
    re.IGNORECASE,
)
_MAX_IN_PIECES: Final = 16
_MAX_OF_KIND: Final = 4
"""Each is looked up, and a text with more is pasted."""

_VERSION: Final = re.compile(r"(?<![\w.])([^\W\d_]{1,20})([0-9]+)((?:\.[0-9]+){1,3})(?!\w)")
"""A version with a letter before it or a name; texts with the letter have it without (`lexemes`)."""

_WORD: Final = re.compile(r"\w+")
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_LONGEST_NUMBER: Final = 40
_LINKING: Final = frozenset("of the on at in de del du le la el den der im am um vom bis".split())
"""Words that stand beside days and hours."""

_STREET: Final = re.compile(
    r"(?<!\w)(?:([^\W\d_]{3,})([ -]?)(str|stra(?:ß|ss)e)|(str(?=\.? ?[0-9])|stra(?:ß|ss)e))(?!\w)", re.IGNORECASE
)


_SHORT_ROADS: Final = {
    "street": "st", "avenue": "ave", "road": "rd", "boulevard": "blvd", "drive": "dr", "lane": "ln", "square": "sq",
}  # fmt: skip
_ROADS: Final = _SHORT_ROADS | {short: road for road, short in _SHORT_ROADS.items()}
_ROAD: Final = re.compile(
    r"(?<=[^\W\d_]{3} )(?:(street|avenue|road|boulevard)(?!\w)|(st|ave|rd|blvd)(?=\.?(?:,| ?[0-9]|\s*\Z)))"
    r"|(?<![\w.,:/-])[0-9]{1,5}[a-z]? [^\W\d_]{3,} (st|ave|rd|blvd|drive|dr|lane|ln|square|sq)(?!\w)",
    re.IGNORECASE,
)
"""A road by its name. `St Petersburg`, `Ave Maria`, `Dr Smith` and a hard drive are none."""
_EPISODE: Final = re.compile(r"(?<!\w)season ([0-9]{1,2}),? episode ([0-9]{1,3})(?!\w)", re.IGNORECASE)


def typed_forms(text: str) -> list[OtherForms]:
    """The other forms of what a readable typed text has first, of each kind a few."""
    return [*_number_forms(text), *_of_each(text, [greek_letter_forms, forms_with_signs])]


def _number_forms(text: str) -> list[OtherForms]:
    """The forms of numbers, and of words that stand beside them in dates and addresses."""
    kinds = [
        _ordinals_in_words,
        _ordinals_in_digits,
        _roman_forms,
        _numbers_in_words,
        _street_forms,
        _streets_in_english,
        title_forms,
        year_forms,
        weekday_forms,
    ]
    if not text.isascii():
        kinds += [numbers_in_characters, numbers_in_digits]
    if not text.isascii() or any(map(str.isdigit, text)):
        kinds += [
            abbreviation_forms,
            clock_forms,
            decimal_forms,
            degree_forms,
            designation_forms,
            _episodes,
            magnitude_forms,
            micro_forms,
            money_forms,
            percent_forms,
            period_forms,
            short_months,
            days_without_year,
            _bare_versions,
        ]
    return [*_of_each(text, kinds), *date_forms(text)]


def _of_each(text: str, kinds: Iterable[Callable[[str], Iterable[OtherForms]]]) -> Iterator[OtherForms]:
    return chain.from_iterable(islice(kind(text), _MAX_OF_KIND) for kind in kinds)


def names_a_number(text: str) -> bool:
    """Whether a readable typed text is a number with what belongs to it: a day, an hour, an amount, a measure.

    Such as `3 March 2025`, `$1,299`, `at 3:30 pm`, `5 km` and `chapter 4`, and not `tax 2024`.
    """
    if len(text) > _LONGEST_NUMBER or not any(map(str.isdigit, text)):
        return False
    forms = chain(_number_forms(text), doubtful_forms(text))
    belonging = {fold(word) for words, _ in forms for word in words} | _LINKING
    return all(
        word in belonging or belonging.issuperset(_LETTERS.findall(word)) for word in map(fold, _WORD.findall(text))
    )


def typed_in_pieces(text: str) -> list[str]:
    """The numbers and codes of a typed text in one piece, of each kind a few."""
    kinds = numbers_in_pieces(text), typed_codes_in_pieces(text), dimensions(text), numbers_with_brackets(text)
    return [number for kind in kinds for number in kind[:_MAX_IN_PIECES]]


def _ordinals_in_digits(text: str) -> Iterator[OtherForms]:
    """Yield `3` and `third` for `3rd`, and for `19e`, of French and Dutch, its other endings and `XIXe`."""
    for match in _ORDINAL.finditer(text):
        number = match[1]
        if match[2].lower() in _OF_ENGLISH:
            word = _ORDINALS.get(int(number))
            yield frozenset({match[0].lower()}), [number, word] if word else [number]
        else:
            yield (
                frozenset({match[0].lower()}),
                [number, *_with_endings(number), *_with_endings(_BY_NUMBER.get(number))],
            )
    for match in _ROMAN_ORDINAL.finditer(text):
        roman = match[1].lower()
        number = _ROMAN[roman]
        yield frozenset({match[0].lower()}), [roman, number, *_with_endings(number), *_with_endings(roman)]


def _with_endings(number: str | None) -> list[str]:
    return [] if number is None else [number + ending for ending in _OF_FRENCH_AND_DUTCH]


def _ordinals_in_words(text: str) -> Iterator[OtherForms]:
    """Yield `3rd` for `third`."""
    words = frozenset(text.lower().split())
    for number, word in _ORDINALS.items():
        if word in words:
            yield frozenset({word}), [f"{number}{_ENDINGS.get(number, 'th')}"]


def _roman_forms(text: str) -> Iterator[OtherForms]:
    """Yield `XIV` for `14` behind a word, or before one and with a point, and `14` for `XIV`."""
    for match in _NUMBERED.finditer(text):
        number = match[2].lower()
        if number not in _FOUR or _is_of_order(match):
            yield frozenset({number}), [_ROMAN.get(number) or _BY_NUMBER[number]]
    for match in _NUMBERED_WITH_POINT.finditer(text):
        if not (match[2] and month_number(match[2])):
            number = match[1].lower()
            yield frozenset({number}), [_ROMAN.get(number) or _BY_NUMBER[number]]


def _is_of_order(match: re.Match[str]) -> bool:
    """Whether a four is one of an order, not of things or of an infusion: `chapter iv`, `Henry IV`, `season 4`."""
    word, number, behind = match.groups()
    if word.lower() in _OF_ORDER:
        return True
    return number.isupper() and word[0].isupper() if number.isalpha() else behind is None


def _numbers_in_words(text: str) -> Iterator[OtherForms]:
    """Yield `five` for the number of `chapter 5`, and the other way round."""
    for digits, word in _NUMBERED_IN_ENGLISH.findall(text):
        yield (frozenset({digits}), [_NUMBERS[int(digits)]]) if digits else (frozenset({word}), [_VALUES[word.lower()]])


def _streets_in_english(text: str) -> Iterator[OtherForms]:
    """Yield `st` for `Downing Street` and the other way round, and the same of other roads."""
    for match in _ROAD.finditer(text):
        word = match[1] or match[2] or match[3]
        yield frozenset({word}), [_ROADS[word.lower()]]


def _episodes(text: str) -> Iterator[OtherForms]:
    """Yield `s02e05` for `season 2 episode 5`."""
    for match in _EPISODE.finditer(text):
        season, episode = (f"{int(number):02}" for number in match.groups())
        yield frozenset(re.findall(r"\w+", match[0])), [f"s{season}e{episode}"]


def _bare_versions(text: str) -> Iterator[OtherForms]:
    """Yield `2.10` for `v2.10`, and for the whole of `tool2.10`."""
    for name, first, rest in _VERSION.findall(text):
        whole = (name + first + rest).lower()
        yield frozenset({whole, f"{name}{first}".lower()} if len(name) == 1 else {whole}), [first + rest]


def _street_forms(text: str) -> Iterator[OtherForms]:
    """Yield `Goethestraße` for `Goethestr.` and the other way round, and `Goethestr` for `Goethe-Straße`."""
    for match in _STREET.finditer(text):
        before, sign, ending = match[1] or "", match[2], match[3] or match[4]
        other = "straße" if ending.lower() == "str" else "str"
        if sign:
            yield frozenset({before, ending}), [before + "str", before + "straße"]
        yield (frozenset({ending}), [other]) if sign else (frozenset({match[0]}), [before + other])
