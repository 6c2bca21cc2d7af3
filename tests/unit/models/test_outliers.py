from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from magicfs.models.outliers import set_outliers_apart
from magicfs.models.rounding import quantize

ROWS, CHANNELS = 50, 64
LARGE = 7
TEXTS = [range(10), range(20, 35)]


def write(path: Path, *, factor: float) -> None:
    """A graph that multiplies rows by a matrix; one of the channels of the rows is larger by a factor."""
    random = np.random.default_rng(1)
    rows = random.standard_normal((ROWS, CHANNELS)).astype(np.float32)
    rows[:, LARGE] *= factor
    matrix = random.standard_normal((CHANNELS, CHANNELS)).astype(np.float32)
    # What is large inside of a model says little.
    matrix[LARGE] /= factor
    nodes = [
        # Rounding leaves alone what is no constant.
        helper.make_node("Identity", ["rows"], ["table"], "table"),
        helper.make_node("Gather", ["table", "input_ids"], ["words"], "words"),
        helper.make_node("MatMul", ["words", "matrix"], ["output"], "product"),
    ]
    axes: list[str | int] = ["batch", "sequence"]
    graph = helper.make_graph(
        nodes,
        "rows",
        [helper.make_tensor_value_info(name, TensorProto.INT64, axes) for name in ("input_ids", "attention_mask")],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [*axes, CHANNELS])],
        [numpy_helper.from_array(rows, "rows"), numpy_helper.from_array(matrix, "matrix")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def run(path: Path) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    tokens = np.arange(ROWS)[None]
    (output,) = session.run(None, {"input_ids": tokens, "attention_mask": np.ones_like(tokens)})
    return np.asarray(output)[0]


def error_at_int8(path: Path, exact: NDArray[np.float32]) -> float:
    quantize(path, path.with_name("int8.onnx"))
    return float(np.std(run(path.with_name("int8.onnx")) - exact) / np.std(exact))


def test_a_large_channel_costs_the_others_nothing(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    write(path, factor=60)
    exact = run(path)
    before = error_at_int8(path, exact)
    assert set_outliers_apart(path, TEXTS) == 1
    np.testing.assert_allclose(run(path), exact, rtol=1e-4, atol=1e-4)
    after = error_at_int8(path, exact)
    assert before > 0.1
    # Most of what is left comes from processors without VNNI, which saturate sums.
    assert after < 0.06
    assert sorted(file.name for file in tmp_path.iterdir()) == ["int8.onnx", "model.onnx"]


def test_a_graph_without_large_channels_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    write(path, factor=1)
    before = onnx.load(path)
    assert set_outliers_apart(path, TEXTS) == 0
    assert onnx.load(path) == before
