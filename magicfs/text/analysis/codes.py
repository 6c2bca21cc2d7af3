"""Codes, clocks and units in one piece that people write with blanks and points: `SW1A 1AA`, the hour `5 p.m.` too.

Used by `readable` for texts and by `question` for what is typed; `variants` has plain numbers. Pure functions; any
thread.
"""

from __future__ import annotations

import re
from typing import Final

from magicfs.text.analysis.tokens import UNITS
from magicfs.text.analysis.variants import SHORT_WORDS

_OTHER_CAPITALS: Final = "\u00c0-\u00d6\u00d8-\u00de\u0391-\u03a9\u0401-\u042f"
"""Those of Latin letters with accents, of Greek and of Cyrillic."""


def _code_pattern(capitals: str) -> re.Pattern[str]:
    mixed = f"[{capitals}](?<!\\w.)(?<![/.:-].)[{capitals}]{{0,2}}[0-9]{{1,2}}[{capitals}]?"
    plate = f"[{capitals}](?<!\\w.)(?<![/.:-].)[{capitals}]{{0,2}}"
    return re.compile(
        f"(?:{mixed} (?:[{capitals}]{{1,3}} [0-9]{{3,4}}|[0-9][{capitals}](?:[{capitals}]|[0-9])|[{capitals}]{{2,3}})"
        f"|{plate}(?:[ -][0-9]{{1,4}} [{capitals}]{{1,3}}(?: [0-9]{{2,4}})?|-[{capitals}]{{1,2}} [0-9]{{1,4}})"
        f"|[0-9](?<![\\w.,:/-].)[0-9]{{3}} [{capitals}]{{2,3}})(?!\\w|[/-]\\w)"
    )


_CODE: Final = _code_pattern("A-Z")
_CODE_OF_ALL: Final = _code_pattern("A-Z" + _OTHER_CAPITALS)
"""Groups of capitals and digits with blanks between them: postal codes, plates of cars."""
_LETTER_BEHIND: Final = re.compile("[0-9][ \u00a0\u202f][^\\W_0-9]")
_CAPITAL_BEHIND: Final = re.compile(f"[0-9] [A-Z{_OTHER_CAPITALS}]")
_SIGN_BEHIND: Final = re.compile("[0-9][ \u00a0\u202f]%")
_CAPITAL_BEFORE: Final = re.compile("[A-Z][ \u00a0\u202f][0-9]")
_CAPITAL_BEFORE_ALL: Final = re.compile(f"[A-Z{_OTHER_CAPITALS}][ \u00a0\u202f][0-9]")
"""What the patterns of this module need, and many texts have not."""
_MIN_CODE_CHARACTERS: Final = 5

_WITH_UNIT: Final = re.compile(
    r"([0-9](?<![\w.,:/-][0-9])[0-9]{0,5}(?:[.,][0-9]{1,3})?)[ \u00a0\u202f]"
    rf"((?i:{UNITS})|[glmtshvwACFVWKNJ%\u03a9])(?![\w/])"
)
"""A number and its unit with a blank between them."""
_DESIGNATION: Final = re.compile(r"([A-Z](?<!\w[A-Z])[A-Z]?)[ \u00a0\u202f]([0-9]{1,6})(?![\w/]|[.,:-]\w)")
"""One or two capitals and a number, as of a flight, a road or a work: `LH 1234`, `A 7`, `KV 525`."""
_CLOCK: Final = re.compile(r"([0-9](?<![\w.,:/-][0-9])[0-9]?(?:[:.][0-9]{2})?)[ \u00a0\u202f]?([AaPp])\. ?[Mm](?!\w)")
"""An hour with the points of the two halves of the day."""
_MICRO: Final = re.compile(
    "([0-9](?<![\\w.,:/-][0-9])[0-9]{0,5}(?:[.,][0-9]{1,3})?)[ \u00a0\u202f]?\u03bc([A-Za-z])(?!\\w)"
)
"""A number with a unit of a millionth, for which people type a `u`."""

_PERCENT: Final = re.compile(
    r"([0-9](?<![\w:/-][0-9])[0-9]*(?:[.,][0-9]+)?)[ \u00a0\u202f-]?"
    r"((?:(?:per|pour|por) ?(?:cent|ciento|cento)|pro[czs]+ent[a-z]*"
    r"|процент\w*|відсотк\w*|százalék\w*))(?!\w)",
    re.IGNORECASE,
)
"""A number and the word for `%`, in languages that have the word behind the number."""


def numbers_with_letters(text: str) -> list[str]:
    """The codes, and the numbers with a unit or capitals beside a blank (`10 GB`, `LH 1234`), in one piece.

    The text is readable and has digits.
    """
    found = []
    has_letter_behind = _LETTER_BEHIND.search(text)
    if has_letter_behind or ("%" in text and _SIGN_BEHIND.search(text)):
        found += [number + unit for number, unit in _WITH_UNIT.findall(text)]
    if (_CAPITAL_BEFORE if text.isascii() else _CAPITAL_BEFORE_ALL).search(text):
        designations = _DESIGNATION.findall(text)
        found += [letters + number for letters, number in designations if letters.lower() not in SHORT_WORDS]
        found += codes_in_pieces(text)
    elif has_letter_behind and _CAPITAL_BEHIND.search(text):
        found += codes_in_pieces(text)
    return found + _with_unit_of_signs(text)


def codes_in_pieces(text: str) -> list[str]:
    """The codes of a text in one piece."""
    codes = (_CODE if text.isascii() else _CODE_OF_ALL).finditer(text)
    return [re.sub("[ -]", "", match[0]) for match in codes if _is_code(match[0])]


def _is_code(code: str) -> bool:
    return len(code.replace(" ", "")) >= _MIN_CODE_CHARACTERS and SHORT_WORDS.isdisjoint(code.lower().split(" "))


def _with_unit_of_signs(text: str) -> list[str]:
    """The hours with points and the numbers with a unit of a millionth, in letters that people type: `5pm`, `5um`."""
    found = []
    if ".m" in text or ". m" in text or ".M" in text:
        found += [f"{hour}{half}m" for hour, half in _CLOCK.findall(text)]
    if "\u03bc" in text:
        found += [f"{number}u{unit}" for number, unit in _MICRO.findall(text)]
    return found


def typed_in_pieces(text: str) -> list[str]:
    """The codes and hours of a typed text, whose letters may be small, in one piece."""
    return [*codes_in_pieces(text.upper()), *_with_unit_of_signs(text)]


def unit_forms(text: str) -> list[tuple[frozenset[str], str]]:
    """Other forms of the numbers with units of a typed text, each with the words that it stands for: `12%`, `5um`."""
    found = [(frozenset(words.lower().split()), f"{number}%") for number, words in _PERCENT.findall(text)]
    return found + [(frozenset({f"\u03bc{unit}"}), f"{number}u{unit}") for number, unit in _MICRO.findall(text)]
