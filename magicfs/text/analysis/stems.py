"""Stems of words by the Snowball algorithms. Used by `words` and `question`. Any thread: each has its own stemmers."""

from __future__ import annotations

import threading
from typing import Final

from py_rust_stemmers import SnowballStemmer  # type: ignore[import-untyped]  # it has no marker

SNOWBALL_LANGUAGES: Final = {
    "ar": "arabic", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish", "fi": "finnish",
    "fr": "french", "hu": "hungarian", "it": "italian", "nb": "norwegian", "nl": "dutch", "nn": "norwegian",
    "no": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sv": "swedish", "ta": "tamil",
    "tr": "turkish",
}  # fmt: skip
"""The name of Snowball's algorithm for a language, by ISO 639-1 code."""

_WITHOUT_LATIN_LETTERS: Final = frozenset({"ja", "km", "ko", "lo", "my", "th", "zh"})
"""Languages whose texts have English words among their own, which look different."""

DEFAULT_LANGUAGE: Final = "en"
"""The language of a text that has none: code, tables, logs, a few words."""

_MIN_CHARACTERS: Final = 3

_ARTICLE: Final = "ال"
_FEMININE_PLURAL: Final = "ات"
_BEFORE_PLURAL: Final = ("وال", "فال", "بال", "كال", "لل", _ARTICLE)
"""What is written together with a noun of Arabic: `and the`, `with the`, `for the`, `the`."""
_MIN_PLURAL_CHARACTERS: Final = 5
"""A shorter word is rarely a plural: `نبات` is a plant."""

_stemmers = threading.local()


def stems(words: list[str], *, algorithm: str) -> list[str]:
    """The stems of words in lower case by an algorithm of Snowball; the word itself where it has none."""
    stemmer = getattr(_stemmers, algorithm, None)
    if stemmer is None:
        stemmer = SnowballStemmer(algorithm)
        setattr(_stemmers, algorithm, stemmer)
    found: list[str] = stemmer.stem_words(list(map(_with_article, words)) if algorithm == "arabic" else words)
    return [
        stem if stem and len(word) >= _MIN_CHARACTERS and word.isalpha() else word
        for word, stem in zip(words, found, strict=True)
    ]


def _with_article(word: str) -> str:
    """A feminine plural of Arabic with the article before it: Snowball knows the ending only after the article."""
    if not word.endswith(_FEMININE_PLURAL) or len(word) < _MIN_PLURAL_CHARACTERS:
        return word
    before = next((prefix for prefix in _BEFORE_PLURAL if word.startswith(prefix)), "")
    return _ARTICLE + word.removeprefix(before)


def algorithm_for(language: str | None) -> str | None:
    """The algorithm for the words of a language; None for a language that Snowball does not have."""
    if language is None or language in _WITHOUT_LATIN_LETTERS:
        language = DEFAULT_LANGUAGE
    return SNOWBALL_LANGUAGES.get(language)
