"""What is said of directories of a root that the system does not let be listed."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest

from magicfs.db.cluster.roots import list_roots, troubled_roots
from magicfs.db.status import read_status
from magicfs.domain.roots import RootState
from magicfs.ingest import walk
from tests.integration.ingest.trees import as_nobody, many
from tests.plugins.index import Index


def test_the_root_says_which_directories_cannot_be_listed_until_they_can(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "b/c"):
        many(index, 2, below=name)
    index.settle()
    opened, closed = walk.open_directory, {b"/a", b"/c"}

    def refuse(directory: bytes) -> AbstractContextManager[Iterator[os.DirEntry[str]]]:
        if directory[-2:] in closed:
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(directory)

    def said() -> str:
        with index.database.transaction() as connection:
            [registered] = list_roots(connection)
            [status] = read_status(connection).roots
            notices = troubled_roots(connection)
        assert registered.state is RootState.PRESENT
        assert registered.detail == status.detail
        assert notices == [], "searches are no place for it"
        return registered.detail or ""

    monkeypatch.setattr(walk, "open_directory", refuse)
    index.scan()
    assert said().startswith(f"2 directories cannot be listed (such as {index.folder}/a: permission denied): let the")
    closed.remove(b"/c")
    index.scanner.scan_directory(index.registered().root, b"b")
    assert said().startswith(f"1 directory cannot be listed ({index.folder}/a: permission denied): let the user")
    closed.add(b"/c")
    index.scanner.scan_directory(index.registered().root, b"b/c")
    assert said().startswith("2 directories")
    closed.clear()
    index.scan()
    assert said() == ""
    assert len(index.states()) == 6


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_a_directory_that_may_be_listed_and_not_entered_is_named_too(index: Index) -> None:
    many(index, 2, below="closed")
    index.folder.chmod(0o755)
    (index.folder / "closed").chmod(0o744)
    with as_nobody(index.folder):
        index.scan()
    assert "closed: permission denied" in (index.registered().detail or "")


def test_a_root_that_has_moved_says_what_to_do(index: Index) -> None:
    index.settle()
    index.folder.rename(index.folder.with_name("moved"))
    index.scan()
    assert index.registered().state is RootState.MISSING
    assert (index.registered().detail or "").endswith("if it has moved, add it at its new place, and remove this one")
