"""The tokens are those of `tokenizers`, whose files it reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from magicfs.embedding.manifest import UNIGRAM_FOLDER
from magicfs.embedding.unigram import SCORES, UnigramTokenizer
from magicfs.errors import ModelCorrupt
from magicfs.models import unigram_files
from magicfs.models.packed_e5 import Pieces
from magicfs.models.tokenizer_json import unigram_tokenizer
from magicfs.models.unigram_files import write_unigram_files

LONGEST = 12
TEXTS = (
    "<s>",
    "<pad>",
    "</s>",
    "<unk>",
    "▁",
    "▁a",
    "a",
    "ab",
    "b",
    "bab",
    "é",
    "東",
    "東京",
    "京",
    "▁cab",
    "c",
    "<mask>",
)
SCORES_OF_TEXTS = (0, 0, 0, 0, -2, -3, -4, -5, -4.5, -9, -6, -7, -8, -7, -3, -6, 0)
ALPHABET = st.sampled_from(
    [*"abcé東京xyz \n\té１", "  ", "<s>", "<mask>", "</s>", "<unk>", "e\u0301", "\u200b", "＜s＞"]
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = tmp_path_factory.mktemp("model")
    pieces = Pieces(TEXTS, tuple(map(float, SCORES_OF_TEXTS)), begin=0, end=2, padding=1, unknown=3)
    (model / "tokenizer.json").write_text(json.dumps(unigram_tokenizer(pieces)))
    (model / "tokenizer_config.json").write_text('{"pad_token": "<pad>"}')
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(unigram_files, "MIN_PIECES", 1)
        assert write_unigram_files(model)
    return model


@pytest.fixture(scope="module")
def library(folder: Path) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(LONGEST)
    tokenizer.enable_padding(pad_id=1, pad_token="<pad>")
    return tokenizer


@pytest.fixture(scope="module")
def own(folder: Path) -> UnigramTokenizer:
    tokenizer = UnigramTokenizer.load(folder, LONGEST)
    assert tokenizer is not None
    return tokenizer


@given(parts=st.lists(ALPHABET, max_size=20))
def test_a_text_gets_the_tokens_that_the_library_gives_it(
    library: Tokenizer, own: UnigramTokenizer, parts: list[str]
) -> None:
    text = "".join(parts)
    expected, encoding = library.encode(text), own.encode(text)
    assert encoding.ids == expected.ids
    assert encoding.overflowing == bool(expected.overflowing)
    assert own.encode(text, add_special_tokens=False).ids == library.encode(text, add_special_tokens=False).ids


def test_texts_are_filled_up_to_the_longest(library: Tokenizer, own: UnigramTokenizer) -> None:
    texts = ["a", "ab cab 東京", "", "b" * 40]
    expected, encodings = library.encode_batch(texts), own.encode_batch(texts)
    assert [encoding.ids for encoding in encodings] == [encoding.ids for encoding in expected]
    assert [encoding.attention_mask for encoding in encodings] == [encoding.attention_mask for encoding in expected]


def test_numbers_of_tokens(own: UnigramTokenizer) -> None:
    assert own.token_to_id("<unk>") == 3
    assert own.token_to_id("[UNK]") is None
    assert own.get_vocab_size() == len(TEXTS)


def test_a_small_vocabulary_is_left_to_the_library(folder: Path, tmp_path: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    assert not write_unigram_files(tmp_path)
    assert UnigramTokenizer.load(tmp_path, LONGEST) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"model": {"type": "BPE"}},
        {"post_processor": None},
        {"post_processor": {"type": "ByteLevel"}},
        {"added_tokens": [{"id": 9, "content": "東京", "special": False, "normalized": True, "single_word": False}]},
    ],
)
def test_what_does_more_is_left_to_the_library(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, object]
) -> None:
    monkeypatch.setattr(unigram_files, "MIN_PIECES", 1)
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    (tmp_path / "tokenizer.json").write_text(json.dumps({**tokenizer, **changed}))
    (tmp_path / "tokenizer_config.json").write_text('{"pad_token": "<pad>"}')
    assert not write_unigram_files(tmp_path)


def test_damaged_files_are_one_line(folder: Path, tmp_path: Path) -> None:
    (tmp_path / UNIGRAM_FOLDER).mkdir(parents=True)
    for path in (folder / UNIGRAM_FOLDER).iterdir():
        (tmp_path / UNIGRAM_FOLDER / path.name).write_bytes(path.read_bytes())
    (tmp_path / UNIGRAM_FOLDER / SCORES).write_bytes(bytes(8))
    with pytest.raises(ModelCorrupt, match="run 'magicfs model pull'"):
        UnigramTokenizer.load(tmp_path, LONGEST)
