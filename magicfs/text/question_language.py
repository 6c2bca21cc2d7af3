"""The languages that a question may be in. A few words are no text: they tell less, and names are in any language.

Used by searches: they leave out a model that does not read the question, and compare it with texts in its own and in
other languages on scales of their own. Any thread.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from magicfs.text.language import is_technical, language_probabilities
from magicfs.text.language_names import is_latin, is_written_in

_MIN_PROBABILITY = 0.5
"""If the likeliest language is less likely than this, nothing is known. Of a hundred short English questions, such as
`phone contract`, four are then taken for another language alone, and of eighty in other languages, six for English."""
_MIN_OTHER_PROBABILITY = 0.1
"""A language of this probability or more may be that of the question too."""
_CERTAIN_PROBABILITY = 0.9
_CERTAIN_LETTERS = 20
_CERTAIN_LETTERS_BEYOND_ASCII = 8
"""None of 13,600 pieces of English texts and English questions is certain to be in another language, and nine in ten
German questions are certain to be German."""
_SHARED_IDEOGRAPHS = frozenset({"zh", "ja"})
"""Words of ideographs alone, such as the one for an invoice, are words of both."""


@dataclass(frozen=True, slots=True)
class QuestionLanguages:
    """What is known of the language of a question."""

    possible: frozenset[str] = frozenset()
    """The languages that it may be in, as ISO 639-1 codes; empty if nothing is known."""
    is_certain: bool = False
    """Whether it is certain, and not just likely, that it is in one of them."""

    def may_be(self, languages: Collection[str]) -> bool:
        """Whether the question may be in one of some languages."""
        return not self.possible or not self.possible.isdisjoint(languages)


UNKNOWN_LANGUAGES = QuestionLanguages()


def question_languages(question: str) -> QuestionLanguages:
    """The languages that a question may be in."""
    letters = sum(map(str.isalpha, question))
    if not letters or all(map(is_technical, question.split())):
        return UNKNOWN_LANGUAGES
    probabilities = _probabilities(question)
    best = max(probabilities.values(), default=0.0)
    if best < _MIN_PROBABILITY:
        return UNKNOWN_LANGUAGES
    possible = {code for code, probability in probabilities.items() if probability >= _MIN_OTHER_PROBABILITY}
    if possible & _SHARED_IDEOGRAPHS and not any(map(_is_kana, question)):
        possible |= _SHARED_IDEOGRAPHS
    together = max(best, sum(probabilities.get(code, 0.0) for code in possible & _SHARED_IDEOGRAPHS))
    needed = _CERTAIN_LETTERS if question.isascii() else _CERTAIN_LETTERS_BEYOND_ASCII
    return QuestionLanguages(frozenset(possible), together >= _CERTAIN_PROBABILITY and letters >= needed)


def _probabilities(question: str) -> dict[str, float]:
    """The probabilities of the likeliest languages that are written as a question is.

    The detector takes a list of English words for Macedonian, and a word in Hangul for Vietnamese. People write names
    in other letters than their own, so half of the words tell the script.
    """
    words = question.split()
    others = [word for word in words if not is_latin(word)]
    if 0 < 2 * len(others) < len(words):
        return language_probabilities(question)
    likeliest = language_probabilities(" ".join(others) or question)
    return {code: each for code, each in likeliest.items() if is_written_in(code, latin=not others)}


def _is_kana(character: str) -> bool:
    return "\u3040" <= character <= "\u30ff"
