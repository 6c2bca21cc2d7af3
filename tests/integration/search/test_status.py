"""The counts of the status and of progress are exact in every state of files and chunks."""

from dataclasses import replace

from magicfs.db.cluster.roots import database_time, list_unscanned
from magicfs.db.pool import Database
from magicfs.db.status import read_progress, read_status
from magicfs.db.vectors.model_changes import start_multilingual
from tests.integration.search.corpus import SPEC, Corpus, unit


def test_an_empty_index(database: Database) -> None:
    with database.transaction() as connection:
        status = read_status(connection)
    assert (status.model, status.files.total, status.chunks.total, status.roots) == (None, 0, 0, ())


def test_files_chunks_and_roots_are_counted(database: Database) -> None:
    corpus = Corpus(database)
    corpus.add(b"a.txt", "one", "two", "three", vectors=[unit(1, 0, 0)])
    corpus.file(b"b.txt", None, state="pending")
    with database.transaction() as connection:
        connection.execute("UPDATE embeddings SET state = 'failed' WHERE chunk_id = (SELECT max(id) FROM chunks)")
        connection.execute("UPDATE files SET state = 'skipped', reason = 'too-large' WHERE display = 'b.txt'")
        status = read_status(connection)
    assert status.model == SPEC.label
    assert (status.files.total, status.files.indexed, status.files.skipped, status.files.pending) == (2, 1, 1, 0)
    assert (status.chunks.total, status.chunks.embedded, status.chunks.failed) == (3, 1, 1)
    assert [(root.name, root.files.total) for root in status.roots] == [("papers", 2)]
    assert status.coverage.embedded == 1


EVERY_LANGUAGE = replace(SPEC, name="fake/every-language")


def test_second_vectors_keep_nobody_waiting(database: Database) -> None:
    corpus = Corpus(database)
    corpus.add(b"english.txt", "one", "two", vectors=[unit(1, 0, 0), unit(0, 1, 0)])
    corpus.add(b"german.txt", "eins", "zwei", "drei", vectors=[])
    Corpus(database, root="beside", path=b"/beside").file(b"c.txt", None, state="pending")
    with database.transaction() as connection:
        start_multilingual(connection, EVERY_LANGUAGE)
        connection.execute("DELETE FROM embeddings WHERE model_id = (SELECT max(id) FROM models)")
        connection.execute(
            "INSERT INTO embeddings (model_id, chunk_id, priority, state, reason)"
            " SELECT (SELECT max(id) FROM models), id,"
            "   CASE WHEN text IN ('one', 'two') THEN -1 ELSE 0 END,"
            "   CASE WHEN text IN ('two', 'drei') THEN 'failed' ELSE 'pending' END::embedding_state, NULL FROM chunks"
        )
        connection.execute("UPDATE embeddings SET state = 'unread' WHERE model_id = 1 AND state = 'pending'")
        status = read_status(connection)
        progress = read_progress(connection, host="box", since=database_time(connection), root="papers")
    # `one` and `two` are found by the active model; `drei` failed under the only model that reads it.
    assert (status.chunks.total, status.chunks.embedded, status.chunks.failed) == (5, 2, 1)
    assert (status.chunks.pending, status.coverage.pending_chunks) == (2, 2)
    assert progress.chunks == status.chunks
    active, other = status.models
    assert (active.name, active.role, active.total, active.pending, active.embedded) == (SPEC.name, "active", 5, 0, 2)
    assert (active.unread, other.unread) == (3, 0)
    assert (other.name, other.role) == ("fake/every-language", "multilingual")
    assert (other.total, other.embedded, other.pending, other.second_vectors, other.failed) == (5, 0, 2, 1, 2)


def test_progress_counts_one_host(database: Database) -> None:
    first = Corpus(database)
    first.add(b"a.txt", "one", "shared", vectors=[unit(1, 0, 0), unit(0, 1, 0)])
    second = Corpus(database, host="other", root="theirs", path=b"/theirs")
    second.add(b"b.txt", "two", "shared", vectors=[])
    second.file(b"c.txt", None, state="pending")
    with database.transaction() as connection:
        progress = read_progress(connection, host="box", since=database_time(connection))
        status = read_status(connection)
    assert (progress.files.total, progress.files.pending) == (1, 0)
    assert (progress.chunks.total, progress.chunks.embedded) == (2, 2)
    assert (status.files.total, status.chunks.total, status.chunks.embedded) == (3, 3, 2)


def test_progress_counts_one_root(database: Database) -> None:
    papers = Corpus(database)
    papers.add(b"a.txt", "one", "shared", vectors=[unit(1, 0, 0), unit(0, 1, 0)])
    other = Corpus(database, root="beside", path=b"/beside")
    other.add(b"b.txt", "two", "shared", vectors=[])
    other.file(b"c.txt", None, state="pending")
    with database.transaction() as connection:
        since = database_time(connection)
        progress = read_progress(connection, host="box", since=since, root="papers")
        of_other_host = read_progress(connection, host="other", since=since, root="papers")
        unknown = read_progress(connection, host="box", since=since, root="gone")
    assert (progress.files.total, progress.files.pending) == (1, 0)
    assert (progress.chunks.total, progress.chunks.embedded) == (2, 2)
    assert of_other_host == progress
    assert (unknown.files.total, unknown.chunks.total) == (0, 0)


def test_a_file_that_keeps_changing_is_waited_for_until_it_was_read_once(database: Database) -> None:
    corpus = Corpus(database)
    corpus.add(b"log.txt", "one", vectors=[unit(1, 0, 0)])
    with database.transaction() as connection:
        since = database_time(connection)
        connection.execute("UPDATE files SET state = 'pending', read_at = %s - interval '1 second'", (since,))
        connection.execute("UPDATE files SET leased_until = now() + interval '1 minute'")
        assert read_progress(connection, host="box", since=since).files.pending == 1
        connection.execute("UPDATE files SET read_at = %s + interval '1 second'", (since,))
        progress = read_progress(connection, host="box", since=since)
    assert (progress.files.pending, progress.files.indexed) == (0, 1)


def test_unscanned_roots_are_counted_by_root(database: Database) -> None:
    for host, name in (("box", "papers"), ("box", "beside"), ("other", "theirs")):
        Corpus(database, host=host, root=name, path=b"/" + name.encode())
    with database.transaction() as connection:
        began = database_time(connection)
        connection.execute("UPDATE roots SET scanned_at = now() WHERE name IN ('papers', 'theirs')")
        assert list_unscanned(connection, host="box", since=began) == ["beside"]
        assert list_unscanned(connection, host="box", root="papers", since=began) == []
        assert list_unscanned(connection, host="box", root="beside", since=began) == ["beside"]
        assert list_unscanned(connection, host="box", root="theirs", since=began) == []


def test_only_recent_heartbeats_are_listed(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO workers (name, host, kind, pid, seen_at) VALUES "
            "('new', 'h', 'embed', 1, now()), ('old', 'h', 'embed', 2, now() - interval '3 minutes')"
        )
        connection.execute(
            "INSERT INTO mounts (host, path, pid, seen_at) VALUES "
            "('h', '/new', 1, now()), ('h', '/old', 2, now() - interval '3 minutes')"
        )
        status = read_status(connection)
    assert [worker.name for worker in status.workers] == ["new"]
    assert [mount.path for mount in status.mounts] == [b"/new"]
