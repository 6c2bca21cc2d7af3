"""Files for tests of scans, and what events say about them."""

from __future__ import annotations

from magicfs.domain.roots import Root
from magicfs.ingest.watch_set import ChangedPaths
from magicfs.ingest.watcher import Watcher
from tests.plugins.index import Index


def many(index: Index, count: int, *, below: str = "") -> None:
    (index.folder / below).mkdir(exist_ok=True)
    for number in range(count):
        (index.folder / below / f"{number}.txt").write_text(f"number {number}")


def watcher(index: Index) -> tuple[Watcher, list[Root]]:
    """A watcher, and the roots for which it asks for a scan."""
    rescans: list[Root] = []
    return Watcher(index.scanner, rescan=rescans.append), rescans


def changed(index: Index, *paths: bytes) -> ChangedPaths:
    """What events say about these paths."""
    return ChangedPaths(paths=set(paths))
