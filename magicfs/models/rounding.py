"""Rounds a model's weights to int8: tables of words row by row, and matrices column by column.

Used by `prepare`. Reads one ONNX file and writes another, each with the files that have its large constants.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from magicfs.errors import ModelError
from magicfs.models.bert_graph import LARGE_BYTES, data_file
from magicfs.models.outliers import UNROUNDED, is_matrix

_MIN_ROWS = 2048
"""Smaller tables, such as those of positions, stay as they are."""
_LARGEST = 127
"""The largest weight in int8, and the smallest one without its sign."""
_ROWS_PER_STEP = 1 << 14


def quantize(source: Path, target: Path) -> None:
    """Write the int8 form of the ONNX model `source` to the new file `target`. Raises `ModelError`."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    # It recommends on the root logger a preprocessing that our graphs do not need.
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        model = onnx.load(source)
        unrounded = [node.name for node in model.graph.node if node.name.endswith(UNROUNDED)]
        unrounded += round_tables(model)
        quantize_dynamic(
            model,
            target,
            per_channel=True,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=unrounded,
            # For values without a known type: there is no shape inference for fused operators.
            extra_options={"DefaultTensorType": TensorProto.FLOAT},
        )
        del model
        _move_large_constants(target)
    except Exception as error:
        target.unlink(missing_ok=True)
        raise ModelError(f"the model cannot be quantised to int8 ({error}): use precision fp32") from error
    finally:
        root.setLevel(level)


def round_tables(model: onnx.ModelProto) -> list[str]:
    """Store each large table from which the graph gathers rows as int8 rows with a scale each.

    Returns the names of the nodes that gather them.
    """
    graph = model.graph
    tables = {constant.name: constant for constant in graph.initializer if _is_table(constant)}
    gathers = [node for node in graph.node if node.op_type == "Gather" and node.input[0] in tables]
    new: list[str] = []
    for name in sorted({node.input[0] for node in gathers}):
        users = [node for node in graph.node if name in node.input]
        if any(node not in gathers or _axis(node) != 0 for node in users):
            continue
        rows, scales = round_rows(numpy_helper.to_array(tables[name]))
        graph.initializer.remove(tables[name])
        graph.initializer.append(numpy_helper.from_array(rows, f"{name}.rows"))
        graph.initializer.append(numpy_helper.from_array(scales, f"{name}.scales"))
        for node in users:
            new += _replace(graph, node, name)
    return new


def round_rows(table: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """The int8 rows of a table and their scales, shape (rows, 1). A row of zeros has the scale 0."""
    rows = np.empty(table.shape, np.int8)
    scales = np.empty((len(table), 1), np.float32)
    for first in range(0, len(table), _ROWS_PER_STEP):
        step = slice(first, first + _ROWS_PER_STEP)
        scales[step] = np.abs(table[step]).max(axis=1, keepdims=True) / _LARGEST
        rows[step] = np.rint(table[step] / np.where(scales[step] > 0, scales[step], 1))
    return rows, scales


def _is_table(constant: onnx.TensorProto) -> bool:
    return constant.data_type == TensorProto.FLOAT and is_matrix(constant) and constant.dims[0] >= _MIN_ROWS


def _axis(node: onnx.NodeProto) -> int:
    return next((int(attribute.i) for attribute in node.attribute if attribute.name == "axis"), 0)


def _replace(graph: onnx.GraphProto, node: onnx.NodeProto, table: str) -> list[str]:
    """Replace a Gather of a table by those of its rows and scales. Returns the names of the new nodes."""
    output = node.output[0]
    parts = [f"{output}.{part}" for part in ("rows", "scales", "numbers")]
    new = [
        helper.make_node("Gather", [f"{table}.rows", node.input[1]], [parts[0]], f"{output}.Gather.rows"),
        helper.make_node("Gather", [f"{table}.scales", node.input[1]], [parts[1]], f"{output}.Gather.scales"),
        helper.make_node("Cast", [parts[0]], [parts[2]], f"{output}.Cast", to=TensorProto.FLOAT),
        helper.make_node("Mul", [parts[2], parts[1]], [output], f"{output}.Mul"),
    ]
    place = list(graph.node).index(node)
    graph.node.remove(node)
    for offset, each in enumerate(new):
        graph.node.insert(place + offset, each)
    return [each.name for each in new]


def _move_large_constants(path: Path) -> None:
    """Move the large constants of a graph into the file beside it."""
    model = onnx.load(path)
    onnx.save(
        model,
        path,
        save_as_external_data=True,
        location=data_file(path).name,
        size_threshold=LARGE_BYTES,
    )
