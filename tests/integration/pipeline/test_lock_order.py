"""Every transaction locks rows in the same order, so that Postgres never aborts one because of a deadlock.

Each test locks the middle one of three rows until two transactions wait for a lock. If these two had different orders,
each would now hold one of the outer rows and wait for the other's.
"""

from __future__ import annotations

import itertools
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xxhash
from numpy.typing import NDArray

from magicfs.db.corpus import contents as contents_db
from magicfs.db.corpus import failures as failures_db
from magicfs.db.corpus.file_claims import claim_files
from magicfs.db.pool import Connection, Database
from magicfs.db.vectors import embeddings as embeddings_db
from magicfs.db.vectors.embedding_queue import enqueue_chunks
from magicfs.db.vectors.model_changes import build_model, start_multilingual, stop_multilingual
from magicfs.db.vectors.models import live_models
from magicfs.db.vectors.second_vectors import continue_pass, settle_contents
from magicfs.domain.chunks import ClaimedChunk
from magicfs.domain.contents import ContentKey
from magicfs.domain.ids import Digest
from magicfs.errors import ModelError
from magicfs.ingest.roots import add_root, remove_root
from magicfs.pipeline.batch import Batch, EmbeddedBatch, write_batch
from tests.fakes.embedder import FAKE_SPEC
from tests.integration.pipeline.row_locks import WAIT_SECONDS, count, locked, waiting_backends
from tests.plugins.index import HOST, Index
from tests.plugins.waiting import eventually

OTHER_BACKENDS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


@pytest.fixture(autouse=True)
def no_deadlocks(index: Index, database_url: str) -> Iterator[None]:
    """Postgres counts deadlocks, also those after which a transaction was simply tried again."""
    yield
    # A backend reports its counts when it ends.
    index.database.close()
    with Database(database_url, application="test") as database:

        def count_now(query: str) -> int:
            with database.transaction() as connection:
                return count(connection, query)

        eventually(lambda: count_now(OTHER_BACKENDS) == 0, "the end of all other backends")
        assert count_now(DEADLOCKS) == 0


@pytest.mark.parametrize("how", ["remove the root", "forget the directory", "forget the files", "scan"])
def test_files_are_read_while_they_are_forgotten(index: Index, how: str) -> None:
    (index.folder / "gone").mkdir()
    for number in range(40):
        (index.folder / f"{number}.txt").write_text("kept")
    index.settle()
    paths = [b"gone/c", b"gone/b", b"gone/a"]
    for path in paths:
        # One after the other, so that they lie in this order in the table.
        (index.folder / path.decode()).write_text(f"words of {path!r}")
        index.scan()
    with index.database.transaction() as connection:
        connection.execute("ANALYZE files")
        claims = claim_files(
            connection, host=HOST, boot="", owner="extract-1@here", limit=64, max_bytes=4 << 20, seconds=600
        )
    scanner = index.scanner

    def forget() -> None:
        match how:
            case "remove the root":
                remove_root(index.database, host=HOST, name_or_path=str(index.folder))
            case "forget the directory":
                scanner.delete(index.root, [b"gone"])
            case "forget the files":
                scanner.delete(index.root, paths)
            case _:
                shutil.rmtree(index.folder / "gone")
                index.scan()

    with locked(index, "SELECT FROM files WHERE path = 'gone/b' FOR UPDATE") as blocked:
        blocked.begin(forget)
        blocked.begin(lambda: index.extraction()._process_or_return_claims(claims))


@pytest.mark.parametrize("how", ["remove the root", "look for orphans"])
def test_contents_are_taken_over_while_others_leave_them(index: Index, tmp_path: Path, how: str) -> None:
    texts = (f"words of {number}" for number in range(3))
    # They lie in the table against the order of their digests.
    for text in sorted(texts, key=lambda text: xxhash.xxh3_128_digest(text.encode()), reverse=True):
        (index.folder / f"{text}.txt").write_text(text)
        index.settle()
    folder = tmp_path / "copies"
    shutil.copytree(index.folder, folder)
    root = add_root(index.database, host=HOST, path=folder, home=tmp_path / "home")
    copies = Index(index.database, root, folder, index.reader, index.embedder)
    copies.scan()
    middle = index.rows("SELECT id FROM contents ORDER BY ctid OFFSET 1 LIMIT 1")[0][0]

    def leave() -> None:
        if how == "remove the root":
            remove_root(index.database, host=HOST, name_or_path=str(index.folder))
        else:
            with index.database.transaction() as connection:
                contents_db.mark_orphans(connection, unreadable_grace_s=1e6)

    if how == "look for orphans":
        # As if two transactions had taken the last two files of a content at the same moment.
        index.rows("DELETE FROM files WHERE root_id = %s RETURNING 1", index.root.id)
    with locked(index, "SELECT FROM contents WHERE id = %s FOR UPDATE", middle) as blocked:
        blocked.begin(leave)
        blocked.begin(copies.settle)
    assert copies.rows("SELECT count(*) FROM files WHERE state = 'indexed' AND root_id = %s", root.id) == [(3,)]


def test_vectors_are_written_while_copies_ask_for_them(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        (index.folder / f"{number}.txt").write_text(f"words {number}")
        index.scan()
        index.extraction().run_batch()
    chunks = [row[0] for row in index.rows("SELECT chunk_id FROM embeddings ORDER BY chunk_id")]
    # The last one was just saved, so it is claimed first.
    index.rows("UPDATE embeddings SET priority = 1 WHERE chunk_id = %s RETURNING 1", chunks[2])
    for number in range(3):
        (index.folder / f"copy {number}.txt").write_text(f"words {number}")
    index.scan()
    claimed, go_on = threading.Event(), threading.Event()
    embed = index.embedder.embed_passages

    def wait(texts: Sequence[str]) -> NDArray[np.float32]:
        claimed.set()
        go_on.wait(WAIT_SECONDS)
        return embed(texts)

    monkeypatch.setattr(index.embedder, "embed_passages", wait)
    embedding = threading.Thread(target=index.embedding().run_turn)
    embedding.start()
    claimed.wait(WAIT_SECONDS)
    with locked(index, "SELECT FROM embeddings WHERE chunk_id = %s FOR UPDATE", chunks[1]) as blocked:
        blocked.begin(index.extraction().run_batch)
        blocked.wait_for_lock_or_end(embedding, go_on.set)
    embedding.join()
    assert index.rows("SELECT count(*) FROM embeddings WHERE state = 'done'") == [(3,)]


@pytest.fixture
def three_chunks(index: Index) -> list[int]:
    """Chunks that wait, and that lie in the table against the order of their numbers."""
    for number in range(3):
        (index.folder / f"{number}.txt").write_text(f"words {number}")
        index.scan()
        index.extraction().run_batch()
    chunks = [row[0] for row in index.rows("SELECT chunk_id FROM embeddings ORDER BY chunk_id")]
    for chunk in reversed(chunks):
        index.rows("UPDATE embeddings SET attempts = 1 WHERE chunk_id = %s RETURNING 1", chunk)
    return chunks


@pytest.mark.parametrize("how", ["quarantine", "try again", "release"])
def test_chunks_change_their_state_while_copies_ask_for_them(index: Index, three_chunks: list[int], how: str) -> None:
    for place, chunk in enumerate(reversed(three_chunks)):
        change = {
            "quarantine": "attempts = 100",
            "try again": "state = 'failed', reason = 'crashed'",
            "release": "lease = 7, leased_by = 'embed-1@here'",
        }[how]
        index.rows(f"UPDATE embeddings SET {change}, priority = -%s WHERE chunk_id = %s RETURNING 1", place, chunk)

    def change_state() -> None:
        with index.database.transaction() as connection:
            match how:
                case "quarantine":
                    embeddings_db.quarantine_chunks(connection)
                case "try again":
                    failures_db.retry_failures(connection)
                case _:
                    embeddings_db.release_chunks(connection, owner="embed-1@here", counted=True)

    def ask() -> None:
        with index.database.transaction() as connection:
            contents = [row[0] for row in connection.execute("SELECT id FROM contents")]
            enqueue_chunks(connection, dict.fromkeys(contents, 1))

    with locked(index, "SELECT FROM embeddings WHERE chunk_id = %s FOR UPDATE", three_chunks[1]) as blocked:
        blocked.begin(change_state)
        blocked.begin(ask)


def test_a_bad_vector_is_refused_while_copies_ask_for_the_good_ones(
    index: Index, three_chunks: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    index.rows("UPDATE embeddings SET attempts = 0 RETURNING 1")
    embed, finish = index.embedder.embed_passages, embeddings_db.finish_chunks
    finished, extracted = threading.Event(), threading.Event()

    def refuse(texts: Sequence[str]) -> NDArray[np.float32]:
        if "words 0" in texts:
            raise ModelError("a vector is not finite")
        return embed(texts)

    def finish_and_wait(connection: Connection, **arguments: Any) -> int:
        embedded = finish(connection, **arguments)
        finished.set()
        eventually(
            lambda: extracted.is_set() or waiting_backends(connection) > 0, "an extraction that waits for a lock"
        )
        return embedded

    monkeypatch.setattr(index.embedder, "embed_passages", refuse)
    monkeypatch.setattr(embeddings_db, "finish_chunks", finish_and_wait)
    for number in range(3):
        (index.folder / f"copy {number}.txt").write_text(f"words {number}")
    index.scan()
    embedding = threading.Thread(target=index.embedding().run_turn)
    embedding.start()
    finished.wait(WAIT_SECONDS)
    index.extraction().run_batch()
    extracted.set()
    embedding.join()
    assert index.rows("SELECT state::text FROM embeddings ORDER BY chunk_id") == [("failed",), ("done",), ("done",)]


def test_unreadable_contents_are_deleted_while_copies_are_found(index: Index) -> None:
    digests = sorted(Digest(xxhash.xxh3_128_digest(b"%d" % number)) for number in range(3))
    for digest in reversed(digests):
        index.rows(
            "INSERT INTO contents (digest, extractor, kind, size, mime_type, reason) "
            "VALUES (%s, 1, 'txt', 1, 'text/plain', 'no-text') RETURNING 1",
            digest,
        )

    def forget() -> None:
        with index.database.transaction() as connection:
            failures_db.retry_failures(connection)

    def find() -> None:
        with index.database.transaction() as connection:
            contents_db.find_contents(connection, [ContentKey(digest, 1, "txt") for digest in digests])

    with locked(index, "SELECT FROM contents WHERE digest = %s FOR UPDATE", digests[1]) as blocked:
        blocked.begin(forget)
        blocked.begin(find)


class TwoModelWork:
    """What is done with chunks that two models embed, in transactions of their own."""

    def __init__(self, index: Index, chunks: list[int]) -> None:
        """Both models have claims of all chunks."""
        self._database = index.database
        with index.database.transaction() as connection:
            start_multilingual(connection, replace(FAKE_SPEC, name="fake/multilingual", digest="2" * 64))
            self._models = live_models(connection)
            connection.execute("UPDATE models SET languages = '{en}' WHERE state = 'active'")
            connection.execute("UPDATE contents SET language = 'de'")
            for chunk in reversed(chunks):
                connection.execute("UPDATE embeddings SET attempts = 0 WHERE chunk_id = %s", (chunk,))
            self._claims = [
                embeddings_db.claim_chunks(
                    connection, model=model.id, owner=f"embed-{model.id}@here", limit=9, max_tokens=99, seconds=60
                )
                for model in self._models
            ]
        assert [len(claims) for claims in self._claims] == [3, 3]

    def finish_unread(self) -> None:
        """The active model reads none of the chunks."""
        self._write(0, lambda claims: EmbeddedBatch([], np.empty((0, 384), np.float32), [], claims))

    def finish(self) -> None:
        """The multilingual model has read all chunks."""
        vectors = np.ones((3, FAKE_SPEC.dimension), np.float32)
        self._write(1, lambda claims: EmbeddedBatch(claims, vectors, [], []))

    def _write(self, number: int, embed: Callable[[list[ClaimedChunk]], EmbeddedBatch]) -> None:
        batch = Batch(self._models[number], list(reversed(self._claims[number])), is_alone=False)
        with self._database.transaction() as connection:
            write_batch(connection, batch, embed(batch.claims))

    def ask(self) -> None:
        """A file with the contents was saved."""
        with self._database.transaction() as connection:
            contents = [row[0] for row in connection.execute("SELECT id FROM contents ORDER BY id DESC")]
            enqueue_chunks(connection, dict.fromkeys(contents, 1))

    def settle(self) -> None:
        """Maintenance brings the rows in line with the models."""
        with self._database.transaction() as connection:
            settle_contents(connection, [row[0] for row in connection.execute("SELECT id FROM contents")])


@pytest.mark.parametrize("locked_model", [0, 1])
@pytest.mark.parametrize(
    ("first", "second"), list(itertools.permutations(("finish_unread", "finish", "ask", "settle"), 2))
)
def test_rows_of_two_models_are_locked_in_one_order(
    index: Index, three_chunks: list[int], locked_model: int, first: str, second: str
) -> None:
    work = TwoModelWork(index, three_chunks)
    with locked(
        index,
        "SELECT FROM embeddings WHERE model_id = %s AND chunk_id = %s FOR UPDATE",
        work._models[locked_model].id,
        three_chunks[1],
    ) as blocked:
        blocked.begin(getattr(work, first))
        blocked.begin(getattr(work, second))


@pytest.mark.parametrize("change", ["start", "stop", "use"])
def test_models_change_while_maintenance_visits_contents(index: Index, three_chunks: list[int], change: str) -> None:
    second = replace(FAKE_SPEC, name="fake/multilingual", digest="2" * 64)
    index.rows("UPDATE models SET languages = '{en}' RETURNING 1")
    index.rows("UPDATE contents SET language = 'de' RETURNING 1")
    begin = {"start": start_multilingual, "use": build_model}.get(change)
    with index.database.transaction() as connection:
        start_multilingual(connection, second)
    with index.database.transaction() as connection:
        if change == "start":
            stop_multilingual(connection)
    with index.database.transaction() as connection:
        assert not continue_pass(connection, contents=9)

    def visit_contents() -> None:
        with index.database.transaction() as connection:
            assert continue_pass(connection, contents=9)

    def change_models() -> None:
        with index.database.transaction() as connection:
            if begin is None:
                stop_multilingual(connection)
            else:
                begin(connection, second)

    with locked(
        index, "SELECT FROM embeddings WHERE model_id = 1 AND chunk_id = %s FOR UPDATE", three_chunks[1]
    ) as blocked:
        blocked.begin(visit_contents)
        blocked.begin(change_models)
