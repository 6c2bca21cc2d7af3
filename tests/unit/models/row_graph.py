"""A graph that gives each token a row of a table, to be pooled: what a model does can be computed by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

TOKENS, WIDTH = 8, 4
PADDING, BEGIN, END, COLON, COMMON, RARE, RARER, QUERY = range(TOKENS)
MARKS = {PADDING, BEGIN, END}
ROWS = np.random.default_rng(5).standard_normal((TOKENS, WIDTH)).astype(np.float32)


def save_graph(path: Path, nodes: Sequence[onnx.NodeProto], *, opset: int) -> None:
    """Save a graph whose nodes make `tokens`, shape (batch, sequence, WIDTH), of `rows` and `input_ids`."""
    axes: list[str | int] = ["batch", "sequence"]
    graph = helper.make_graph(
        nodes,
        "rows",
        [helper.make_tensor_value_info(name, TensorProto.INT64, axes) for name in ("input_ids", "attention_mask")],
        [helper.make_tensor_value_info("tokens", TensorProto.FLOAT, [*axes, WIDTH])],
        [numpy_helper.from_array(ROWS, "rows")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), path)


def outputs(path: Path, *texts: list[int]) -> NDArray[np.float32]:
    """What a graph gives for texts, which are filled up to the longest."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    length = max(map(len, texts))
    tokens = np.array([[*text, *[PADDING] * (length - len(text))] for text in texts])
    (rows,) = session.run(None, {"input_ids": tokens, "attention_mask": (tokens != PADDING).astype(np.int64)})
    found: NDArray[np.float32] = np.asarray(rows)
    return found


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors of length 1."""
    scaled: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return scaled
