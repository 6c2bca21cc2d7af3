"""How near two files are in meaning, by the vectors of their chunks under one model.

A file is near to another if its chunks have near ones there: the mean of their best matches, both ways. The better way
counts more, so that an excerpt is near to the whole. Vectors lose first what texts in their language have in common,
which says nothing of two of them and keeps translations away. The scale begins at what files reach that are drawn at
random. Decision 34 has the figures. Used by `magicfs.search.near_contents`. Pure.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from magicfs.domain.models import IndexedModel
from magicfs.domain.scales import ANY_LANGUAGE

Vectors = NDArray[np.float32]
"""The vectors of chunks, shape (chunks, dimension), each of length 1."""

BETTER_WAY = 0.7
"""The weight of the way in which two files match better; the other way has the rest."""
CHANCE_QUANTILE = 0.9
"""Similarity 0 is what this quantile of files drawn at random reaches."""
PRIOR_FILES = 30
"""`USUAL_CHANCE` weighs as much as this number of files drawn at random."""
USUAL_CHANCE = 0.2
"""What files drawn at random reach in most corpora."""
MAX_OWN_CHUNKS = 64
"""Chunks of the file, spread over it, whose best matches in another file are compared."""
PRIOR_CHUNKS = 30
"""The mean of a language's random chunks counts half if there are this many, and more the more there are."""
MAX_LANGUAGES = 8
"""The most other languages in which near texts are looked for."""


class Text(NamedTuple):
    """The chunks of a file that are compared."""

    vectors: Vectors
    language: str
    """ISO 639-1; empty where it is not known."""


class Match(NamedTuple):
    """How near a file is."""

    similarity: float
    """0 for what chance reaches, 1 for the same text; not clipped."""
    chunk: int
    """The number of its chunk that is nearest to one of the other file."""


class Centres:
    """What the texts in each language have in common, under one model: a vector for each."""

    def __init__(self, model: IndexedModel, sample: Sequence[Text]) -> None:
        """Take what workers have measured for a model of many languages; else the mean of a sample of the corpus."""
        measured = {} if model.scale is None else model.scale.languages
        self._measured = {code: _decoded(scale.centre) for code, scale in measured.items() if scale.centre}
        self._sampled: dict[str, Vectors] = {}
        self._nothing: Vectors = np.zeros(model.spec.dimension, np.float32)
        # A model of one language has one centre.
        self._has_languages = model.spec.floor_across is not None
        by_language: dict[str, list[Vectors]] = {}
        for text in sample:
            by_language.setdefault(self._key(text.language), []).append(text.vectors)
        for language, vectors in by_language.items():
            every = np.concatenate(vectors)
            self._sampled[language] = every.sum(axis=0) / (len(every) + PRIOR_CHUNKS)

    def without(self, texts: Sequence[Text]) -> Vectors:
        """The vectors of some texts, one after the other, without what their languages have in common.

        Each has the length 1 again.
        """
        centres = [self._centre(self._key(text.language)) for text in texts]
        rest = np.concatenate([text.vectors for text in texts])
        rest = rest - np.repeat(centres, [len(text.vectors) for text in texts], axis=0)
        lengths = np.sqrt(np.einsum("ij,ij->i", rest, rest))[:, None]
        unit: Vectors = rest / np.maximum(lengths, 1e-6)
        return unit

    def _centre(self, key: str) -> Vectors:
        for known in (self._measured, self._sampled):
            if key in known:
                return known[key]
        return self._measured.get(ANY_LANGUAGE, self._nothing)

    def elsewhere(self, vector: Vectors, language: str) -> Vectors:
        """The vector of a text in `language`, moved to each other measured language, shape (languages, dimension)."""
        here = self._measured.get(language)
        others = [code for code in self._measured if code not in {language, "", ANY_LANGUAGE}][:MAX_LANGUAGES]
        if here is None or not others:
            return np.empty((0, len(vector)), np.float32)
        moved = np.array([vector - here + self._measured[code] for code in others], np.float32)
        unit: Vectors = moved / np.linalg.norm(moved, axis=1, keepdims=True)
        return unit

    def _key(self, language: str) -> str:
        return language if self._has_languages else ""


def matches(own: Text, others: Sequence[Text], *, sample: Sequence[Text], centres: Centres) -> list[Match]:
    """How near each of some texts is to `own`. `sample` are texts that are drawn at random."""
    if not others:
        return []
    everyone = [*others, *sample]
    sizes = np.array([len(text.vectors) for text in everyone])
    similarity, chunks = _compared(centres.without([own]), centres.without(everyone), sizes)
    chance = _chance(similarity[len(others) :])
    scaled = (similarity[: len(others)] - chance) / (1.0 - chance)
    return [Match(float(one), chunk) for one, chunk in zip(scaled, chunks, strict=False)]


def spread(vectors: Vectors, count: int) -> Vectors:
    """At most `count` of some vectors, spread evenly."""
    chosen: Vectors = vectors[np.linspace(0, len(vectors) - 1, min(count, len(vectors))).round().astype(int)]
    return chosen


def joined(weighted: Sequence[tuple[float, float]]) -> float:
    """The mean of the similarities of a file under several models, each given with its weight before it."""
    return sum(weight * similarity for weight, similarity in weighted) / sum(weight for weight, _ in weighted)


def _compared(own: Vectors, every: Vectors, sizes: NDArray[np.int64]) -> tuple[Vectors, list[int]]:
    """For each of some texts, the mean of the best matches both ways, and the number of its chunk with the best one.

    All are compared at once, since there are hundreds, most of them short: `every` has their vectors, one text after
    the other, and `sizes` how many each has.
    """
    starts = np.cumsum(sizes) - sizes
    there = np.maximum.reduceat(spread(own, MAX_OWN_CHUNKS) @ every.T, starts, axis=1).mean(axis=0)
    best = (own @ every.T).max(axis=0)
    back = np.add.reduceat(best, starts) / sizes
    similarity = BETTER_WAY * np.maximum(there, back) + (1.0 - BETTER_WAY) * np.minimum(there, back)
    chunks = [int(best[start : start + size].argmax()) for start, size in zip(starts, sizes, strict=True)]
    return similarity, chunks


def _chance(reached: Vectors) -> float:
    """What files reach by chance, from what some reach that are drawn at random."""
    if not len(reached):
        return USUAL_CHANCE
    share = len(reached) / (len(reached) + PRIOR_FILES)
    measured = float(np.quantile(reached, CHANCE_QUANTILE))
    return min(0.9, share * measured + (1.0 - share) * USUAL_CHANCE)


def _decoded(centre: str) -> Vectors:
    return np.frombuffer(base64.b64decode(centre), dtype="<f2").astype(np.float32)
