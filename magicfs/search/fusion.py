"""How the evidence of words and of meaning becomes one ranking and one score. Pure.

Both lanes give a strength on a scale of their own (the best BM25 of the question is 1; a calibrated cosine), and a
candidate's place comes from their mean. That keeps how much better one candidate is than the next, which reciprocal
ranks throw away: on both judged collections it ranks better, see docs/benchmarks.md.

The score says how well a result answers, on a scale that means the same for every model and every question:
about 0 for unrelated text, 0.9 and more for the very words. It never rises down the list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WORDS_SCATTERED = 0.9
"""Lexical strength of a text that has all words of the question, but not as a phrase: "the very words" begin here."""
LEAST_LEXICAL = 0.005
"""One of thirteen equally rare words."""
LEAST_RELEVANCE = 0.1
"""What answers less than this by meaning, and less than the above by words, is not shown."""
VERBATIM_BONUS = 0.1
"""What the question as a phrase adds to a candidate's place: more than its words alone would say."""


NAME_BONUS = 0.5
"""What a file's name that has all words of the question adds to its place: people often know part of the name."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for one candidate; None means that a lane knows nothing of it."""

    words: float | None = None
    """BM25, over the best one that the question found."""
    lexical: float | None = None
    """Strength of the match by words in [0, 1], see `lexical_strength`."""
    nearness: float | None = None
    """The cosine on the calibrated scale, not cut off at its ends."""
    name: float = 0.0
    """Share of the question's weight that the file's name has."""

    @property
    def vector(self) -> float | None:
        """Similarity by meaning in [0, 1]."""
        return None if self.nearness is None else min(1.0, max(0.0, self.nearness))


def lexical_strength(*, share: float, verbatim: bool) -> float:
    """Strength of a match by words in [0, 1].

    `share` is the part of the question's weight that the text's words have: rare words weigh more. It counts
    squared, because one word of two is far less than half an answer.
    """
    return 1.0 if verbatim else WORDS_SCATTERED * share * share


def relevance(evidence: Evidence) -> float:
    """How well a candidate answers, in [0, 1]: either evidence is enough, and both together are more.

    Similarity counts squared: in a large corpus some text is always a little similar by chance.
    """
    lexical, vector = evidence.lexical or 0.0, evidence.vector or 0.0
    return 1.0 - (1.0 - lexical) * (1.0 - vector * vector)


def worth_showing(evidence: Evidence) -> bool:
    """Whether a candidate answers at all."""
    return relevance(evidence) >= LEAST_RELEVANCE or (evidence.lexical or 0.0) >= LEAST_LEXICAL


def place_value(evidence: Evidence) -> float:
    """What decides a candidate's place, higher is better.

    A text that has no vector yet is taken to be as near as its words say.
    """
    lexical = evidence.lexical or 0.0
    nearness = lexical if evidence.nearness is None else evidence.nearness
    bonus = VERBATIM_BONUS if lexical > WORDS_SCATTERED else 0.0
    return ((evidence.words or 0.0) + nearness) / 2 + bonus + NAME_BONUS * evidence.name**2


def never_rising(scores: Sequence[float]) -> list[float]:
    """The never rising sequence that is nearest to `scores` (least squares, by pooling neighbours)."""
    pools: list[tuple[float, int]] = []
    for score in scores:
        total, count = score, 1
        while pools and pools[-1][0] * count <= total * pools[-1][1]:
            earlier_total, earlier_count = pools.pop()
            total, count = total + earlier_total, count + earlier_count
        pools.append((total, count))
    return [min(1.0, total / count) for total, count in pools for _ in range(count)]
