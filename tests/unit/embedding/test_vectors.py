from __future__ import annotations

import numpy as np
import pytest

from magicfs.embedding.vectors import unit_vectors
from magicfs.errors import ModelError


def test_vectors_come_out_with_length_one() -> None:
    raw = np.array([[3.0, 4.0], [1e-3, 0.0]], np.float32)
    vectors = unit_vectors(raw, count=2, dimension=2)
    assert vectors.dtype == np.float32
    assert np.allclose(vectors, [[0.6, 0.8], [1.0, 0.0]])


@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf, -np.inf, 1e-12])
def test_vectors_that_point_nowhere_are_refused(bad: float) -> None:
    raw = np.ones((3, 4), np.float32)
    raw[1] = bad
    with pytest.raises(ModelError, match="vector"):
        unit_vectors(raw, count=3, dimension=4)


def test_one_nan_among_many_is_seen() -> None:
    raw = np.ones((2, 384), np.float32)
    raw[1, 300] = np.nan
    with pytest.raises(ModelError, match="not finite"):
        unit_vectors(raw, count=2, dimension=384)


@pytest.mark.parametrize("shape", [(2, 3), (1, 4), (3, 4), (2, 4, 1), (8,)])
def test_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match="shape"):
        unit_vectors(np.ones(shape, np.float32), count=2, dimension=4)


def test_large_numbers_do_not_overflow() -> None:
    vectors = unit_vectors(np.full((1, 4), 3e38, np.float32), count=1, dimension=4)
    assert np.allclose(vectors, 0.5)
