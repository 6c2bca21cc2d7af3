"""Spellings of other scripts that people use for one word: signs that they leave out, letters that stand for others.

Used by `folding` and `readable` for texts and questions, and by snippets. Pure; any thread.
"""

from __future__ import annotations

import re
from typing import Final

LETTERS: Final = {
    "ہ": "ه", "ھ": "ه", "ە": "ه", "ۃ": "ه", "ڪ": "ك",
    "ँ": "ं", "ઁ": "ં", "ৎ": "ত্", "ൺ": "ണ്", "ൻ": "ന്", "ർ": "ര്", "ൽ": "ല്", "ൾ": "ള്", "ൿ": "ക്",
}  # fmt: skip
"""Letters of Urdu, Kurdish and Sindhi for an h and a k, which Arabic keyboards lack; the two signs of a nasal; letters
of Bengali and Malayalam that older texts write as two signs."""

_SMALL_KANA: Final = dict(zip("ァィゥェォヵヶぁぃぅぇぉゕゖ", "あいうえおかかあいうえおかか", strict=True))
"""Small vowels, which stand for large ones in foreign words (`ウェア` and `ウエア`), and the sign of counted things."""
KANA: Final = {
    **{chr(katakana): chr(katakana - 0x60) for katakana in (*range(0x30A1, 0x30F7), 0x30FD, 0x30FE)},
    **_SMALL_KANA,
}
"""Katakana, each with the hiragana of its sound: names of plants, animals and food are written in both."""
_V: Final = "う\u3099"
_AS_B: Final = {
    _V + "あ": "は\u3099", _V + "い": "ひ\u3099", _V + "え": "へ\u3099", _V + "お": "ほ\u3099", _V + "ゅ": "ひ\u3099ゅ",
    _V: "ふ\u3099",
}  # fmt: skip
_FOREIGN_V: Final = re.compile("|".join(_AS_B))
"""The sound of a v, for which most write a b: `ヴァイオリン` and `バイオリン`."""

_FINAL_LONG_VOWEL: Final = re.compile("ー(?<=[ァ-ヺー]{3}ー)(?![ァ-ヺー])")
"""The sign at the end of a long word in katakana, which manuals of engineers leave out and most others do not."""

_TWO_WAYS: Final = re.compile("ङ्(?=[क-घ])|ञ्(?=[च-झ])|ण्(?=[ट-ढ])|न्(?=[त-ध])|म्(?=[प-भ])|եւ")
"""A nasal of Devanagari before a consonant of its own place, for which the sign of any nasal may stand. And the
Armenian ligature, whose capitals are other letters than its own."""

_LEFT_OUT: Final = re.compile(
    "[\"'\u05f3\u05f4\u2018\u2019\u02bc\u2032](?:(?<=[\u0591-\u05c7\u05d0-\u05ea][\"'\u05f3\u05f4])(?=[\u05d0-\u05ea])"
    "|(?<=[\u0400-\u052f]['\u2018\u2019\u02bc\u2032])(?=[\u0400-\u052f]))"
)
"""The sign inside an acronym or a foreign sound of Hebrew, and inside words of Ukrainian and Belarusian."""

SILENT: Final = re.compile(f"[\u200c\u200d]|{_LEFT_OUT.pattern}")
"""What a snippet shows inside of words, and the words of its text do not have."""

_PERSIAN: Final = "[\u0600-\u06ff\u0750-\u077f]"
_JOINED: Final = re.compile(f"(?<!{_PERSIAN}){_PERSIAN}++(?:\u200c{_PERSIAN}++)++")
"""A Persian word with an ending or a beginning that stands apart: people type it as one word, and as two."""


_NIKHAHIT: Final = re.compile("(?:\u0e4d([\u0e48-\u0e4b])|\u0ecd([\u0ec8-\u0ecb]))")
"""A part of a vowel of Thai and Lao before the tone mark that is typed before the whole vowel."""
_TWO_E: Final = "เเ"
_AE: Final = "แ"
"""A vowel of Thai, and what looks like it."""

_HAMZA: Final = re.compile("[\u0626\u0621](?=\u0648)|[\u064a\u0649]\u0621(?!\\w)")
"""A hamza that some write with another letter below it: `مسئول` and `مسؤول`, `شئ` and `شيء`."""


def one_spelling(folded: str) -> str:
    """A decomposed text with one spelling of what has two, but for the letters of `LETTERS` and `KANA`."""
    if _V in folded:
        folded = _FOREIGN_V.sub(lambda match: _AS_B[match[0]], folded)
    if "\u0e4d" in folded or "\u0ecd" in folded:
        folded = _NIKHAHIT.sub(lambda match: f"{match[1]}\u0e4d" if match[1] else f"{match[2]}\u0ecd", folded)
    folded = folded.replace(_TWO_E, _AE)
    return _TWO_WAYS.sub(lambda match: "եվ" if match[0] == "եւ" else "ं", folded)


def with_one_hamza(text: str) -> str:
    """A composed text with one letter below a hamza that some write with another one."""
    if "\u0621" not in text and "\u0626" not in text:
        return text
    return _HAMZA.sub(lambda match: "\u0624" if len(match[0]) == 1 else "\u0626", text)


def without_quotes_inside(text: str) -> str:
    """A text without the signs inside of words that people leave out."""
    return _LEFT_OUT.sub("", text)


def without_final_long_vowels(text: str) -> str:
    """A text of composed letters without the sign of a long vowel at the end of long words in katakana."""
    return _FINAL_LONG_VOWEL.sub("", text) if "ー" in text else text


def joined_parts(text: str) -> list[str]:
    """The parts of each word of a raw text that an invisible sign joins: they are words too."""
    if "\u200c" not in text:
        return []
    return [match[0].replace("\u200c", " ") for match in _JOINED.finditer(text)]
