"""Hours of the day: as texts write them with blanks, and in the other forms that stand for what is typed.

`3:30 PM` in a text is found as `3:30pm`, and so is `15:30`. Used by `words` for texts and by `typed_forms` for
what is typed. Pure functions; any thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from magicfs.text.analysis.tokens import SPACE
from magicfs.text.analysis.variants import OtherForms

_HALF_WITH_POINTS: Final = re.compile(rf"([AaPp])(?:(?<=[0-9].)|(?<=[0-9]{SPACE}.))\. ?[Mm](?!\w)\.?")
_APART: Final = re.compile(
    rf"([0-9](?<![\w.,:/-].)[0-9]?(?::[0-9]{{2}})?){SPACE}(?:(?i:((?<=:...)(?:[ap]m|h)|uhr))|(h){SPACE}([0-9]{{2}}))(?![\w/])"
    rf"|([0-9](?<![\w.,:/-].)[0-9]?\.[0-9]{{2}}){SPACE}((?i:uhr))(?!\w)"
)
"""An hour with a blank before what follows: `3:30 PM`, `16 Uhr`, `14 h 30`. One without minutes, such as `5 PM`, is a
number with a unit (`measures`)."""
_UNIT: Final = re.compile(f"[0-9]{SPACE}[AaPpUuh](?:[mM]|[hH][rR]|{SPACE}[0-9])")
"""What each such hour has, and most texts have not."""
_BEFORE_HOUR: Final = (
    "at|by|from|till|until|since|after|before|um|ab|bis|gegen|vor|nach|à|dès|vers|avant|après|às|las|alle|dalle|ore|kl"
    "|om|vanaf|tot|o|do|od"
)
_TYPED: Final = re.compile(
    rf"(?<![\w.,:/+-])((?:{_BEFORE_HOUR}) )?([01]?[0-9]|2[0-3])(?:([:.h])([0-5][0-9]))?"
    r"(?: ?([ap]m|uhr)(?!\w)|(h)(?!\w))?(?![\w:/-]|[.,][0-9])",
    re.IGNORECASE,
)
_NOON: Final = 12
_MAX_CLOCKS: Final = 4


def without_points(text: str) -> str:
    """A text with `5 pm` for `5 p.m.`."""
    has_any = any(half in text for half in (".m", ". m", ".M", ". M"))
    return _HALF_WITH_POINTS.sub(r"\1m", text) if has_any else text


def stated_clocks(text: str) -> list[str]:
    """The hours of a readable text that have a blank before their unit, each once: `3:30pm`, `16uhr`, `14h30`."""
    if not _UNIT.search(text):
        return []
    return list(dict.fromkeys("".join(pieces).lower() for pieces in _APART.findall(text)))


def clock_forms(text: str) -> Iterator[OtherForms]:
    """Yield the other forms of the first hours of a typed text: `15:30` for `3:30 pm`."""
    for match in islice(filter(_is_clock, _TYPED.finditer(text)), _MAX_CLOCKS):
        typed = match[0].removeprefix(match[1] or "").lower()
        words = frozenset({*re.findall("[0-9]+|[a-z]+", typed), *re.findall(r"\w+", typed), typed.replace(" ", "")})
        hour, minutes, unit = int(match[2]), match[4] or "00", (match[5] or "").lower()
        if unit in {"am", "pm"}:
            hour = hour % _NOON + (_NOON if unit == "pm" else 0)
        yield words, list(dict.fromkeys(_forms(hour, minutes)))


def _is_clock(match: re.Match[str]) -> bool:
    """Whether it is no other number: a point is mostly that of an amount, and an `h` alone that of a duration."""
    before, hour, sign, _, unit, h = match.groups()
    if unit and unit.lower() != "uhr":
        return 1 <= int(hour) <= _NOON
    return bool(unit or (h and before) or sign in {":", "h", "H"})


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
