"""Files that change, vanish or kill their worker while they are read, on a real Postgres."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

import pytest

from magicfs.db.corpus import file_claims
from magicfs.db.corpus.file_claims import MAX_ATTEMPTS, claim_files
from magicfs.domain.contents import Document, Gap
from magicfs.errors import DatabaseUnavailable, MagicFSError
from magicfs.pipeline import reading
from magicfs.pipeline.large_files import read_range
from magicfs.pipeline.pauses import MAX_DOUBLED_PAUSE_SECONDS, MIN_PAUSE_SECONDS
from magicfs.runtime.processes import wait_until
from tests.plugins.index import FOUND_TEXT, HOST, Index

PAUSED = "SELECT pause_s >= 0.5 AND leased_until >= read_at + make_interval(secs => pause_s) FROM files"
"""Whether a file is read no sooner than after a pause. What is left of it now depends on the machine."""


@pytest.fixture
def after_reading(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[int], None]], None]:
    """Install an action that runs after each read of a file's bytes; it gets the number of earlier reads."""
    original = read_range

    def install(action: Callable[[int], None]) -> None:
        count = 0

        def read(descriptor: int, size: int) -> bytes:
            nonlocal count
            content = original(descriptor, size)
            action(count)
            count += 1
            return content

        monkeypatch.setattr(reading, "read_range", read)

    return install


def end_pauses(index: Index) -> None:
    """Make files claimable that wait for the end of a pause."""
    index.rows("UPDATE files SET leased_until = NULL RETURNING 1")


def test_a_file_that_changes_while_it_is_read_is_read_again_at_once(
    index: Index, after_reading: Callable[[Callable[[int], None]], None]
) -> None:
    path = index.folder / "busy.txt"
    path.write_text("first words")
    index.scan()
    after_reading(lambda count: None if count else (path.write_text("second"), None)[1])
    index.settle()
    assert index.states() == {"busy.txt": ("indexed", None)}
    assert index.rows("SELECT text FROM chunks") == [("second",)]


def test_a_file_that_is_always_written_over_is_found_as_it_was_read_and_read_again(
    index: Index, after_reading: Callable[[Callable[[int], None]], None]
) -> None:
    path = index.folder / "image.txt"
    path.write_text("state 0")
    index.scan()

    def write_over(count: int) -> None:
        path.write_text(f"state {count + 1}")
        index.scan()

    after_reading(write_over)
    index.extraction().run_batch()
    assert index.states() == {"image.txt": ("pending", None)}, "there is more to read"
    assert index.rows("SELECT attempts FROM files") == [(0,)], "a change is not counted as a crash"
    assert index.rows(FOUND_TEXT) == [("state 2",)], "a search finds what was read last"
    assert index.rows(PAUSED) == [(True,)], "but it is not read all the time"


def test_a_file_that_becomes_shorter_with_every_try_is_read_later(
    index: Index, after_reading: Callable[[Callable[[int], None]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = index.folder / "shrinking.txt"
    path.write_text("x" * 100)
    index.scan()
    original = read_range

    def shrink(descriptor: int, size: int) -> bytes:
        os.truncate(path, size // 2)
        return original(descriptor, size)

    monkeypatch.setattr(reading, "read_range", shrink)
    index.extraction().run_batch()
    assert index.states() == {"shrinking.txt": ("pending", None)}
    assert index.rows("SELECT content_id, attempts FROM files") == [(None, 0)]


def test_a_file_that_grows_while_it_is_read_is_found_meanwhile(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    path = index.folder / "log.txt"
    path.write_text("first line\n")
    index.scan()
    original = read_range

    def append_meanwhile(descriptor: int, size: int) -> bytes:
        with path.open("a") as log:
            log.write("another line\n")
        index.scan()
        return original(descriptor, size)

    monkeypatch.setattr(reading, "read_range", append_meanwhile)
    for lines in range(1, 4):
        end_pauses(index)
        index.extraction().run_batch()
        assert index.states() == {"log.txt": ("pending", None)}, "there is more to read"
        [(text,)] = index.rows(FOUND_TEXT)
        assert text.count("line") == lines, "a search finds what was read"
    assert index.rows(PAUSED) == [(True,)]
    monkeypatch.setattr(reading, "read_range", original)
    end_pauses(index)
    index.settle()
    assert index.states() == {"log.txt": ("indexed", None)}
    assert index.rows(FOUND_TEXT)[0][0].count("line") == 4


def most_readings(seconds: float) -> int:
    """How often a file is read at most that changes all the time: the pause doubles."""
    pause, readings = MIN_PAUSE_SECONDS, 1
    while seconds > 0.0:
        seconds, pause, readings = seconds - pause, min(2 * pause, MAX_DOUBLED_PAUSE_SECONDS), readings + 1
    return readings


def test_a_file_that_is_written_all_the_time_is_read_a_few_times(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    # A busy machine leaves no file alone.
    monkeypatch.setattr("magicfs.pipeline.pauses.CALM_SECONDS", 3600.0)
    path = index.folder / "log.txt"
    path.write_text("The service starts.\n")
    index.settle()
    index.end_pauses()
    reader = index.extraction()

    def read() -> str:
        index.scan()
        while reader.run_batch():
            pass
        return "".join(text for (text,) in index.rows(FOUND_TEXT))

    [(contents,)] = index.rows("SELECT max(id) FROM contents")
    began = time.monotonic()
    for number in range(50):
        with path.open("a") as log:
            log.write(f"request {number}\n")
        assert "request 0" in read(), "the first change is read at once"
        time.sleep(0.05)
    wait_until(lambda: "request 49" in read(), seconds=120, failed="the last state is not read")
    assert index.states() == {"log.txt": ("indexed", None)}, "the last state is read"
    readings = len(index.reader.calls) - 1
    assert readings <= most_readings(time.monotonic() - began)
    assert index.rows("SELECT max(id) FROM contents") == [(contents + readings,)]
    index.end_pauses()
    path.write_text("rewritten")
    assert read() == "rewritten", "after a while, the first change is read at once again"


def test_an_empty_file_from_the_future_is_settled(index: Index) -> None:
    path = index.folder / "note.txt"
    path.write_text("the first words")
    index.settle()
    path.write_text("")
    os.utime(path, (7_000_000_000, 7_000_000_000))
    index.settle()
    assert index.states()["note.txt"][0] == "named"


def test_a_file_that_is_empty_for_a_moment_can_be_found_meanwhile(index: Index) -> None:
    path = index.folder / "note.txt"
    path.write_text("the first words")
    index.settle()
    path.write_text("")
    index.settle()
    assert index.states() == {"note.txt": ("pending", None)}
    assert index.rows(FOUND_TEXT) == [("the first words",)]
    os.utime(path, (0, 0))
    end_pauses(index)
    index.settle()
    assert index.states()["note.txt"][0] == "named"
    assert index.rows(FOUND_TEXT) == []


def test_a_file_that_kills_its_worker_is_quarantined_although_it_changes_all_the_time(index: Index) -> None:
    path = index.folder / "deadly.txt"
    for number in range(MAX_ATTEMPTS):
        path.write_text("x" * (number + 1))
        index.scan()
        with index.database.transaction() as connection:
            claims = claim_files(
                connection, host=HOST, boot="", owner="extract-1@here", limit=1, max_bytes=99, seconds=60
            )
        assert len(claims) == 1
        if number < MAX_ATTEMPTS - 1:
            path.write_text("y" * (number + 10))
            index.scan()
        index.extraction().recover()
    assert index.states() == {"deadly.txt": ("failed", "crashed")}
    path.write_text("repaired")
    index.settle()
    assert index.states() == {"deadly.txt": ("indexed", None)}, "its bytes are not those that were quarantined"


def test_a_file_that_the_database_refuses_does_not_stop_the_others(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        (index.folder / f"{name}.txt").write_text(f"words of {name}")
    read = index.reader.extract

    def with_a_bad_title(content: bytes, *, name: bytes, gap: Gap | None = None) -> Document:
        document: Document = read(content, name=name)
        return Document(text=document.text, mime_type="text/plain", title="\0" if name == b"a.txt" else None)

    monkeypatch.setattr(index.reader, "extract", with_a_bad_title)
    index.settle()
    index.extraction().recover()
    assert index.states() == {
        "a.txt": ("failed", "crashed"),
        "b.txt": ("indexed", None),
        "c.txt": ("indexed", None),
    }


def test_a_lost_database_is_not_counted_against_a_file(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    (index.folder / "a.txt").write_text("words")
    index.scan()

    def fail(*_: object, **__: object) -> bool:
        raise DatabaseUnavailable("gone")

    monkeypatch.setattr(file_claims, "lock_claims", fail)
    with pytest.raises(DatabaseUnavailable):
        index.extraction().run_batch()
    assert index.rows("SELECT attempts, lease FROM files") == [(0, None)]


def test_a_file_whose_disk_goes_away_can_still_be_found(index: Index) -> None:
    path = index.folder / "note.txt"
    path.write_text("the first words")
    index.settle()
    indexed_at = index.rows("SELECT indexed_at FROM files")
    path.write_text("other words")
    index.scan()
    index.folder.rename(index.folder.with_name("elsewhere"))
    index.extraction().run_batch()
    assert index.states() == {"note.txt": ("skipped", "vanished")}
    assert index.rows("SELECT indexed_at FROM files") == indexed_at
    assert index.rows(FOUND_TEXT) == [("the first words",)]
    index.folder.with_name("elsewhere").rename(index.folder)
    index.settle()
    assert index.states() == {"note.txt": ("indexed", None)}
    assert index.rows(FOUND_TEXT) == [("other words",)]


def test_a_file_that_cannot_be_read_any_more_is_not_found_by_what_it_had(index: Index) -> None:
    path = index.folder / "note.txt"
    path.write_text("the first words")
    index.settle()
    path.write_text("locked with a password")
    index.settle()
    assert index.states() == {"note.txt": ("skipped", "encrypted")}
    assert index.rows(FOUND_TEXT) == []
    assert index.rows("SELECT indexed_at FROM files") == [(None,)]


def test_reading_and_forgetting_the_same_files_never_wait_for_each_other(index: Index) -> None:
    """A copy gets a stored content while another file with that content is deleted."""
    for number in range(40):
        (index.folder / f"{number}.txt").write_text(f"text {number % 4}")
    index.settle()
    scanner = index.scanner
    errors: list[BaseException] = []
    stop = threading.Event()

    def forget() -> None:
        number = 0
        while not stop.is_set():
            try:
                scanner.delete(index.root, [b"%d.txt" % (number % 40)])
                index.scan()
            except MagicFSError as error:
                errors.append(error)
                return
            number += 1

    thread = threading.Thread(target=forget)
    thread.start()
    try:
        for turn in range(15):
            for number in range(40):
                (index.folder / f"{number}.txt").write_text(f"text {(number + turn) % 4}")
            index.scan()
            while index.extraction().run_batch():
                pass
    finally:
        stop.set()
        thread.join()
    assert not errors
