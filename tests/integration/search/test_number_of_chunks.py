"""The number of chunks by which a search weighs words: all of them, also those that get no vector."""

from __future__ import annotations

from typing import Any

import pytest

from magicfs.db.pool import Database
from magicfs.search import retrievers
from magicfs.search.service import SearchService
from tests.integration.search.corpus import ChosenVectors, Corpus


def test_chunks_beyond_the_limit_of_embedded_ones_are_counted(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = Corpus(database)
    for number in range(40):
        corpus.add(b"%d.txt" % number, f"invoice {number}")
    with database.transaction() as connection:
        connection.execute("DELETE FROM embeddings WHERE chunk_id > (SELECT min(chunk_id) + 3 FROM embeddings)")
        connection.execute("ANALYZE chunks")
    counted: list[int] = []
    weigh = retrievers.weigh_words

    def record(*arguments: Any, chunks: int, **options: Any) -> Any:
        counted.append(chunks)
        return weigh(*arguments, chunks=chunks, **options)

    monkeypatch.setattr(retrievers, "weigh_words", record)
    found = SearchService(database, ChosenVectors(), default_limit=10).search("invoice", deadline_s=30)
    assert found.coverage.chunks == 4
    assert counted == [40]
