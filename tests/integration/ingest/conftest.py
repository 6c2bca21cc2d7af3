"""What the tests of agents and of scans share."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from magicfs.config import Settings
from magicfs.domain.roots import RegisteredRoot
from magicfs.ingest.difference import ScanResult
from magicfs.ingest.scanner import Scanner
from tests.integration.ingest.trees import many
from tests.plugins.index import HOST, Index


@pytest.fixture
def settings(short_path: Path) -> Settings:
    made = Settings(home=short_path / "home", host=HOST)
    made.make_home()
    return made


@pytest.fixture
def scans(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """The number of scans by the name of the root, while it goes on."""
    counts: Counter[str] = Counter()
    scan = Scanner.scan

    def counted(self: Scanner, registered: RegisteredRoot, **options: bool) -> ScanResult:
        result = scan(self, registered, **options)
        counts[registered.root.name] += 1
        return result

    monkeypatch.setattr(Scanner, "scan", counted)
    return counts


@pytest.fixture
def folder(index: Index) -> Path:
    """A folder that was read."""
    (index.folder / "old name").mkdir()
    many(index, 12, below="old name")
    (index.folder / "old name/inner").mkdir()
    for name in (b"Report \xff.txt", "Größe.md".encode(), b"2019-03-04 it's a \\ test.txt"):
        Path(os.fsdecode(os.fsencode(index.folder / "old name/inner") + b"/" + name)).write_text(f"words of {name!r}")
    (index.folder / "other").mkdir()
    (index.folder / "other/one.txt").write_text("one")
    index.settle()
    index.reader.calls.clear()
    return index.folder / "old name"
