from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from magicfs.errors import ModelCorrupt
from magicfs.models.packed_e5 import PackedModel, read_packed
from magicfs.models.tokenizer_json import unigram_tokenizer

HIDDEN, WIDE, WORDS, POSITIONS = 32, 64, 6, 4
PIECES = ("<s>", "<pad>", "</s>", "<unk>", "▁a", "<mask>")


def packed(values: NDArray[np.float32]) -> bytes:
    """Blocks of four bits, in the scale in which the largest value is 7."""
    blocks = b""
    for block in values.reshape(-1, 32):
        scale = np.float16(np.abs(block).max() / 7)
        numbers = np.rint(block / np.float32(scale)).astype(np.uint8) + np.uint8(8)
        blocks += scale.tobytes() + (numbers[:16] | (numbers[16:] << 4)).tobytes()
    return blocks


def tensors() -> dict[str, NDArray[np.float32]]:
    random = np.random.default_rng(3)
    shapes: dict[str, tuple[int, ...]] = {
        "emb.word": (WORDS, HIDDEN),
        "emb.pos": (POSITIONS, HIDDEN),
        "emb.type": (2, HIDDEN),
    }
    shapes |= {"emb.ln.w": (HIDDEN,), "l0.q.w": (HIDDEN, HIDDEN), "l0.fi.w": (WIDE, HIDDEN), "l0.fo.w": (HIDDEN, WIDE)}
    shapes |= {"l0.fi.b": (WIDE,), "l0.aln.w": (HIDDEN,)}
    return {name: random.integers(-7, 8, shape).astype(np.float32) for name, shape in shapes.items()}


def write(path: Path, *, block: int = 32, beyond: int = 0, kind: int = 1) -> dict[str, NDArray[np.float32]]:
    """Write a file with one layer. Returns its tensors."""
    content = tensors()
    text = "".join(PIECES).encode()
    places = np.cumsum([0, *(len(piece.encode()) for piece in PIECES)]).astype("<u4")
    head = b"E5S1\x01\0\0\0" + struct.pack("<7ifi", HIDDEN, 1, 2, WIDE, WORDS, POSITIONS, 2, 1e-12, block)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, len(text)) + places.tobytes()
    head += np.arange(len(PIECES), dtype="<f4").tobytes() + text + struct.pack("<iI", 1, 3) + b"abc"
    data = {
        name: packed(array) if name[-1] == "w" and "ln" not in name else array.tobytes()
        for name, array in content.items()
    }
    data["emb.word"] = packed(content["emb.word"])
    place = len(head) + 4 + sum(2 + len(name) + 21 for name in content)
    for name, array in content.items():
        stored = data[name]
        is_packed = len(stored) < array.nbytes
        head += struct.pack("<i", len(content)) if name == next(iter(content)) else b""
        head += struct.pack("<H", len(name)) + name.encode()
        head += struct.pack("<BIQQ", kind if is_packed else 0, array.size, place + beyond, len(stored))
        place += len(stored)
    path.write_bytes(head + b"".join(data.values()))
    return content


@pytest.fixture
def model(tmp_path: Path) -> PackedModel:
    write(tmp_path / "w")
    return read_packed(tmp_path / "w")


def test_weights_are_read_under_their_published_names(model: PackedModel) -> None:
    expected = tensors()
    weights = model.weights
    assert model.words.shape == (WORDS, HIDDEN)
    for rows in (slice(None), slice(2, 5), slice(4, 99)):
        assert np.allclose(model.words[rows], expected["emb.word"][rows], atol=0.01)
    assert np.array_equal(weights["embeddings.position_embeddings.weight"], expected["emb.pos"])
    assert np.array_equal(weights["embeddings.LayerNorm.weight"], expected["emb.ln.w"])
    assert np.allclose(weights["encoder.layer.0.output.dense.weight"], expected["l0.fo.w"], atol=0.01)
    assert np.allclose(weights["encoder.layer.0.intermediate.dense.weight"], expected["l0.fi.w"], atol=0.01)
    assert np.array_equal(weights["encoder.layer.0.attention.output.LayerNorm.weight"], expected["l0.aln.w"])
    assert {array.dtype for array in (model.words[:], *weights.values())} == {np.dtype(np.float32)}


def test_the_numbers_and_the_pieces(model: PackedModel) -> None:
    shape = model.shape
    assert (shape.layers, shape.heads, shape.hidden, model.positions) == (1, 2, HIDDEN, POSITIONS)
    assert model.pieces.texts == PIECES
    assert model.pieces.scores == (0, 1, 2, 3, 4, 5)
    assert (model.pieces.begin, model.pieces.end, model.pieces.padding, model.pieces.unknown) == (0, 2, 1, 3)


def test_the_tokenizer_has_its_marks(model: PackedModel) -> None:
    tokenizer = unigram_tokenizer(model.pieces)
    added = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    assert added == {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "<mask>": 5}
    assert tokenizer["model"]["vocab"][4] == ["▁a", 4.0]


@pytest.mark.parametrize("changed", [{"block": 64}, {"beyond": 1 << 20}, {"kind": 7}])
def test_a_file_that_cannot_be_is_refused(tmp_path: Path, changed: dict[str, int]) -> None:
    write(tmp_path / "w", **changed)
    with pytest.raises(ModelCorrupt, match="install its package again"):
        read_packed(tmp_path / "w")


def test_a_file_that_ends_early_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "w")
    whole = (tmp_path / "w").read_bytes()
    for size in range(0, len(whole) - 1, 61):
        (tmp_path / "w").write_bytes(whole[:size])
        with pytest.raises(ModelCorrupt):
            read_packed(tmp_path / "w")


def test_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelCorrupt):
        read_packed(tmp_path / "w")
