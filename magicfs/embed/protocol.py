"""The seam between MagicFS and whatever computes vectors. Workers and the query embedder stand behind it.

An embedder belongs to one process and is used by one thread at a time: throughput comes from more processes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from magicfs.domain.models import ModelSpec


class Embedder(Protocol):
    """Turns texts into vectors of one model. Raises `ModelError`, never returns a vector that is not usable."""

    @property
    def spec(self) -> ModelSpec:
        """Which vectors these are."""

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of texts that are to be found: shape (n, dimension), each of length 1."""

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """The vector of a question: shape (dimension,), of length 1."""
