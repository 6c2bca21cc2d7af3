"""The real extractor, and the collection of real files that it is tested with."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.options import Limits
from tests.plugins.environment import collection_of_formats


@pytest.fixture(scope="session")
def extractor() -> Iterator[FileExtractor]:
    with FileExtractor(limits=Limits(seconds=60)) as opened:
        yield opened


@pytest.fixture(scope="session")
def format_files() -> Path:
    """The folder of the collection; its `manifest.tsv` says what a correct reader finds in each file."""
    return collection_of_formats()


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """An empty folder that parsers can read, which have another user: pytest closes its own to others at each start."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
