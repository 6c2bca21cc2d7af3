"""Puts the pooling of token vectors into a model's graph: their mean, in which rare tokens count more.

What all texts have, such as articles, marks and the prefix, says nothing about one of them, and takes up the more of a
plain mean the shorter the text is. A token of the probability `p` has the weight `a / (a + p)`, the smooth inverse
frequency of Arora et al. (2017); the probabilities are those of the unigram tokenizer, so no corpus decides. Marks and
the prefix count a quarter. Used by `prepare` after `rounding`, which would round the weights. Changes a graph, and runs
nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

SMOOTHING = 1e-3
"""The probability of a token that counts half. A tenth of it and ten times as much are hardly worse (docs/adr/0030)."""

WEIGHT_OF_MARKS = 0.25
"""The weight of each token that all texts have. With less, questions of a few words find less in their own language,
with more, all questions find less in another one (docs/adr/0030)."""
_OWN = "pooling."
"""The names of what is added to a graph begin with it."""


def token_weights(scores: Sequence[float], *, marks: Collection[int]) -> NDArray[np.float16]:
    """The weight of each token, by the logarithms of their probabilities."""
    weights: NDArray[np.float16] = (SMOOTHING / (SMOOTHING + np.exp(np.array(scores)))).astype(np.float16)
    weights[list(marks)] = WEIGHT_OF_MARKS
    return weights


def pool_by_weights(path: Path, weights: NDArray[np.float16], *, prefix_end: int) -> None:
    """Rewrite the ONNX model `path` to return a vector for each text instead of one for each token.

    Tokens up to the first `prefix_end` are marks. The vector is the weighted sum, not scaled.
    """
    model = onnx.load(path, load_external_data=False)
    graph = model.graph
    tokens = graph.output[0]
    batch, _, width = tokens.type.tensor_type.shape.dim
    constants: dict[str, NDArray[Any]] = {
        "weights": weights,
        "prefix_end": np.array(prefix_end),
        "axis": np.array(1),
        "weight_of_marks": np.array(WEIGHT_OF_MARKS, np.float32),
        "row": np.array([0, 1, -1]),
        "pair": np.array([0, -1]),
    }
    graph.initializer.extend(numpy_helper.from_array(values, f"{_OWN}{name}") for name, values in constants.items())
    # All of these are the same in each opset that has CumSum: a graph may come from elsewhere.
    _append(graph, "Cast", ["attention_mask"], "mask", to=TensorProto.FLOAT)
    _append(graph, "Equal", ["input_ids", f"{_OWN}prefix_end"], "is_end")
    _append(graph, "Cast", [f"{_OWN}is_end"], "end", to=TensorProto.FLOAT)
    _append(graph, "CumSum", [f"{_OWN}end", f"{_OWN}axis"], "ends_before", exclusive=1)
    _append(graph, "Cast", [f"{_OWN}ends_before"], "is_text", to=TensorProto.BOOL)
    _append(graph, "Gather", [f"{_OWN}weights", "input_ids"], "rarity")
    _append(graph, "Cast", [f"{_OWN}rarity"], "wide_rarity", to=TensorProto.FLOAT)
    _append(graph, "Where", [f"{_OWN}is_text", f"{_OWN}wide_rarity", f"{_OWN}weight_of_marks"], "weight")
    _append(graph, "Mul", [f"{_OWN}weight", f"{_OWN}mask"], "weight_of_token")
    _append(graph, "Reshape", [f"{_OWN}weight_of_token", f"{_OWN}row"], "weight_row")
    _append(graph, "MatMul", [f"{_OWN}weight_row", tokens.name], "sum")
    _append(graph, "Reshape", [f"{_OWN}sum", f"{_OWN}pair"], "vector")
    shape = [each.dim_param or each.dim_value for each in (batch, width)]
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info(f"{_OWN}vector", TensorProto.FLOAT, shape))
    onnx.save(model, path)


def _append(graph: onnx.GraphProto, kind: str, inputs: list[str], output: str, **attributes: Any) -> None:
    graph.node.append(helper.make_node(kind, inputs, [f"{_OWN}{output}"], f"{_OWN}{output}.{kind}", **attributes))
