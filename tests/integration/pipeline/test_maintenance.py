"""What maintenance deletes and what it keeps, on a real Postgres."""

from typing import Any

import pytest

from magicfs.db.corpus import contents as contents_db
from magicfs.db.corpus import file_claims
from magicfs.db.corpus.file_claims import MAX_ATTEMPTS
from magicfs.domain.contents import EXTRACTOR_VERSION
from magicfs.text.extract import versions
from tests.plugins.index import HOST, Index
from tests.plugins.services import make_maintenance

ONLY_CHUNK = "INSERT INTO chunks (digest, text, tokens, words) VALUES (%s, 'x', 1, '') RETURNING id"


def sweep_once(index: Index, *, limit: int = 100) -> int:
    with index.database.transaction() as connection:
        return contents_db.sweep_orphans(connection, grace_s=-1, limit=limit)


def stray_chunk(index: Index, number: int) -> int:
    """A chunk of no content, which waits for its vector."""
    [(chunk,)] = index.rows(ONLY_CHUNK, number.to_bytes(16, "big"))
    index.rows("INSERT INTO embeddings (model_id, chunk_id) SELECT id, %s FROM models RETURNING 1", chunk)
    return chunk


def test_two_concurrent_sweeps_leave_nothing_of_a_chunk_that_both_delete(index: Index) -> None:
    for name in ("one.txt", "two.txt"):
        (index.folder / name).write_text(f"shared\n\nof {name}")
    index.settle()
    for name in ("one.txt", "two.txt"):
        (index.folder / name).unlink()
    index.scan()
    with index.database.transaction() as first:
        assert contents_db.sweep_orphans(first, grace_s=-1, limit=1) == 1
        assert sweep_once(index, limit=1) == 0, "only one transaction sweeps at a time"
    assert sweep_once(index) == 1
    assert index.rows("SELECT count(*) FROM chunks") == [(0,)]
    assert index.rows("SELECT count(*) FROM embeddings") == [(0,)]


class TestBytesWithoutText:
    def test_they_are_not_parsed_again_after_a_sweep(self, index: Index) -> None:
        (index.folder / "one.bin").write_text("  ")
        index.settle()
        make_maintenance(index.database).sweep()
        assert sweep_once(index) == 0
        (index.folder / "copy.bin").write_text("  ")
        index.settle()
        assert index.reader.calls == [b"one.bin"]
        assert index.states()["copy.bin"] == ("named", None)

    def test_they_are_forgotten_when_no_copy_has_come_for_long(self, index: Index) -> None:
        for name, text in (("stale.bin", "locked"), ("used.bin", "locked too")):
            (index.folder / name).write_text(text)
        index.settle()
        index.rows("UPDATE contents SET used_at = now() - interval '31 days' RETURNING 1")
        (index.folder / "copy.bin").write_text("locked too")
        index.settle()
        make_maintenance(index.database).sweep()
        assert sweep_once(index) == 1
        assert index.rows("SELECT size FROM contents") == [(10,)]


class TestAnOlderExtractor:
    def test_what_it_read_is_read_anew(self, index: Index) -> None:
        (index.folder / "one.txt").write_text("alpha")
        index.settle()
        index.rows("UPDATE contents SET extractor = extractor - 1 RETURNING 1")
        make_maintenance(index.database).sweep()
        assert index.states() == {"one.txt": ("pending", None)}
        index.settle()
        assert index.states() == {"one.txt": ("indexed", None)}
        assert index.rows("SELECT state FROM embeddings") == [("done",)], "the same chunks have their vectors already"

    def test_what_it_found_no_text_in_is_read_anew(self, index: Index) -> None:
        (index.folder / "locked.txt").write_text("locked")
        (index.folder / "crashed.txt").write_text("bad")
        (index.folder / "large.txt").write_bytes(b"x" * ((1 << 20) + 1))
        index.scan()
        index.rows("UPDATE files SET attempts = %s WHERE path = 'crashed.txt' RETURNING 1", MAX_ATTEMPTS)
        index.extraction().recover()
        index.settle()
        before = index.states()
        assert [reason for _, reason in before.values()] == ["crashed", "too-large", "encrypted"]
        make_maintenance(index.database).sweep()
        assert index.states() == before, "this version has read them"
        index.rows("UPDATE files SET extractor = extractor - 1 RETURNING 1")
        make_maintenance(index.database).sweep()
        pending = ("pending", None)
        assert index.states() == dict.fromkeys(before, pending)
        while index.extraction().run_batch():
            pass
        assert index.states() == before | {"crashed.txt": ("indexed", None)}, "it has all its attempts again"

    def test_a_new_reader_of_one_kind_reads_the_files_of_that_kind(
        self, index: Index, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("one.txt", "two.md", "three.md"):
            (index.folder / name).write_text(f"words of {name}")
        index.settle()
        make_maintenance(index.database).sweep()
        assert {state for state, _ in index.states().values()} == {"indexed"}, "this version has read them"
        monkeypatch.setitem(versions.READER_VERSIONS, "md", EXTRACTOR_VERSION + 7)
        make_maintenance(index.database).sweep()
        pending = ("pending", None)
        assert index.states() == {"one.txt": ("indexed", None), "two.md": pending, "three.md": pending}
        index.reader.calls.clear()
        index.settle()
        assert sorted(index.reader.calls) == [b"three.md", b"two.md"]
        make_maintenance(index.database).sweep()
        assert {state for state, _ in index.states().values()} == {"indexed"}
        assert index.rows("SELECT state FROM embeddings") == [("done",)] * 3

    def test_what_it_read_on_another_host_is_left_to_that_host(self, index: Index) -> None:
        """It may have the older version still, which would read its files again and again, and change nothing."""
        (index.folder / "one.txt").write_text("alpha")
        (index.folder / "locked.txt").write_text("locked")
        index.settle()
        read = index.states()
        index.rows("UPDATE contents SET extractor = extractor - 1 RETURNING 1")
        index.rows("UPDATE files SET extractor = extractor - 1 RETURNING 1")
        index.rows("UPDATE hosts SET name = 'there' RETURNING 1")
        make_maintenance(index.database).sweep()
        assert index.states() == read
        index.rows("UPDATE hosts SET name = %s RETURNING 1", HOST)
        make_maintenance(index.database).sweep()
        assert set(index.states().values()) == {("pending", None)}

    def test_a_few_wait_at_a_time_and_the_next_sweep_adds_more(
        self, index: Index, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("magicfs.pipeline.maintenance.OUTDATED_FILES", 2)
        for number in range(5):
            (index.folder / f"{number}.txt").write_text(f"words {number}")
        index.settle()
        index.rows("UPDATE contents SET extractor = extractor - 1 RETURNING 1")
        maintenance = make_maintenance(index.database)
        waiting = []
        for _ in range(4):
            maintenance.sweep()
            # Nothing may have been read since: a file may take minutes.
            maintenance.sweep()
            waiting.append(sum(state == "pending" for state, _ in index.states().values()))
            while index.extraction().run_batch():
                pass
        assert waiting == [2, 2, 1, 0]

    @pytest.mark.parametrize(
        ("state", "limit", "looked_again"), [("present", 1, True), ("missing", 1, False), ("present", 2, False)]
    )
    def test_it_looks_for_more_while_as_many_wait_as_may(
        self, index: Index, monkeypatch: pytest.MonkeyPatch, state: str, limit: int, looked_again: bool
    ) -> None:
        """To look where there are none takes long, in an index of a million files."""
        monkeypatch.setattr("magicfs.pipeline.maintenance.OUTDATED_FILES", limit)
        (index.folder / "one.txt").write_text("alpha")
        index.settle()
        index.rows("UPDATE contents SET extractor = extractor - 1 RETURNING 1")
        index.rows("UPDATE roots SET state = %s RETURNING 1", state)
        found: list[int] = []
        requeue_outdated = file_claims.requeue_outdated

        def requeue(*given: Any, **named: Any) -> int:
            found.append(requeue_outdated(*given, **named))
            return found[-1]

        monkeypatch.setattr(file_claims, "requeue_outdated", requeue)
        maintenance = make_maintenance(index.database)
        for _ in range(4):
            maintenance.sweep()
        assert found == ([1, 0, 0, 0] if looked_again else [1, 0])


class TestChunksOfNoContent:
    def test_they_are_deleted_with_their_vectors(self, index: Index) -> None:
        (index.folder / "one.txt").write_text("words")
        index.settle()
        stray_chunk(index, 1)
        make_maintenance(index.database).sweep()
        assert index.rows("SELECT text FROM chunks") == [("words",)]
        assert index.rows("SELECT state FROM embeddings") == [("done",)]

    def test_a_few_are_checked_at_a_time_and_all_in_turn(self, index: Index) -> None:
        for number in range(5):
            stray_chunk(index, number)
        assert [self.sweep_chunks(index) for _ in range(3)] == [2, 2, 1]
        stray_chunk(index, 9)
        assert self.sweep_chunks(index) == 1, "after the last chunk it starts with the first again"

    def test_one_that_a_content_is_getting_is_kept(self, index: Index) -> None:
        (index.folder / "one.txt").write_text("words")
        index.settle()
        chunk = stray_chunk(index, 1)
        place = "INSERT INTO content_chunks SELECT id, 7, %s, 1, 1 FROM contents"
        with index.database.transaction() as other:
            other.execute(place, (chunk,))
            assert self.sweep_chunks(index) == 0
        assert index.rows("SELECT count(*) FROM chunks") == [(2,)]

    def sweep_chunks(self, index: Index) -> int:
        with index.database.transaction() as connection:
            return contents_db.sweep_chunks(connection, limit=2)
