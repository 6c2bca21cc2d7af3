"""Every transaction locks rows in the same order, so that Postgres never aborts one because of a deadlock.

Each test locks the middle one of three rows until two transactions wait for a lock. If these two had different orders,
each would now hold one of the outer rows and wait for the other's.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xxhash
from numpy.typing import NDArray

from magicfs.db.corpus import contents as contents_db
from magicfs.db.corpus import failures as failures_db
from magicfs.db.corpus.file_claims import claim_files
from magicfs.db.pool import Connection
from magicfs.db.vectors import embeddings as embeddings_db
from magicfs.db.vectors.embedding_queue import enqueue_chunks
from magicfs.domain.ids import Digest
from magicfs.domain.stored_contents import ContentKey
from magicfs.errors import ModelError
from magicfs.ingest.roots import add_root, remove_root
from tests.integration.pipeline.lock_order.row_locks import WAIT_SECONDS, locked, waiting_backends
from tests.plugins.index import HOST, Index
from tests.plugins.waiting import eventually


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
        blocked.begin(lambda: index.processor().process(claims))


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
