"""Rounds a model's weights to int8: tables of words row by row, and matrices column by column.

Used by `prepare`. Reads one ONNX file and writes another, each with the files that have its large constants.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import ExternalDataInfo, load_external_data_for_model, uses_external_data

from magicfs.errors import ModelError
from magicfs.models.bert_graph import LARGE_BYTES, Table, data_file, write_beside
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
        model = onnx.load(source, load_external_data=False)
        unrounded = [node.name for node in model.graph.node if node.name.endswith(UNROUNDED)]
        gathered = split_tables(model, source.parent)
        load_external_data_for_model(model, str(source.parent))
        with TemporaryDirectory(dir=target.parent) as folder:
            # The quantiser copies a model in memory, and reads a file once.
            without_tables = Path(folder) / source.name
            onnx.save(model, without_tables, save_as_external_data=True)
            del model
            quantize_dynamic(
                without_tables,
                target,
                per_channel=True,
                weight_type=QuantType.QInt8,
                nodes_to_exclude=unrounded + gathered.nodes,
                # For values without a known type: there is no shape inference for fused operators.
                extra_options={"DefaultTensorType": TensorProto.FLOAT},
            )
        _add_rows(target, gathered.tables)
    except Exception as error:
        target.unlink(missing_ok=True)
        raise ModelError(f"the model cannot be quantised to int8 ({error}): use precision fp32") from error
    finally:
        root.setLevel(level)


@dataclass(frozen=True, slots=True)
class GatheredTables:
    """The large tables of a graph from which it gathers rows."""

    nodes: list[str]
    """The names of the nodes that gather them."""
    tables: dict[str, Table]
    """Their numbers by their names."""


def split_tables(model: onnx.ModelProto, folder: Path) -> GatheredTables:
    """Replace each large table from which the graph gathers rows by int8 rows with a scale each: the first row alone.

    `folder` has the file of the model's large constants. The quantiser copies what is in a graph several times, so
    `_add_rows` puts the other rows into it later.
    """
    graph = model.graph
    constants = {constant.name: constant for constant in graph.initializer if _is_table(constant)}
    gathers = [node for node in graph.node if node.op_type == "Gather" and node.input[0] in constants]
    nodes: list[str] = []
    tables: dict[str, Table] = {}
    for name in sorted({node.input[0] for node in gathers}):
        users = [node for node in graph.node if name in node.input]
        if any(node not in gathers or _axis(node) != 0 for node in users):
            continue
        tables[name] = _values(constants[name], folder)
        graph.initializer.remove(constants[name])
        rows, scales = round_rows(tables[name][:1])
        graph.initializer.append(numpy_helper.from_array(rows, f"{name}.rows"))
        graph.initializer.append(numpy_helper.from_array(scales, f"{name}.scales"))
        for node in users:
            nodes += _replace(graph, node, name)
    return GatheredTables(nodes, tables)


class _TableInFile:
    """A table of float32 in a file, of which the rows that are asked for are read."""

    dtype = np.dtype("<f4")

    def __init__(self, path: Path, first: int, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self._path = path
        self._first = first

    def __getitem__(self, rows: slice) -> NDArray[np.float32]:
        first, last, _ = rows.indices(self.shape[0])
        width = self.shape[1]
        place = self._first + first * width * self.dtype.itemsize
        return np.fromfile(self._path, self.dtype, (last - first) * width, offset=place).reshape(-1, width)


def _values(constant: onnx.TensorProto, folder: Path) -> Table:
    if not uses_external_data(constant):
        return numpy_helper.to_array(constant)
    place = ExternalDataInfo(constant)
    return _TableInFile(folder / Path(place.location).name, place.offset or 0, tuple(constant.dims))


def round_rows(table: Table) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """The int8 rows of a table and their scales, shape (rows, 1). A row of zeros has the scale 0."""
    rows = np.empty(table.shape, np.int8)
    scales = np.empty((len(rows), 1), np.float32)
    for first in range(0, len(rows), _ROWS_PER_STEP):
        step = slice(first, first + _ROWS_PER_STEP)
        values = table[step]
        scales[step] = np.abs(values).max(axis=1, keepdims=True) / _LARGEST
        rows[step] = np.rint(values / np.where(scales[step] > 0, scales[step], 1))
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


def _add_rows(path: Path, tables: Mapping[str, Table]) -> None:
    """Put the rows of tables into a graph that has their first ones, and large constants into the file beside it."""
    added: dict[str, NDArray[Any]] = {}
    for name, table in tables.items():
        added[f"{name}.rows"], added[f"{name}.scales"] = round_rows(table)
    model = onnx.load(path)
    for constant in model.graph.initializer:
        values = added.get(constant.name, numpy_helper.to_array(constant))
        if values.nbytes >= LARGE_BYTES:
            constant.CopyFrom(write_beside(data_file(path), constant.name, values))
        elif constant.name in added:
            constant.dims[:] = values.shape
            constant.raw_data = values.tobytes()
            # As the quantiser states of constants that it reads from files: the file of the model stays the same.
            constant.data_location = TensorProto.DEFAULT
    onnx.save(model, path)
