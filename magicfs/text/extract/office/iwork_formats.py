"""Shows numbers, days and durations in cells of iWork as their formats say, as `sheet_formats` does for those of Excel.

Runs in the child process, used by `iwork_cells`. A format is a message; patterns of days and of a person's own formats
are those of ICU, and become codes of Excel. Amounts have the code of their currency. Pure functions.
"""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta
from typing import Final

from magicfs.text.extract.office.excel_files import number_text
from magicfs.text.extract.office.iwork_archives import Message
from magicfs.text.extract.office.sheet_formats import EPOCH, shown

_TYPE, _PLACES, _CURRENCY, _DURATION_STYLE, _DATE_PATTERN = 1, 2, 3, 7, 14
_LARGEST_UNIT, _SMALLEST_UNIT, _PATTERN, _HAS_ZEROS, _HAS_AUTOMATIC_UNITS = 15, 16, 18, 29, 40
"""The fields of a format."""
_DECIMAL, _OF_CURRENCY, _PERCENT = 256, 257, 258
_OWN_NUMBER, _OWN_CURRENCY = 270, 274
"""The types of formats of numbers that are shown here."""
_AUTOMATIC_PLACES: Final = 253
"""A format with so many decimal places or more shows as many as the number has."""
_MAX_PLACES: Final = 30

_BEGINNING: Final = datetime(2001, 1, 1)  # noqa: DTZ001  (the time of any place)
"""Seconds are counted from here."""
_DAYS_OF_BEGINNING: Final = 36_892
"""The number of that day in Excel."""
_DAY_SECONDS: Final = 86_400
_ROUNDING: Final = 0.001
"""A second that is not over is not shown, but for what a calculation has lost of it."""

_PATTERN_PIECE: Final = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|.", re.DOTALL)
_MEANT: Final = {"u": "y", "L": "M", "H": "h", "k": "h", "K": "h", "c": "E"}
"""Letters that a pattern has for the same."""
_CODES: Final = {"M": "m", "d": "d", "h": "h", "m": "m", "s": "s"}
_NAME_LETTERS: Final = 4
_UNSEEN: Final = frozenset("SzZvVOXx")
"""Fractions of a second and time zones."""

_LEADING_ZEROS: Final = re.compile(r"(?<![0#.,])[0,]*0(?=0)")
"""Blanks stand for them in a format without zeros."""

_UNITS: Final = (
    # number in a format, letters, name, milliseconds
    (1, "w", "week", 604_800_000),
    (2, "d", "day", 86_400_000),
    (4, "h", "hour", 3_600_000),
    (8, "m", "minute", 60_000),
    (16, "s", "second", 1000),
    (32, "ms", "millisecond", 1),
)
_COMPACT, _SHORT = 0, 1
"""Styles of durations: `1:30`, `1h 30m`; else they have names."""
_HOUR, _SECOND = 4, 16


def shown_number(number: float, form: Message | None) -> str:
    """A number as its format shows it, with a point and no separators of thousands."""
    if not math.isfinite(number):
        return ""
    return number_text(number, _number_code(form) if form else "", epoch=EPOCH)


def shown_moment(seconds: float, form: Message | None) -> str:
    """A day or a time as its format shows it; of a day, also as people sort it. `seconds` count from 2001."""
    try:
        whole = math.floor(seconds + _ROUNDING)
        moment = _BEGINNING + timedelta(seconds=whole)
    except (OverflowError, ValueError):
        return ""
    code = _date_code(form.text(_DATE_PATTERN) or form.text(_PATTERN)) if form else ""
    days = whole / _DAY_SECONDS + _DAYS_OF_BEGINNING
    has_time = bool(moment.hour or moment.minute or moment.second)
    return (code and shown(repr(days), code)) or (moment.isoformat(" ") if has_time else str(moment.date()))


def shown_duration(seconds: float, form: Message | None) -> str:
    """A duration in the units of its format, or in those that it has."""
    if not math.isfinite(seconds):
        return ""
    rest = round(abs(seconds) * 1000)
    style = form.number(_DURATION_STYLE) if form else _SHORT
    largest, smallest = _units_of(rest)
    if form and not form.number(_HAS_AUTOMATIC_UNITS) and form.number(_LARGEST_UNIT):
        largest, smallest = form.number(_LARGEST_UNIT), form.number(_SMALLEST_UNIT)
    text = ""
    for unit, letters, name, size in _UNITS:
        if largest <= unit <= smallest:
            count, rest = divmod(rest, size)
            if style == _COMPACT:
                text += f"{count}" if not text else f".{count:03}" if size == 1 else f":{count:02}"
            elif style == _SHORT:
                text += f" {count}{letters}"
            else:
                text += f" {count} {name}" if count == 1 else f" {count} {name}s"
    return ("-" if seconds < 0 else "") + text.strip()


def _units_of(milliseconds: int) -> tuple[int, int]:
    """The largest and the smallest unit of a duration; hours and minutes stand together."""
    largest = next((unit for unit, _, _, size in _UNITS if milliseconds >= size), _SECOND)
    smallest = next((unit for unit, _, _, size in _UNITS if milliseconds % size == 0), _SECOND)
    return largest, max(largest, smallest)


def _number_code(form: Message) -> str:
    """The code of Excel for a format of numbers; empty for one that is not shown here."""
    kind, places = form.number(_TYPE), form.number(_PLACES)
    if kind in {_OWN_NUMBER, _OWN_CURRENCY}:
        code = _own_code(form.text(_PATTERN), form.text(_CURRENCY))
        return code if form.number(_HAS_ZEROS) else _LEADING_ZEROS.sub(lambda zeros: "#" * len(zeros[0]), code)
    is_automatic = places >= _AUTOMATIC_PLACES
    if kind not in {_DECIMAL, _OF_CURRENCY, _PERCENT} or (is_automatic and kind == _DECIMAL):
        return ""
    count = min(places, _MAX_PLACES)
    zeros = ".##########" if is_automatic else "." + "0" * count if count else ""
    if kind == _PERCENT:
        return f"0{zeros}%"
    currency = form.text(_CURRENCY) if kind == _OF_CURRENCY else ""
    return f'0{zeros}" {currency}"' if currency.isalpha() else f"0{zeros}"


def _own_code(pattern: str, currency: str) -> str:
    """The code for a pattern of numbers, whose texts stand between apostrophes."""
    pieces = (
        f'"{_unquoted(match[1])}"' if match[1] is not None else match[0]
        for match in _PATTERN_PIECE.finditer(pattern.replace("\xa4", f"'{currency}'"))
    )
    return "".join(pieces)


def _date_code(pattern: str) -> str:
    """The code for a pattern of days and times; empty where it has letters that no code has."""
    code = ""
    for match in _PATTERN_PIECE.finditer(pattern):
        letters = match[0]
        letter = _MEANT.get(letters[0], letters[0])
        if match[1] is not None:
            code += f'"{_unquoted(match[1])}"'
        elif match[2] is None:
            code += letters if letters in " .,:/-" else f'"{_unquoted(letters)}"'
        elif letter == "y":
            code += "yy" if letters == "yy" else "yyyy"
        elif letter == "E":
            code += "dddd" if len(letters) >= _NAME_LETTERS else "ddd"
        elif letter == "a":
            code += "AM/PM"
        elif letter in _CODES:
            code += _CODES[letter] * min(len(letters), _NAME_LETTERS)
        elif letter not in _UNSEEN:
            return ""
    return code


def _unquoted(text: str) -> str:
    """A text between apostrophes, without what ends a text in a code."""
    return text.replace("''", "'").replace('"', "")
