"""Hours of the day: as texts write them with blanks, and in the other forms that stand for what is typed.

`3:30 PM` in a text is found as `3:30pm`, and so is `15:30`. Used by `words` for texts and by `typed_forms` for
what is typed. Pure functions; any thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from magicfs.text.analysis.cjk_numbers import NUMERALS, value_of
from magicfs.text.analysis.folding import fold
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
    rf"(?<![\w.,:/+-])((?:{_BEFORE_HOUR}) )?([01]?[0-9]|2[0-3])(?:([:.]|(?<=[0-9]) ?h ?)([0-5][0-9]))?"
    r"(?: ?([ap]m|uhr)(?!\w)|(h)(?!\w))?(?![\w:/-]|[.,][0-9])",
    re.IGNORECASE,
)
_MORNING: Final = frozenset({"上午", "午前", "早上", "凌晨", "清晨", "早晨", "오전", "새벽", "아침"})
_AFTERNOON: Final = frozenset({"下午", "午後", "午后", "晚上", "傍晚", "夜里", "오후", "저녁"})
"""What says which half of the day, before an hour."""
_SIGN_OF_HOUR: Final = "[点點]|[時时시](?![間间代期限点點刻段差])"
_MINUTE: Final = f"([0-5]?[0-9])(?![0-9]| ?[点點時时시])|(?<! )([{NUMERALS}]{{1,3}})(?![点點時时시])"
_FAR_EAST: Final = re.compile(
    f"[0-9{NUMERALS}](?=[0-9{NUMERALS}]{{0,2}} ?[点點時时시])(?<![0-9{NUMERALS}.,:年月日第].)"
    f"(?:(?<=[0-9])[0-9]?|[{NUMERALS}]{{0,2}}) ?({_SIGN_OF_HOUR})"
    f"(?: ?(?:(半|반)|{_MINUTE})(?: ?[分분](?!之))?)?"
)
"""An hour of Chinese, Japanese or Korean: `下午三点半`, `15時30分`, `오후 3시`."""
_POINTS: Final = frozenset("点點")
"""The sign of an hour in Chinese, and of other things that are counted."""
_LAST_HOUR: Final = 23
_LAST_MINUTE: Final = 59
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


def far_eastern_clocks(text: str) -> list[str]:
    """The hours of a readable text in Chinese, Japanese or Korean, each once: `15:30` for `下午三点半`."""
    found = (_far_eastern(match) for match in _FAR_EAST.finditer(text))
    return list(dict.fromkeys(f"{clock[0]}:{clock[1]:02}" for clock in found if clock))


def _far_eastern(match: re.Match[str]) -> tuple[int, int] | None:
    """The hour and the minute; None for what is no hour."""
    sign, half, digits, characters = match.groups()
    before = match.string[: match.start()].rstrip(" ")[-2:]
    typed = match[0][: match.start(1) - match.start()].rstrip(" ")
    hour = int(typed) if typed.isdecimal() else value_of(typed)
    minute = 30 if half else int(digits or 0) or (value_of(characters) if characters else 0)
    if (
        hour is None
        or minute is None
        or (sign in _POINTS and not (before in _MORNING or before in _AFTERNOON or half or digits or characters))
    ):
        return None
    if before in _AFTERNOON and hour < _NOON:
        hour += _NOON
    return (hour, minute) if hour <= _LAST_HOUR and minute <= _LAST_MINUTE else None


def clock_forms(text: str) -> Iterator[OtherForms]:
    """Yield the other forms of the first hours of a typed text: `15:30` for `3:30 pm`."""
    for match in () if text.isascii() else islice(_FAR_EAST.finditer(text), _MAX_CLOCKS):
        if clock := _far_eastern(match):
            before = text[: match.start()].rstrip(" ")[-2:]
            whole = (before if before in _MORNING or before in _AFTERNOON else "") + match[0]
            pieces = re.findall("[0-9]+|[^0-9 ]+", whole)
            pairs = [fold(piece[place : place + 2]) for piece in pieces for place in range(max(1, len(piece) - 1))]
            yield frozenset({*pairs, *filter(str.isdecimal, pieces)}), list(_forms(clock[0], f"{clock[1]:02}"))
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
    return bool(unit or (h and before) or (sign and sign != ".") or (h and int(hour) > _NOON))


def _forms(hour: int, minutes: str) -> Iterator[str]:
    for written in (f"{hour}", f"{hour:02}"):
        yield f"{written}:{minutes}"
        yield f"{written}:{minutes}h"
        yield f"{written}:{minutes}uhr"
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
