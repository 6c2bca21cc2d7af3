"""What is to blame when the kernel kills for want of memory: others may have taken it, and are gone a minute later."""

from __future__ import annotations

import pytest

from magicfs.db.corpus.file_claims import MAX_ATTEMPTS
from magicfs.db.vectors.embeddings import MAX_ATTEMPTS as MAX_CHUNK_ATTEMPTS
from magicfs.db.vectors.embeddings import claim_chunks, suspect_chunk
from magicfs.domain.chunks import ClaimedChunk
from magicfs.domain.contents import Document, Gap, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.errors import DatabaseConflict
from magicfs.pipeline.file_results import FIRST_MEMORY_PAUSE_SECONDS
from tests.plugins.index import FOUND_TEXT, Index, working_model

FAILED = ("failed", "out-of-memory")


@pytest.fixture
def memory(index: Index, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What lets the parser have memory, while there is something in it."""
    has_memory: list[str] = []
    read = index.reader.extract

    def extract(content: bytes, *, name: bytes, gap: Gap | None = None) -> Document | Unreadable:
        document = read(content, name=name, gap=gap)
        return document if has_memory else Unreadable(SkipReason.OUT_OF_MEMORY, "killed twice")

    monkeypatch.setattr(index.reader, "extract", extract)
    return has_memory


def end_pauses(index: Index) -> list[float]:
    """End the pauses of the files that wait. Returns how long each was at least, in seconds."""
    waiting = index.rows("SELECT extract(epoch FROM leased_until - claimed_at) FROM files WHERE state = 'pending'")
    index.rows("UPDATE files SET leased_until = NULL WHERE state = 'pending' RETURNING 1")
    return [float(seconds) for (seconds,) in waiting]


@pytest.mark.parametrize("name", ["note.txt", "note.slow"])
def test_it_is_read_when_there_is_memory_again(index: Index, memory: list[str], name: str) -> None:
    (index.folder / name).write_text("first words")
    index.settle()
    assert index.states() == {name: ("pending", None)}
    assert index.rows("SELECT attempts, lease, leased_by FROM files") == [(1, None, None)]
    end_pauses(index)
    memory.append("some")
    index.settle()
    assert index.states() == {name: ("indexed", None)}
    assert index.rows(FOUND_TEXT) == [("first words",)]


def test_it_has_failed_after_some_attempts_and_longer_and_longer_pauses(index: Index, memory: list[str]) -> None:
    for name in ("note.txt", "copy.txt"):
        (index.folder / name).write_text("first words")
    index.settle()
    for attempt in range(MAX_ATTEMPTS - 1):
        pauses = end_pauses(index)
        assert len(pauses) == 2
        assert min(pauses) >= FIRST_MEMORY_PAUSE_SECONDS * 2**attempt
        index.settle()
    assert index.states() == {"copy.txt": FAILED, "note.txt": FAILED}


def test_a_chunk_that_fails_otherwise_is_not_out_of_memory(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError

    (index.folder / "note.txt").write_text("first words")
    index.read_all()
    monkeypatch.setattr(index.embedder, "embed_chunks", fail)
    for _ in range(MAX_CHUNK_ATTEMPTS):
        worker = index.embedding()
        worker.recover(lacked_memory=True)
        with pytest.raises(ZeroDivisionError):
            worker.run_turn()
        assert index.rows("SELECT state, reason FROM embeddings") == [("pending", None)]
    index.embedding().recover()
    assert index.rows("SELECT state, reason FROM embeddings") == [("failed", "crashed")]


class TestChunks:
    """An embed worker that the kernel has killed suspects one chunk from then on, when it has shown that others fit."""

    @staticmethod
    def claim(index: Index, *, owner: str = "a") -> list[ClaimedChunk]:
        with index.database.transaction() as connection:
            model = working_model(connection).id
            return claim_chunks(connection, model=model, owner=owner, limit=9, max_tokens=99, seconds=60)

    def claim_suspect(self, index: Index) -> None:
        [claim] = self.claim(index)
        with index.database.transaction() as connection:
            suspect_chunk(connection, model=working_model(connection).id, claim=claim)

    @staticmethod
    def counted(index: Index) -> list[tuple[int, str | None]]:
        return index.rows("SELECT attempts, reason FROM embeddings ORDER BY chunk_id")

    def test_a_kill_is_no_attempt_and_they_are_claimed_alone(self, index: Index) -> None:
        (index.folder / "note.txt").write_text("one\n\ntwo")
        index.read_all()
        assert len(self.claim(index)) == 2
        for _ in range(2 * MAX_CHUNK_ATTEMPTS):
            index.embedding("a").recover(lacked_memory=True)
            assert self.counted(index) == [(1, None), (1, None)]
            assert len(self.claim(index)) == 1

    def test_a_kill_over_a_suspect_is_one(self, index: Index) -> None:
        (index.folder / "note.txt").write_text("one")
        index.read_all()
        for attempt in range(1, MAX_CHUNK_ATTEMPTS):
            self.claim_suspect(index)
            index.embedding("a").recover(lacked_memory=True)
            assert self.counted(index) == [(attempt, "out-of-memory")]
        self.claim_suspect(index)
        index.embedding("a").recover(lacked_memory=True)
        assert index.rows("SELECT state, reason FROM embeddings") == [("failed", "out-of-memory")]

    def test_one_that_crashes_otherwise_or_is_claimed_anew_is_no_suspect(self, index: Index) -> None:
        (index.folder / "note.txt").write_text("one")
        index.read_all()
        self.claim_suspect(index)
        index.embedding("a").recover()
        assert self.counted(index) == [(1, None)]
        self.claim_suspect(index)
        index.embedding("a").recover(lacked_memory=True)
        assert self.counted(index) == [(2, "out-of-memory")]
        self.claim(index)
        assert self.counted(index) == [(3, None)]

    def test_others_are_embedded_together_as_ever(self, index: Index) -> None:
        (index.folder / "note.txt").write_text("one\n\ntwo")
        index.read_all()
        worker = index.embedding("a")
        worker.recover(lacked_memory=True)
        assert worker.run_turn() == 2

    def test_a_conflict_in_the_database_is_no_attempt(self, index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object) -> int:
            raise DatabaseConflict("another transaction was first")

        (index.folder / "note.txt").write_text("one")
        index.read_all()
        monkeypatch.setattr("magicfs.pipeline.embed.write_batch", fail)
        with pytest.raises(DatabaseConflict):
            index.embedding().run_turn()
        assert self.counted(index) == [(0, None)]

    def test_those_of_another_worker_are_its_own(self, index: Index) -> None:
        (index.folder / "note.txt").write_text("one")
        index.read_all()
        [claim] = self.claim(index, owner="b")
        assert index.embedding("a").recover() == 0
        assert self.claim(index) == []
        assert index.rows("SELECT lease, leased_by FROM embeddings") == [(claim.lease, "b")]


def test_only_the_own_file_of_a_worker_that_lacked_memory_has_needed_it(index: Index) -> None:
    for name in ("crashing.txt", "greedy.txt"):
        (index.folder / name).write_text(name)
    index.scan()
    index.rows(
        "UPDATE files SET attempts = %s, lease = nextval('leases'), claimed_at = now(), "
        "leased_by = CASE path WHEN 'greedy.txt' THEN 'extract-1@here' ELSE 'extract-2@here' END, "
        # That worker has died as well, and is not back.
        "leased_until = now() + CASE path WHEN 'greedy.txt' THEN interval '1 minute' ELSE interval '-1 minute' END "
        "RETURNING 1",
        MAX_ATTEMPTS,
    )
    index.extraction("extract-1@here").recover(memory_kills=MAX_ATTEMPTS)
    assert index.states() == {"crashing.txt": ("failed", "crashed"), "greedy.txt": FAILED}


@pytest.mark.parametrize(("kills", "attempts"), [(0, 2), (1, 1), (2, 2)])
def test_files_that_were_claimed_together_are_claimed_alone_after_the_end_of_their_worker(
    index: Index, kills: int, attempts: int
) -> None:
    """Which of them it was about is not known. The first kill for want of memory is no attempt of any."""
    for name in ("one.txt", "two.txt"):
        (index.folder / name).write_text(name)
    index.scan()
    assert len(index.extraction().claim_files()) == 2
    index.extraction().recover(memory_kills=kills)
    [claim] = index.extraction().claim_files()
    index.extraction().recover(memory_kills=kills)
    assert index.rows("SELECT attempts FROM files WHERE id = %s", claim.id) == [(attempts,)]
