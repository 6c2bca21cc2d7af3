"""The database is away while a worker has claims: it returns them when it can, and not when their leases run out."""

from __future__ import annotations

from typing import Any

import pytest

from magicfs.db import contents, embeddings, files
from magicfs.errors import DatabaseUnavailable
from tests.plugins.index import Index


def away(*_: Any, **__: Any) -> Any:
    raise DatabaseUnavailable("the database is away")


def test_files_that_could_not_be_returned_are_read_when_the_database_is_back(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        (index.folder / f"{number}.txt").write_text(f"words {number}")
    index.scan()
    worker = index.extraction()
    with monkeypatch.context() as outage:
        outage.setattr(contents, "find_contents", away)
        outage.setattr(files, "return_files", away)
        with pytest.raises(DatabaseUnavailable):
            worker.run_batch()
    assert index.rows("SELECT count(*) FROM files WHERE lease IS NOT NULL") == [(3,)]
    assert worker.run_batch() == 3
    assert {state for state, _ in index.states().values()} == {"indexed"}


def test_chunks_that_could_not_be_returned_are_embedded_when_the_database_is_back(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    (index.folder / "one.txt").write_text("words\n\nother words")
    index.scan()
    index.extraction().run_batch()
    worker = index.embedding()
    with monkeypatch.context() as outage:
        outage.setattr(embeddings, "finish_chunks", away)
        outage.setattr(embeddings, "return_chunks", away)
        with pytest.raises(DatabaseUnavailable):
            worker.run_turn()
    assert index.rows("SELECT count(*) FROM embeddings WHERE lease IS NOT NULL") == [(2,)]
    assert worker.run_turn() == 2
    assert index.rows("SELECT DISTINCT state, attempts FROM embeddings") == [("done", 1)], (
        "the first attempt does not count"
    )
