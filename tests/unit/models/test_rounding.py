from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from magicfs.errors import ModelError
from magicfs.models import bert_graph, rounding
from magicfs.models.bert_graph import data_file
from magicfs.models.rounding import quantize, round_rows

ROWS, COLUMNS = 3000, 16


def table() -> NDArray[np.float32]:
    """Rows of very different sizes, and one of zeros."""
    random = np.random.default_rng(1)
    values = random.standard_normal((ROWS, COLUMNS)) * np.geomspace(1e-4, 100, ROWS)[:, None]
    values[7] = 0
    return values.astype(np.float32)


def write(path: Path, *, axis: int = 0) -> None:
    """A graph that gathers rows and multiplies them."""
    matrix = np.eye(COLUMNS, dtype=np.float32)
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["words"], axis=axis),
        helper.make_node("MatMul", ["words", "matrix"], ["output"]),
    ]
    graph = helper.make_graph(
        nodes,
        "rows",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["sequence"])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["sequence", COLUMNS])],
        [
            numpy_helper.from_array(table() if axis == 0 else table().T.copy(), "table"),
            numpy_helper.from_array(matrix, "matrix"),
        ],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def run(path: Path, ids: list[int]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (output,) = session.run(None, {"input_ids": np.array(ids)})
    return np.asarray(output)


def test_each_row_has_a_scale_of_its_own() -> None:
    values = table()
    rows, scales = round_rows(values)
    assert rows.dtype == np.int8
    assert scales.shape == (ROWS, 1)
    errors = np.abs(rows * scales - values).max(axis=1)
    assert np.all(errors <= np.abs(values).max(axis=1) / 250)
    assert not np.any(rows[7])


def test_small_rows_keep_their_direction_in_the_graph(tmp_path: Path) -> None:
    write(tmp_path / "model.onnx")
    quantize(tmp_path / "model.onnx", tmp_path / "int8.onnx")
    # One at a time: what is multiplied is rounded too, on one scale for all of them.
    exact, rounded = (
        np.concatenate([run(tmp_path / name, [row]) for row in (0, 5, 2999)]) for name in ("model.onnx", "int8.onnx")
    )
    cosines = np.sum(exact * rounded, axis=1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(rounded, axis=1)
    assert cosines.min() > 0.999
    constants = {constant.name: constant for constant in onnx.load(tmp_path / "int8.onnx").graph.initializer}
    assert constants["table.rows"].data_type == TensorProto.INT8
    assert "table" not in constants


def test_a_large_table_stands_in_a_file_beside_the_graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounding, "LARGE_BYTES", 1000)
    monkeypatch.setattr(bert_graph, "LARGE_BYTES", 1000)
    write(tmp_path / "model.onnx")
    quantize(tmp_path / "model.onnx", tmp_path / "int8.onnx")
    assert data_file(tmp_path / "int8.onnx").stat().st_size >= ROWS * COLUMNS
    assert run(tmp_path / "int8.onnx", [5]) == pytest.approx(table()[[5]], rel=0.05, abs=1e-6)


def test_a_table_of_columns_stays_as_it_is(tmp_path: Path) -> None:
    write(tmp_path / "model.onnx", axis=1)
    model = onnx.load(tmp_path / "model.onnx")
    gathered = rounding.split_tables(model, tmp_path)
    assert (gathered.nodes, gathered.tables) == ([], {})
    assert model == onnx.load(tmp_path / "model.onnx")


@pytest.mark.parametrize("beside", ["constants", "constants of another name.bin"])
def test_a_table_in_a_file_is_rounded_as_one_in_the_graph(tmp_path: Path, beside: str) -> None:
    write(tmp_path / "model.onnx")
    quantize(tmp_path / "model.onnx", tmp_path / "int8.onnx")
    onnx.save(
        onnx.load(tmp_path / "model.onnx"),
        tmp_path / "split.onnx",
        save_as_external_data=True,
        location=beside,
        size_threshold=1000,
    )
    assert (tmp_path / beside).stat().st_size >= 4 * ROWS * COLUMNS
    quantize(tmp_path / "split.onnx", tmp_path / "int8-of-split.onnx")
    assert (tmp_path / "int8.onnx").read_bytes() == (tmp_path / "int8-of-split.onnx").read_bytes()


def test_a_table_whose_file_is_missing_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "model.onnx")
    model = onnx.load(tmp_path / "model.onnx")
    onnx.save(model, tmp_path / "split.onnx", save_as_external_data=True, location="constants", size_threshold=1000)
    (tmp_path / "constants").write_bytes(bytes(100))
    with pytest.raises(ModelError, match="use precision fp32"):
        quantize(tmp_path / "split.onnx", tmp_path / "int8.onnx")
    (tmp_path / "constants").unlink()
    with pytest.raises(ModelError, match="use precision fp32"):
        quantize(tmp_path / "split.onnx", tmp_path / "int8.onnx")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.onnx", "split.onnx"]


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(ModelError, match="use precision fp32"):
        quantize(tmp_path / "model.onnx", tmp_path / "int8.onnx")
    assert not (tmp_path / "int8.onnx").exists()
