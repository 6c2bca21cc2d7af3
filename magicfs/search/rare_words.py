"""The rare words of a question: a file that has them has what the question names, however near others are in meaning.

Used by `magicfs.search.measured_chunks`; `fusion` has what they count. In a small index each word is rare, and so
a word that people say about anything is none. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from magicfs.search.fusion import FEW_CHUNKS
from magicfs.search.name_weights import NameWeights
from magicfs.search.retrievers import QuestionWords

MAX_LACKED = 1 / 3
"""What the rare words that a text lacks may weigh, those that it has being 1: of two that are as rare, neither names by
itself what is looked for."""

_WORDS_WITH_HYPHENS = re.compile(r"[^\W\d_]+(-[^\W\d_]+)+")


@dataclass(frozen=True, slots=True)
class RareWords:
    """The rare words of a question, and the words that each stands for."""

    question: QuestionWords
    meant: Mapping[str, frozenset[str]]
    """A compound that hardly any text has, such as `HEAD~3`, stands for its words, however common these are."""
    in_names: NameWeights
    """What the words of the question weigh in names."""
    is_named_by_order: bool = False
    """Whether the question names something by the order of its words, as `Let It Be` and `vitamin A` do."""

    @classmethod
    def of(
        cls,
        question: QuestionWords,
        *,
        everyday: Collection[str],
        in_names: Mapping[str, int] | None = None,
        is_named_by_order: bool = False,
    ) -> RareWords:
        """The words of a question that few chunks have; the compound, for one that is a compound alone, as `os.path`.

        `in_names` are the numbers of files that have words in their names: one that no text has is rare if few have it.
        """
        named = in_names or {}
        weights = NameWeights.of(question, named)
        parts = {term.word: term.parts for term in question.weights}
        if (compound := _only_compound(parts)) is not None:
            return cls(question, {compound: frozenset(parts)}, weights, is_named_by_order)
        return cls(
            question,
            {
                term.word: _words_of(term.word, parts)
                for term in question.weights
                if 0 < (question.frequencies[term.word] or named.get(term.word, 0)) < FEW_CHUNKS
                and term.word not in everyday
                and (term.parts or not is_named_by_order)
            },
            weights,
            is_named_by_order,
        )

    def share(self, had: frozenset[str], *, has_phrase: bool = False) -> float:
        """The share of the question's weight that the rare ones among these words of it have; 0 if it lacks others.

        It is all of it in a text that has a question as a phrase which names something by the order of its words.
        """
        if has_phrase and self.is_named_by_order:
            return 1.0
        share = self._share(self.question.answered(had) & self.meant.keys())
        lacked = self._share(self.meant.keys()) - share
        return share if lacked <= MAX_LACKED * share else 0.0

    def _share(self, rare: Collection[str]) -> float:
        # A question may have no words.
        return self.question.share(frozenset().union(*(self.meant[word] for word in rare))) if rare else 0.0


def _only_compound(parts: Mapping[str, frozenset[str]]) -> str | None:
    """The compound that has all words of a question, unless it is one that many people write as words: `e-mail`."""
    for word in parts:
        if parts[word] and _words_of(word, parts) == parts.keys() and not _WORDS_WITH_HYPHENS.fullmatch(word):
            return word
    return None


def _words_of(word: str, parts: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """A word of a question, and those in it if it is a compound."""
    smaller = parts.get(word, frozenset()) - {word}
    return frozenset({word}).union(*(_words_of(part, parts) for part in smaller))
