"""How the evidence of words and of meaning becomes one ranking and one score. Pure.

The order is that of reciprocal rank fusion: each list of candidates gives a chunk 1 / (K + its rank). The score
says how well a result answers, on a scale that means the same for every model, and never rises down the list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

Key = TypeVar("Key")

K = 60
"""How slowly a rank loses worth; the customary value, and quality hardly depends on it."""
WORDS_SCATTERED = 0.9
"""Lexical strength of a text that has all words of the question, but not as a phrase: "the very words" begin here."""
LEAST_RELEVANCE = 0.1
"""A result below this answers neither by words nor by meaning, and is not shown."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for one candidate. Ranks count from 1; None means that it is not in that list."""

    word_rank: int | None
    vector_rank: int | None
    lexical: float | None
    """Strength of the match by words in [0, 1]."""
    vector: float | None
    """Calibrated cosine in [0, 1]."""


def lexical_strength(*, share: float, verbatim: bool) -> float:
    """Strength of a match by words in [0, 1].

    `share` is the part of the question's weight that the text's words have: rare words weigh more. It counts
    squared, because one word of two is far less than half an answer.
    """
    return 1.0 if verbatim else WORDS_SCATTERED * share * share


def relevance(evidence: Evidence) -> float:
    """How well a candidate answers, in [0, 1]: the better evidence decides, the other one adds to it."""
    lexical, vector = evidence.lexical or 0.0, evidence.vector or 0.0
    best, other = max(lexical, vector), min(lexical, vector)
    return best + (1.0 - best) * other * other


def reciprocal_rank(evidence: Evidence) -> float:
    """The worth of a candidate's ranks, for ordering alone."""
    return sum(1.0 / (K + rank) for rank in (evidence.word_rank, evidence.vector_rank) if rank is not None)


def never_rising(scores: Sequence[float]) -> list[float]:
    """The never rising sequence that is nearest to `scores` (least squares, by pooling neighbours)."""
    pools: list[tuple[float, int]] = []
    for score in scores:
        total, count = score, 1
        while pools and pools[-1][0] * count <= total * pools[-1][1]:
            earlier_total, earlier_count = pools.pop()
            total, count = total + earlier_total, count + earlier_count
        pools.append((total, count))
    return [total / count for total, count in pools for _ in range(count)]


def order(evidence: Mapping[Key, Evidence]) -> list[Key]:
    """The candidates that are worth to be shown, best first."""
    shown = [key for key, one in evidence.items() if relevance(one) >= LEAST_RELEVANCE]
    return sorted(shown, key=lambda key: (-reciprocal_rank(evidence[key]), -relevance(evidence[key])))
