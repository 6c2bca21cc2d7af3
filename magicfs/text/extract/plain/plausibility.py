"""Whether a text may be in a charset, by its letters: those of a word are of one script, and of the right case.

Used by `charsets`, which asks for each charset that a detector has found. Pure; any thread.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import islice
from typing import Final

_INSIDE_WORD: Final = re.compile(rb"(?<=[A-Za-z])[\x80-\xff]{1,3}(?=[a-z])|(?<=[A-Z])[\x80-\xff]{1,3}(?=[A-Z])")
"""Bytes between two letters: in the right charset, they are letters too, of the case of the next one."""
_AT_WORD_END: Final = re.compile(rb"(?<=[a-z])[\x80-\xff](?![A-Za-z\x80-\xff])")
"""A byte after a small letter that ends a word: in the right charset, it is no capital."""
_MAX_INSIDE: Final = 1000
"""The number of such places that are looked at."""
_BEYOND_ASCII: Final = re.compile(rb"[\x80-\xff]+")
_WORD_BEYOND_ASCII: Final = re.compile(rb"(?<![A-Za-z\x80-\xff])[\x80-\xff]{2,}(?![A-Za-z\x80-\xff])")
"""A word in another script than Latin, or rarely a sign before a letter."""
_WORDS_OF_SCRIPT: Final = 0.2
"""The share of such words among all sequences beyond ASCII that a text in another script has at least."""
_BETWEEN_WORDS: Final = frozenset("\u2013\u2014\u2026\u2019\u00b7\u00b4")
"""Dashes, dots and apostrophes, which stand between letters too."""
_LETTERS_AS_SIGNS: Final = frozenset("\u0192\u00aa\u00ba")
"""The sign of a currency and those of ordinal numbers, which are letters to Unicode, and stand in no word."""
_LAST_LATIN: Final = "\u024f"
_ALONE: Final = re.compile("(?<=[A-Za-z])[^\\x00-\\x7f](?=[A-Za-z])")
"""A character beyond ASCII between two Latin letters."""
OF_TWO_BYTES: Final = frozenset(
    {"cp932", "shift_jis_2004", "gb18030", "big5hkscs", "cp949", "euc_jp", "euc_jis_2004", "iso2022_jp", "johab"}
)
"""Charsets in which a byte between letters is the first half of a character whose second half looks like one."""
_FEW: Final = 12
"""Bytes beyond ASCII in a Latin text up to which the detector of the web is asked: a few letters at the ends of words
look like another script to `chardet`."""
_MAX_OTHERS: Final = 0.2
"""The share of bytes inside of words that are none of their letters, where a text is in the charset."""


class Plausibility:
    """What the letters around the bytes beyond ASCII of a text say of its charset."""

    def __init__(self, sample: bytes) -> None:
        """`sample` is a part of the text, without the lines in ASCII."""
        self._sample = sample
        found = islice(_INSIDE_WORD.finditer(sample), _MAX_INSIDE)
        self._inside = [(match[0], sample[match.end() : match.end() + 1].islower()) for match in found]
        self._ends = b"".join(match[0] for match in islice(_AT_WORD_END.finditer(sample), _MAX_INSIDE))
        self._beyond_ascii = _BEYOND_ASCII.findall(sample)
        words = len(_WORD_BEYOND_ASCII.findall(sample))
        self.is_latin = words < _WORDS_OF_SCRIPT * len(self._beyond_ascii)
        """Whether it is in Latin letters."""

    @property
    def count(self) -> int:
        """The number of bytes beyond ASCII."""
        return sum(map(len, self._beyond_ascii))

    @property
    def are_few_latin(self) -> bool:
        """Whether few bytes beyond ASCII stand in a text in Latin letters."""
        return self.is_latin and self.count <= _FEW

    def fits(self, charset: str) -> bool:
        """Whether bytes inside of Latin words are mostly Latin letters of the right case, or dashes and apostrophes.

        At their ends, whether most are no capitals after small letters. In a charset of two bytes, whether most
        characters are not alone inside of Latin words. Another script than Latin has words of its own.
        """
        if self.is_latin and charset not in OF_TWO_BYTES and self._is_other_script(charset):
            return False
        if self._ends and 2 * sum(map(str.isupper, self._ends.decode(charset, "replace"))) > len(self._ends):
            return False
        if not self._inside:
            return True
        if charset in OF_TWO_BYTES:
            text = self._sample.decode(charset, "replace")
            return 2 * len(_ALONE.findall(text)) < sum(character > "\x7f" for character in text)
        decoded = [(char, is_lower) for part, is_lower in self._inside for char in part.decode(charset, "replace")]
        others = [
            char for char, is_lower in decoded if not _is_letter(char, is_lower=is_lower) and char not in _BETWEEN_WORDS
        ]
        return len(others) < _MAX_OTHERS * len(decoded)

    def _is_other_script(self, charset: str) -> bool:
        """Whether most letters beyond ASCII are not Latin in a charset of one byte."""
        letters = list(filter(str.isalpha, b"".join(self._beyond_ascii).decode(charset, "replace")))
        return 2 * sum(letter > _LAST_LATIN for letter in letters) > len(letters)


def _is_letter(character: str, *, is_lower: bool) -> bool:
    if unicodedata.combining(character):
        return True
    if character in _LETTERS_AS_SIGNS or not character.isalpha() or character > _LAST_LATIN:
        return False
    return character.islower() if is_lower else character.isupper()
