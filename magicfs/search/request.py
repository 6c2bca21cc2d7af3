"""A search, as the ranking gets it: the question in all its forms, and how many candidates are looked at. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from magicfs.db.search.candidate_query import Limits
from magicfs.domain.chunks import CopyRules
from magicfs.search import retrievers
from magicfs.search.compiled_query import CompiledQuery
from magicfs.search.meaning import QuestionVector
from magicfs.text.analysis import fold
from magicfs.text.everyday_words import everyday_words
from magicfs.text.question_language import UNKNOWN_LANGUAGES, QuestionLanguages

ENOUGH_RESULTS = 50
"""A search for fewer results looks at as much as one for so many, so that its first results are the same."""
CANDIDATES_PER_RESULT = 4
"""More than one: several candidates may belong to one file, and some to files that are out of scope."""
MAX_CANDIDATES = 2000
LOCATED_PER_RESULT = 2
MORE_LOCATED = 20
"""The candidates that are located: twice as many as results, because several may belong to one file, and some more,
because the order in which they are chosen is rough; besides, as many of each retriever."""
PLACES_PER_RESULT = 8
MORE_PLACES = 200
"""The places of the located candidates in contents: more than there are candidates, because contents share them."""
MAX_COPIES = 1000
"""The most copies that a result lists."""


_MAX_COMMON_DIGITS = 2
"""The digits of a number that any text has."""
_MAX_WORDS_OF_NAME = 3
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What to search for, and in which scope."""

    question: str
    """The words and phrases as text; empty for filters alone."""
    compiled: CompiledQuery
    question_vectors: Sequence[QuestionVector]
    """One for each model that reads the question; empty for a search by words and names alone."""
    limit: int
    """The most contents to return."""
    copy_rules: CopyRules
    languages: QuestionLanguages = UNKNOWN_LANGUAGES
    """The languages that the question may be in."""

    @property
    def words(self) -> list[str]:
        """The words of the question in their order."""
        return [term.word for term in self.compiled.terms if not term.is_compound]

    @property
    def typed_words(self) -> int:
        """The number of words with stop words: `what is a chunk` has a meaning beside its one other word."""
        return max(len(self.words), sum(_WORD.search(word) is not None for word in self.question.split()))

    @property
    def everyday_words(self) -> frozenset[str]:
        """Words that people say about anything, in the languages that the question may be in, else of the index."""
        languages = self.languages.possible or self.compiled.languages
        return frozenset().union(*map(everyday_words, languages))

    @property
    def names_by_order(self) -> bool:
        """Whether the question has several words, all of them everyday words: only their order says what is meant."""
        words = set(self.words) - self.everyday_words
        are_common = self.compiled.has_stop_words_alone or all(map(_is_short_number, words))
        return are_common and len(_WORD.findall(self.question)) > 1

    @property
    def names_with_stop_word(self) -> bool:
        """Whether a stop word is a part of a name in a short question: at its end, or alone in capitals.

        So it is in `vitamin A`, `log in` and `IT department`.
        """
        typed, stop_words = _WORD.findall(self.question), self.compiled.stop_words
        if len(typed) > _MAX_WORDS_OF_NAME or not stop_words:
            return False
        shouts = self.question.isupper()
        return fold(typed[-1]) in stop_words or any(
            word.isupper() and len(word) > 1 and not shouts and fold(word) in stop_words for word in typed
        )

    @property
    def limits(self) -> Limits:
        """The most of everything that the search looks at."""
        return limits_for(self.limit)


def _is_short_number(word: str) -> bool:
    return word.isdecimal() and len(word) <= _MAX_COMMON_DIGITS


def limits_for(results: int) -> Limits:
    """The most of everything that a search for a number of results looks at."""
    results = max(results, ENOUGH_RESULTS)
    return Limits(
        chunks=min(MAX_CANDIDATES, results * CANDIDATES_PER_RESULT),
        chunks_each=retrievers.MAX_CANDIDATES_PER_CONDITION,
        enough_chunks=retrievers.ENOUGH_CANDIDATES,
        names_each=retrievers.MAX_NAME_CANDIDATES,
        enough_names=retrievers.ENOUGH_NAME_CANDIDATES,
        located=LOCATED_PER_RESULT * results + MORE_LOCATED,
        of_each_retriever=MORE_LOCATED,
        contents_each=results,
        places=PLACES_PER_RESULT * results + MORE_PLACES,
        copies=MAX_COPIES + 1,
    )
