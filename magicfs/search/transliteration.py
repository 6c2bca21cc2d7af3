"""Words of Cyrillic and Greek as people write them with Latin letters, and the other way round: `договор`, `dogovor`.

Files have such names, and keyboards of other countries have no other letters. There are several ways to do it; each
gives a spelling to look for. Used by `compiled_query`. Pure; any thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_CYRILLIC: Final = "абвгґдђеёєжзиіїйјклљмнњопрстћуфхцчџшщъыьэюя"
_WAYS: Final = (
    "a b v g g d dj e e ie zh z i i i y j k l lj m n nj o p r s t c u f kh ts ch dz sh shch - y - e yu ya",
    "a b v g g d dj e e ie zh z i i i i j k l lj m n nj o p r s t c u f kh ts ch dz sh shch ie y - e iu ia",
    "a b v g g d dj e yo ye zh z i i yi y j k l lj m n nj o p r s t c u f h c ch dz sh sch - y - e yu ya",
    "a b v g g d dj e jo je z z i i ji j j k l lj m n nj o p r s t c u f h c c dz s sc - y - e ju ja",
    "a b w g g d dj e jo je sch s i i ji j j k l lj m n nj o p r s t c u f ch z tsch dz sch schtsch - y - e ju ja",
    "a b v h g d dj e e ie zh z y i i i j k l lj m n nj o p r s t c u f kh ts ch dz sh shch - y - e iu ia",
)
"""The letters of Cyrillic in Latin ones: of English and of passports, as people type them, of libraries and of Serbian,
of German, of Ukrainian."""
_TABLES: Final = tuple(
    str.maketrans(dict(zip(_CYRILLIC, (letter.strip("-") for letter in way.split()), strict=True))) for way in _WAYS
)
_ADJECTIVE: Final = re.compile("(?:ий|ый|ій)\\Z")

_GREEK: Final = "αβγδεζηθικλμνξοπρσςτυφχψω"
_GREEK_WAYS: Final = (
    "a v g d e z i th i k l m n x o p r s s t y f ch ps o",
    "a b g d e z h th i k l m n x o p r s s t u f x ps w",
    "a v g d e z i th i k l m n ks o p r s s t i f h ps o",
)
"""The letters of Greek: of passports, and as people type them by their looks and by their sounds."""
_GREEK_TABLES: Final = tuple(str.maketrans(dict(zip(_GREEK, way.split(), strict=True))) for way in _GREEK_WAYS)
_GREEK_PAIRS: Final = (("ου", "ou"), ("μπ", "b"), ("ευ", "ev"), ("αυ", "av"))

_AS_CYRILLIC: Final = {
    "shch": "щ", "sch": "щ", "tch": "ч", "zh": "ж", "kh": "х", "ts": "ц", "ch": "ч", "sh": "ш", "yu": "ю", "iu": "ю",
    "ju": "ю", "ya": "я", "ia": "я", "ja": "я", "yo": "ё", "jo": "ё", "ye": "е", "x": "кс", "q": "к", "w": "в",
    "a": "а", "b": "б", "c": "ц", "d": "д", "e": "е", "f": "ф", "g": "г", "h": "х", "i": "и", "j": "й", "k": "к",
    "l": "л", "m": "м", "n": "н", "o": "о", "p": "п", "r": "р", "s": "с", "t": "т", "u": "у", "v": "в", "y": "ы",
    "z": "з",
}  # fmt: skip
_PIECE: Final = re.compile("|".join(sorted(_AS_CYRILLIC, key=len, reverse=True)))
_ENDING: Final = re.compile("(?:iy|ij|ii|y|i)\\Z")
_BEFORE_SHORT_I: Final = re.compile("(?<=[аеёиоуыэюя])[ыи]")
_SOFT_INSIDE: Final = re.compile("(?<=[лнрстз])(?=[бвгзкмнсцчшщ])")
_SOFT_AT_THE_END: Final = re.compile("(?:(?<=[лнртз])|(?<=[аиоуюя]с))\\Z")
"""Where a soft sign may be left out. At the end behind other sounds, an `s` is that of a plural: `indexes`, `rods`."""
_REFLEXIVE: Final = re.compile("ts(?:ya|ia|ja)\\Z")
_CYRILLIC_LANGUAGES: Final = frozenset({"be", "bg", "mk", "ru", "sr", "uk"})
_MIN_LETTERS: Final = 4
"""A shorter word of Latin letters is mostly one of another language."""


def transliterations(word: str, languages: Iterable[str]) -> list[str]:
    """What a word in lower case may be in letters of another script; from Latin ones as the index has `languages`."""
    if word.isascii():
        has_cyrillic = not _CYRILLIC_LANGUAGES.isdisjoint(languages)
        return _in_cyrillic(word) if has_cyrillic and word.isalpha() and len(word) >= _MIN_LETTERS else []
    if set(word) <= set(_CYRILLIC):
        ended = [word, _ADJECTIVE.sub("y", word)]
        found = [each.translate(table) for each in ended for table in _TABLES]
        return list(dict.fromkeys([*found, *(f"t{each}" for each in found if each.startswith("ch"))]))
    return _in_latin_from_greek(word)


def _in_latin_from_greek(word: str) -> list[str]:
    bare = word.translate(str.maketrans("άέήίόύώϊϋΐΰ", "αεηιουωιυιυ"))
    if not bare or not set(bare) <= set(_GREEK):
        return []
    paired = bare
    for pair, letters in _GREEK_PAIRS:
        paired = paired.replace(pair, letters)
    return list(dict.fromkeys(each.translate(table) for each in (paired, bare) for table in _GREEK_TABLES))


def _in_cyrillic(word: str) -> list[str]:
    ended = [word, *(_ENDING.sub(ending, word) for ending in ("ий", "ый", "й", "и", "ы"))]
    ended += [_REFLEXIVE.sub(ending, word) for ending in ("ться", "тся")]
    plain = [_PIECE.sub(lambda match: _AS_CYRILLIC[match[0]], each) for each in ended]
    found = [_BEFORE_SHORT_I.sub("й", each) for each in plain] + plain
    found += [_SOFT_INSIDE.sub("ь", each) for each in found]
    found += [_SOFT_AT_THE_END.sub("ь", each) for each in found]
    found += [each.replace("ц", "к") for each in found if "ts" not in word]
    found += [each.replace("х", "г") for each in found if "kh" not in word]
    return list(dict.fromkeys(each for each in found if not re.search("[a-z]", each)))
