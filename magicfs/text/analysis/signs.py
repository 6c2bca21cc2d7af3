"""Signs that people look for by themselves: currency, arrows, those of mathematics. Pictures (emoji) are tokens.

A text has each sign once, beside its words: a phrase goes on over it. Used by `words` for texts, by `question` for what
is typed, and by snippets. Pure functions; any thread.
"""

from __future__ import annotations

import re
from typing import Final

_SIGN: Final = (
    "[\u00a3\u00a5\u00a7\u00a9\u00ae\u00b0\u00b1\u00d7\u00f7\u20a0-\u20c0\u2190-\u23ff\u27c0-\u27ff\u2900-\u2aff]"
)
"""No sign of ASCII, which a text of code has many of, and none that stands before the entries of lists."""
_SIGNS: Final = re.compile(_SIGN)
_ALONE: Final = re.compile(
    rf"(?<!\S){_SIGN}+(?!\S)|[\u2190-\u23ff\u27c0-\u27ff\u2900-\u2aff]+|(?<=[0-9])\u00b0|\u00b1(?=[0-9])"
)
"""What stands alone, and arrows, degrees and signs of mathematics beside a word: `√2`, `∀x`, `45°`, `±5`."""


def signs_in(text: str) -> list[str]:
    """The signs that a text has, each once, in order."""
    return [] if text.isascii() else list(dict.fromkeys(_SIGNS.findall(text)))


def typed_signs(text: str) -> list[str]:
    """The signs of a typed text that are no part of a word, as that of `€45` is."""
    return [] if text.isascii() else list(dict.fromkeys("".join(_ALONE.findall(text))))


def is_sign(word: str) -> bool:
    """Whether a word of a question is such a sign."""
    return _SIGNS.fullmatch(word) is not None
