"""What the tests of agents share."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from magicfs.config import Settings
from magicfs.domain.roots import RegisteredRoot
from magicfs.ingest.scanner import Scanner, ScanResult
from tests.plugins.index import HOST


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
