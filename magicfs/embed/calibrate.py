"""Measures what a model's cosines mean, so that scores mean the same for every model.

Models differ: unrelated texts have a cosine near 0.05 under one and near 0.6 under another. On the calibrated scale
(`ModelSpec.calibrated`) unrelated text is about 0, and a short question in the very words of a passage 0.9 or more.
Runs once, when a model is put into the store.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from magicfs.embed.protocol import Embedder
from magicfs.embed.samples import SAMPLES

_UNRELATED_AT_ZERO = 0.75
"""Share of unrelated pairs that come out as 0; the rest lie barely above."""
_WORDS_BELOW_MARK = 0.10
"""Share of pairs in the very words that may come out below the mark."""
_MARK = 0.9
_DIGITS = 3
"""Rounded, so that the last bits of one machine's arithmetic do not make a scale of their own."""
_SMALLEST_GAP = 0.02


@dataclass(frozen=True, slots=True)
class Scale:
    """The cosines that become 0 and 1."""

    floor: float
    ceiling: float


def calibrate(embedder: Embedder) -> Scale | None:
    """Measure on the built-in samples, which are English; None for a model that cannot tell them apart."""
    passages = embedder.embed_passages([sample.passage for sample in SAMPLES])
    related, unrelated = [], []
    for number, sample in enumerate(SAMPLES):
        for query in sample.queries:
            cosines = passages @ embedder.embed_query(query)
            related.append(cosines[number])
            unrelated.append(np.delete(cosines, number))
    floor = float(np.quantile(np.concatenate(unrelated), _UNRELATED_AT_ZERO))
    words = float(np.quantile(np.array(related), _WORDS_BELOW_MARK))
    if words - floor < _SMALLEST_GAP:
        return None
    return Scale(round(floor, _DIGITS), round(floor + (words - floor) / _MARK, _DIGITS))
