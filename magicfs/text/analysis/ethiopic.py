"""The words of Amharic and Tigrinya that are written together with the one behind them: `of the house` is one word.

Used by `lexemes` for texts and by `forms` for what is typed. Without a dictionary nobody knows whether a letter is
such a word or a part of the next one: a text has the word both ways. Pure functions; any thread.
"""

from __future__ import annotations

from typing import Final

_FIRST, _LAST = "\u1200", "\u137f"
_BEFORE: Final = ("ስለ", "እንደ", "ወደ", "የ", "በ", "ለ", "ከ", "ብ", "ን", "ካብ")
"""`about`, `like`, `towards`, `of`, `in`, `for`, `from`."""
_MIN_REST: Final = 2


def is_ethiopic(word: str) -> bool:
    """Whether a word begins with an Ethiopic letter."""
    return _FIRST <= word[:1] <= _LAST


def without_preposition(word: str) -> list[str]:
    """What a folded word may be without the word before it; none for other words."""
    if not is_ethiopic(word):
        return []
    rests = [word.removeprefix(before) for before in _BEFORE if word.startswith(before)]
    return [rest for rest in rests if len(rest) >= _MIN_REST]
