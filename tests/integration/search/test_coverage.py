"""What `magicfs search` says of the part of the corpus that it has searched."""

from __future__ import annotations

from magicfs.cli.search_output import unfinished_work
from magicfs.db.pool import Database
from magicfs.search.service import SearchService
from tests.integration.search.corpus import ChosenVectors, Corpus, unit


def said(database: Database) -> str:
    service = SearchService(database, ChosenVectors(), default_limit=10)
    return unfinished_work(service.search("words", deadline_s=60).coverage)


def test_files_that_are_never_indexed_are_no_unfinished_work(database: Database) -> None:
    corpus = Corpus(database)
    corpus.add(b"a.txt", "one", "two", vectors=[unit(1, 0, 0)])
    for name in (b"b.bin", b"c.pdf", b"d.txt"):
        corpus.file(name, None, state="pending")
    assert said(database) == "indexed so far: 1 of 4 files, 1 of 2 chunks by meaning"
    with database.transaction() as connection:
        connection.execute("UPDATE files SET state = 'skipped', reason = 'encrypted' WHERE display = 'b.bin'")
        connection.execute("UPDATE files SET state = 'failed', reason = 'corrupt' WHERE display = 'c.pdf'")
    assert said(database) == "indexed so far: 1 of 2 files, 1 of 2 chunks by meaning"
    with database.transaction() as connection:
        connection.execute("DELETE FROM files WHERE display = 'd.txt'")
    assert said(database) == "indexed so far: 1 of 1 file, 1 of 2 chunks by meaning"
    with database.transaction() as connection:
        connection.execute("UPDATE embeddings SET state = 'failed', reason = 'crashed' WHERE state = 'pending'")
    assert said(database) == ""
