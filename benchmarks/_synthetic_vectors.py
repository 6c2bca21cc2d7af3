"""Vectors of texts that nobody wrote, which lie as embeddings of real texts do.

The texts of a file are alike, files have subjects, subjects form topics, and topics form fields. All differences lie
mostly along few directions, as those of real texts: independent directions are a harder case for an index, because
nothing leads from one cluster to another. Some texts are in the midst of their file and others far from it.
`docs/figures.md` compares these vectors with real ones.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

LEVELS = ((1, 0.6), (20, 0.9), (1000, 0.8), (10_000, 0.5))
"""Files, subjects, topics, and fields: how many files each has, and the length of the difference to the next one."""
DECAY = 0.4
"""The n-th axis is as long as n to minus this."""
SPREAD = 1.0
"""Length of the difference between a text and its file, in the median. The direction of a file has length 1."""
SPREAD_DEVIATION = 0.5
"""Standard deviation of the logarithm of that length."""
QUESTION_SPREAD = 0.6
"""Length of what a question has besides, along all axes."""
AT_ONCE = 50_000
"""Vectors that are made and compared together: a million take 0.8 GB, and four times as much in single precision."""


def directions(random: np.random.Generator, files: int, dimension: int) -> NDArray[np.float32]:
    """The directions of files: sums of a difference of their own, and of those of their subject, topic and field."""
    total = np.zeros((files, dimension), dtype=np.float32)
    for members, length in LEVELS:
        differences = length * _differences(random, (files - 1) // members + 1, dimension)
        total += differences[np.arange(files) // members]
    return _unit(total)


def questions_about(files: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """A vector of a question about each of the files, which differs from texts in other ways than they do."""
    return _unit(_texts(files, random) + QUESTION_SPREAD * _differences(random, *files.shape, decay=0.0))


def texts_in(
    files: NDArray[np.float32], file_of: NDArray[np.int64], random: np.random.Generator
) -> NDArray[np.float16]:
    """A vector of each text, by the number of its file, in half precision."""
    made = np.empty((len(file_of), files.shape[1]), dtype=np.float16)
    for start in range(0, len(made), AT_ONCE):
        made[start : start + AT_ONCE] = _texts(files[file_of[start : start + AT_ONCE]], random)
    return made


def nearest(
    vectors: NDArray[np.float16], numbers: NDArray[np.int64], questions: NDArray[np.float32], *, count: int
) -> Iterator[frozenset[int]]:
    """The `count` vectors nearest to each question among those with the given numbers, found by comparing all."""
    best = np.empty((len(questions), 0), dtype=np.float32)
    which = np.empty((len(questions), 0), dtype=np.int64)
    for start in range(0, len(numbers), AT_ONCE):
        block = numbers[start : start + AT_ONCE]
        cosines = questions @ vectors[block].astype(np.float32).T
        best = np.hstack((best, cosines))
        which = np.hstack((which, np.broadcast_to(block, cosines.shape)))
        if best.shape[1] > count:
            order = np.argpartition(-best, count, axis=1)[:, :count]
            best, which = np.take_along_axis(best, order, axis=1), np.take_along_axis(which, order, axis=1)
    yield from (frozenset(map(int, row)) for row in which)


def _texts(files: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    lengths = SPREAD * random.lognormal(0.0, SPREAD_DEVIATION, (len(files), 1)).astype(np.float32)
    return _unit(files + lengths * _differences(random, *files.shape))


def _differences(
    random: np.random.Generator, count: int, dimension: int, *, decay: float = DECAY
) -> NDArray[np.float32]:
    """Random vectors of a length of about 1, most of which lies along the first axes."""
    lengths = np.arange(1, dimension + 1, dtype=np.float32) ** -decay
    lengths /= np.linalg.norm(lengths)
    return random.standard_normal((count, dimension), dtype=np.float32) * lengths


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit
