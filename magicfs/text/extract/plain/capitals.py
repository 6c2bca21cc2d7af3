"""The charset of a text in capitals, such as a notice or a list of an old program.

Used by `charsets`. Detectors know words as they stand in running text, in small letters: capitals in one charset of
Cyrillic or Greek are other letters, most of them small, in the next one. Pure functions; any thread.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

_CYRILLIC: Final = "cp1251"
_GREEK: Final = "cp1253"
_TURKISH: Final = "cp1254"
_TO_BE_ASKED: Final = {
    **dict.fromkeys(("cp1251", "koi8-r", "koi8-u", "cp866", "cp1125", "mac-cyrillic", "iso8859-5"), _CYRILLIC),
    **dict.fromkeys(("cp1253", "iso8859-7", "cp737"), _GREEK),
    _TURKISH: _TURKISH,
}
"""The charset in which the detector is asked for the small letters of each charset."""
_TURKISH_CAPITALS: Final = frozenset(b"\xd0\xdd\xde")
"""The only ones that other letters have in the usual charset."""
_LINE_OF_FRAME: Final = re.compile(rb"^[^\n]*([\x80-\xff])\1{3}[^\n]*\n?", re.MULTILINE)
"""A line that was drawn with the letters of DOS for it, which are capitals elsewhere."""
_SAMPLE_BYTES: Final = 8 * 1024
_MIN_CAPITALS: Final = 0.8
"""The share of capitals among the letters; the rest is in names of files, addresses and units."""
_MIN_GAIN: Final = 1.3
"""The factor by which the detector must be surer of the small letters. Where they are wrong, it is half as sure."""


def charset_of_capitals(
    sample: bytes, *, is_latin: bool, confidence: float, best_charset: Callable[[bytes], tuple[str, float]]
) -> str | None:
    """The charset in which a text is words in capitals; None for any other text. Of Latin ones, only Turkish is told.

    `best_charset` is the detector: a charset and its confidence. `confidence` is what it has for the text as it is.
    """
    sample = _LINE_OF_FRAME.sub(b"", sample[:_SAMPLE_BYTES])
    best, highest = None, _MIN_GAIN * confidence
    for charset, asked in _TO_BE_ASKED.items():
        text = sample.decode(charset, "replace")
        if is_latin is not (charset == _TURKISH) or not _is_in_capitals(text, sample, charset):
            continue
        detected, sureness = best_charset(text.lower().encode(asked, "replace"))
        if detected == asked and sureness > highest:
            best, highest = charset, sureness
    return best


def _is_in_capitals(text: str, sample: bytes, charset: str) -> bool:
    """Whether most letters are capitals: of Turkish all letters count, of others those of its script."""
    if charset == _TURKISH and _TURKISH_CAPITALS.isdisjoint(sample):
        return False
    letters = [letter for letter in text if letter.isalpha() and (letter > "\x7f" or charset == _TURKISH)]
    return bool(letters) and sum(map(str.isupper, letters)) >= _MIN_CAPITALS * len(letters)
