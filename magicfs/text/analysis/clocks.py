"""Hours of the day: as texts write them with blanks, and in the other forms that stand for what is typed.

`3:30 PM` in a text is found as `3:30pm`, and so is `15:30`. Used by `words` for texts and by `typed_forms` for
what is typed. Pure functions; any thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_HALF_WITH_POINTS: Final = re.compile("(?<=[0-9])([ \u00a0\u202f]?[AaPp])\\. ?[Mm](?!\\w)\\.?")
_SPACE: Final = "[ \u00a0\u202f]"
_APART: Final = re.compile(
    rf"([0-9](?<![\w.,:/-].)[0-9]?(?::[0-9]{{2}})?){_SPACE}(?:(?i:((?<=:...)(?:[ap]m|h)|uhr))|(h){_SPACE}([0-9]{{2}}))(?![\w/])"
    rf"|([0-9](?<![\w.,:/-].)[0-9]?\.[0-9]{{2}}){_SPACE}((?i:uhr))(?!\w)"
)
"""An hour with a blank before what follows: `3:30 PM`, `16 Uhr`, `14 h 30`. One without minutes, such as `5 PM`, is a
number with a unit (`measures`)."""
_UNIT: Final = re.compile(f"[0-9]{_SPACE}[AaPpUuh](?:[mM]|[hH][rR]|{_SPACE}[0-9])")
"""What it needs, and most texts have not."""
_TYPED: Final = re.compile(
    r"(?<![\w.,:/+-])([01]?[0-9]|2[0-3])(?:([:.h])([0-5][0-9]))?(?: ?([ap]m|uhr)(?!\w)|(h)(?!\w))?"
    r"(?![\w:/-]|[.,][0-9])",
    re.IGNORECASE,
)
_NOON: Final = 12
_MAX_CLOCKS: Final = 4


def without_points(text: str) -> str:
    """A text with `5 pm` for `5 p.m.`."""
    return _HALF_WITH_POINTS.sub(r"\1m", text) if ".m" in text or ". m" in text or ".M" in text else text


def stated_clocks(text: str) -> list[str]:
    """The hours of a readable text that have a blank before their unit, each once: `3:30pm`, `16uhr`, `14h30`."""
    if not _UNIT.search(text):
        return []
    return list(dict.fromkeys("".join(pieces).lower() for pieces in _APART.findall(text)))


def clock_forms(text: str) -> list[tuple[frozenset[str], str]]:
    """Other forms of the first hours of a typed text, each with the words that it stands for: `15:30` for `3:30 pm`."""
    found: list[tuple[frozenset[str], str]] = []
    for match in list(filter(_is_clock, _TYPED.finditer(text)))[:_MAX_CLOCKS]:
        typed = match[0].lower().strip()
        words = frozenset({*re.findall("[0-9]+|[a-z]+", typed), *re.findall(r"\w+", typed), typed.replace(" ", "")})
        hour, minutes, unit = int(match[1]), match[3] or "00", (match[4] or "").lower()
        if unit in {"am", "pm"}:
            if not 1 <= hour <= _NOON:
                continue
            hour = hour % _NOON + (_NOON if unit == "pm" else 0)
        found += [(words, form) for form in dict.fromkeys(_forms(hour, minutes))]
    return found


def _is_clock(match: re.Match[str]) -> bool:
    """Whether it is no other number: a point alone is that of an amount."""
    sign, unit = match[2], match[4] or match[5]
    return unit is not None if sign in {None, "."} else True


def _forms(hour: int, minutes: str) -> Iterator[str]:
    for written in (f"{hour}", f"{hour:02}"):
        yield f"{written}:{minutes}"
        yield f"{written}h{minutes}"
        yield f"{written}.{minutes}uhr"
        if minutes == "00":
            yield f"{written}uhr"
            yield f"{written}h"
    half, short = "am" if hour < _NOON else "pm", hour % _NOON or _NOON
    for written in (f"{short}", f"{short:02}"):
        yield f"{written}:{minutes}{half}"
        yield f"{written}.{minutes}{half}"
    if minutes == "00":
        yield f"{short}{half}"
