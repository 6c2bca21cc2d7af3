"""What the pipeline promises about files, contents and chunks, on a real Postgres."""

import errno
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from magicfs.db.embeddings import MAX_ATTEMPTS, claim_chunks
from magicfs.db.files import EXTRA_ATTEMPT_PAUSE_SECONDS, claim_files, has_waiting_files
from magicfs.db.files import MAX_ATTEMPTS as MAX_FILE_ATTEMPTS
from magicfs.db.heartbeats import record_workers
from magicfs.db.models import active_model
from magicfs.db.roots import troubled_roots
from magicfs.domain.status import WorkerStatus
from magicfs.errors import ServerError
from magicfs.ingest.roots import remove_root
from magicfs.pipeline.maintenance import MaintenanceService
from tests.plugins.index import FOUND_TEXT, HOST, Index, with_and_without_restarts


def test_a_tree_is_indexed(index: Index) -> None:
    (index.folder / "sub").mkdir()
    (index.folder / "one.txt").write_text("alpha beta\n\ngamma")
    (index.folder / "sub/two.txt").write_text("delta")
    index.settle()
    assert index.states() == {"one.txt": ("indexed", None), "sub/two.txt": ("indexed", None)}
    assert index.rows("SELECT count(*) FROM embeddings WHERE state = 'done'") == [(3,)]
    assert index.rows("SELECT DISTINCT round((vector <#> vector)::numeric, 2) FROM embeddings") == [(-1,)]


def test_identical_files_are_read_and_embedded_once(index: Index) -> None:
    for number in range(5):
        (index.folder / f"copy{number}.txt").write_text("the same words\n\nand more")
    index.settle()
    assert len(index.reader.calls) == 1
    assert index.rows("SELECT count(*) FROM contents") == [(1,)]
    assert index.rows("SELECT count(DISTINCT content_id) FROM files") == [(1,)]
    assert index.rows("SELECT count(*) FROM embeddings") == [(2,)]


def test_the_same_bytes_under_another_kind_of_name_are_read_as_that_kind(index: Index) -> None:
    (index.folder / "one.txt").write_text("words")
    index.settle()
    (index.folder / "one.txt").rename(index.folder / "one.md")
    index.settle()
    assert index.reader.calls == [b"one.txt", b"one.md"]
    assert index.rows("SELECT count(*) FROM embeddings") == [(1,)], "but the text is embedded once"


@with_and_without_restarts
def test_an_unchanged_tree_costs_nothing(index: Index) -> None:
    (index.folder / "one.txt").write_text("alpha")
    index.settle()
    assert index.scan().changed == 0
    os.utime(index.folder / "one.txt")
    index.settle()
    assert len(index.reader.calls) == 1, "a touched file is hashed, not extracted"


def test_an_edit_embeds_only_the_chunks_that_changed(index: Index) -> None:
    paragraphs = [f"paragraph number {number}" for number in range(50)]
    (index.folder / "long.txt").write_text("\n\n".join(paragraphs))
    index.settle()
    before = index.rows("SELECT count(*) FROM embeddings")[0][0]
    paragraphs[25] = "something else"
    (index.folder / "long.txt").write_text("\n\n".join(paragraphs))
    index.settle()
    assert index.rows("SELECT count(*) FROM embeddings")[0][0] == before + 1


@with_and_without_restarts
def test_a_moved_file_keeps_its_chunks(index: Index) -> None:
    (index.folder / "old.txt").write_text("alpha\n\nbeta")
    index.settle()
    before = index.rows("SELECT chunk_id, vector::text FROM embeddings ORDER BY 1")
    (index.folder / "new").mkdir()
    (index.folder / "old.txt").rename(index.folder / "new/name.txt")
    index.settle()
    assert index.states() == {"new/name.txt": ("indexed", None)}
    assert index.rows("SELECT chunk_id, vector::text FROM embeddings ORDER BY 1") == before
    assert len(index.reader.calls) == 1


@with_and_without_restarts
def test_a_deleted_file_is_gone_and_its_content_an_orphan(index: Index) -> None:
    (index.folder / "one.txt").write_text("alpha")
    index.settle()
    (index.folder / "one.txt").unlink()
    index.settle()
    assert index.states() == {}
    assert index.rows("SELECT orphaned_at IS NOT NULL FROM contents") == [(True,)]


def test_special_files_and_links_are_no_files(index: Index, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    os.mkfifo(index.folder / "pipe")
    (index.folder / "link.txt").symlink_to(secret)
    (index.folder / "loop").symlink_to(index.folder)
    (index.folder / "one.txt").write_text("alpha")
    index.settle()
    assert index.states() == {"one.txt": ("indexed", None)}


def test_a_file_that_became_a_link_is_not_followed(index: Index, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    (index.folder / "one.txt").write_text("alpha")
    index.scan()
    (index.folder / "one.txt").unlink()
    (index.folder / "one.txt").symlink_to(secret)
    index.extraction().run_batch()
    assert index.states() == {"one.txt": ("skipped", "vanished")}


@with_and_without_restarts
def test_a_file_that_vanished_and_came_back_is_indexed(index: Index, tmp_path: Path) -> None:
    path = index.folder / "one.txt"
    path.write_text("alpha")
    index.scan()
    path.rename(tmp_path / "aside")
    index.extraction().run_batch()
    assert index.states() == {"one.txt": ("skipped", "vanished")}
    (tmp_path / "aside").rename(path)
    index.settle()
    assert index.states() == {"one.txt": ("indexed", None)}


@pytest.mark.parametrize("name", [b"caf\xe9.txt", b"new\nline.txt", b"a" * 251 + b".txt", b"'; DROP TABLE files;--"])
def test_names_are_bytes(index: Index, name: bytes) -> None:
    path = os.path.join(os.fsencode(index.folder), name)
    with open(path, "w") as file:
        file.write("alpha")
    index.settle()
    assert index.rows("SELECT path, state FROM files") == [(name, "indexed")]


def test_too_large_files_are_skipped_without_being_read(index: Index) -> None:
    with (index.folder / "huge.txt").open("wb") as file:
        file.truncate(1 << 40)
    index.settle()
    assert index.states() == {"huge.txt": ("skipped", "too-large")}
    assert index.reader.calls == []


def test_what_was_saved_goes_ahead_of_a_bulk_import(index: Index) -> None:
    from magicfs.db.files import upsert_files
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


def test_while_paused_only_saved_files_are_embedded(index: Index) -> None:
    (index.folder / "bulk.txt").write_text("bulk words")
    (index.folder / "saved.txt").write_text("saved words")
    index.scan()
    index.rows("UPDATE files SET priority = 1 WHERE display = 'saved.txt' RETURNING 1")
    index.extraction().run_batch()
    embedding = index.embedding()
    embedding._paused = lambda: True
    while embedding.run_turn():
        pass
    done = "SELECT text FROM chunks JOIN embeddings ON chunk_id = id WHERE state = 'done'"
    assert index.rows(done) == [("saved words",)]
    embedding._paused = lambda: False
    embedding.run_turn()
    assert len(index.rows(done)) == 2


def test_a_worker_that_comes_back_frees_what_it_held(index: Index) -> None:
    (index.folder / "one.txt").write_text("alpha")
    index.scan()
    dead = index.extraction(owner="extract-1@here")
    with index.database.transaction() as connection:
        assert len(claim_files(connection, host=HOST, owner="extract-1@here", limit=9, max_bytes=99, seconds=600)) == 1
    assert dead.run_batch() == 0, "the lease keeps others off"
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
            claims = claim_files(connection, host=HOST, owner="extract-1@here", limit=64, max_bytes=1 << 20, seconds=9)
        if not claims:
            break
        if any(claim.path == b"file3.txt" for claim in claims):
            crashes += 1
            index.extraction(owner="extract-1@here").recover()
            continue
        index.extraction()._process(claims)
    assert crashes == MAX_ATTEMPTS
    states = index.states()
    assert states.pop("file3.txt") == ("failed", "crashed")
    assert set(states.values()) == {("indexed", None)}


def test_a_lease_that_was_lost_writes_nothing(index: Index) -> None:
    path = index.folder / "one.txt"
    path.write_text("old words")
    index.scan()
    with index.database.transaction() as connection:
        claims = claim_files(connection, host=HOST, owner="a", limit=9, max_bytes=99, seconds=600)
    path.write_text("new words, and more")
    index.extraction("a").recover()
    index.settle()
    index.extraction()._process(claims)
    assert index.rows("SELECT count(*) FROM contents") == [(1,)]
    assert index.states() == {"one.txt": ("indexed", None)}
    assert index.rows(FOUND_TEXT) == [("new words, and more",)]


def test_a_bad_vector_quarantines_one_chunk(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    from magicfs.errors import ModelError

    (index.folder / "one.txt").write_text("fine\n\npoison\n\nfine too")
    index.scan()
    index.extraction().run_batch()
    original = type(index.embedder).embed_passages

    def refuse(self, texts):
        if "poison" in texts:
            raise ModelError("a vector is not finite")
        return original(self, texts)

    monkeypatch.setattr(type(index.embedder), "embed_passages", refuse)
    index.embedding().run_turn()
    assert index.rows("SELECT state, count(*) FROM embeddings GROUP BY 1 ORDER BY 1") == [("done", 2), ("failed", 1)]


def test_a_vector_of_the_wrong_size_never_reaches_the_table(index: Index) -> None:
    from magicfs.db.embeddings import finish_chunks
    from magicfs.errors import DatabaseError

    (index.folder / "one.txt").write_text("alpha")
    index.scan()
    index.extraction().run_batch()
    with pytest.raises(DatabaseError), index.database.transaction() as connection:
        model = active_model(connection)
        assert model is not None
        claims = claim_chunks(connection, model=model.id, owner="x", limit=1, max_tokens=10, seconds=1)
        finish_chunks(connection, model=model.id, claims=claims, vectors=np.ones((1, 7), np.float32))


def test_only_the_beginning_of_a_long_text_is_urgent(index: Index) -> None:
    (index.folder / "long.txt").write_text("\n\n".join(f"paragraph {number}" for number in range(100)))
    index.scan()
    index.rows("UPDATE files SET priority = 1 RETURNING id")
    index.extraction().run_batch()
    counts = index.rows("SELECT priority, count(*) FROM embeddings GROUP BY 1 ORDER BY 1")
    assert counts == [(0, 36), (1, 64)]


@pytest.mark.parametrize(("workers", "large_claims"), [(0, 1), (1, 1), (2, 1), (4, 3)])
def test_one_worker_of_a_host_stays_free_for_small_files(index: Index, workers: int, large_claims: int) -> None:
    for number in range(4):
        (index.folder / f"large-{number}.txt").write_text(f"{number} " * (512 * 1024 // 2 + 1))
    (index.folder / "small.txt").write_text("small")
    index.scan()
    answered = [WorkerStatus(f"extract-{number}@{HOST}", HOST, "extract", number) for number in range(workers)]
    # Neither these nor the workers of other hosts read the files of this one.
    answered += [WorkerStatus(f"embed-{number}@{HOST}", HOST, "embed", number) for number in range(8)]
    answered += [WorkerStatus(f"extract-{number}@elsewhere", "elsewhere", "extract", number) for number in range(8)]
    with index.database.transaction() as connection:
        record_workers(connection, answered)

    def claim(owner: int) -> list[bytes]:
        with index.database.transaction() as connection:
            claims = claim_files(
                connection, host=HOST, owner=f"extract-{owner}@{HOST}", limit=1, max_bytes=1 << 20, seconds=60
            )
        return [claim.path for claim in claims]

    def claimable() -> bool:
        with index.database.transaction() as connection:
            return has_waiting_files(connection, host=HOST)

    assert [claim(owner) for owner in range(large_claims)] == [[b"large-%d.txt" % each] for each in range(large_claims)]
    assert claimable()
    assert claim(large_claims) == [b"small.txt"]
    assert claim(large_claims) == []
    assert not claimable()


def test_workers_that_claim_at_the_same_time_leave_one_free(index: Index) -> None:
    for number in range(2):
        (index.folder / f"{number}.txt").write_text(f"{number} " * (512 * 1024 // 2 + 1))
    index.scan()

    def claim(owner: str) -> int:
        with index.database.transaction() as connection:
            return len(claim_files(connection, host=HOST, owner=owner, limit=1, max_bytes=1 << 20, seconds=60))

    with ThreadPoolExecutor() as pool, index.database.transaction() as connection:
        claims = claim_files(connection, host=HOST, owner="extract-1@here", limit=1, max_bytes=1 << 20, seconds=60)
        second = pool.submit(claim, "extract-2@here")
        # Time in which the second claim would end if it did not wait for the first one.
        wait([second], timeout=0.5)
        assert len(claims) == 1
        connection.commit()
        assert second.result() == 0


@with_and_without_restarts
class TestRootsThatAreNotThere:
    def test_a_missing_root_keeps_its_files(self, index: Index, tmp_path: Path) -> None:
        (index.folder / "one.txt").write_text("alpha")
        index.settle()
        index.folder.rename(tmp_path / "unplugged")
        index.scan()
        assert index.states() == {"one.txt": ("indexed", None)}
        assert index.registered().state == "missing"
        (tmp_path / "unplugged").rename(index.folder)
        index.scan()
        assert index.registered().state == "present"

    def test_another_device_in_its_place_keeps_its_files(self, index: Index) -> None:
        (index.folder / "one.txt").write_text("alpha")
        index.settle()
        index.rows("UPDATE roots SET device = device + 1 RETURNING 1")
        (index.folder / "one.txt").unlink()
        index.scan()
        assert index.states() == {"one.txt": ("indexed", None)}
        assert "another device" in (index.registered().detail or "")

    def test_the_same_tree_under_another_device_number_is_the_same_root(self, index: Index) -> None:
        for number in range(5):
            (index.folder / f"{number}.txt").write_text(f"words {number}")
        index.settle()
        index.rows("UPDATE roots SET device = device + 1 RETURNING 1")
        (index.folder / "0.txt").write_text("changed meanwhile")
        (index.folder / "1.txt").unlink()
        index.settle()
        assert index.registered().state == "present"
        assert index.registered().root.device == index.folder.stat().st_dev
        assert set(index.states()) == {f"{number}.txt" for number in (0, 2, 3, 4)}

    def test_an_emptied_root_asks(self, index: Index) -> None:
        for number in range(20):
            (index.folder / f"{number}.txt").write_text(f"words {number}")
        index.settle()
        for number in range(20):
            (index.folder / f"{number}.txt").unlink()
        assert index.scan().suspected_deletions == 20
        assert len(index.states()) == 20
        assert index.registered().state == "suspect"
        with index.database.transaction() as connection:
            [(_, state, detail)] = troubled_roots(connection)
        assert state == "suspect"
        assert "magicfs scan --accept-deletions" in detail
        from magicfs.db.roots import request_scan

        with index.database.transaction() as connection:
            request_scan(connection, name=index.root.name, may_delete=True)
        index.scan()
        assert index.states() == {}
        assert index.registered().state == "present"

    def test_a_renamed_directory_with_everything_in_it_does_not(self, index: Index) -> None:
        (index.folder / "a").mkdir()
        for number in range(20):
            (index.folder / f"a/{number}.txt").write_text(f"words {number}")
        index.settle()
        (index.folder / "a").rename(index.folder / "b")
        index.settle()
        assert set(index.states()) == {f"b/{number}.txt" for number in range(20)}
        assert len(index.reader.calls) == 20


class TestFailures:
    def test_they_are_listed_and_can_be_tried_again(self, index: Index) -> None:
        from magicfs.db.failures import iterate_failures, retry_failures
        from magicfs.domain.contents import Unreadable
        from magicfs.domain.files import SkipReason

        (index.folder / "bad.pdf").write_text("not a PDF")
        (index.folder / "none.bin").write_text("nothing")
        original = index.reader.extract
        outcomes = {
            b"bad.pdf": Unreadable(SkipReason.CRASHED, "signal 11"),
            b"none.bin": Unreadable(SkipReason.ENCRYPTED),
        }
        index.reader.extract = lambda content, name: outcomes[name]  # type: ignore[method-assign]
        index.settle()
        with index.database.transaction() as connection:
            assert [(entry.path, entry.reason) for entry in iterate_failures(connection)] == [(b"bad.pdf", "crashed")]
            assert len(list(iterate_failures(connection, skipped=True))) == 2
            assert retry_failures(connection) == 1
        index.reader.extract = original  # type: ignore[method-assign]
        index.settle()
        assert index.states() == {"bad.pdf": ("indexed", None), "none.bin": ("skipped", "encrypted")}

    def test_an_empty_index_has_none(self, index: Index) -> None:
        from magicfs.db.failures import iterate_failures, retry_failures

        with index.database.transaction() as connection:
            assert list(iterate_failures(connection, skipped=True)) == []
            assert retry_failures(connection) == 0


class TestFilesThatCannotBeOpened:
    def test_a_disk_error_is_no_disappearance(self, index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
        refuse(monkeypatch, errno.EIO)
        (index.folder / "one.txt").write_text("alpha")
        index.settle()
        assert index.states() == {"one.txt": ("failed", "corrupt")}

    def test_too_many_open_files_is_not_the_files_fault(self, index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
        refuse(monkeypatch, errno.EMFILE)
        (index.folder / "one.txt").write_text("alpha")
        index.scan()
        for _ in range(6):
            with pytest.raises(ServerError):
                index.extraction().run_batch()
        assert index.rows("SELECT state, attempts FROM files") == [("pending", 0)]
        monkeypatch.undo()
        index.settle()
        assert index.states() == {"one.txt": ("indexed", None)}


def refuse(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Make every opening of a file fail with an error number."""

    def fail(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("magicfs.pipeline.reading.open_below", fail)


class TestWhatMustNotBeLost:
    @with_and_without_restarts
    def test_a_directory_that_cannot_be_entered_keeps_its_files(
        self, index: Index, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (index.folder / "closed").mkdir()
        (index.folder / "closed/one.txt").write_text("alpha")
        (index.folder / "two.txt").write_text("beta")
        index.settle()
        with as_nobody(index.folder / "closed", 0o644):
            assert not index.scan().complete
        assert set(index.states()) == {"closed/one.txt", "two.txt"}

    @with_and_without_restarts
    def test_what_lies_below_a_closed_directory_is_kept(self, index: Index) -> None:
        for name in ("closed/deep/one.txt", "closed-not/two.txt"):
            (index.folder / name).parent.mkdir(parents=True)
            (index.folder / name).write_text(name)
        index.settle()
        (index.folder / "closed-not/two.txt").unlink()
        (index.folder / "closed-not").rmdir()
        with as_nobody(index.folder / "closed", 0o000):
            assert not index.scan().complete
        assert set(index.states()) == {"closed/deep/one.txt"}

    def test_files_that_events_name_are_deleted_however_many_they_are(self, index: Index) -> None:
        for number in range(40):
            (index.folder / f"{number}.txt").write_text(f"words {number}")
        index.settle()
        for number in range(30):
            (index.folder / f"{number}.txt").unlink()
        assert index.scanner.delete(index.root, [f"{number}.txt".encode() for number in range(30)])
        assert len(index.states()) == 10
        assert index.scan().suspected_deletions == 0
        assert index.registered().state == "present"

    def test_events_delete_nothing_in_a_root_that_is_gone(self, index: Index) -> None:
        (index.folder / "one.txt").write_text("words")
        index.settle()
        index.folder.rename(index.folder.with_name("elsewhere"))
        assert not index.scanner.delete(index.root, [b"one.txt"])
        assert set(index.states()) == {"one.txt"}

    def test_a_confirmation_during_a_scan_holds_for_the_next_one(self, index: Index) -> None:
        from magicfs.db import roots as roots_db

        with index.database.transaction() as connection:
            began = roots_db.database_time(connection)
        with index.database.transaction() as connection:
            roots_db.request_scan(connection, name=index.root.name, may_delete=True)
        with index.database.transaction() as connection:
            roots_db.record_scan(connection, index.root.id, began=began)
        assert index.rows("SELECT may_delete FROM roots") == [(True,)]
        index.scan()
        assert index.rows("SELECT may_delete FROM roots") == [(False,)]

    def test_the_contents_of_a_removed_root_go_at_once(self, index: Index) -> None:
        (index.folder / "one.txt").write_text("alpha")
        index.scan()
        index.extraction().run_batch()
        remove_root(index.database, host=HOST, name_or_path=index.root.name)
        MaintenanceService(index.database).sweep()
        assert index.rows("SELECT count(*) FROM embeddings") == [(0,)]
        assert index.rows("SELECT count(*) FROM chunks") == [(0,)]


@contextmanager
def as_nobody(folder: Path, mode: int) -> Iterator[None]:
    """Be a user for whom the mode of a directory holds: root is bound by none."""
    if os.geteuid() == 0:
        for above in (folder, *folder.parents):
            if above.stat().st_uid == 0 and above != Path("/") and not above.stat().st_mode & 0o001:
                above.chmod(above.stat().st_mode | 0o755)
    folder.chmod(mode)
    if os.geteuid() == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(os.getuid())
        folder.chmod(0o755)


class TestChangesDuringWork:
    def test_a_repair_during_the_last_attempt_is_read(self, index: Index) -> None:
        path = index.folder / "poison.txt"
        path.write_text("bad")
        index.scan()
        index.rows("UPDATE files SET attempts = %s RETURNING 1", MAX_FILE_ATTEMPTS - 1)
        with index.database.transaction() as connection:
            assert claim_files(connection, host=HOST, owner="a", limit=9, max_bytes=99, seconds=60)
        path.write_text("repaired")
        index.scan()
        index.extraction("a").recover()
        [(pause,)] = index.rows("SELECT extract(epoch FROM leased_until - now()) FROM files")
        assert pause > EXTRA_ATTEMPT_PAUSE_SECONDS / 2, "a file that always does this must not cost much"
        index.rows("UPDATE files SET leased_until = NULL RETURNING 1")
        index.settle()
        assert index.states() == {"poison.txt": ("indexed", None)}

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

    def test_a_tree_that_vanishes_between_scans_asks(self, index: Index) -> None:
        for number in range(40):
            (index.folder / f"{number}.txt").write_text(f"words {number}")
        index.scan()
        for number in range(15):
            (index.folder / f"{number}.txt").unlink()
        assert index.scan().deleted == 15
        for number in range(15, 27):
            (index.folder / f"{number}.txt").unlink()
        assert index.scan().suspected_deletions == 12

    @with_and_without_restarts
    def test_one_file_whose_stat_fails_hides_no_other(self, index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("bad.txt", "good.txt", "zone.txt"):
            (index.folder / name).write_text(name)
        index.settle()
        (index.folder / "good.txt").unlink()
        (index.folder / "new.txt").write_text("new")
        with monkeypatch.context() as patch:
            patch.setattr(os, "scandir", lambda path: DirectoryWithBadEntry(path, b"bad.txt"))
            assert not index.scan().complete
        assert set(index.states()) == {"bad.txt", "new.txt", "zone.txt"}

    @with_and_without_restarts
    def test_a_new_file_with_one_failed_stat_is_found_by_the_next_scan(
        self, index: Index, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(path: bytes) -> os.stat_result:
            if path.endswith(b"/new.txt"):
                raise OSError(errno.EIO, "no answer")
            return REAL_LSTAT(path)

        (index.folder / "old.txt").write_text("old")
        assert index.scan().complete
        (index.folder / "new.txt").write_text("new")
        with monkeypatch.context() as patch:
            patch.setattr(os, "lstat", refuse)
            assert not index.scan().complete
        assert set(index.states()) == {"old.txt"}
        assert index.scan().complete
        assert set(index.states()) == {"new.txt", "old.txt"}


class DirectoryWithBadEntry:
    """A directory with one entry whose `stat` fails."""

    def __init__(self, path: bytes, bad: bytes) -> None:
        self._path, self._bad = path, bad

    def __enter__(self) -> Iterator[object]:
        return iter([BadEntry(self._path, name) if name == self._bad else entry for name, entry in self._all()])

    def __exit__(self, *_: object) -> None:
        pass

    def close(self) -> None:
        pass

    def _all(self) -> list[tuple[bytes, os.DirEntry[bytes]]]:
        with REAL_SCANDIR(self._path) as entries:
            return [(entry.name, entry) for entry in entries]


class BadEntry:
    def __init__(self, folder: bytes, name: bytes) -> None:
        self.name, self.path = name, os.path.join(folder, name)

    def is_file(self, *, follow_symlinks: bool) -> bool:
        return True

    def stat(self, *, follow_symlinks: bool) -> os.stat_result:
        raise OSError(errno.EIO, "no answer")


REAL_SCANDIR = os.scandir
REAL_LSTAT = os.lstat
