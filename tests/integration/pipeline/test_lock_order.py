"""Transactions that take several rows take them in one order: none of them ever has to be broken off for another.

In each test somebody holds the middle one of three rows until two transactions have begun: had these two different
orders, each would now have one end and wait for the other.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xxhash
from numpy.typing import NDArray

from magicfs.db import contents as contents_db
from magicfs.db import embeddings as embeddings_db
from magicfs.db import failures as failures_db
from magicfs.db.files import claim_files
from magicfs.domain.contents import ContentKey
from magicfs.domain.ids import Digest
from magicfs.errors import ModelError
from magicfs.ingest.roots import add_root, remove_root
from magicfs.ingest.scanner import Scanner
from tests.fakes.queue import SilentQueue
from tests.plugins.index import HOST, Index

UNTIL_IT_WAITS = 0.4
"""Seconds in which a transaction comes to where it waits for a lock."""


@pytest.fixture(autouse=True)
def no_deadlocks(index: Index) -> Iterator[None]:
    """Postgres counts them, also those after which a transaction was simply tried again."""
    yield
    # A backend reports what it counted when it is idle or ends.
    index.rows("SELECT pg_stat_force_next_flush()")
    index.database.close_idle_connections()
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        assert index.rows("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == [(0,)]
        time.sleep(0.2)


@contextmanager
def held(index: Index, query: str, *values: object) -> Iterator[Callable[[Callable[[], object]], None]]:
    """Hold rows while transactions begin, which go on when the block ends; their errors are raised then."""
    threads: list[threading.Thread] = []
    errors: list[BaseException] = []

    def begin(work: Callable[[], object]) -> None:
        def run() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - raised below
                errors.append(error)

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        time.sleep(UNTIL_IT_WAITS)

    with index.database.transaction() as connection:
        assert connection.execute(query, values).rowcount == 1
        yield begin
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


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
        claims = claim_files(connection, host=HOST, owner="extract-1@here", limit=64, max_bytes=4 << 20, seconds=600)
    scanner = Scanner(index.database, SilentQueue())

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

    with held(index, "SELECT FROM files WHERE path = 'gone/b' FOR UPDATE") as begin:
        begin(forget)
        begin(lambda: index.extraction()._process_or_return_claims(claims))


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
        # As after two that left a content at the same moment, each of whom saw the other.
        index.rows("DELETE FROM files WHERE root_id = %s RETURNING 1", index.root.id)
    with held(index, "SELECT FROM contents WHERE id = %s FOR UPDATE", middle) as begin:
        begin(leave)
        begin(copies.settle)
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
        go_on.wait(20)
        return embed(texts)

    monkeypatch.setattr(index.embedder, "embed_passages", wait)
    embedding = threading.Thread(target=index.embedding().run_batch)
    embedding.start()
    claimed.wait(20)
    with held(index, "SELECT FROM embeddings WHERE chunk_id = %s FOR UPDATE", chunks[1]) as begin:
        begin(index.extraction().run_batch)
        go_on.set()
        time.sleep(UNTIL_IT_WAITS)
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


@pytest.mark.parametrize("how", ["set aside", "try again", "release"])
def test_chunks_change_their_state_while_copies_ask_for_them(index: Index, three_chunks: list[int], how: str) -> None:
    for place, chunk in enumerate(reversed(three_chunks)):
        change = {
            "set aside": "attempts = 100",
            "try again": "state = 'failed', reason = 'crashed'",
            "release": "lease = 7, leased_by = 'embed-1@here'",
        }[how]
        index.rows(f"UPDATE embeddings SET {change}, priority = -%s WHERE chunk_id = %s RETURNING 1", place, chunk)

    def change_state() -> None:
        with index.database.transaction() as connection:
            match how:
                case "set aside":
                    embeddings_db.quarantine_chunks(connection)
                case "try again":
                    failures_db.retry_failures(connection)
                case _:
                    embeddings_db.release_chunks(connection, owner="embed-1@here")

    def ask() -> None:
        with index.database.transaction() as connection:
            contents = [row[0] for row in connection.execute("SELECT id FROM contents")]
            contents_db.enqueue_chunks(connection, dict.fromkeys(contents, 1))

    with held(index, "SELECT FROM embeddings WHERE chunk_id = %s FOR UPDATE", three_chunks[1]) as begin:
        begin(change_state)
        begin(ask)


def test_a_bad_vector_is_refused_while_copies_ask_for_the_good_ones(
    index: Index, three_chunks: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    index.rows("UPDATE embeddings SET attempts = 0 RETURNING 1")
    embed, finish = index.embedder.embed_passages, embeddings_db.finish_chunks
    asking = threading.Event()

    def refuse(texts: Sequence[str]) -> NDArray[np.float32]:
        if "words 0" in texts:
            raise ModelError("a vector is not finite")
        return embed(texts)

    def finish_slowly(*arguments: Any, **named: Any) -> int:
        done = finish(*arguments, **named)
        asking.set()
        time.sleep(UNTIL_IT_WAITS)
        return done

    monkeypatch.setattr(index.embedder, "embed_passages", refuse)
    monkeypatch.setattr(embeddings_db, "finish_chunks", finish_slowly)
    for number in range(3):
        (index.folder / f"copy {number}.txt").write_text(f"words {number}")
    index.scan()
    embedding = threading.Thread(target=index.embedding().run_batch)
    embedding.start()
    asking.wait(20)
    index.extraction().run_batch()
    embedding.join()
    assert index.rows("SELECT state::text FROM embeddings ORDER BY chunk_id") == [("failed",), ("done",), ("done",)]


def test_verdicts_are_forgotten_while_copies_are_met(index: Index) -> None:
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

    def meet() -> None:
        with index.database.transaction() as connection:
            contents_db.find_contents(connection, [ContentKey(digest, 1, "txt") for digest in digests])

    with held(index, "SELECT FROM contents WHERE digest = %s FOR UPDATE", digests[1]) as begin:
        begin(forget)
        begin(meet)
