"""Files for tests of scans, what events say about them, and what is found of them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from magicfs.domain.roots import Root
from magicfs.ingest.watch_set import ChangedPaths
from magicfs.ingest.watcher import Watcher
from tests.plugins.index import Index

NOBODY = 65534


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


@contextmanager
def as_nobody(folder: Path) -> Iterator[None]:
    """Act as a user without rights, who may enter the directories above a folder of root."""
    for parent in folder.parents:
        if parent.is_relative_to(tempfile.gettempdir()):
            parent.chmod(parent.stat().st_mode | 0o011)
    folder.chmod(0o755)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
