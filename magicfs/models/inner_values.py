"""What the values inside of a model are for some texts: a graph gives its output alone.

Used by `outliers` and `token_vectors`, which change a graph by what they see.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper


def inner_values(path: Path, names: Sequence[str], texts: Sequence[Sequence[int]]) -> Iterator[list[NDArray[Any]]]:
    """The values of those names, numbers with a fraction, for each text, which is given as numbers of tokens.

    `path` is an ONNX model. A batch is one text: the first axis has one row.
    """
    import onnxruntime

    # Beside the model, because it has the same file of large constants.
    beside = path.with_name(f"{path.name}.opened")
    try:
        _save_opened(path, beside, names)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(beside), options, providers=["CPUExecutionProvider"])
        for text in texts:
            tokens = np.array([text], np.int64)
            yield session.run(list(names), {"input_ids": tokens, "attention_mask": np.ones_like(tokens)})
    finally:
        beside.unlink(missing_ok=True)


def _save_opened(path: Path, beside: Path, names: Sequence[str]) -> None:
    """Save a model that gives those values too."""
    model = onnx.load(path, load_external_data=False)
    model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    onnx.save(model, beside)
