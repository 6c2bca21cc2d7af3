"""Each line of docs/found.md, executed: its file is the first result of its query, in one index of all the files."""

from __future__ import annotations

import contextlib
import re
import zipfile
from pathlib import Path

import pytest

from magicfs.db.models import activate_model
from magicfs.db.pool import Database
from magicfs.ingest.roots import add_root
from magicfs.search.service import SearchService
from magicfs.text.extract import FileExtractor, Limits
from tests.fakes.embedder import FakeEmbedder
from tests.integration.search.corpus import ChosenVectors
from tests.plugins.index import HOST, Index, Reader

PAGE = Path(__file__).parents[3] / "docs/found.md"
_ROW = re.compile(r"^\| `(?P<file>[^`]+)` \| (?:`(?P<text>[^`]+)` )?\| `(?P<query>[^`]+)` \|", re.MULTILINE)
ROWS = [row.groupdict() for row in _ROW.finditer(PAGE.read_text(encoding="utf-8"))]


def write(path: Path, text: str | None) -> None:
    """Write a file of the page: text, an archive with a member of this name, or bytes that are no text."""
    if text is None:
        path.write_bytes(b"\0\x01\x02")
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(text, b"\0")
    else:
        path.write_bytes(text.replace("\\n", "\n").encode())


@pytest.fixture
def found(database: Database, tmp_path: Path) -> SearchService:
    folder = tmp_path / "docs"
    folder.mkdir()
    for row in ROWS:
        write(folder / row["file"], row["text"])
    embedder = FakeEmbedder()
    with database.transaction() as connection:
        activate_model(connection, embedder.spec)
    root = add_root(database, host=HOST, path=folder, home=tmp_path / "home")
    index = Index(database, root, folder, Reader(), embedder)
    with contextlib.closing(FileExtractor(limits=Limits())) as extractor:
        index.reader = extractor  # type: ignore[assignment]
        index.settle()
    return SearchService(database, ChosenVectors(), default_limit=10)


def test_every_line_of_the_page_is_an_example() -> None:
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert len(lines) == len(ROWS) > 30


def test_every_example_finds_its_file(found: SearchService) -> None:
    missed = {}
    for row in ROWS:
        hits = found.search(row["query"], deadline_s=10).hits
        names = [hit.name.decode() for hit in hits[:3]]
        if names[:1] != [row["file"]]:
            missed[row["query"]] = (row["file"], names)
    assert missed == {}
