"""The database is away while a worker has claims: it returns them when it can, and not when their leases run out."""

from __future__ import annotations

from typing import Any

import pytest

from magicfs.db.corpus import contents, file_claims
from magicfs.db.corpus.file_claims import OVERDUE_SECONDS
from magicfs.db.vectors import embeddings
from magicfs.errors import DatabaseUnavailable
from magicfs.pipeline.embed import EmbedService
from magicfs.pipeline.extract import ExtractService
from tests.plugins.index import HOST, Index


def away(*_: Any, **__: Any) -> Any:
    raise DatabaseUnavailable("the database is away")


def test_files_that_could_not_be_returned_are_read_when_the_database_is_back(
    index: Index, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(3):
        (index.folder / f"{number}.txt").write_text(f"words {number}")
    index.scan()
    worker = index.extraction()
    with monkeypatch.context() as outage:
        outage.setattr(contents, "find_contents", away)
        outage.setattr(file_claims, "return_files", away)
        with pytest.raises(DatabaseUnavailable):
            worker.run_batch()
    assert "3 files cannot be returned now and wait: the database is away" in caplog.text
    assert index.rows("SELECT count(*) FROM files WHERE lease IS NOT NULL") == [(3,)]
    assert worker.run_batch() == 3
    assert {state for state, _ in index.states().values()} == {"indexed"}


def test_chunks_that_could_not_be_returned_are_embedded_when_the_database_is_back(
    index: Index, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
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
    assert "2 chunks cannot be returned now and wait: the database is away" in caplog.text
    assert index.rows("SELECT count(*) FROM embeddings WHERE lease IS NOT NULL") == [(2,)]
    assert worker.run_turn() == 2
    assert index.rows("SELECT DISTINCT state, attempts FROM embeddings") == [("done", 1)], (
        "the first attempt does not count"
    )


def test_claims_whose_answer_was_lost_are_released_by_the_next_batch(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    (index.folder / "one.txt").write_text("words\n\nother words")
    index.scan()
    reader, embedder = index.extraction(), index.embedding()
    with monkeypatch.context() as outage:
        lose_answer(outage, ExtractService, "claim_files")
        with pytest.raises(DatabaseUnavailable):
            reader.run_batch()
    assert index.rows("SELECT count(*) FROM files WHERE lease IS NOT NULL") == [(1,)]
    assert reader.run_batch() == 1
    with monkeypatch.context() as outage:
        lose_answer(outage, EmbedService, "claim_batch")
        with pytest.raises(DatabaseUnavailable):
            embedder.run_turn()
    assert index.rows("SELECT count(*) FROM embeddings WHERE lease IS NOT NULL") == [(2,)]
    assert embedder.run_turn() == 2
    assert index.rows("SELECT DISTINCT state, attempts FROM embeddings") == [("done", 1)]


def test_claims_whose_end_was_lost_with_the_last_commits_are_done_by_the_next_batch(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash of Postgres takes commits along that it has confirmed: the worker does not know, and is not told."""
    (index.folder / "one.txt").write_text("words\n\nother words")
    index.scan()
    reader, embedder = index.extraction(), index.embedding()
    with monkeypatch.context() as crash:
        crash.setattr(file_claims, "finish_indexed", lambda *_, **__: None)
        assert reader.run_batch() == 1
    assert index.rows("SELECT count(*) FROM files WHERE lease IS NOT NULL") == [(1,)]
    assert reader.run_batch() == 1
    assert index.rows("SELECT state, lease FROM files") == [("indexed", None)]
    with monkeypatch.context() as crash:
        crash.setattr(embeddings, "finish_chunks", lambda *_, **__: 2)
        embedder.run_turn()
    assert index.rows("SELECT count(*) FROM embeddings WHERE lease IS NOT NULL") == [(2,)]
    assert embedder.run_turn() == 2
    assert index.rows("SELECT DISTINCT state, attempts, lease FROM embeddings") == [("done", 1, None)]


def lose_answer(outage: pytest.MonkeyPatch, service: type, claim: str) -> None:
    """Let the database go away when it has committed a claim, and before it says so."""
    committed = getattr(service, claim)
    outage.setattr(service, claim, lambda worker: away(committed(worker)))


def test_a_worker_is_asked_again_for_a_claim_that_it_may_have_lost(index: Index) -> None:
    (index.folder / "one.txt").write_text("words")
    index.scan()
    with index.database.transaction() as connection:
        file_claims.claim_files(
            connection, host=HOST, boot="", owner="extract-1@here", limit=1, max_bytes=1, seconds=300
        )
        assert not file_claims.has_waiting_files(connection, host=HOST), "it is at work"
        connection.execute("UPDATE files SET claimed_at = now() - make_interval(secs => %s)", (OVERDUE_SECONDS + 1,))
        assert file_claims.has_waiting_files(connection, host=HOST)
        connection.execute("UPDATE files SET lease = NULL, leased_until = NULL, leased_by = NULL")
    index.extraction().run_batch()
    overdue_within = embeddings.LEASE_SECONDS - embeddings.OVERDUE_SECONDS
    with index.database.transaction() as connection:
        [model] = embeddings.claimable_models(connection)
        embeddings.claim_chunks(
            connection, model=model.id, owner="embed-1@here", limit=1, max_tokens=100, seconds=embeddings.LEASE_SECONDS
        )
        assert embeddings.claimable_models(connection, within_s=overdue_within - 1) == [], "it is at work"
        connection.execute("UPDATE embeddings SET leased_until = leased_until - interval '12 s'")
        assert [each.id for each in embeddings.claimable_models(connection, within_s=overdue_within)] == [model.id]
        assert embeddings.claimable_models(connection) == [], "nobody else may claim it yet"
