"""The words of Hebrew that are written together with the one behind them: `and the house` is one word.

Used by `lexemes` for texts, by `forms` for what is typed, and for snippets. Without a dictionary nobody knows
whether a letter is such a word or a part of the next one: a text has the word both ways. Pure functions; any thread.
"""

from __future__ import annotations

import re
from typing import Final

_FIRST, _LAST = "\u05d0", "\u05ea"
_BEFORE: Final = re.compile("ו?(?:לכש|כש|מש|ש)?[מבלכ]?ה?")
"""`and`, `when` or `that`, `from`, `in`, `to` or `like`, `the`, in this order, each of which may be missing."""
_MAX_BEFORE: Final = 5
_MIN_REST: Final = 2
PLURALS: Final = ("ים", "ות")
_FEMININE: Final = ("ה", "ת")
_MIN_NOUN: Final = 3
"""Of a shorter word, what looks like the ending of a plural is as often a part."""
_LAST_LETTERS: Final = str.maketrans("כמנפצ", "ךםןףץ")
_DOUBLED: Final = "וו"
"""A consonant that is written twice inside of a word, and once where the word begins with it."""


def is_hebrew(word: str) -> bool:
    """Whether a word begins with a Hebrew letter."""
    return _FIRST <= word[:1] <= _LAST


def plural_stems(word: str) -> list[str]:
    """What plurals of a folded word of Hebrew are without their ending, as texts have it beside them: see `forms`."""
    if word.endswith(PLURALS):
        rest = word[:-_MIN_REST]
    elif word.endswith(_FEMININE):
        rest = word[:-1]
    else:
        return []
    return [_with_last_letter(rest)] if len(rest) >= _MIN_NOUN else []


def singulars(word: str) -> list[str]:
    """What the singular of a folded plural of Hebrew may be; none of other words."""
    rest = word[:-_MIN_REST]
    if not word.endswith(PLURALS) or len(rest) < _MIN_NOUN:
        return []
    return [_with_last_letter(rest), *(rest + ending for ending in _FEMININE)]


def _with_last_letter(word: str) -> str:
    """A word that ended inside of another one, with the form that its last letter has at the end of a word."""
    return word[:-1] + word[-1].translate(_LAST_LETTERS)


def without_prefixes(word: str) -> list[str]:
    """What a folded word of Hebrew may be without the words before it, the longest first; none for other words."""
    if not is_hebrew(word):
        return []
    rests = [
        word[length:]
        for length in range(1, min(_MAX_BEFORE, len(word) - _MIN_REST) + 1)
        if _BEFORE.fullmatch(word, 0, length)
    ]
    return [form for rest in rests for form in ((rest, rest[1:]) if rest.startswith(_DOUBLED) else (rest,))]
