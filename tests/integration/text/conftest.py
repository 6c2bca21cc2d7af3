"""The real extractor, and the collection of real files that it is tested with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from magicfs.text.extract import FileExtractor, Limits


@pytest.fixture(scope="session")
def extractor() -> Iterator[FileExtractor]:
    with FileExtractor(limits=Limits(seconds=60)) as opened:
        yield opened


@pytest.fixture(scope="session")
def format_files() -> Path:
    """The folder of the collection; its `manifest.tsv` says what a correct reader finds in each file."""
    data = os.environ.get("TEST_DATA") or Path(__file__).parents[4] / "shared" / "data"
    folder = Path(data) / "formats"
    if not (folder / "manifest.tsv").is_file():
        pytest.skip(f"{folder} is not there: set TEST_DATA")
    return folder
