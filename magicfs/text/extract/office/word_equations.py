"""Reads what fields of Word without a result show: the readings of characters, signs in circles, fractions.

Runs in the child process, used by `word_files` and `rtf_files`. Word writes the readings above Chinese characters
(`ruby`) as such a field in documents of before 2007. Pure functions.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_EQUATION: Final = re.compile(r"\s{0,9}EQ\b(.{1,2000})", re.IGNORECASE | re.DOTALL)
_READING: Final = re.compile(
    r"\\o\s{0,9}\\a[a-z]\(\s{0,9}\\s\s{0,9}\\up\s{0,9}\d{1,5}\(([^()]*)\)\s{0,9}[,;](.*)\)", re.DOTALL
)
_SWITCH: Final = re.compile(r'\\\*\s{0,9}(?:"[^"]*"|\w+)|\\[a-z]{1,2}\s{0,9}\d{0,5}', re.IGNORECASE)
_ARGUMENT: Final = re.compile(r"[^(),;\s\\]+")


class Shown(NamedTuple):
    """What a field shows in the line, and above it."""

    text: str = ""
    reading: str = ""


def shown_by_equation(code: str) -> Shown:
    """What the code of a field shows; nothing where it is no equation."""
    equation = _EQUATION.match(code)
    if equation is None:
        return Shown()
    reading = _READING.search(equation[1])
    if reading:
        return Shown(reading[2].strip(), reading[1].strip())
    return Shown(" ".join(_ARGUMENT.findall(_SWITCH.sub(" ", equation[1]))))
