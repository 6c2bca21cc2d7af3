"""Puts the vectors of the tokens into a model's graph, beside the vector of the text.

Tokens of two languages that mean the same are nearest to each other two thirds of the way through a model; its last
layers turn them into the one vector of the text. So a question and a text in another language are compared token by
token as well, by `magicfs.search.token_matches`, and the text costs no second pass. Used by `prepare` after `pooling`,
whose weights it uses. Changes a graph, and runs it on built-in texts for what all tokens have in common.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from magicfs.models.inner_values import inner_values

STATE = "encoder.layer.7.end"
"""The output of the eighth of twelve layers, in a graph of `bert_graph`. The tenth is as good, the last one far worse
(docs/adr/0042)."""
_OWN = "token_vectors."
"""The names of what is added to a graph begin with it."""


def add_token_vectors(
    path: Path, texts: Sequence[Sequence[int]], *, marks: Collection[int], directions: NDArray[np.float32]
) -> None:
    """Rewrite a pooled ONNX model to return its vector, and behind it in the same row one for each token.

    The vector of a token is projected to `directions`, shape (dimension, n), and has the weight of the token as its
    length. The prefix, marks and what fills a batch up have none. `texts`, as numbers of tokens, show what all tokens
    have in common, which is taken from each.
    """
    common = _common(path, texts)
    model = onnx.load(path, load_external_data=False)
    graph = model.graph
    vector = graph.output[0]
    batch, _ = vector.type.tensor_type.shape.dim
    constants: dict[str, NDArray[Any]] = {
        "centre": common,
        "directions": directions,
        "flat": np.array([0, -1]),
        "marks": np.array(sorted(marks)),
        "last": np.array([-1]),
        "one": np.array(1, np.float32),
    }
    graph.initializer.extend(numpy_helper.from_array(values, f"{_OWN}{name}") for name, values in constants.items())
    _append(graph, "Sub", [STATE, f"{_OWN}centre"], "centred")
    _append(graph, "MatMul", [f"{_OWN}centred", f"{_OWN}directions"], "projected")
    _append(graph, "ReduceL2", [f"{_OWN}projected"], "length", axes=[-1], keepdims=1)
    _append(graph, "Div", [f"{_OWN}projected", f"{_OWN}length"], "unit")
    _append(graph, "Unsqueeze", ["input_ids", f"{_OWN}last"], "wide_ids")
    _append(graph, "Equal", [f"{_OWN}wide_ids", f"{_OWN}marks"], "is_each_mark")
    _append(graph, "Cast", [f"{_OWN}is_each_mark"], "each_mark", to=TensorProto.FLOAT)
    _append(graph, "ReduceMax", [f"{_OWN}each_mark"], "mark", axes=[-1], keepdims=0)
    _append(graph, "Sub", [f"{_OWN}one", f"{_OWN}mark"], "is_no_mark")
    _append(graph, "Cast", ["pooling.is_text"], "is_text", to=TensorProto.FLOAT)
    _append(graph, "Mul", [f"{_OWN}is_text", f"{_OWN}is_no_mark"], "is_word")
    _append(graph, "Mul", [f"{_OWN}is_word", "pooling.weight_of_token"], "weight")
    _append(graph, "Unsqueeze", [f"{_OWN}weight", f"{_OWN}last"], "wide_weight")
    _append(graph, "Mul", [f"{_OWN}unit", f"{_OWN}wide_weight"], "tokens")
    _append(graph, "Reshape", [f"{_OWN}tokens", f"{_OWN}flat"], "row_of_tokens")
    _append(graph, "Concat", [vector.name, f"{_OWN}row_of_tokens"], "row", axis=1)
    shape = [batch.dim_param or batch.dim_value, "vectors"]
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info(f"{_OWN}row", TensorProto.FLOAT, shape))
    onnx.save(model, path)


def directions_of(dimension: int, count: int) -> NDArray[np.float32]:
    """Orthogonal directions by chance, the same on every machine: shape (dimension, count).

    Fewer than the dimension keep what the signs of vectors say of their cosine, in less room.
    """
    digest = hashlib.shake_256(b"directions of token vectors").digest(dimension * count // 8)
    signs = np.unpackbits(np.frombuffer(digest, np.uint8)).reshape(dimension, count) * 2.0 - 1.0
    orthogonal, triangle = np.linalg.qr(signs)
    found: NDArray[np.float32] = (orthogonal * np.sign(np.diag(triangle))).astype(np.float32)
    return found


def has_state(path: Path) -> bool:
    """Whether a graph has the layer whose vectors are compared."""
    graph = onnx.load(path, load_external_data=False).graph
    return any(STATE in node.output for node in graph.node)


def width_of(path: Path) -> int:
    """The dimension of the vectors that a pooled graph gives."""
    output = onnx.load(path, load_external_data=False).graph.output[0]
    return int(output.type.tensor_type.shape.dim[-1].dim_value)


def _common(path: Path, texts: Sequence[Sequence[int]]) -> NDArray[np.float32]:
    """The mean of the tokens of texts: shape (dimension,)."""
    states = [state[0] for [state] in inner_values(path, [STATE], texts)]
    common: NDArray[np.float32] = np.concatenate(states).mean(axis=0, dtype=np.float32)
    return common


def _append(graph: onnx.GraphProto, kind: str, inputs: list[str], output: str, **attributes: Any) -> None:
    graph.node.append(helper.make_node(kind, inputs, [f"{_OWN}{output}"], f"{_OWN}{output}.{kind}", **attributes))
