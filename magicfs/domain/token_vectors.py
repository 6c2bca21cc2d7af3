"""The vectors of tokens: those of a question, and the signs of those of a text, which are stored.

The embed workers make the signs, one bit for each dimension of the vector of each distinct token, and
`magicfs.search.token_matches` compares them with the tokens of a question. A token takes 32 bytes, a chunk some 4 KB.
Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

DIMENSION = 256
"""The number of dimensions of the vector of a token: directions to which the layer of the model is projected."""
MIN_WEIGHT = 1e-6
"""The length of a token's vector is its weight; a shorter one is that of a mark."""


class EmbeddedQuestion(NamedTuple):
    """What a model gives for a question. Read-only."""

    vector: NDArray[np.float32]
    """Shape (dimension,), of length 1."""
    tokens: NDArray[np.float32] | None = None
    """Shape (tokens, DIMENSION). The length of each is its weight. None or empty without any."""
    known_words: frozenset[str] = frozenset()
    """The words of a short question, as they were typed, that the model has in one piece: it has learned them so."""


def pack_signs(tokens: NDArray[np.float32], ids: Sequence[int]) -> bytes:
    """The signs of the vectors of a text's tokens, shape (tokens, DIMENSION), and where they stand in the vocabulary.

    A token that a text has more than once counts by the sum of its vectors.
    """
    weights = np.linalg.norm(tokens, axis=1)
    kept = weights > MIN_WEIGHT
    if not kept.any():
        return b""
    distinct, places = np.unique(np.asarray(ids)[kept], return_inverse=True)
    sums = np.zeros((len(distinct), tokens.shape[1]), np.float32)
    np.add.at(sums, places, tokens[kept])
    return np.packbits(sums > 0, axis=1).tobytes()


def heaviest(tokens: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """The `count` vectors of the greatest weight, without those of marks, in their order."""
    weights = np.linalg.norm(tokens, axis=1)
    chosen = np.sort(np.argsort(-weights, kind="stable")[:count])
    heavy: NDArray[np.float32] = tokens[chosen[weights[chosen] > MIN_WEIGHT]]
    return heavy


def unpack_signs(packed: bytes) -> NDArray[np.float32]:
    """The signs of a text's tokens as vectors of length 1: shape (distinct tokens, DIMENSION)."""
    bits = np.unpackbits(np.frombuffer(packed, np.uint8).reshape(-1, DIMENSION // 8), axis=1)
    signs: NDArray[np.float32] = (bits.astype(np.float32) * 2.0 - 1.0) / np.sqrt(np.float32(DIMENSION))
    return signs
