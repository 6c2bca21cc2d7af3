"""Words and names whose letters or parts stand apart for the eye: `I N V O I C E`, `姓 名`, `ダ・ヴィンチ`.

Used by `readable`: they are looked for in one piece. Pure functions; any thread.
"""

from __future__ import annotations

import re
from typing import Final

from magicfs.text.analysis.han import HAN

_SPACED: Final = re.compile(r"[^\W\d_](?<![\w.,'&/+-].)(?:[ \u00a0][^\W\d_](?!\w)){3,40}+(?![.,'&/+-]\w)")
"""Four letters or more with one blank between each two, as in headings. Of two or three, many are initials."""
_TWO_OF_THEM: Final = re.compile(r" \w \w ")
"""What they all have, and most texts have not."""
_SPACED_HAN: Final = re.compile(
    f"[{HAN}](?<![{HAN}].)(?<![{HAN}][ \u00a0\u3000].)(?:[ \u00a0\u3000]{{1,3}}[{HAN}](?![{HAN}])){{1,5}}+"
)
"""Chinese characters with blanks between them, as labels of forms have them. Words of text are seldom one character."""
_DOTS: Final = "\u00b7\u2027\u2022\u30fb\uff65"
_OF_NAMES: Final = f"[\u3041-\u3096\u30a1-\u30fa\u30fc{HAN}]"
_AROUND_DOT: Final = re.compile(f"[{_DOTS}](?<=({_OF_NAMES}).)(?=({_OF_NAMES}{{1,2}}))")
"""A point between the parts of a foreign name, which many leave out."""
_BLANKS: Final = re.compile(r"\s+")


def spaced_letters(text: str) -> list[str]:
    """The words of a text whose letters have blanks between them, in one piece."""
    spaced = _SPACED.findall(text) if _TWO_OF_THEM.search(text) else []
    if not text.isascii():
        spaced += _SPACED_HAN.findall(text)
    return list(dict.fromkeys(_BLANKS.sub("", word) for word in spaced))


def around_middle_dots(text: str) -> list[str]:
    """The characters before and behind each point between the parts of a name in Chinese or Japanese: `ダヴィ`.

    They are what a name in one piece has besides its parts. Two of them behind the point may be one sound.
    """
    return list(dict.fromkeys(map("".join, _AROUND_DOT.findall(text))))
