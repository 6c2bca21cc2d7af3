"""Small files are extracted in groups, with the same result as one by one."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from magicfs.db.corpus.file_claims import claim_files
from magicfs.db.pool import Connection
from magicfs.domain.contents import Document, Gap, Unreadable
from magicfs.domain.files import ClaimedFile, ExtractedFile
from magicfs.domain.ids import FileId, Lease
from magicfs.errors import DatabaseUnavailable, MagicFSError
from magicfs.pipeline import extract as extraction
from magicfs.pipeline import reading
from magicfs.pipeline.claim_groups import GROUP_BYTES, GROUP_FILES, GROUPED_FILE_BYTES, group_files
from magicfs.pipeline.file_results import finish_files
from magicfs.pipeline.large_files import read_range
from tests.plugins.index import FOUND_TEXT, HOST, Index


def claim(number: int, *, size: int = 100, priority: int = 0) -> ClaimedFile:
    now = datetime.now(UTC)
    return ClaimedFile(FileId(number), Lease(1), now, b"/", b"%d" % number, 1, None, priority, size, None, 0.0)


def grouped(*claims: ClaimedFile) -> list[list[int]]:
    return [[each.id for each in group] for group in group_files(claims, may_need_parser=lambda name: name == b"99")]


def test_small_files_go_together_and_large_ones_alone() -> None:
    large = GROUPED_FILE_BYTES + 1
    assert grouped() == []
    assert grouped(claim(1), claim(2), claim(3, size=large), claim(4), claim(5)) == [[1, 2], [3], [4, 5]]
    assert grouped(claim(1, size=large), claim(2, size=large)) == [[1], [2]]
    assert grouped(claim(1), claim(99), claim(2)) == [[1], [99], [2]], "its name says that it may need a parser"


def test_a_saved_file_is_in_no_group_with_other_files() -> None:
    assert grouped(claim(1, priority=1), claim(2, priority=1), claim(3)) == [[1, 2], [3]]


def test_a_group_is_bounded() -> None:
    many = [claim(number) for number in range(GROUP_FILES + 1)]
    assert [len(group) for group in grouped(*many)] == [GROUP_FILES, 1]
    heavy = [claim(number, size=GROUPED_FILE_BYTES) for number in range(GROUP_BYTES // GROUPED_FILE_BYTES + 1)]
    assert [len(group) for group in grouped(*heavy)] == [GROUP_BYTES // GROUPED_FILE_BYTES, 1]


def test_copies_in_a_group_are_read_once(index: Index) -> None:
    for name in ("a.txt", "b.txt", "c.txt"):
        (index.folder / name).write_text("the same words")
    index.scan()
    assert index.extraction().run_batch() == 3
    assert len(index.reader.calls) == 1
    assert index.rows("SELECT count(*), count(DISTINCT content_id) FROM files WHERE state = 'indexed'") == [(3, 1)]
    assert index.rows("SELECT count(*) FROM embeddings") == [(1,)]


@pytest.mark.parametrize("kind", ["slow", "late"])
def test_files_that_need_a_parser_are_processed_one_by_one_and_their_copies_not_at_all(index: Index, kind: str) -> None:
    """Their names say so (slow), or only their bytes (late)."""
    for name in (f"a.{kind}", f"b.{kind}", "c.txt", f"d.{kind}"):
        (index.folder / name).write_text("other words" if name[0] == "d" else "words")
    index.scan()
    assert index.extraction().run_batch() == 4
    assert sorted(index.reader.calls) == [b"a.%s" % kind.encode(), b"c.txt", b"d.%s" % kind.encode()]
    assert index.rows("SELECT count(*) FROM files WHERE state = 'indexed'") == [(4,)]


def test_files_that_need_no_parser_are_written_before_any_parser_starts(index: Index) -> None:
    for name in ("a.late", "b.txt", "c.txt"):
        (index.folder / name).write_text(f"words of {name}")
    index.scan()
    written: list[int] = []
    read = index.reader.extract

    def watch(content: bytes, *, name: bytes, gap: Gap | None = None) -> Document | Unreadable:
        written.append(index.rows("SELECT count(*) FROM files WHERE state = 'indexed'")[0][0])
        return read(content, name=name)

    index.reader.extract = watch
    index.extraction().run_batch()
    assert written == [0, 0, 2]


@pytest.mark.parametrize("kind", ["slow", "late"])
def test_a_batch_ends_after_a_slow_parser(index: Index, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(extraction, "BATCH_SECONDS", 0.0)
    for name in ("a", "b", "c"):
        (index.folder / f"{name}.{kind}").write_text(f"words of {name}")
    index.scan()
    service = index.extraction()
    assert [service.run_batch() for _ in range(4)] == [1, 1, 1, 0]
    assert index.rows("SELECT count(*) FROM files WHERE state = 'indexed'") == [(3,)]


def test_a_bad_file_does_not_make_its_group_exceed_the_time_of_a_batch(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extraction, "BATCH_SECONDS", 0.0)
    for name in ("a", "b", "c"):
        (index.folder / f"{name}.txt").write_text(f"words of {name}")
    index.scan()
    read = index.reader.extract

    def fail(content: bytes, *, name: bytes, gap: Gap | None = None) -> Document | Unreadable:
        if name == b"b.txt":
            raise ValueError("this one is bad")
        return read(content, name=name)

    index.reader.extract = fail
    service = index.extraction()
    assert service.run_batch() == 1
    assert index.rows("SELECT count(*) FROM files WHERE state = 'indexed'") == [(1,)]
    while service.run_batch():
        pass
    service.recover()
    assert index.states() == {
        "a.txt": ("indexed", None),
        "b.txt": ("failed", "crashed"),
        "c.txt": ("indexed", None),
    }


def test_files_that_have_grown_since_they_were_seen_are_not_in_memory_together(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(GROUP_FILES):
        (index.folder / f"{number:02}.txt").write_text("x")
    index.scan()
    for number in range(GROUP_FILES):
        (index.folder / f"{number:02}.txt").write_text(f"{number} " + "grown " * (GROUPED_FILE_BYTES // 5))
    read = read_range
    sizes: list[int] = []

    def watch(descriptor: int, size: int) -> bytes:
        content = read(descriptor, size)
        sizes.append(len(content))
        return content

    monkeypatch.setattr(reading, "read_range", watch)
    together: list[int] = []

    def count(connection: Connection, finished: Sequence[ExtractedFile], *rest: Any, **options: Any) -> None:
        together.append(len(finished))
        finish_files(connection, finished, *rest, **options)

    monkeypatch.setattr("magicfs.pipeline.file_processor.finish_files", count)
    service = index.extraction()
    while service.run_batch():
        pass
    assert max(together) == 1
    assert len(sizes) == GROUP_FILES
    assert index.rows("SELECT count(*) FROM files WHERE content_id IS NOT NULL") == [(GROUP_FILES,)]


def test_files_of_a_group_whose_claim_was_lost_are_not_written(index: Index) -> None:
    for name in ("a.txt", "b.txt"):
        (index.folder / name).write_text(f"words of {name}")
    index.scan()
    with index.database.transaction() as connection:
        claims = claim_files(connection, host=HOST, boot="", owner="a", limit=9, max_bytes=999, seconds=600)
    index.rows("UPDATE files SET lease = 77, leased_by = 'other' WHERE path = 'a.txt' RETURNING 1")
    index.processor().process(claims)
    assert index.rows("SELECT display, state::text, lease FROM files ORDER BY path") == [
        ("a.txt", "pending", 77),
        ("b.txt", "indexed", None),
    ]


def test_of_a_group_only_the_file_that_changed_is_read_again(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.txt", "b.txt", "c.txt"):
        (index.folder / name).write_text("" if name == "c.txt" else f"words of {name}")
    index.scan()
    with index.database.transaction() as connection:
        claims = claim_files(connection, host=HOST, boot="", owner="a", limit=9, max_bytes=999, seconds=600)
    (index.folder / "b.txt").write_text("new words of b.txt")
    index.scan()
    index.processor().process(claims)
    assert index.rows("SELECT display, state::text, content_id IS NULL FROM files ORDER BY path") == [
        ("a.txt", "indexed", False),
        ("b.txt", "pending", False),
        ("c.txt", "named", False),
    ]
    index.rows("UPDATE files SET leased_until = NULL RETURNING 1")
    index.settle()
    assert sorted(index.rows(FOUND_TEXT)) == [("new words of b.txt",), ("words of a.txt",)]


def test_a_database_that_goes_away_between_the_files_of_a_group_loses_none(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The group fails because of a file; the database goes away while its files are processed one by one."""
    for name in ("a.txt", "b.txt", "c.txt"):
        (index.folder / name).write_text(f"words of {name}")
    index.scan()
    original = reading.read_file
    tries = 0

    def read(claim: ClaimedFile, **options: Any) -> object:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise ValueError("something is wrong with one of them")
        if tries == 3:
            raise DatabaseUnavailable("gone")
        return original(claim, **options)

    monkeypatch.setattr(reading, "read_file", read)
    with pytest.raises(DatabaseUnavailable):
        index.extraction().run_batch()
    assert index.rows("SELECT display, state::text, attempts, lease FROM files ORDER BY path") == [
        ("a.txt", "indexed", 0, None),
        ("b.txt", "pending", 0, None),
        ("c.txt", "pending", 0, None),
    ]


def test_workers_with_the_same_contents_cause_no_error_for_each_other(index: Index) -> None:
    for number in range(60):
        (index.folder / f"{number}.txt").write_text(f"words {number % 7}\n\nand {number % 11}")
    index.scan()
    errors: list[BaseException] = []

    def work(owner: str) -> None:
        try:
            while index.extraction(owner).run_batch():
                pass
        except MagicFSError as error:
            errors.append(error)

    for turn in range(5):
        threads = [threading.Thread(target=work, args=(f"extract-{number}@here",)) for number in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        index.end_pauses()
        for number in range(60):
            (index.folder / f"{number}.txt").write_text(f"words {number % 7} {turn}\n\nand {number % 11}")
        index.scan()
    assert not errors
    index.settle()
    assert index.rows("SELECT count(*) FROM files WHERE state = 'indexed'") == [(60,)]
