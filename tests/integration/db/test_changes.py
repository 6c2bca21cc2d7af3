"""The marker of changes: it moves with what searches can see, and with nothing else."""

from __future__ import annotations

import pytest

from magicfs.db.cluster.heartbeats import record_mount
from magicfs.db.pool import Database
from magicfs.db.status import change_marker
from tests.integration.search.corpus import Corpus, unit

UNSEEN = (
    "UPDATE hosts SET heartbeat = now()",
    "INSERT INTO workers (name, host, kind, pid) VALUES ('w', 'box', 'embed', 1)",
    "INSERT INTO meta (key, value) VALUES ('unplaced_from', '1')",
    "UPDATE roots SET scanned_at = now(), state = 'suspect', detail = 'gone'",
    "UPDATE files SET lease = 1, leased_by = 'w', leased_until = now(), attempts = 1, claimed_at = now(), priority = 1",
    "UPDATE embeddings SET lease = 1, leased_by = 'w', leased_until = now(), attempts = 1, priority = 1",
    "UPDATE files SET state = 'pending' WHERE path = 'no such file'",
    "UPDATE files SET state = state",
    "UPDATE models SET max_tokens = max_tokens",
    "SELECT nextval('leases')",
)

SEEN = (
    "UPDATE files SET state = 'pending'",
    "UPDATE files SET mtime_ns = 1",
    "UPDATE files SET content_id = NULL, state = 'pending'",
    "UPDATE files SET path = 'other', display = 'other'",
    "DELETE FROM files",
    "DELETE FROM roots",
    """INSERT INTO files (root_id, path, display, extension, size, mtime_ns, ctime_ns, ino, mode, uid, gid)
    SELECT id, 'new', 'new', '', 1, 1, 1, 1, 420, 0, 0 FROM roots""",
    "UPDATE embeddings SET state = 'done', vector = '[0, 0, 1]' WHERE state = 'pending'",
    "UPDATE embeddings SET state = 'failed', reason = 'crashed' WHERE state = 'pending'",
    "DELETE FROM embeddings",
    "UPDATE models SET state = 'retired'",
    "UPDATE roots SET name = 'other'",
)


def marker(database: Database) -> str:
    with database.transaction() as connection:
        return change_marker(connection)


def execute(database: Database, statement: str) -> None:
    with database.transaction() as connection:
        connection.execute(statement.encode())


@pytest.fixture
def corpus(database: Database) -> Corpus:
    corpus = Corpus(database)
    corpus.add(b"a.txt", "one", "two", vectors=[unit(1, 0, 0)])
    return corpus


@pytest.mark.parametrize("statement", UNSEEN)
def test_what_no_search_sees_does_not_move_it(corpus: Corpus, database: Database, statement: str) -> None:
    before = marker(database)
    execute(database, statement)
    with database.transaction() as connection:
        record_mount(connection, host="box", path=b"/mnt", pid=1)
    assert marker(database) == before


@pytest.mark.parametrize("statement", SEEN)
def test_what_searches_see_moves_it(corpus: Corpus, database: Database, statement: str) -> None:
    before = marker(database)
    execute(database, statement)
    assert marker(database) != before


def test_it_moves_at_each_commit_and_no_writer_waits(corpus: Corpus, database: Database) -> None:
    corpus.add(b"b.txt", "three")
    markers = [marker(database)]
    with database.transaction() as first:
        first.execute("UPDATE files SET mtime_ns = 1 WHERE display = 'a.txt'")
        first.execute("UPDATE files SET mtime_ns = 2 WHERE display = 'a.txt'")
        with database.transaction() as second:
            second.execute("SET LOCAL lock_timeout = '20s'")
            second.execute("UPDATE files SET mtime_ns = 1 WHERE display = 'b.txt'")
            assert marker(database) == markers[0]
        markers.append(marker(database))
    markers.append(marker(database))
    assert len(set(markers)) == 3


def test_a_change_that_is_rolled_back_to_a_savepoint_does_not_hide_the_next_one(
    corpus: Corpus, database: Database
) -> None:
    before = marker(database)
    with database.transaction() as connection:
        connection.execute("SAVEPOINT here")
        connection.execute("UPDATE files SET mtime_ns = 1")
        connection.execute("ROLLBACK TO here")
        connection.execute("UPDATE files SET mtime_ns = 2")
    assert marker(database) != before
