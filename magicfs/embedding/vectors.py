"""Vectors as the index has them: of length 1.

Used by the embedder, and by the client of the query embedder, which loads nothing that models need. Pure.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from magicfs.errors import ModelError

MIN_NORM = 1e-6
"""The direction of a shorter vector is rounding noise."""


def unit_vectors(raw: NDArray[np.floating], *, count: int, dimension: int) -> NDArray[np.float32]:
    """The output of a model, shape (count, dimension), scaled to length 1.

    Raises `ModelError` for another shape, and for zero, NaN or infinite vectors.
    """
    if raw.shape != (count, dimension):
        raise ModelError(f"the model gave vectors of shape {raw.shape} where {(count, dimension)} was expected")
    wide = raw.astype(np.float64)
    norms = np.linalg.norm(wide, axis=1, keepdims=True)
    if not np.all(np.isfinite(norms)):
        raise ModelError("the model gave a vector that is not finite")
    if np.any(norms < MIN_NORM):
        raise ModelError("the model gave a zero vector")
    unit: NDArray[np.float32] = (wide / norms).astype(np.float32)
    return unit
