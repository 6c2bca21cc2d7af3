"""The fusion of the retrievers' evidence: the order of candidates. Used by `ranking`; `scores` has their scores. Pure.

Each retriever measures on a scale of its own: BM25 divided by the best BM25 of the question, and the calibrated cosine.
The order comes from the mean of both. Unlike reciprocal ranks, the mean keeps how much better one candidate is than the
next: on both judged collections it ranks better (docs/benchmarks.md, docs/adr/0006).
"""

from __future__ import annotations

from dataclasses import dataclass

ENOUGH_WORDS = 0.2
"""The share of a question's weight from which its best match by words is not one by chance. Nearly all questions have a
text with that share in their own language; in another language, one in ten has a text with half of it."""
WEIGHT_OF_SECOND = 0.75
"""The weight of the multilingual model, that of the active one being 1: on English texts it is the weaker one."""
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
    """The strength of the match by words in [0, 1], see `magicfs.search.scores.lexical_strength`."""
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


def fused_score(evidence: Evidence, *, meaning: float = 1.0) -> float:
    """The value that orders candidates, the best one highest. `meaning` is the weight of nearness.

    A text without a vector counts as near as its words are strong.
    """
    lexical = evidence.lexical or 0.0
    nearness = lexical if evidence.nearness is None else evidence.nearness
    mean = ((evidence.relative_bm25 or 0.0) + meaning * nearness) / (1.0 + meaning)
    bonus = PHRASE_BONUS if evidence.is_phrase_match else 0.0
    return mean + bonus + NAME_BONUS * evidence.name_share**2
