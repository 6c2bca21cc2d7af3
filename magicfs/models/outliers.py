"""Sets the few largest channels inside of a model apart, so that rounding to int8 keeps the others.

At int8, all numbers of a call that a matrix multiplies have one scale. In multilingual-e5-small a single channel of
1,536 reaches 65 where hardly any other reaches 5, so most of the 256 steps of that scale are never used. Set apart, a
few dozen such channels in all layers are multiplied as they are, which takes no time that could be measured. Used by
`prepare` before `rounding`. Changes a graph, and runs it on some texts; its output stays what it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from magicfs.models.inner_values import inner_values

UNROUNDED = ".unrounded"
"""The names of nodes that `rounding` leaves as they are end with it."""

_MATRIX_DIMENSIONS = 2
_USUAL_QUANTILE = 0.9
_OUTLIER = 3.0
"""A channel is set apart if its largest number is this many times as great as that of nine of ten others."""

_Largest = dict[str, NDArray[np.float32]]
"""The largest absolute number of each channel, by the name of what has the channels."""


def set_outliers_apart(path: Path, texts: Sequence[Sequence[int]]) -> int:
    """Rewrite the ONNX model `path`, whose inputs are `input_ids` and `attention_mask`. Returns the channels set apart.

    `texts` are the tokens of some texts: the channels that are large in them are those that are large in others.
    """
    largest = _largest(path, texts)
    # A second time: the model in memory and the one that runs are large.
    model = onnx.load(path, load_external_data=False)
    matrices = _matrices(model.graph)
    count = 0
    for node in _products(model.graph):
        channels = _outliers(largest[node.input[0]])
        if len(channels):
            _set_apart(model.graph, node, matrices[node.input[1]], channels)
            count += len(channels)
    onnx.save(model, path)
    return count


def is_matrix(constant: onnx.TensorProto) -> bool:
    """Whether a constant of a graph has rows and columns."""
    return len(constant.dims) == _MATRIX_DIMENSIONS


def _matrices(graph: onnx.GraphProto) -> dict[str, onnx.TensorProto]:
    return {constant.name: constant for constant in graph.initializer if is_matrix(constant)}


def _products(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """The nodes that multiply by a matrix of the graph."""
    matrices = _matrices(graph)
    return [node for node in graph.node if node.op_type == "MatMul" and node.input[1] in matrices]


def _largest(path: Path, texts: Sequence[Sequence[int]]) -> _Largest:
    """What the channels of the values that a model multiplies by its matrices reach in texts."""
    ordered = sorted({node.input[0] for node in _products(onnx.load(path, load_external_data=False).graph)})
    largest: _Largest = {}
    for values in inner_values(path, ordered, texts):
        for name, value in zip(ordered, values, strict=True):
            reached = np.abs(value).reshape(-1, value.shape[-1]).max(axis=0)
            largest[name] = np.maximum(largest.get(name, 0.0), reached)
    return largest


def _outliers(largest: NDArray[np.float32]) -> NDArray[np.int64]:
    """The numbers of the channels that are far larger than the others."""
    return np.flatnonzero(largest > _OUTLIER * np.quantile(largest, _USUAL_QUANTILE))


def _set_apart(
    graph: onnx.GraphProto, node: onnx.NodeProto, matrix: onnx.TensorProto, channels: NDArray[np.int64]
) -> None:
    """Multiply some channels of what a node multiplies by a node of its own, and add both products."""
    source, output = node.input[0], node.output[0]
    weights = numpy_helper.to_array(matrix).copy()
    others = np.ones(len(weights), np.float32)
    others[channels] = 0
    constants: dict[str, NDArray[Any]] = {
        ".others": others,
        ".channels": channels,
        ".large.weight": weights[channels],
    }
    graph.initializer.extend(numpy_helper.from_array(values, f"{output}{end}") for end, values in constants.items())
    weights[channels] = 0
    matrix.CopyFrom(numpy_helper.from_array(weights, matrix.name))
    node.input[0], node.output[0] = f"{output}.kept", f"{output}.rest"
    before = [
        helper.make_node("Mul", [source, f"{output}.others"], [f"{output}.kept"], f"{output}.Mul"),
        helper.make_node("Gather", [source, f"{output}.channels"], [f"{output}.large"], f"{output}.Gather", axis=-1),
    ]
    after = [
        helper.make_node(
            "MatMul",
            [f"{output}.large", f"{output}.large.weight"],
            [f"{output}.product"],
            f"{output}.MatMul{UNROUNDED}",
        ),
        # Sum, because onnxruntime joins Add with the operator before it.
        helper.make_node("Sum", [f"{output}.rest", f"{output}.product"], [output], f"{output}.Sum"),
    ]
    place = list(graph.node).index(node)
    for each in reversed(after):
        graph.node.insert(place + 1, each)
    for each in reversed(before):
        graph.node.insert(place, each)
