"""Small files are brought to their end several at a time; none of them notices."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest

from magicfs.db.files import claim_files
from magicfs.domain.files import ClaimedFile
from magicfs.domain.ids import FileId, Lease
from magicfs.domain.text import Document, Unreadable
from magicfs.errors import DatabaseUnavailable, MagicFSError
from magicfs.ingest import extraction, reading
from magicfs.ingest.extraction import GROUP_BYTES, GROUP_FILES, SMALL_BYTES, groups
from tests.integration.ingest.conftest import FOUND_TEXT, HOST, Index


def claim(number: int, *, size: int = 100, priority: int = 0) -> ClaimedFile:
    now = datetime.now(UTC)
    return ClaimedFile(FileId(number), Lease(1), now, b"/", b"%d" % number, 1, None, priority, size)


def grouped(*claims: ClaimedFile) -> list[list[int]]:
    return [[each.id for each in group] for group in groups(claims)]


def test_small_files_go_together_and_large_ones_alone() -> None:
    large = SMALL_BYTES + 1
    assert grouped() == []
    assert grouped(claim(1), claim(2), claim(3, size=large), claim(4), claim(5)) == [[1, 2], [3], [4, 5]]
    assert grouped(claim(1, size=large), claim(2, size=large)) == [[1], [2]]


def test_what_was_just_saved_waits_for_nothing_else() -> None:
    assert grouped(claim(1, priority=1), claim(2, priority=1), claim(3)) == [[1, 2], [3]]


def test_a_group_is_bounded() -> None:
    many = [claim(number) for number in range(GROUP_FILES + 1)]
    assert [len(group) for group in groups(many)] == [GROUP_FILES, 1]
    heavy = [claim(number, size=SMALL_BYTES) for number in range(GROUP_BYTES // SMALL_BYTES + 1)]
    assert [len(group) for group in groups(heavy)] == [GROUP_BYTES // SMALL_BYTES, 1]


def test_copies_in_a_group_are_read_once(index: Index) -> None:
    for name in ("a.txt", "b.txt", "c.txt"):
        (index.folder / name).write_text("the same words")
    index.scan()
    assert index.extraction().run_batch() == 3
    assert len(index.reader.calls) == 1
    assert index.rows("SELECT count(*), count(DISTINCT content_id) FROM files WHERE state = 'indexed'") == [(3, 1)]
    assert index.rows("SELECT count(*) FROM embeddings") == [(1,)]


def test_files_that_need_a_parser_have_a_turn_each_and_copies_of_them_one(index: Index) -> None:
    for name in ("a.slow", "b.slow", "c.txt", "d.slow"):
        (index.folder / name).write_text("other words" if name == "d.slow" else "words")
    index.scan()
    written: list[int] = []
    read = index.reader.extract

    def watch(content: bytes, *, name: bytes) -> Document | Unreadable:
        written.append(index.rows("SELECT count(*) FROM files WHERE state = 'indexed'")[0][0])
        return read(content, name=name)

    index.reader.extract = watch  # type: ignore[method-assign]
    assert index.extraction().run_batch() == 4
    assert index.reader.calls == [b"c.txt", b"a.slow", b"d.slow"]
    assert written == [0, 1, 3], "what is had at once is written down before any parser is asked"


def test_parsers_that_take_long_keep_nothing_else_waiting(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction, "BATCH_SECONDS", 0.0)
    for name in ("a.slow", "b.slow", "c.slow"):
        (index.folder / name).write_text(f"words of {name}")
    index.scan()
    service = index.extraction()
    assert [service.run_batch() for _ in range(4)] == [1, 1, 1, 0]
    assert index.rows("SELECT count(*) FROM files WHERE state = 'indexed'") == [(3,)]


def test_those_of_a_group_that_somebody_else_has_are_left_to_them(index: Index) -> None:
    for name in ("a.txt", "b.txt"):
        (index.folder / name).write_text(f"words of {name}")
    index.scan()
    with index.database.transaction() as connection:
        claims = claim_files(connection, host=HOST, owner="a", limit=9, max_bytes=999, seconds=600)
    index.rows("UPDATE files SET lease = 77, leased_by = 'other' WHERE path = 'a.txt' RETURNING 1")
    index.extraction()._process(claims)
    assert index.rows("SELECT display, state::text, lease FROM files ORDER BY path") == [
        ("a.txt", "pending", 77),
        ("b.txt", "indexed", None),
    ]


def test_of_a_group_only_the_file_that_changed_is_read_again(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.txt", "b.txt", "c.txt"):
        (index.folder / name).write_text("" if name == "c.txt" else f"words of {name}")
    index.scan()
    with index.database.transaction() as connection:
        claims = claim_files(connection, host=HOST, owner="a", limit=9, max_bytes=999, seconds=600)
    (index.folder / "b.txt").write_text("new words of b.txt")
    index.scan()
    index.extraction()._process(claims)
    assert index.rows("SELECT display, state::text, content_id IS NULL FROM files ORDER BY path") == [
        ("a.txt", "indexed", False),
        ("b.txt", "pending", False),
        ("c.txt", "skipped", True),
    ]
    index.rows("UPDATE files SET leased_until = NULL RETURNING 1")
    index.settle()
    assert sorted(index.rows(FOUND_TEXT)) == [("new words of b.txt",), ("words of a.txt",)]


def test_a_database_that_goes_away_between_the_files_of_a_group_loses_none(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The group fails for another reason, and the database goes away while its files are tried one by one."""
    for name in ("a.txt", "b.txt", "c.txt"):
        (index.folder / name).write_text(f"words of {name}")
    index.scan()
    original = reading.read_file
    tries = 0

    def read(claim: ClaimedFile, **options: object) -> object:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise ValueError("something is wrong with one of them")
        if tries == 3:
            raise DatabaseUnavailable("gone")
        return original(claim, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(extraction, "read_file", read)
    with pytest.raises(DatabaseUnavailable):
        index.extraction().run_batch()
    assert index.rows("SELECT display, state::text, attempts, lease FROM files ORDER BY path") == [
        ("a.txt", "indexed", 0, None),
        ("b.txt", "pending", 0, None),
        ("c.txt", "pending", 0, None),
    ]


def test_two_workers_with_the_same_contents_never_stop_each_other(index: Index) -> None:
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
        for number in range(60):
            (index.folder / f"{number}.txt").write_text(f"words {number % 7} {turn}\n\nand {number % 11}")
        index.scan()
    assert not errors
    index.settle()
    assert index.rows("SELECT count(*) FROM files WHERE state = 'indexed'") == [(60,)]
