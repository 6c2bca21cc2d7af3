"""Words with letters of two scripts that look alike: `paypal` with two letters of Cyrillic.

People type them without noticing, on the keyboard of the other script, and programs that read scans take one for the
other. Used by `lexemes` for texts and by `question` for what is typed. Pure functions; any thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from magicfs.text.analysis.variants import OtherForms

_CYRILLIC, _LATIN_OF_CYRILLIC = "АВЕКМНОРСТУХІЈЅаеорсухіјѕ", "ABEKMHOPCTYXIJSaeopcyxijs"
_GREEK, _LATIN_OF_GREEK = "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧο", "ABEZHIKMNOPTYXo"
"""Letters, and those of Latin that look like them."""
_AS_LATIN: Final = str.maketrans(_CYRILLIC + _GREEK, _LATIN_OF_CYRILLIC + _LATIN_OF_GREEK)
_AS_CYRILLIC: Final = str.maketrans(_LATIN_OF_CYRILLIC, _CYRILLIC)
_AS_GREEK: Final = str.maketrans(_LATIN_OF_GREEK, _GREEK)
_LATIN: Final = re.compile("[A-Za-z]")
_OTHERS: Final = re.compile("[\u0370-\u052f]")
_NOT_CYRILLIC: Final = re.compile("[A-Za-z\u0370-\u03ff]")
_NOT_GREEK: Final = re.compile("[A-Za-z\u0400-\u052f]")
_WORD: Final = re.compile(r"\w+")
_MAX_WORDS: Final = 64
"""A longer text is pasted."""
_CODE: Final = re.compile(r"(?=\w*[0-9])(?=[0-9]*[^\W\d_])\w{2,16}")
"""A code of letters and digits."""


def lookalike_forms(text: str) -> Iterator[OtherForms]:
    """Yield the other forms of the words of a typed text with letters of two scripts, and of codes."""
    for word in _WORD.findall(text)[:_MAX_WORDS]:
        if other := in_one_script(word) or _code_in_other_script(word):
            yield frozenset({word}), [other]


def in_one_script(word: str) -> str | None:
    """A word of letters of two scripts in letters of one; None for any other word."""
    if not (_LATIN.search(word) and _OTHERS.search(word)):
        return None
    for letters, others in ((_AS_LATIN, _OTHERS), (_AS_CYRILLIC, _NOT_CYRILLIC), (_AS_GREEK, _NOT_GREEK)):
        if not others.search(one := word.translate(letters)):
            return one
    return None


def _code_in_other_script(word: str) -> str | None:
    """A typed code, such as the number of a plate, in capitals of the other script; None if it has others there."""
    if _CODE.fullmatch(word) is None:
        return None
    capitals = word.upper()
    other = capitals.translate(_AS_CYRILLIC if capitals.isascii() else _AS_LATIN)
    is_whole = not (_LATIN.search(other) and _OTHERS.search(other))
    return other if other != capitals and is_whole else None
