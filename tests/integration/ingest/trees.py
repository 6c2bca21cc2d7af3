"""Files for tests of scans, what events say about them, and what is found of them."""

from __future__ import annotations

import os

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


FOUND = "SELECT display, text FROM files JOIN content_chunks USING (content_id) JOIN chunks ON chunks.id = chunk_id"
"""The files that are found by their texts."""


def found(index: Index) -> dict[str, str]:
    """The texts of files by their paths in the index."""
    return dict(index.rows(FOUND))


def on_disk(index: Index) -> dict[str, str]:
    """The texts of files by their paths on the disk."""
    return {
        os.fsencode(path.relative_to(index.folder)).decode("utf-8", "replace"): path.read_text()
        for path in index.folder.rglob("*")
        if path.is_file()
    }


def process(index: Index, *paths: str | bytes) -> None:
    """Do what a watcher does after events that name these paths."""
    events, _ = watcher(index)
    events.process(index.root, changed(index, *(os.fsencode(path) for path in paths)))
