"""Stems of words by the Snowball algorithms. Used by `words` and `forms`. Any thread: each has its own stemmers."""

from __future__ import annotations

import re
import threading
import unicodedata
from itertools import groupby
from typing import Final

import Stemmer

from magicfs.text.analysis.spellings import with_one_hamza

SNOWBALL_LANGUAGES: Final = {
    "ar": "arabic", "bs": "serbian", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek",
    "en": "english", "eo": "esperanto", "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian",
    "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi", "hr": "serbian", "hu": "hungarian",
    "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian", "nb": "norwegian", "ne": "nepali",
    "nl": "dutch", "nn": "norwegian", "no": "norwegian", "pl": "polish", "pt": "portuguese", "ro": "romanian",
    "ru": "russian", "sh": "serbian", "sr": "serbian", "st": "sesotho", "sv": "swedish", "ta": "tamil",
    "tr": "turkish", "yi": "yiddish",
    # Those of related languages, which take most endings off where a language has none of its own:
    "af": "dutch", "az": "turkish", "be": "russian", "bg": "russian", "gl": "portuguese", "lb": "german",
    "mk": "russian", "ms": "indonesian", "sk": "czech", "sl": "serbian", "uk": "russian",
}  # fmt: skip
"""The name of Snowball's algorithm for a language, by ISO 639-1 code."""

_SCRIPTS: Final = (
    ("\u0370", "\u03ff", ("greek",)),
    ("\u0530", "\u058f", ("armenian",)),
    ("\u0900", "\u097f", ("hindi", "nepali")),
    ("\u0b80", "\u0bff", ("tamil",)),
)
"""The first and the last letter of scripts whose words have an algorithm of their own in any text, also in one that is
too short to have a language; and the algorithms for the script, the usual one first."""

_OF_SCRIPTS: Final = re.compile(f"[{''.join(f'{first}-{last}' for first, last, _ in _SCRIPTS)}]")

_WITHOUT_ALGORITHM: Final = re.compile("[\u0980-\u0b7f\u0c00-\u0dff\u10a0-\u10ff]")
"""Bengali, Gurmukhi, Gujarati, Oriya, Telugu, Kannada, Malayalam, Sinhala and Georgian."""

_WITHOUT_LATIN_LETTERS: Final = frozenset({"ja", "km", "ko", "lo", "my", "th", "zh"})
"""Languages whose texts have English words among their own, which look different."""

DEFAULT_LANGUAGE: Final = "en"
"""The language of a text that has none: code, tables, logs, a few words."""

_CHANGING_INITIALS: Final = frozenset({"dutch", "esperanto", "indonesian", "irish", "serbian", "sesotho", "turkish"})
"""Algorithms that take prefixes of Latin letters away, or write other letters."""

KEEPING_INITIALS: Final = frozenset(SNOWBALL_LANGUAGES.values()) - _CHANGING_INITIALS
"""Algorithms whose stem of a word of ASCII begins with the first letter of the word."""

DEFAULT_ALGORITHM: Final = SNOWBALL_LANGUAGES[DEFAULT_LANGUAGE]

_MIN_CHARACTERS: Final = 3

_ARTICLE: Final = "ال"
_FEMININE_PLURAL: Final = "ات"
_BEFORE_PLURAL: Final = ("وال", "فال", "بال", "كال", "لل", _ARTICLE)
"""What is written together with a noun of Arabic: `and the`, `with the`, `for the`, `the`."""
_MIN_PLURAL_CHARACTERS: Final = 5
"""A shorter word is rarely a plural: `نبات` is a plant."""

_BEFORE_ARTICLE: Final = ("وال", "فال")
_PARENT: Final = re.compile("والد(?:ة|ات|ا|ان|ين|يه|يها|ت?(?:ي|ه|ها|هم|هما|نا|ك|كم))?")
"""A parent begins with letters that are no article."""
_MIN_WITH_ARTICLE: Final = 6
_SHORT_FEMININE: Final = re.compile("(?:[بك]?ال|لل)(\\w\\wة)")
"""A short noun, of which Snowball takes the ending alone where it has an article, and nothing where it has none."""

_PORTUGUESE_PLURALS: Final = {
    "ões": "ão", "ães": "ão", "ais": "al", "éis": "el", "óis": "ol", "ens": "em", "veis": "vel", "neis": "nel",
    "queis": "quel", "eis": "il",
}  # fmt: skip
"""The endings of plurals that Snowball does not connect with those of the singular."""
_PORTUGUESE_PLURAL: Final = re.compile(
    r"(?<=\w\w)(?:[õã]es|[aéó]is|ens|veis|(?<=[áâéêíóôú])neis|(?<=[áâéêíóôú])queis|(?<=[áâéêíóôú].)eis"
    r"|(?<=[áâéêíóôú]..)eis)\Z"
)
"""An ending without an accent stands behind one: `fáceis`, not `dezesseis`."""

_COPULA: Final = re.compile("(?<=\\w\\w)(?:[dt][iıuü]r|y[dt][iıuü][mnk]?|ym[iıuü]ş|y[iıuü][mz])(?:l[ea]r)?\\Z")
"""`Is`, `was` and `am` of Turkish, which are written together with the word before them."""

_RUSSIAN_LETTERS: Final = str.maketrans("іїє", "иие")
"""Vowels that Russian writes with other letters."""

_ARMENIAN_NOUN: Final = re.compile(r"(?<=\w\w)ությ(?:ուն|ան|ամբ)\w*\Z")
"""The end of an abstract noun, of which Snowball takes another part in each case."""

_FINNISH_NOUN: Final = re.compile(r"(?<=\w\w[^aeiouyäö\W])([uy])s\Z")
"""A noun in `-us` or `-ys` behind a consonant: `hakemus`, not `oikeus`."""

_stemmers = threading.local()


def stems(words: list[str], *, algorithm: str) -> list[str]:
    """The stems of words in lower case by an algorithm of Snowball; the word itself where it has none.

    A word in the script of another algorithm alone gets the stem of that one.
    """
    if not _OF_SCRIPTS.search("\n".join(words)):
        return _stems(words, algorithm)
    found: list[str] = []
    for name, group in groupby(words, key=lambda word: _algorithm_of(word, algorithm)):
        found += _stems(list(group), name)
    return found


def _algorithm_of(word: str, algorithm: str) -> str:
    for first, last, algorithms in _SCRIPTS:
        if first <= word[:1] <= last:
            return algorithm if algorithm in algorithms else algorithms[0]
    return algorithm


def _stems(words: list[str], algorithm: str) -> list[str]:
    stemmer = getattr(_stemmers, algorithm, None)
    if stemmer is None:
        stemmer = Stemmer.Stemmer(algorithm, 0)  # without a cache: see `LexemeMemory`
        setattr(_stemmers, algorithm, stemmer)
    prepare = _PREPARED.get(algorithm)
    found = stemmer.stemWords(list(map(prepare, words)) if prepare else words)
    if algorithm == "turkish":
        found = [stem if len(stem) > 1 else _without_copula(word) for word, stem in zip(words, found, strict=True)]
    return [
        stem if stem and len(word) >= _MIN_CHARACTERS and has_letters_alone(word) else word
        for word, stem in zip(words, found, strict=True)
    ]


def _without_copula(word: str) -> str:
    """A word of Turkish of which Snowball leaves a letter, such as `iyidir`, without the verb at its end."""
    return _COPULA.sub("", word)


def has_no_stems(word: str) -> bool:
    """Whether a word is of a script with endings for which there is no algorithm, such as Bengali and Georgian."""
    return _WITHOUT_ALGORITHM.match(word) is not None


def has_letters_alone(word: str) -> bool:
    """Whether a word has no digits and signs. The vowel signs of India's scripts belong to their letters."""
    if word.isalpha():
        return True
    return not word.isascii() and all(char.isalpha() or unicodedata.category(char)[0] == "M" for char in word)


def _with_article(word: str) -> str:
    """A word of Arabic as Snowball knows it: no `and` before the article, and an article before a feminine plural.

    Snowball knows the ending of that plural only after the article.
    """
    word = with_one_hamza(word)
    if word.startswith(_BEFORE_ARTICLE) and len(word) >= _MIN_WITH_ARTICLE and not _PARENT.fullmatch(word):
        word = word[1:]
    if short := _SHORT_FEMININE.fullmatch(word):
        return short[1]
    if not word.endswith(_FEMININE_PLURAL) or len(word) < _MIN_PLURAL_CHARACTERS:
        return word
    before = next((prefix for prefix in _BEFORE_PLURAL if word.startswith(prefix)), "")
    return _ARTICLE + word.removeprefix(before)


def _singular(word: str) -> str:
    """A word of Portuguese with the ending of a singular for that of a plural."""
    return _PORTUGUESE_PLURAL.sub(lambda match: _PORTUGUESE_PLURALS[match[0]], word)


def _with_c(word: str) -> str:
    """A word of Spanish with the letter that its plural has: `lápices`, `lápiz`."""
    return f"{word[:-1]}c" if word.endswith("z") else word


def _with_oblique_ending(word: str) -> str:
    """A word of Finnish with the ending that its other forms have: `sopimukset`, `sopimus`."""
    return _FINNISH_NOUN.sub(r"\1kse", word)


def _of_one_case(word: str) -> str:
    """A word of Armenian, an abstract noun in its first case: `պայմանավորության`, `պայմանավորություն`."""
    return _ARMENIAN_NOUN.sub("ություն", word)


def _with_russian_letters(word: str) -> str:
    """A word of Ukrainian or Belarusian with the vowels of Russian, which endings have."""
    if word.endswith("ів"):
        word = f"{word[:-2]}ов"
    return word.translate(_RUSSIAN_LETTERS)


_PREPARED: Final = {
    "arabic": _with_article,
    "armenian": _of_one_case,
    "finnish": _with_oblique_ending,
    "portuguese": _singular,
    "russian": _with_russian_letters,
    "spanish": _with_c,
}
"""What brings words into a form that Snowball knows."""


def algorithm_for(language: str | None) -> str | None:
    """The algorithm for the words of a language; None for a language that Snowball does not have."""
    if language is None or language in _WITHOUT_LATIN_LETTERS:
        language = DEFAULT_LANGUAGE
    return SNOWBALL_LANGUAGES.get(language)
