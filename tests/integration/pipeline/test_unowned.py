"""Chunks that no file has any more are not embedded; a file that has them again gets their vectors."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from magicfs.db.pool import Connection
from magicfs.db.status import read_status
from magicfs.db.vectors.embedding_queue import enqueue_chunks
from magicfs.db.vectors.embeddings import claim_chunks
from magicfs.db.vectors.model_changes import build_model, complete_building
from magicfs.db.vectors.models import active_model
from magicfs.domain.chunks import ClaimedChunk
from magicfs.domain.ids import ContentId
from tests.fakes.embedder import FAKE_SPEC
from tests.plugins.index import Index

OTHER = replace(FAKE_SPEC, name="fake/other", dimension=96)
EMBEDDED = "SELECT text FROM embeddings JOIN chunks ON chunks.id = chunk_id WHERE state = 'done' ORDER BY text"
QUEUED = "SELECT text FROM embeddings JOIN chunks ON chunks.id = chunk_id WHERE model_id = %s ORDER BY text"


def read_all(index: Index) -> None:
    """Scan and extract, but embed nothing."""
    index.scan()
    while index.extraction().run_batch():
        pass


def embed_all(index: Index) -> None:
    while index.embedding().run_turn():
        pass


def counted(index: Index) -> tuple[int, int]:
    with index.database.transaction() as connection:
        chunks = read_status(connection).chunks
    return chunks.embedded, chunks.total


def claim(connection: Connection, *, limit: int = 10) -> list[ClaimedChunk]:
    model = active_model(connection)
    assert model is not None
    return claim_chunks(
        connection, model=model.id, owner="embed-9@here", limit=limit, max_tokens=1000, seconds=60, min_priority=0
    )


@pytest.fixture
def deleted(index: Index) -> Index:
    """Six extracted files, two of which are deleted before anything is embedded."""
    for number in range(6):
        (index.folder / f"{number}.txt").write_text(f"words {number}\n\nshared")
    read_all(index)
    for number in range(2):
        (index.folder / f"{number}.txt").unlink()
    index.scan()
    return index


def test_chunks_of_deleted_files_are_neither_counted_nor_embedded(deleted: Index) -> None:
    assert counted(deleted) == (0, 5)
    embed_all(deleted)
    assert deleted.rows(EMBEDDED) == [("shared",), ("words 2",), ("words 3",), ("words 4",), ("words 5",)]
    assert deleted.rows("SELECT count(*) FROM embeddings") == [(5,)]
    assert counted(deleted) == (5, 5)


def test_embedded_chunks_of_deleted_files_are_not_counted(deleted: Index) -> None:
    embed_all(deleted)
    (deleted.folder / "2.txt").unlink()
    deleted.scan()
    assert counted(deleted) == (4, 4)


def test_chunks_that_come_back_are_embedded(deleted: Index) -> None:
    embed_all(deleted)
    (deleted.folder / "moved.txt").write_text("words 0\n\nshared")
    deleted.settle()
    assert len(deleted.reader.calls) == 6, "its content was an orphan and is taken up again"
    assert ("words 0",) in deleted.rows(EMBEDDED)
    assert counted(deleted) == (6, 6)


def test_one_claim_skips_all_chunks_of_deleted_files(deleted: Index) -> None:
    deleted.rows("DELETE FROM files WHERE path <> '5.txt' RETURNING 1")
    deleted.rows("DELETE FROM content_chunks USING chunks WHERE chunks.id = chunk_id AND text = 'shared' RETURNING 1")
    with deleted.database.transaction() as connection:
        assert [claimed.text for claimed in claim(connection, limit=1)] == ["words 5"]
    assert deleted.rows("SELECT count(*) FROM embeddings") == [(1,)]


def test_a_claim_skips_chunks_that_a_transaction_is_taking_back(deleted: Index) -> None:
    with deleted.database.transaction() as taking:
        take_back(taking)
        with deleted.database.transaction() as claiming:
            assert "words 0" not in [claimed.text for claimed in claim(claiming)]
    with deleted.database.transaction() as connection:
        assert "words 0" in [claimed.text for claimed in claim(connection)]


def test_chunks_that_are_taken_back_during_their_deletion_wait_again(deleted: Index) -> None:
    def taken_back() -> None:
        with deleted.database.transaction() as connection:
            take_back(connection)

    thread = threading.Thread(target=taken_back)
    with deleted.database.transaction() as claiming:
        assert "words 0" not in [claimed.text for claimed in claim(claiming)]
        thread.start()
        thread.join(0.5)
        assert thread.is_alive(), "it waits for the end of the claim"
    thread.join()
    with deleted.database.transaction() as connection:
        assert "words 0" in [claimed.text for claimed in claim(connection)]


def take_back(connection: Connection) -> None:
    """Give a file the text that the first one had, as an extract worker does."""
    row = connection.execute(
        "UPDATE files SET content_id = (SELECT content_id FROM content_chunks JOIN chunks ON chunks.id = chunk_id "
        "WHERE text = 'words 0') WHERE path = '5.txt' RETURNING content_id"
    ).fetchone()
    assert row is not None
    enqueue_chunks(connection, {ContentId(row[0]): 0})


def test_a_new_model_embeds_only_chunks_of_files(deleted: Index) -> None:
    embed_all(deleted)
    (deleted.folder / "2.txt").unlink()
    deleted.scan()
    with deleted.database.transaction() as connection:
        model = build_model(connection, OTHER)
    assert deleted.rows(QUEUED, model.id) == [("shared",), ("words 3",), ("words 4",), ("words 5",)]


def test_a_new_model_is_complete_without_chunks_of_deleted_files(deleted: Index) -> None:
    embed_all(deleted)
    with deleted.database.transaction() as connection:
        model = build_model(connection, OTHER)
        connection.execute(
            "UPDATE embeddings SET state = 'failed' FROM chunks "
            "WHERE chunks.id = chunk_id AND model_id = %s AND text <> 'words 2'",
            (model.id,),
        )
        assert complete_building(connection) is None
    (deleted.folder / "2.txt").unlink()
    deleted.scan()
    with deleted.database.transaction() as connection:
        assert complete_building(connection) is not None
