"""A model of a few kilobytes: a text's vector is the sum of its words' random directions. Made in milliseconds."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from magicfs.models.english_samples import SAMPLES

DIMENSION = 128


def vocabulary() -> dict[str, int]:
    """The words that stand in one or two of the samples: the others say little about a subject."""
    passages = [set(re.findall(r"\w+", sample.passage.lower())) for sample in SAMPLES]
    counts = Counter(word for passage in passages for word in passage)
    words = ["[PAD]", "[UNK]", *sorted(word for word, count in counts.items() if count <= 2)]
    return {word: number for number, word in enumerate(words)}


def write_tiny_model(folder: Path, *, pooled: bool = True, seed: int = 7, numbers: float = 1.0) -> Path:
    """A folder with `model.onnx` and `tokenizer.json` and nothing else.

    `pooled`: whether the graph gives a vector for each text, or one for each token. `numbers` scales the weights.
    """
    folder.mkdir(parents=True, exist_ok=True)
    words = vocabulary()
    table = np.random.default_rng(seed).standard_normal((len(words), DIMENSION)).astype(np.float32) * numbers
    table[1] *= 0.01
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["tokens"])]
    constants = [numpy_helper.from_array(table.astype(np.float32), "table")]
    shape: list[str | int] = ["batch", "sequence", DIMENSION]
    if pooled:
        nodes.append(helper.make_node("ReduceSum", ["tokens", "axis"], ["texts"], keepdims=0))
        constants.append(numpy_helper.from_array(np.array([1]), "axis"))
        shape = ["batch", DIMENSION]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "sequence"])],
        [helper.make_tensor_value_info("texts" if pooled else "tokens", TensorProto.FLOAT, shape)],
        constants,
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "model.onnx"
    )
    (folder / "tokenizer.json").write_text(json.dumps(_tokenizer(words)))
    return folder


def _tokenizer(words: dict[str, int]) -> dict[str, object]:
    special = [
        {"id": words[name], "content": name, "special": True}
        | dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
        for name in ("[PAD]", "[UNK]")
    ]
    return {
        "version": "1.0",
        "truncation": {"direction": "Right", "max_length": 8, "strategy": "LongestFirst", "stride": 0},
        "padding": None,
        "added_tokens": special,
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None,
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": words, "unk_token": "[UNK]"},
    }
