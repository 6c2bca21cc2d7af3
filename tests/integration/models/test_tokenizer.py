"""The stored tokenizer: cuts at the model's real limit, pads to no fixed length."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from magicfs.domain.models import StoredModel
from magicfs.embedding.embedder import FastembedEmbedder
from magicfs.errors import ModelError
from magicfs.models.prepare import correct_tokenizer

TOKENIZER: dict[str, Any] = {"added_tokens": [{"content": "<pad>"}], "truncation": None, "padding": None}


def settings(folder: Path, **files: object) -> Path:
    for name, content in {"tokenizer": TOKENIZER, **files}.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def test_minilm_reads_256_tokens_whatever_its_tokenizer_was_saved_with(stored_model: StoredModel) -> None:
    assert stored_model.spec.max_tokens == 256
    saved = json.loads(stored_model.tokenizer_path.read_text())
    assert saved["truncation"] is None
    assert saved["padding"]["strategy"] == "BatchLongest"
    tokenizer = Tokenizer.from_file(str(stored_model.tokenizer_path))
    assert len(tokenizer.encode("a").ids) == 3
    assert len(tokenizer.encode("word " * 1000).ids) == 1002


def test_the_engine_cuts_at_the_limit(embedder: FastembedEmbedder) -> None:
    within, beyond, far_beyond = embedder.embed_passages(["word " * 200, "word " * 254 + "tail", "word " * 254 + "end"])
    assert (beyond == far_beyond).all()
    assert not (within == beyond).all()


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({}, 512),
        ({"tokenizer_config": {"model_max_length": 10**30}}, 512),
        ({"tokenizer_config": {"model_max_length": 1e30, "max_length": 128}}, 128),
        ({"tokenizer_config": {"model_max_length": 512}, "sentence_bert_config": {"max_seq_length": 256}}, 256),
        ({"config": {"model_type": "bert", "max_position_embeddings": 512}}, 512),
        ({"config": {"model_type": "mpnet", "max_position_embeddings": 514, "pad_token_id": 1}}, 512),
        ({"tokenizer_config": {"model_max_length": 8192}}, 8192),
    ],
)
def test_the_smallest_sensible_limit_counts(tmp_path: Path, files: dict[str, object], limit: int) -> None:
    assert correct_tokenizer(settings(tmp_path, **files)) == limit
    stored = json.loads((tmp_path / "tokenizer_config.json").read_text())
    assert stored["model_max_length"] == limit
    assert stored["pad_token"] == "<pad>"
    assert correct_tokenizer(tmp_path) == limit


def test_a_tokenizer_without_padding_token_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="pad_token"):
        correct_tokenizer(settings(tmp_path, tokenizer={**TOKENIZER, "added_tokens": []}))
