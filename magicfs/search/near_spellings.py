"""The spellings of a word that are one letter away from it, or have signs in it as names have.

Used by `respelling`. Pure; any thread.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache
from itertools import combinations, pairwise
from typing import Final

from magicfs.text.analysis import fold

_MARKS: Final = frozenset({"Mc", "Mn"})
_MIN_PIECE: Final = 2
_MIN_PIECE_OF_THREE: Final = 3
_LETTERS: Final = {
    "LATIN": "az", "CYRILLIC": "аџ", "GREEK": "αω", "ARMENIAN": "աֆ", "GEORGIAN": "აჰ", "HEBREW": "את", "ARABIC": "ءي",
    "DEVANAGARI": "ऄ्", "BENGALI": "অ্", "TAMIL": "அ்", "TELUGU": "అ్",
}  # fmt: skip
"""The first and the last letter of scripts, by the first word of their names in Unicode."""


def is_of_letters(word: str) -> bool:
    """Whether a word has letters alone, and vowels that some scripts write as marks."""
    return word.isalpha() or all(letter.isalpha() or unicodedata.category(letter) in _MARKS for letter in word)


def in_pieces(word: str) -> list[str]:
    """What a word in one piece may be with the signs of a name between two or three pieces: `tps_report`."""
    places = range(_MIN_PIECE, len(word) - _MIN_PIECE + 1)
    two = [f"{word[:place]}{sign}{word[place:]}" for place in places for sign in "_-."]
    cuts = ((0, first, last, len(word)) for first, last in combinations(places, 2))
    three = ["_".join(word[start:end] for start, end in pairwise(cut)) for cut in cuts if _is_wide(cut)]
    return two + three


def _is_wide(cut: Iterable[int]) -> bool:
    return all(end - start >= _MIN_PIECE_OF_THREE for start, end in pairwise(cut))


def one_letter_away(word: str) -> list[str]:
    """The words with one letter more, less or another, or two of them swapped. The first letter is mostly right."""
    alphabet = _alphabet(unicodedata.name(word[0], "").partition(" ")[0])
    halves = [(word[:place], word[place:]) for place in range(1, len(word) + 1)]
    swapped = [before + after[1] + after[0] + after[2:] for before, after in halves if len(after) > 1]
    without = [before + after[1:] for before, after in halves if after]
    other = [before + letter + after[1:] for before, after in halves if after for letter in alphabet]
    more = [before + letter + after for before, after in halves for letter in alphabet]
    return [spelling for spelling in dict.fromkeys(swapped + without + other + more) if spelling != word]


@cache
def _alphabet(script: str) -> list[str]:
    """The folded letters of a script, each once; none of one whose words have no spaces between them."""
    ends = _LETTERS.get(script, "ba")
    codes = range(ord(ends[0]), ord(ends[1]) + 1)
    letters = dict.fromkeys(fold(chr(code)) for code in codes if unicodedata.name(chr(code), ""))
    return list(filter(None, letters))


def edits(first: str, second: str) -> int:
    """How many letters are more, less or others in one word than in the other; two swapped neighbours count once."""
    before, above = [0] * (len(second) + 1), list(range(len(second) + 1))
    for row, letter in enumerate(first, 1):
        line = [row]
        for column, other in enumerate(second, 1):
            least = min(above[column] + 1, line[-1] + 1, above[column - 1] + (letter != other))
            if row > 1 and column > 1 and letter == second[column - 2] and other == first[row - 2]:
                least = min(least, before[column - 2] + 1)
            line.append(least)
        before, above = above, line
    return above[-1]
