"""Chinese characters that stand for one another: traditional and simplified forms, and the forms that Japan uses.

Used by `folding`. The table is made from that of OpenCC by the first text with such a character, in a sixth of a
second. Pure; any thread.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

HAN: Final = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Chinese characters: the inside of a regular expression's `[…]`."""
_HAN: Final = re.compile(f"[{HAN}]")

_OF_NAMES: Final = dict(
    zip("髙﨑邊邉齋齊濵濱澤櫻眞廣嶋冨德惠榮瀨淵邨", "高崎辺辺斎斉浜浜沢桜真広島富徳恵栄瀬渕村", strict=True)
)
"""The forms that names of Japan keep, each with the usual one there."""

_FURTHER: Final = dict(zip("着裡妳牠祂甚峯羣衞", "著里你它它什峰群卫", strict=True))
"""Forms that are words of their own in one of the two writings alone: 看著 and 看着 are the same."""


def one_form(text: str) -> str:
    """A text with one form of each Chinese character that has several. Its length stays."""
    return _replaced().sub(lambda match: _forms()[match[0]], text) if _HAN.search(text) else text


@cache
def _replaced() -> re.Pattern[str]:
    return re.compile(f"[{''.join(_forms())}]")


@cache
def _forms() -> dict[str, str]:
    """The form that each character is replaced by."""
    from opencc import OpenCC

    characters = [chr(code) for first, last in ((0x3400, 0x4DC0), (0x4E00, 0xA000)) for code in range(first, last)]
    # With a line each, no phrase of the table goes from one to the next.
    simplified = OpenCC("t2s").convert("\n".join(characters)).split("\n")
    forms = dict(zip(characters, simplified, strict=True)) | _FURTHER
    forms |= {usual: forms.get(old, old) for old, usual in _OF_NAMES.items() if forms.get(old, old) != old}
    forms |= {old: forms.get(usual, usual) for old, usual in _OF_NAMES.items()}
    return {character: forms.get(form, form) for character, form in forms.items() if form != character}
