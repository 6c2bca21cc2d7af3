from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from magicfs.models.pooling import pool_by_weights
from magicfs.models.token_vectors import STATE, add_token_vectors, directions_of, has_state, width_of

TOKENS, WIDTH = 8, 4
PADDING, BEGIN, END, COLON, COMMON, RARE, RARER, QUERY = range(TOKENS)
MARKS = {PADDING, BEGIN, END}
WEIGHTS = np.array([0.25, 0.25, 0.25, 0.1, 0.2, 0.9, 1.0, 0.1], np.float16)
ROWS = np.random.default_rng(5).standard_normal((TOKENS, WIDTH)).astype(np.float32)
PLANE = directions_of(WIDTH, 2)
SAMPLES = [[BEGIN, COLON, RARE, END], [BEGIN, COLON, COMMON, RARER, END]]
TEXT = [BEGIN, QUERY, COLON, RARE, COMMON, END]


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    scaled: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return scaled


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A pooled graph whose inner layer gives each token a row of a table, and whose last one doubles it."""
    path = tmp_path / "model.onnx"
    axes: list[str | int] = ["batch", "sequence"]
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["rows", "input_ids"], [STATE]),
            helper.make_node("Sum", [STATE, STATE], ["tokens"]),
        ],
        "rows",
        [helper.make_tensor_value_info(name, TensorProto.INT64, axes) for name in ("input_ids", "attention_mask")],
        [helper.make_tensor_value_info("tokens", TensorProto.FLOAT, [*axes, WIDTH])],
        [numpy_helper.from_array(ROWS, "rows")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    pool_by_weights(path, WEIGHTS, prefix_end=COLON)
    return path


def outputs(path: Path, *texts: list[int]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    length = max(map(len, texts))
    tokens = np.array([[*text, *[PADDING] * (length - len(text))] for text in texts])
    (rows,) = session.run(None, {"input_ids": tokens, "attention_mask": (tokens != PADDING).astype(np.int64)})
    found: NDArray[np.float32] = np.asarray(rows)
    return found


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
