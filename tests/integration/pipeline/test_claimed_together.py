"""Which rows a claim takes together, and which it leaves to later ones, on a real Postgres."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from magicfs.db.corpus import file_claims
from magicfs.db.pool import Connection
from magicfs.db.vectors import embeddings
from magicfs.domain.ids import ModelId
from tests.plugins.index import HOST, Index, working_model


def claim_files(index: Index, *, owner: str = "a", limit: int = 9, max_bytes: int = 9999) -> list[str]:
    """The names of the files of one claim."""
    with index.database.transaction() as connection:
        without_chance(connection)
        claims = file_claims.claim_files(
            connection, host=HOST, boot="", owner=owner, limit=limit, max_bytes=max_bytes, seconds=60
        )
    return sorted(claim.name.decode() for claim in claims)


def claim_chunks(index: Index, *, owner: str = "a", max_tokens: int = 9999) -> list[str]:
    """The texts of the chunks of one claim."""
    with index.database.transaction() as connection:
        without_chance(connection)
        model = working_model(connection).id
        claims = embeddings.claim_chunks(
            connection, model=model, owner=owner, limit=9, max_tokens=max_tokens, seconds=60
        )
    return sorted(claim.text for claim in claims)


def without_chance(connection: Connection) -> None:
    """Let a statement that waits for a lock fail, and let no index put rows into the order that they should have."""
    connection.execute("SET LOCAL lock_timeout = '2s'")
    connection.execute("SET LOCAL enable_indexscan = off")
    connection.execute("SET LOCAL enable_bitmapscan = off")


def write(index: Index, *names: str) -> None:
    """Files that have their names for texts, as pending rows."""
    for name in names:
        (index.folder / name).write_text(name)
    index.scan()


def set_row(index: Index, name: str, *, attempts: int, priority: int = 0) -> None:
    """Set the former attempts and the priority of a pending file, or of its pending chunk."""
    index.rows("UPDATE files SET attempts = %s, priority = %s WHERE path = %s RETURNING 1", attempts, priority, name)
    index.rows(
        "UPDATE embeddings SET attempts = %s, priority = %s FROM chunks WHERE id = chunk_id AND text = %s RETURNING 1",
        attempts,
        priority,
        name,
    )


class TestAfterALostClaim:
    """What was claimed before may have crashed its worker: nothing else is lost when it does so again."""

    def test_a_file_is_claimed_alone(self, index: Index) -> None:
        write(index, "fresh", "other", "suspect", "urgent suspect")
        set_row(index, "suspect", attempts=1)
        set_row(index, "urgent suspect", attempts=1, priority=1)
        assert [claim_files(index) for _ in range(4)] == [["urgent suspect"], ["fresh", "other"], ["suspect"], []]

    def test_a_chunk_is_claimed_alone(self, index: Index) -> None:
        write(index, "fresh", "other", "suspect", "urgent suspect")
        index.read_all()
        set_row(index, "suspect", attempts=1)
        set_row(index, "urgent suspect", attempts=1, priority=1)
        assert [claim_chunks(index) for _ in range(4)] == [["urgent suspect"], ["fresh", "other"], ["suspect"], []]

    def test_a_file_that_has_used_all_attempts_waits_for_quarantine(self, index: Index) -> None:
        write(index, "spent", "last try")
        set_row(index, "spent", attempts=file_claims.MAX_ATTEMPTS)
        set_row(index, "last try", attempts=file_claims.MAX_ATTEMPTS - 1)
        assert [claim_files(index), claim_files(index)] == [["last try"], []]
        with index.database.transaction() as connection:
            assert not file_claims.has_waiting_files(connection, host=HOST)

    def test_so_does_a_chunk(self, index: Index) -> None:
        write(index, "spent", "last try")
        index.read_all()
        set_row(index, "spent", attempts=embeddings.MAX_ATTEMPTS)
        set_row(index, "last try", attempts=embeddings.MAX_ATTEMPTS - 1)
        assert [claim_chunks(index), claim_chunks(index)] == [["last try"], []]
        with index.database.transaction() as connection:
            assert embeddings.claimable_models(connection) == []

    def test_the_last_attempt_of_another_worker_goes_on(self, index: Index) -> None:
        write(index, "note")
        set_row(index, "note", attempts=file_claims.MAX_ATTEMPTS - 1)
        assert claim_files(index, owner="b") == ["note"]
        index.extraction("a").recover()
        assert index.states() == {"note": ("pending", None)}
        index.extraction("b").recover()
        assert index.states() == {"note": ("failed", "crashed")}

    def test_so_does_that_at_a_chunk(self, index: Index) -> None:
        write(index, "note")
        index.read_all()
        set_row(index, "note", attempts=embeddings.MAX_ATTEMPTS - 1)
        assert claim_chunks(index, owner="b") == ["note"]
        index.embedding("a").recover()
        assert index.rows("SELECT state, reason FROM embeddings") == [("pending", None)]
        index.embedding("b").recover()
        assert index.rows("SELECT state, reason FROM embeddings") == [("failed", "crashed")]


class TestLimits:
    def test_files_of_a_claim_have_no_more_bytes_together(self, index: Index) -> None:
        write(index, "1 four", "2 four", "3 four")
        assert [claim_files(index, max_bytes=12) for _ in range(2)] == [["1 four", "2 four"], ["3 four"]]

    def test_the_first_file_may_have_more(self, index: Index) -> None:
        write(index, "1 four", "2 four")
        assert [claim_files(index, max_bytes=1) for _ in range(2)] == [["1 four"], ["2 four"]]

    def test_chunks_of_a_claim_have_no_more_tokens_together(self, index: Index) -> None:
        write(index, "two words", "two more", "two others")
        index.read_all()
        assert [len(claim_chunks(index, max_tokens=tokens)) for tokens in (5, 1)] == [2, 1]


class TestLockedRows:
    """A claim waits for no transaction: an agent may be about to record a file, and a worker to give one a chunk."""

    def test_a_file_is_left(self, index: Index) -> None:
        write(index, "free", "held")
        with index.database.transaction() as connection:
            connection.execute("SELECT FROM files WHERE path = 'held' FOR UPDATE")
            assert claim_files(index) == ["free"]
        assert claim_files(index) == ["held"]

    def test_so_is_one_while_slow_files_are_left_to_others(self, index: Index) -> None:
        claim_slow_file(index)
        write(index, "free", "held")
        with index.database.transaction() as connection:
            connection.execute("SELECT FROM files WHERE path = 'held' FOR UPDATE")
            assert claim_files(index) == ["free"]
        assert claim_files(index) == ["held"]

    def test_a_chunk_is_left(self, index: Index) -> None:
        write(index, "free", "held")
        index.read_all()
        with index.database.transaction() as connection:
            connection.execute(
                "SELECT FROM embeddings JOIN chunks ON id = chunk_id WHERE text = 'held' FOR UPDATE OF embeddings"
            )
            assert claim_chunks(index) == ["free"]
        assert claim_chunks(index) == ["held"]

    def test_a_chunk_that_a_file_gets_meanwhile_stays_in_the_queue(
        self, index: Index, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A claim removes the chunks that no file has, and sees what others have committed since it began."""
        write(index, "note")
        index.read_all()
        [(content,)] = index.rows(
            "UPDATE files SET state = 'pending', content_id = NULL RETURNING (SELECT id FROM contents)"
        )
        remove_orphans = embeddings._remove_orphans

        def remove(connection: Connection, model: ModelId, chunks: Sequence[int]) -> int:
            index.rows("UPDATE files SET content_id = %s RETURNING 1", content)
            return remove_orphans(connection, model, chunks)

        monkeypatch.setattr(embeddings, "_remove_orphans", remove)
        assert claim_chunks(index) == []
        monkeypatch.undo()
        assert claim_chunks(index) == ["note"]

    def test_neither_waits_for_quarantine(self, index: Index) -> None:
        write(index, "free", "held")
        index.read_all()
        index.rows("UPDATE files SET state = 'pending', attempts = %s RETURNING 1", file_claims.MAX_ATTEMPTS)
        index.rows("UPDATE embeddings SET attempts = %s RETURNING 1", embeddings.MAX_ATTEMPTS)
        with index.database.transaction() as holding, index.database.transaction() as connection:
            holding.execute("SELECT FROM files WHERE path = 'held' FOR UPDATE")
            holding.execute("SELECT FROM embeddings ORDER BY chunk_id LIMIT 1 FOR UPDATE")
            without_chance(connection)
            assert file_claims.quarantine_files(connection, extractor=1) == 1
            assert embeddings.quarantine_chunks(connection) == 1


def test_of_many_rows_the_urgent_ones_are_claimed(index: Index) -> None:
    names = [f"{number:03}" for number in range(120)]
    write(index, *names)
    set_row(index, "119", attempts=0, priority=1)
    assert claim_files(index, limit=1) == ["119"]
    index.read_all()
    set_row(index, "118", attempts=0, priority=1)
    assert "118" in claim_chunks(index)


def test_what_was_saved_goes_first_while_slow_files_are_left_to_others(index: Index) -> None:
    claim_slow_file(index)
    write(index, "1 found", "2 saved")
    set_row(index, "2 saved", attempts=0, priority=1)
    assert [claim_files(index, limit=1) for _ in range(3)] == [["2 saved"], ["1 found"], []]


def claim_slow_file(index: Index) -> None:
    """Let the other worker of this host read a file that takes long."""
    (index.folder / "slow").write_text("slow " * (512 * 1024 // 5 + 1))
    index.scan()
    assert claim_files(index, owner="other") == ["slow"]


def test_files_of_a_root_that_is_not_there_wait_for_it(index: Index) -> None:
    """A worker would find that each of them has vanished."""
    write(index, "waiting")
    index.rows("UPDATE roots SET state = 'missing' RETURNING 1")
    assert claim_files(index) == []
    with index.database.transaction() as connection:
        assert not file_claims.has_waiting_files(connection, host=HOST)
    index.rows("UPDATE roots SET state = 'present' RETURNING 1")
    assert claim_files(index) == ["waiting"]
