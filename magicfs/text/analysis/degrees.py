"""Degrees of an angle and of temperature: `45°`, `45 degrees`, `180 Grad`, `180 °C`.

A text has all of them as `45°`. Used by `words` for texts and by `typed_forms` for what is typed. Pure functions; any
thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from magicfs.text.analysis.tokens import SPACE
from magicfs.text.analysis.variants import OtherForms

_SIGN: Final = "\u00b0"
_NUMBER: Final = r"[0-9](?<![\w.,:/][0-9])[0-9]{0,3}(?:[.,][0-9]{1,2})?"
_WORDS: Final = (
    "degrees?|deg|grad|grade|grader|graden|grados?|gradi|graus?|degrés?|stupňů|stupně|stopni|stopnie|astetta|fok|derece"
    "|градус\\w*|μοίρες|βαθμούς|βαθμοί|度"
)
_DEGREES: Final = re.compile(rf"({_NUMBER}){SPACE}?({_SIGN}(?:{SPACE}?[CF](?!\w))?|(?:{_WORDS})(?!\w))", re.IGNORECASE)


def stated_degrees(text: str) -> list[str]:
    """The degrees that a readable text has, each once, as `45°`."""
    return list(dict.fromkeys(_with_sign(number) for number, _ in _DEGREES.findall(text)))


def degree_forms(text: str) -> Iterator[OtherForms]:
    """Yield `45°` for the word of `45 degrees`, for the sign of `45°`, and for the letter of `45 °C`."""
    for number, word in _DEGREES.findall(text):
        letter = word.lower().strip(f"{_SIGN} ") if _SIGN in word else ""
        yield frozenset({word.lower(), letter, number + letter}) - {number}, [_with_sign(number)]


def _with_sign(number: str) -> str:
    return f"{number.replace(',', '.')}{_SIGN}"
