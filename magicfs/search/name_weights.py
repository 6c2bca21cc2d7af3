"""What the words of a question weigh in the names of files. Used by `rare_words`, which goes with a question. Pure.

The weights of `QuestionWords` say how rare a word is in texts. A word that texts hardly have and many names have, such
as `IMG`, would weigh most there, and says little.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from magicfs.domain.query import Term
from magicfs.search.retrievers import BACKGROUND_CHUNKS, MAX_NAME_CANDIDATES, QuestionWords


@dataclass(frozen=True, slots=True)
class NameWeights:
    """The words of a question with their weights in names: less than in texts if more names than texts have them."""

    weights: Mapping[Term, float]
    _shares: dict[frozenset[str], float] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Many names have the same words."""

    @classmethod
    def of(cls, question: QuestionWords, counts: Mapping[str, int]) -> NameWeights:
        """Weigh the words of a question. `counts` is how many names have each, as far as they are looked up."""
        rare = question.chunks + BACKGROUND_CHUNKS + 1.0

        def rarity(count: int) -> float:
            return math.log1p(rare / (count + 0.5))

        def in_names(word: str) -> int:
            # Where no more names are looked up, they may be any number.
            count = counts.get(word, 0)
            return count if count < MAX_NAME_CANDIDATES else max(count, question.chunks)

        return cls(
            {
                term: weight * min(1.0, rarity(in_names(term.word)) / rarity(question.frequencies.get(term.word, 0)))
                for term, weight in question.weights.items()
            }
        )

    def weight(self, words: frozenset[str]) -> float:
        """The weight of some words, compounds aside: their words are counted."""
        return math.fsum(weight for term, weight in self.weights.items() if term.word in words and not term.is_compound)

    def share(self, words: frozenset[str]) -> float:
        """The share of the question's weight that some of its words have, in [0, 1]; 1 for all words, in any order."""
        if words not in self._shares:
            # An exact sum: a rounded one depends on the order of a set, and so on the process.
            weight = math.fsum(weight for term, weight in self.weights.items() if term.word in words)
            self._shares[words] = weight / math.fsum(self.weights.values())
        return self._shares[words]
