"""A chunker for the tests of text, with the tokenizer of a published model."""

from __future__ import annotations

from pathlib import Path

import pytest

from magicfs.text.chunking import TokenChunker


@pytest.fixture(scope="session")
def chunker(tokenizer_path: Path) -> TokenChunker:
    return TokenChunker(tokenizer_path, max_tokens=200)
