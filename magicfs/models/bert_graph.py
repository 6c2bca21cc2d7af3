"""Writes a BERT encoder as an ONNX graph from its weights, with the fused operators of onnxruntime.

Used when a model is prepared from weights alone (`recipes`). The graph maps `input_ids` and `attention_mask`
(int64, batch x sequence, padding on the right) to `last_hidden_state` (float, batch x sequence x hidden).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from magicfs.errors import ModelCorrupt

_FUSED = "com.microsoft"
_OPSET = 17
_IR_VERSION = 8
"""What goes with opset 17: old enough for every onnxruntime that fastembed accepts."""

Weights = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class BertShape:
    """What a graph needs to know beside the weights."""

    layers: int
    heads: int
    hidden: int
    epsilon: float

    @classmethod
    def of(cls, config: dict[str, Any]) -> BertShape:
        """Take it from a model's `config.json`. Raises `ModelCorrupt` for anything but BERT with exact GELU."""
        if (config.get("model_type"), config.get("hidden_act")) != ("bert", "gelu"):
            raise ModelCorrupt("config.json describes no BERT with the exact GELU: nothing else can be prepared")
        try:
            return cls(
                layers=config["num_hidden_layers"],
                heads=config["num_attention_heads"],
                hidden=config["hidden_size"],
                epsilon=config["layer_norm_eps"],
            )
        except KeyError as error:
            raise ModelCorrupt(f"config.json lacks {error}: install its package again") from error


class _Graph:
    """Nodes and constants in the making."""

    def __init__(self, weights: Weights, shape: BertShape) -> None:
        self.weights = weights
        self.shape = shape
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, array: NDArray[Any]) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def weight(self, name: str) -> str:
        return self.constant(name, self.weights[name])

    def matrix(self, name: str) -> str:
        """A dense layer's weight, transposed: published as (out, in), multiplied as (in, out)."""
        return self.constant(name, self.weights[name].T)

    def node(self, kind: str, inputs: list[str], output: str, *, domain: str = "", **attributes: Any) -> str:
        name = f"{kind}.{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], name, domain=domain, **attributes))
        return output

    def fused(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        return self.node(kind, inputs, output, domain=_FUSED, **attributes)


def write_graph(weights: Weights, shape: BertShape, path: Path) -> None:
    """Write the encoder to `path`. Raises `ModelCorrupt` when a weight is missing."""
    graph = _Graph(weights, shape)
    try:
        state = _embeddings(graph)
        for layer in range(shape.layers):
            state = _layer(graph, layer, state, last=layer == shape.layers - 1)
    except KeyError as error:
        raise ModelCorrupt(f"the model's weights lack {error}") from error
    axes: list[str | int] = ["batch", "sequence"]
    built = helper.make_graph(
        graph.nodes,
        "bert",
        [helper.make_tensor_value_info(name, TensorProto.INT64, axes) for name in ("input_ids", "attention_mask")],
        [helper.make_tensor_value_info(state, TensorProto.FLOAT, [*axes, shape.hidden])],
        graph.constants,
    )
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_FUSED, 1)]
    onnx.save(helper.make_model(built, opset_imports=opsets, ir_version=_IR_VERSION), str(path))


def _embeddings(graph: _Graph) -> str:
    """Word, position and type embeddings, summed and normalised; also the lengths that attention needs.

    Plain operators rather than EmbedLayerNormalization: its int8 form rounds the norm's weights too, which
    costs accuracy. There is one type of token in all our inputs, so its embedding is added to the positions.
    """
    types = graph.weights["embeddings.token_type_embeddings.weight"]
    positions = graph.weights["embeddings.position_embeddings.weight"] + types[0]
    graph.node("Cast", ["attention_mask"], "mask", to=TensorProto.INT32)
    graph.node("ReduceSum", ["mask", graph.constant("one", np.array([1]))], "lengths", keepdims=0)
    graph.node("Gather", [graph.weight("embeddings.word_embeddings.weight"), "input_ids"], "words")
    graph.node("Shape", ["input_ids"], "sequence", start=1, end=2)
    first = graph.constant("zero", np.array([0]))
    graph.node("Slice", [graph.constant("positions", positions), first, "sequence"], "places")
    graph.node("Add", ["words", "places"], "sum")
    norm = [graph.weight(f"embeddings.LayerNorm.{part}") for part in ("weight", "bias")]
    return graph.node("LayerNormalization", ["sum", *norm], "embedded", epsilon=graph.shape.epsilon)


def _layer(graph: _Graph, layer: int, state: str, *, last: bool) -> str:
    """Attention and feed-forward, each with its residual sum and norm."""
    weights, prefix = graph.weights, f"encoder.layer.{layer}."
    own = f"{prefix}attention.self."
    parts = ("query", "key", "value")
    merged = np.concatenate([weights[f"{own}{part}.weight"].T for part in parts], axis=1)
    biases = np.concatenate([weights[f"{own}{part}.bias"] for part in parts])
    attention = graph.fused(
        "Attention",
        [state, graph.constant(f"{own}weight", merged), graph.constant(f"{own}bias", biases), "lengths"],
        f"{prefix}attended",
        num_heads=graph.shape.heads,
    )
    state = _dense_and_norm(graph, f"{prefix}attention.output", attention, state, f"{prefix}middle")
    wide = graph.node("MatMul", [state, graph.matrix(f"{prefix}intermediate.dense.weight")], f"{prefix}wide")
    active = graph.fused("BiasGelu", [wide, graph.weight(f"{prefix}intermediate.dense.bias")], f"{prefix}active")
    return _dense_and_norm(graph, f"{prefix}output", active, state, "last_hidden_state" if last else f"{prefix}end")


def _dense_and_norm(graph: _Graph, name: str, value: str, residual: str, output: str) -> str:
    """A dense layer, the sum with its residual, and the norm.

    Not SkipLayerNormalization: it takes four times as long as its parts do, an eighth of the whole model. And not
    Add, of which onnxruntime would make just that.
    """
    dense = graph.node("MatMul", [value, graph.matrix(f"{name}.dense.weight")], f"{name}.product")
    biased = graph.node("Add", [dense, graph.weight(f"{name}.dense.bias")], f"{name}.biased")
    total = graph.node("Sum", [biased, residual], f"{name}.sum")
    norm = [graph.weight(f"{name}.LayerNorm.{part}") for part in ("weight", "bias")]
    return graph.node("LayerNormalization", [total, *norm], output, epsilon=graph.shape.epsilon)
