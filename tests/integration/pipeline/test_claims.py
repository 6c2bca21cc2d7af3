"""Which waiting files and chunks workers claim, in which order, and what becomes of lost claims, on a real Postgres."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from magicfs.db.cluster.heartbeats import record_workers
from magicfs.db.cluster.roots import list_roots
from magicfs.db.corpus.file_claims import EXTRA_ATTEMPT_PAUSE_SECONDS, claim_files, has_waiting_files
from magicfs.db.corpus.file_claims import MAX_ATTEMPTS as MAX_FILE_ATTEMPTS
from magicfs.db.vectors.embeddings import MAX_ATTEMPTS, claim_chunks
from magicfs.db.vectors.models import active_model
from magicfs.domain.contents import Document, Gap, Unreadable
from magicfs.domain.files import FileStat, SeenFile
from magicfs.domain.roots import RegisteredRoot, RootState
from magicfs.domain.status import WorkerStatus
from magicfs.ingest.roots import add_root
from tests.plugins.index import FOUND_TEXT, HOST, Index
from tests.plugins.services import make_maintenance


def test_what_was_saved_goes_ahead_of_a_bulk_import(index: Index) -> None:
    from magicfs.db.corpus.files import upsert_files
    from magicfs.domain.files import FileStat, SeenFile
    from magicfs.text.names import file_name

    for number in range(200):
        (index.folder / f"bulk{number}.txt").write_text(f"bulk {number}")
    index.scan()
    saved = index.folder / "saved.txt"
    saved.write_text("just saved")
    with index.database.transaction() as connection:
        seen = [SeenFile(b"saved.txt", FileStat.of(saved.stat()))]
        upsert_files(connection, index.root.id, seen, name_of=file_name, priority=1)
    index.extraction().run_batch()
    assert index.states()["saved.txt"] == ("indexed", None)
    with index.database.transaction() as connection:
        model = active_model(connection)
        assert model is not None
        claims = claim_chunks(connection, model=model.id, owner="x", limit=1, max_tokens=10, seconds=1)
    assert [claim.text for claim in claims] == ["just saved"]


def test_pictures_that_a_scan_finds_are_read_after_everything_else(index: Index) -> None:
    for name in ("first.JPG", "second.png", "third.txt"):
        (index.folder / name).write_text("not really a picture")
    index.scan()
    assert _claim_all(index) == ["third.txt", "first.JPG", "second.png"]


def test_a_picture_that_was_just_saved_goes_first(index: Index) -> None:
    (index.folder / "letter.txt").write_text("a letter")
    index.scan()
    screenshot = index.folder / "screenshot.png"
    screenshot.write_text("not really a picture")
    index.scanner.record(index.root, [SeenFile(b"screenshot.png", FileStat.of(screenshot.stat()))])
    assert _claim_all(index) == ["screenshot.png", "letter.txt"]


def test_what_a_newer_version_reads_again_waits_for_everything_else(index: Index) -> None:
    for number in range(3):
        (index.folder / f"known-{number}.txt").write_text(f"known {number}")
    index.settle()
    _outdate_all(index)
    (index.folder / "new.txt").write_text("new")
    (index.folder / "picture.png").write_text("not really a picture")
    (index.folder / "known-1.txt").write_text("changed since")
    index.scan()
    assert _claim_all(index) == ["known-1.txt", "new.txt", "picture.png", "known-0.txt", "known-2.txt"]


def _outdate_all(index: Index) -> None:
    """Have a newer version find that it reads all files in another way."""
    index.end_pauses()
    index.rows("UPDATE contents SET extractor = extractor - 1 RETURNING 1")
    make_maintenance(index.database).sweep()


def test_roots_are_read_in_turn(index: Index, tmp_path: Path) -> None:
    for number in range(20):
        (index.folder / f"{number}.txt").write_text(f"number {number}")
    index.scan()
    notes = tmp_path / "notes"
    notes.mkdir()
    for number in range(3):
        (notes / f"note-{number}.txt").write_text(f"note {number}")
    root = add_root(index.database, host=HOST, path=notes, home=tmp_path / "home")
    index.scanner.scan(RegisteredRoot(root, RootState.PRESENT, detail=None, scan_wanted_at=None))
    first: list[str] = []
    for _ in range(3):
        with index.database.transaction() as connection:
            claims = claim_files(connection, host=HOST, boot="", owner="x", limit=2, max_bytes=9999, seconds=600)
        assert len({claim.root for claim in claims}) == 2
        first.append(min(claims, key=lambda claim: claim.id).name.decode())
    assert first == ["0.txt", "1.txt", "10.txt"], "each root in its own order"
    assert len(_claim_all(index)) == 17


def test_each_root_is_the_first_in_some_claims(index: Index, tmp_path: Path) -> None:
    """A worker may have time for no more than the first of what it has claimed; embed workers take leases meanwhile."""
    folders = [index.folder, tmp_path / "another root"]
    folders[1].mkdir()
    add_root(index.database, host=HOST, path=folders[1], home=tmp_path / "home")
    for folder in folders:
        for number in range(30):
            (folder / f"{number}.txt").write_text(f"number {number}")
    with index.database.transaction() as connection:
        roots = list_roots(connection)
    for registered in roots:
        index.scanner.scan(registered)
    first = set()
    for _ in range(30):
        with index.database.transaction() as connection:
            claims = claim_files(connection, host=HOST, boot="", owner="x", limit=1, max_bytes=9999, seconds=600)
            connection.execute("SELECT nextval('leases')")
        first.add(claims[0].root)
        if len(first) == len(folders):
            break
    assert first == {os.fsencode(folder) for folder in folders}


def _claim_all(index: Index) -> list[str]:
    """The names of the waiting files in the order in which a worker claims them, one by one."""
    names: list[str] = []
    while True:
        with index.database.transaction() as connection:
            claims = claim_files(connection, host=HOST, boot="", owner="x", limit=1, max_bytes=9999, seconds=600)
        if not claims:
            return names
        names += [claim.name.decode() for claim in claims]


def test_while_paused_only_saved_files_are_embedded(index: Index) -> None:
    (index.folder / "bulk.txt").write_text("bulk words")
    (index.folder / "saved.txt").write_text("saved words")
    index.scan()
    index.rows("UPDATE files SET priority = 1 WHERE display = 'saved.txt' RETURNING 1")
    while index.extraction().run_batch():
        pass
    on_battery = threading.Event()
    on_battery.set()
    embedding = index.embedding(paused=on_battery.is_set)
    while embedding.run_turn():
        pass
    done = "SELECT text FROM chunks JOIN embeddings ON chunk_id = id WHERE state = 'done'"
    assert index.rows(done) == [("saved words",)]
    on_battery.clear()
    embedding.run_turn()
    assert len(index.rows(done)) == 2


def test_only_the_beginning_of_a_long_text_is_urgent(index: Index) -> None:
    (index.folder / "long.txt").write_text("\n\n".join(f"paragraph {number}" for number in range(100)))
    index.scan()
    index.rows("UPDATE files SET priority = 1 RETURNING id")
    index.extraction().run_batch()
    counts = "SELECT priority, count(*) FROM embeddings GROUP BY 1 ORDER BY 1"
    assert index.rows(counts) == [(0, 36), (1, 64)]
    while index.embedding().run_turn():
        pass
    assert index.rows(counts) == [(0, 100)], "no vector that is made anew is urgent"


def test_a_worker_that_comes_back_frees_what_it_held(index: Index) -> None:
    (index.folder / "one.txt").write_text("alpha")
    index.scan()
    other = index.extraction(owner="extract-2@here")
    with index.database.transaction() as connection:
        claims = claim_files(connection, host=HOST, boot="", owner="extract-1@here", limit=9, max_bytes=99, seconds=600)
        assert len(claims) == 1
    assert other.run_batch() == 0, "the lease keeps others off"
    assert index.extraction(owner="extract-1@here").recover() == 1
    index.settle()
    assert index.states() == {"one.txt": ("indexed", None)}


def test_a_file_that_crashes_its_worker_is_quarantined_and_the_rest_is_indexed(index: Index) -> None:
    for number in range(5):
        (index.folder / f"file{number}.txt").write_text(f"words {number}")
    index.scan()
    crashes = 0
    for _ in range(30):
        with index.database.transaction() as connection:
            claims = claim_files(
                connection, host=HOST, boot="", owner="extract-1@here", limit=64, max_bytes=1 << 20, seconds=9
            )
        if not claims:
            break
        if any(claim.path == b"file3.txt" for claim in claims):
            crashes += 1
            index.extraction(owner="extract-1@here").recover()
            continue
        index.processor().process(claims)
    assert crashes == MAX_ATTEMPTS
    states = index.states()
    assert states.pop("file3.txt") == ("failed", "crashed")
    assert set(states.values()) == {("indexed", None)}


def test_a_lease_that_was_lost_writes_nothing(index: Index) -> None:
    path = index.folder / "one.txt"
    path.write_text("old words")
    index.scan()
    with index.database.transaction() as connection:
        claims = claim_files(connection, host=HOST, boot="", owner="a", limit=9, max_bytes=99, seconds=600)
    path.write_text("new words, and more")
    index.extraction("a").recover()
    index.settle()
    index.processor().process(claims)
    assert index.rows("SELECT count(*) FROM contents") == [(1,)]
    assert index.states() == {"one.txt": ("indexed", None)}
    assert index.rows(FOUND_TEXT) == [("new words, and more",)]


def test_what_was_put_off_before_the_clock_was_put_back_waits_no_longer(index: Index) -> None:
    for name in ("paused", "claimed"):
        (index.folder / f"{name}.txt").write_text(name)
    index.scan()
    with index.database.transaction() as connection:
        assert len(claim_files(connection, host=HOST, boot="", owner="a", limit=1, max_bytes=99, seconds=300)) == 1
    index.rows("UPDATE files SET leased_until = now() + interval '1 hour' RETURNING id")
    while index.extraction(owner="b").run_batch():
        pass
    assert set(index.states().values()) == {("indexed", None)}
    index.rows("UPDATE embeddings SET leased_until = now() + interval '1 hour' RETURNING chunk_id")
    index.settle()
    assert index.rows("SELECT state, count(*) FROM embeddings GROUP BY 1") == [("done", 2)]


@pytest.mark.parametrize("slow", ["large text", "small picture", "read again"])
@pytest.mark.parametrize(("workers", "slow_claims"), [(0, 1), (1, 1), (2, 1), (4, 3)])
def test_one_worker_of_a_host_stays_free_of_slow_files(index: Index, workers: int, slow_claims: int, slow: str) -> None:
    repeated = 512 * 1024 // 2 + 1 if slow == "large text" else 1
    extension = "png" if slow == "small picture" else "txt"
    for number in range(4):
        (index.folder / f"slow-{number}.{extension}").write_text(f"{number} " * repeated)
    index.scan()
    if slow == "read again":
        index.settle()
        _outdate_all(index)
    small = index.folder / "small.txt"
    small.write_text("small")
    answered = [WorkerStatus(f"extract-{number}@{HOST}", HOST, "extract", number) for number in range(workers)]
    # Neither these nor the workers of other hosts read the files of this one.
    answered += [WorkerStatus(f"embed-{number}@{HOST}", HOST, "embed", number) for number in range(8)]
    answered += [WorkerStatus(f"extract-{number}@elsewhere", "elsewhere", "extract", number) for number in range(8)]
    with index.database.transaction() as connection:
        record_workers(connection, answered)

    def claim(owner: int) -> list[bytes]:
        with index.database.transaction() as connection:
            claims = claim_files(
                connection, host=HOST, boot="", owner=f"extract-{owner}@{HOST}", limit=1, max_bytes=1 << 20, seconds=60
            )
        return [claim.path for claim in claims]

    def claimable() -> bool:
        with index.database.transaction() as connection:
            return has_waiting_files(connection, host=HOST)

    claimed = [claim(owner) for owner in range(slow_claims)]
    assert claimed == [[b"slow-%d.%s" % (each, extension.encode())] for each in range(slow_claims)]
    assert claim(slow_claims) == []
    assert not claimable()
    index.scanner.record(index.root, [SeenFile(b"small.txt", FileStat.of(small.stat()))])
    assert claimable()
    assert claim(slow_claims) == [b"small.txt"]
    assert claim(slow_claims) == []
    assert not claimable()


def test_workers_that_have_died_leave_slow_files_to_others(index: Index) -> None:
    for number in range(3):
        (index.folder / f"{number}.txt").write_text(f"{number} " * (512 * 1024 // 2 + 1))
    index.scan()

    def claim(owner: str) -> list[str]:
        with index.database.transaction() as connection:
            claims = claim_files(connection, host=HOST, boot="", owner=owner, limit=1, max_bytes=1 << 20, seconds=60)
        return [claim.name.decode() for claim in claims]

    with index.database.transaction() as connection:
        record_workers(connection, [WorkerStatus(f"extract-{each}@{HOST}", HOST, "extract", each) for each in range(3)])
    index.rows("UPDATE workers SET seen_at = now() - interval '1 day' RETURNING 1")
    assert [claim("extract-1@here"), claim("extract-2@here")] == [["0.txt"], []], "of three workers, two are gone"
    index.rows("UPDATE files SET leased_until = now() - interval '1 second' WHERE lease IS NOT NULL RETURNING 1")
    assert claim("extract-2@here") == ["1.txt"], "the other one is gone too"


def test_workers_that_claim_at_the_same_time_leave_one_free(index: Index) -> None:
    for number in range(2):
        (index.folder / f"{number}.txt").write_text(f"{number} " * (512 * 1024 // 2 + 1))
    index.scan()

    def claim(owner: str) -> int:
        with index.database.transaction() as connection:
            return len(claim_files(connection, host=HOST, boot="", owner=owner, limit=1, max_bytes=1 << 20, seconds=60))

    with ThreadPoolExecutor() as pool, index.database.transaction() as connection:
        claims = claim_files(
            connection, host=HOST, boot="", owner="extract-1@here", limit=1, max_bytes=1 << 20, seconds=60
        )
        second = pool.submit(claim, "extract-2@here")
        # Time in which the second claim would end if it did not wait for the first one.
        wait([second], timeout=0.5)
        assert len(claims) == 1
        connection.commit()
        assert second.result() == 0


class TestChangesDuringWork:
    def test_a_repair_during_the_last_attempt_is_read(self, index: Index) -> None:
        path = index.folder / "poison.txt"
        path.write_text("bad")
        index.scan()
        index.rows("UPDATE files SET attempts = %s RETURNING 1", MAX_FILE_ATTEMPTS - 1)
        with index.database.transaction() as connection:
            assert claim_files(connection, host=HOST, boot="", owner="a", limit=9, max_bytes=99, seconds=60)
        path.write_text("repaired")
        index.scan()
        index.extraction("a").recover()
        [(pause,)] = index.rows("SELECT extract(epoch FROM leased_until - now()) FROM files")
        assert pause > EXTRA_ATTEMPT_PAUSE_SECONDS / 2, "a file that always does this must not cost much"
        index.rows("UPDATE files SET leased_until = NULL RETURNING 1")
        index.settle()
        assert index.states() == {"poison.txt": ("indexed", None)}

    def test_a_change_during_the_last_attempt_allows_one_more(self, index: Index) -> None:
        path = index.folder / "poison.txt"
        path.write_text("bad")
        index.scan()
        index.rows("UPDATE files SET attempts = %s RETURNING 1", MAX_FILE_ATTEMPTS - 1)
        attempts = 0
        while attempts < 9 and index.states() == {"poison.txt": ("pending", None)}:
            with index.database.transaction() as connection:
                claims = claim_files(connection, host=HOST, boot="", owner="a", limit=9, max_bytes=99, seconds=60)
            attempts += len(claims)
            if attempts == 1:
                path.write_text("worse")
                index.scan()
            index.extraction("a").recover()
            index.rows("UPDATE files SET leased_until = NULL RETURNING 1")
        assert index.states() == {"poison.txt": ("failed", "crashed")}
        assert attempts == 2

    def test_a_repair_during_an_attempt_that_finds_no_text_is_read(
        self, index: Index, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = index.folder / "letter.txt"
        path.write_text("locked")
        index.scan()
        read = index.reader.extract

        def repair(content: bytes, *, name: bytes, gap: Gap | None = None) -> Document | Unreadable:
            path.write_text("repaired")
            index.scan()
            return read(content, name=name, gap=gap)

        with monkeypatch.context() as patch:
            patch.setattr(index.reader, "extract", repair)
            index.extraction().run_batch()
        assert index.rows("SELECT state, attempts, leased_until > now() FROM files") == [("pending", 0, True)]
        index.rows("UPDATE files SET leased_until = NULL RETURNING 1")
        index.settle()
        assert index.states() == {"letter.txt": ("indexed", None)}
        assert index.rows(FOUND_TEXT) == [("repaired",)]

    def test_a_file_that_takes_long_is_left_alone_for_longer(
        self, index: Index, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("magicfs.pipeline.pauses.SLOW_FILE_SECONDS", 0.0)
        monkeypatch.setattr("magicfs.pipeline.pauses.MAX_COST_SHARE", 0.0001)
        path = index.folder / "log.txt"
        path.write_text("first")
        index.settle()
        path.write_text("second, longer")
        index.scan()
        index.extraction().run_batch()
        assert index.states() == {"log.txt": ("pending", None)}
        assert index.rows(FOUND_TEXT) == [("first",)]
