"""Reads text whose characters are the numbers of their glyphs: `7KH WLGH WXUQV` where a person sees `The tide turns`.

Used by `pdf_text`. A program that leaves out what the glyphs of a font stand for makes such files. The usual fonts have
glyphs in one order: a blank is 3, the other signs of ASCII follow, then those of the Macintosh. Pure functions.
"""

from __future__ import annotations

import re
from typing import Final

_FIRST: Final = 3
"""The number of the blank."""
_LAST: Final = 172
"""After this one, the order of fonts differs."""
_BLANK: Final = ord(" ")
_ORDER: Final = bytes([*range(_BLANK, 0x7F), *range(0x80, 0x100)]).decode("mac_roman")
_LETTERS: Final = {number: _ORDER[number - _FIRST] for number in range(_FIRST, _LAST + 1) if number not in b"\t\n\r "}
"""The engine's own blanks and ends of lines stay."""
_BLANK_BY_NUMBER: Final = chr(_FIRST)
_CAPITAL: Final = re.compile("[A-Z]")
_SMALL: Final = re.compile("[a-z]")
_VOWEL: Final = re.compile("[AEIOU]")
_VOWEL_BY_NUMBER: Final = re.compile("[DHLRX]")
_MIN_CAPITALS: Final = 8
_MIN_OF_PAGE: Final = 60
"""A page with fewer of them is left as it is: abbreviations and numbers of parts may have any letters."""
_MIN_BLANKS: Final = 5
_MOST_OTHER_BLANKS: Final = 2
"""The engine puts a blank of its own beside some."""
_MOST_SMALL: Final = 0.2
"""The share of small letters: by numbers, those are accents and signs."""
_MOST_VOWELS: Final = 0.25
_LEAST_VOWELS: Final = 0.3
"""Texts have a third of vowels and more; those of the alphabet's other end, by number, are about a seventh."""


def with_letters_of_numbers(text: str) -> str:
    """The text of a page with the letters of such lines; the same text where there are none."""
    if text.count(_BLANK_BY_NUMBER) < _MIN_BLANKS or len(_CAPITAL.findall(text)) < _MIN_OF_PAGE:
        return text
    lines = text.split("\n")
    numbers = [line for line in lines if len(_CAPITAL.findall(line)) >= _MIN_CAPITALS and _is_number(line)]
    found = "".join(numbers)
    are_blanks = found.count(" ") <= _MOST_OTHER_BLANKS * found.count(_BLANK_BY_NUMBER)
    if len(_CAPITAL.findall(found)) < _MIN_OF_PAGE or not _is_number(found) or not are_blanks:
        return text
    are_most = 2 * sum(map(len, numbers)) > len(text)
    are_numbers = set(numbers) | set(filter(_may_be_number, lines) if are_most else ())
    return "\n".join(line.translate(_LETTERS) if line in are_numbers else line for line in lines)


def _may_be_number(line: str) -> bool:
    """Whether a line of a page of numbers has some too; not the number of the page, which a program may add later."""
    if _BLANK_BY_NUMBER not in line and not _CAPITAL.search(line):
        return False
    return 2 * len(_SMALL.findall(line)) <= len(_CAPITAL.findall(line))


def _is_number(line: str) -> bool:
    """Whether vowels are where a text by the numbers of its glyphs has them."""
    capitals = len(_CAPITAL.findall(line))
    return (
        len(_SMALL.findall(line)) <= _MOST_SMALL * capitals
        and len(_VOWEL.findall(line)) <= _MOST_VOWELS * capitals
        and len(_VOWEL_BY_NUMBER.findall(line)) >= _LEAST_VOWELS * capitals
    )
