from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from magicfs.models.pooling import pool_by_weights
from magicfs.models.token_vectors import STATE, add_token_vectors, directions_of, has_state, width_of
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
    WIDTH,
    outputs,
    save_graph,
    unit,
)

WEIGHTS = np.array([0.25, 0.25, 0.25, 0.1, 0.2, 0.9, 1.0, 0.1], np.float16)
PLANE = directions_of(WIDTH, 2)
SAMPLES = [[BEGIN, COLON, RARE, END], [BEGIN, COLON, COMMON, RARER, END]]
TEXT = [BEGIN, QUERY, COLON, RARE, COMMON, END]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A pooled graph whose inner layer gives each token a row of a table, and whose last one doubles it."""
    path = tmp_path / "model.onnx"
    inner = helper.make_node("Gather", ["rows", "input_ids"], [STATE])
    save_graph(path, [inner, helper.make_node("Sum", [STATE, STATE], ["tokens"])], opset=17)
    pool_by_weights(path, WEIGHTS, prefix_end=COLON)
    return path


def test_the_vector_of_the_text_stays_and_those_of_its_tokens_follow(model: Path) -> None:
    (before,) = outputs(model, TEXT)
    assert width_of(model) == WIDTH
    add_token_vectors(model, SAMPLES, marks=MARKS, directions=PLANE)
    row = outputs(model, TEXT)[0]
    vector, tokens = row[:WIDTH], row[WIDTH:].reshape(-1, 2)
    assert vector == pytest.approx(before, abs=1e-6)
    common = ROWS[[token for text in SAMPLES for token in text]].mean(axis=0)
    for number, place in ((RARE, 3), (COMMON, 4)):
        assert tokens[place] == pytest.approx(float(WEIGHTS[number]) * unit((ROWS[number] - common) @ PLANE), abs=1e-3)


def test_prefix_and_marks_have_no_direction(model: Path) -> None:
    add_token_vectors(model, SAMPLES, marks=MARKS, directions=PLANE)
    tokens = outputs(model, TEXT, [*TEXT[:4], RARER, COMMON, END])[0][WIDTH:].reshape(-1, 2)
    assert [bool(np.any(token)) for token in tokens] == [False, False, False, True, True, False, False]


def test_directions_are_orthogonal_and_the_same_everywhere() -> None:
    directions = directions_of(384, 256)
    assert directions.T @ directions == pytest.approx(np.eye(256), abs=1e-5)
    assert directions[0, [5, 100, 255]] == pytest.approx([0.050181, 0.040541, 0.008511], abs=1e-5)


def test_only_a_graph_with_the_layer_has_them(model: Path, tmp_path: Path) -> None:
    assert has_state(model)
    other = onnx.load(model)
    for node in other.graph.node:
        for names in (node.input, node.output):
            names[:] = ["elsewhere" if name == STATE else name for name in names]
    onnx.save(other, tmp_path / "other.onnx")
    assert not has_state(tmp_path / "other.onnx")
