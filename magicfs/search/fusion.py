"""The fusion of the retrievers' evidence: the order of candidates, and the score of each. Used by `ranking`. Pure.

Each retriever measures on a scale of its own: BM25 divided by the best BM25 of the question, and the calibrated cosine.
The order comes from the mean of both. Unlike reciprocal ranks, the mean keeps how much better one candidate is than the
next: on both judged collections it ranks better (docs/benchmarks.md, docs/adr/0006).

The score says how well a result answers, on one scale for every model and every question: about 0 for unrelated text,
0.9 and more for a text with all words of the question. Scores never rise from one result to the next.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

ALL_WORDS_STRENGTH = 0.9
"""The lexical strength of a text that has all words of the question, but not as a phrase."""
MIN_RELEVANCE = 0.1
"""A candidate of this relevance or more is shown."""
MIN_LEXICAL_STRENGTH = 0.005
"""A candidate of this lexical strength or more is shown too; one of thirteen equally rare words has it."""
SIMILARITY_EXPONENT = 2.0
SIMILARITY_EXPONENTS_OF_SHORT_QUESTIONS = {1: 5.0, 2: 3.0}
"""The power of the similarity that counts, by the number of words of the question."""
CERTAINTY_OF_MEANING = 0.98
"""What the greatest similarity counts: a model reads `C++` and `C#` alike, so that only words make a result certain."""
ENOUGH_WORDS = 0.2
"""The share of a question's weight from which its best match by words is not one by chance. Nearly all questions have a
text with that share in their own language; in another language, one in ten has a text with half of it."""
WEIGHT_OF_SECOND = 0.75
"""The weight of the multilingual model, that of the active one being 1: on English texts it is the weaker one."""
FEW_WORDS = 2
REACH_OF_FEW_WORDS = 1.5
"""Under a multilingual model, the largest similarities to so few words are greater by so much, also those of unrelated
texts: of 54 short texts, the nearest unrelated one is at 0.7 of a single word (median), and at 0.4 of a sentence."""
MEANING_OF_FEW_WORDS = {1: 0.4, 2: 0.6}
"""The weight of meaning in the order by the number of words, under such a model: very short texts are near to every
word, and so a text with the very words comes first."""
PHRASE_BONUS = 0.1
"""The addition to the fused score of a text that has the whole question as a phrase."""
NAME_BONUS = 0.5
"""The addition to the fused score of a file whose name has all words of the question: people often know the name."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the retrievers measure for one candidate; None where a retriever does not have it."""

    relative_bm25: float | None = None
    """BM25, divided by the best BM25 of the question."""
    lexical: float | None = None
    """The strength of the match by words in [0, 1], see `lexical_strength`."""
    is_phrase_match: bool = False
    """Whether the text has the whole question as a phrase."""
    nearness: float | None = None
    """The cosine on the calibrated scale, the mean over the models, not clipped to [0, 1]."""
    likeness: float | None = None
    """What counts for the score instead of `nearness`, if it is given: see `magicfs.search.meaning`."""
    name_share: float = 0.0
    """The share of the question's weight that the file's name has."""

    @property
    def vector(self) -> float | None:
        """The similarity by meaning in [0, 1]."""
        value = self.nearness if self.likeness is None else self.likeness
        return None if value is None else min(1.0, max(0.0, value))


@dataclass(frozen=True, slots=True)
class FusionScale:
    """What the evidence of all candidates of one question is measured by."""

    bm25_unit: float = 1.0
    """What BM25 is divided by, see `bm25_unit`."""
    meaning: float = 1.0
    """The weight of nearness in the order, that of words being 1."""


def lexical_strength(*, share: float, is_phrase_match: bool) -> float:
    """The strength of a match by words in [0, 1].

    `share` is the share of the question's weight that the text's words have: rare words weigh more. It is squared,
    because one of two words is far less than half an answer.
    """
    return 1.0 if is_phrase_match else ALL_WORDS_STRENGTH * share * share


def similarity_exponent(words: int) -> float:
    """The power of the similarity that counts for a question of so many words.

    In a large corpus some text is always a little similar by chance, and the more so the shorter the question is: of a
    hundred unrelated short texts, one has a similarity of 0.58 to a single word.
    """
    return SIMILARITY_EXPONENTS_OF_SHORT_QUESTIONS.get(words, SIMILARITY_EXPONENT)


def relevance(evidence: Evidence, *, exponent: float = SIMILARITY_EXPONENT) -> float:
    """How well a candidate answers, in [0, 1]. Words or meaning suffice alone, and both together give more.

    `exponent` is that of `similarity_exponent`.
    """
    lexical, vector = evidence.lexical or 0.0, evidence.vector or 0.0
    return 1.0 - (1.0 - lexical) * (1.0 - CERTAINTY_OF_MEANING * math.pow(vector, exponent))


def is_relevant(evidence: Evidence, *, exponent: float = SIMILARITY_EXPONENT) -> bool:
    """Whether a candidate is shown."""
    by_words = (evidence.lexical or 0.0) >= MIN_LEXICAL_STRENGTH
    return by_words or relevance(evidence, exponent=exponent) >= MIN_RELEVANCE


def bm25_unit(best: float, *, share: float) -> float:
    """What BM25 is divided by, for a question whose best text has the BM25 `best`.

    `share` is the greatest share of the question's weight that any text has. If it is less than `ENOUGH_WORDS`, texts
    have words of the question by chance, such as a number or a name in a text of another language, and count less.
    """
    return best * max(1.0, ENOUGH_WORDS / share) if best > 0.0 and share > 0.0 else 1.0


def meaning_weight(words: int, *, has_second: bool) -> float:
    """The weight of nearness for a question of so many words.

    Words and the active model weigh 1. Where candidates have vectors of the multilingual model, it weighs
    `WEIGHT_OF_SECOND`, as much alone as with the other: it finds an answer in any language more surely than words do,
    unless the question has `FEW_WORDS` at most.
    """
    return MEANING_OF_FEW_WORDS.get(words, 1.0 + WEIGHT_OF_SECOND) if has_second else 1.0


def likeness_reach(words: int, *, has_second: bool) -> float:
    """What likeness is divided by for a question of so many words, see `REACH_OF_FEW_WORDS`."""
    return REACH_OF_FEW_WORDS if has_second and words <= FEW_WORDS else 1.0


def fused_score(evidence: Evidence, *, meaning: float = 1.0) -> float:
    """The value that orders candidates, the best one highest. `meaning` is the weight of nearness.

    A text without a vector counts as near as its words are strong.
    """
    lexical = evidence.lexical or 0.0
    nearness = lexical if evidence.nearness is None else evidence.nearness
    mean = ((evidence.relative_bm25 or 0.0) + meaning * nearness) / (1.0 + meaning)
    bonus = PHRASE_BONUS if evidence.is_phrase_match else 0.0
    return mean + bonus + NAME_BONUS * evidence.name_share**2


def non_increasing(scores: Sequence[float]) -> list[float]:
    """The non-increasing sequence nearest to `scores`: least squares, by pooling neighbours."""
    pools: list[tuple[float, int]] = []
    for score in scores:
        total, count = score, 1
        while pools and pools[-1][0] * count <= total * pools[-1][1]:
            earlier_total, earlier_count = pools.pop()
            total, count = total + earlier_total, count + earlier_count
        pools.append((total, count))
    return [min(1.0, total / count) for total, count in pools for _ in range(count)]
