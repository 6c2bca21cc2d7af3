from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import helper

from magicfs.models.pooling import pool_by_weights, token_weights
from tests.unit.models.row_graph import (
    BEGIN,
    COLON,
    COMMON,
    END,
    MARKS,
    QUERY,
    RARE,
    RARER,
    ROWS,
    TOKENS,
    outputs,
    save_graph,
    unit,
)

PROBABILITIES = (1.0, 1.0, 1.0, 0.01, 0.05, 1e-4, 1e-6, 0.02)
SCORES = tuple(map(math.log, PROBABILITIES))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A graph that gives each token a row of a table, in a form of ten years ago."""
    path = tmp_path / "model.onnx"
    save_graph(path, [helper.make_node("Gather", ["rows", "input_ids"], ["tokens"])], opset=11)
    pool_by_weights(path, token_weights(SCORES, marks=MARKS), prefix_end=COLON)
    return path


def pooled(path: Path, *texts: list[int]) -> NDArray[np.float32]:
    return unit(outputs(path, *texts))


def expected(*text: int, marks: list[int]) -> NDArray[np.float32]:
    weights = [0.25] * len(marks) + [0.001 / (0.001 + PROBABILITIES[token]) for token in text]
    return unit(np.array(weights) @ ROWS[[*marks, *text]])


def test_rare_tokens_count_more(model: Path) -> None:
    text = [COMMON, RARE, COMMON, RARER, COMMON]
    (vector,) = pooled(model, [BEGIN, QUERY, COLON, *text, END])
    assert vector == pytest.approx(expected(*text, marks=[BEGIN, QUERY, COLON, END]), abs=2e-3)
    (alone,) = pooled(model, [COLON, *text])
    assert alone @ unit(ROWS[RARE] + ROWS[RARER]) > alone @ unit(ROWS[COMMON])


def test_what_the_prefix_has_counts_alike_whatever_it_is(model: Path) -> None:
    vectors = pooled(model, [BEGIN, COMMON, RARER, COLON, RARE, END])
    assert vectors[0] == pytest.approx(expected(RARE, marks=[BEGIN, COMMON, RARER, COLON, END]), abs=2e-3)


def test_a_later_colon_is_text(model: Path) -> None:
    (vector,) = pooled(model, [BEGIN, QUERY, COLON, RARE, COLON, RARER, END])
    assert vector == pytest.approx(expected(RARE, COLON, RARER, marks=[BEGIN, QUERY, COLON, END]), abs=2e-3)


def test_a_text_beside_others_has_the_same_vector(model: Path) -> None:
    short, long = [BEGIN, COLON, RARE, END], [BEGIN, COLON, COMMON, RARER, RARE, COMMON, END]
    alone = np.concatenate([pooled(model, short), pooled(model, long)])
    assert pooled(model, short, long) == pytest.approx(alone, abs=1e-6)


@pytest.mark.parametrize("text", [[BEGIN, QUERY, COLON, END], [BEGIN, END], [COMMON, RARE]])
def test_without_text_all_tokens_count_alike(model: Path, text: list[int]) -> None:
    (vector,) = pooled(model, text)
    assert vector == pytest.approx(unit(ROWS[text].sum(axis=0)), abs=1e-4)


def test_the_weights_are_small() -> None:
    weights = token_weights(SCORES, marks=MARKS)
    assert weights.nbytes == 2 * TOKENS
    assert weights[RARER] == pytest.approx(1, abs=2e-3)
    assert list(weights[list(MARKS)]) == [0.25, 0.25, 0.25]
