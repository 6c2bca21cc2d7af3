from __future__ import annotations

import numpy as np
import pytest

from magicfs.domain.token_vectors import DIMENSION, heaviest, pack_signs, unpack_signs

ROWS = np.random.default_rng(3).standard_normal((6, DIMENSION)).astype(np.float32)


def test_signs_are_those_of_the_vectors() -> None:
    packed = pack_signs(ROWS, range(6))
    assert len(packed) == 6 * DIMENSION // 8
    signs = unpack_signs(packed)
    assert (np.sign(signs) == np.sign(ROWS)).all()
    assert np.linalg.norm(signs, axis=1) == pytest.approx(1, abs=1e-6)


def test_a_token_that_comes_again_is_stored_once() -> None:
    signs = unpack_signs(pack_signs(ROWS[:4], [7, 2, 7, 2]))
    assert (np.sign(signs) == np.sign([ROWS[1] + ROWS[3], ROWS[0] + ROWS[2]])).all()


def test_marks_have_no_signs() -> None:
    marked = ROWS * np.array([[0], [1], [1e-9], [1], [0], [0]], np.float32)
    assert pack_signs(marked, range(6)) == pack_signs(ROWS[[1, 3]], [1, 3])
    assert pack_signs(marked[[0, 2]], [1, 1]) == b""
    assert pack_signs(np.empty((0, DIMENSION), np.float32), []) == b""
    assert unpack_signs(b"").shape == (0, DIMENSION)


def test_the_heaviest_tokens_stay_in_their_order() -> None:
    weighted = ROWS / np.linalg.norm(ROWS, axis=1, keepdims=True) * np.array([[3], [0], [1], [5], [2], [4]], np.float32)
    assert (heaviest(weighted, 3) == weighted[[0, 3, 5]]).all()
    assert len(heaviest(weighted, 9)) == 5
    assert heaviest(np.empty((0, DIMENSION), np.float32), 3).shape == (0, DIMENSION)
