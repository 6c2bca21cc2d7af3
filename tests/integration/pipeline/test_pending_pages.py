"""A scanned book that takes longer than a file may take is read whole: its pages are read some at a time."""

from __future__ import annotations

import os

import pytest

from magicfs.cli.file_report import explanation_facts
from magicfs.db.corpus import file_claims, page_claims
from magicfs.db.corpus.failures import retry_failures
from magicfs.db.search.file_facts import read_file_facts
from magicfs.db.status import read_progress, read_status
from magicfs.domain.files import SkipReason
from magicfs.ingest.explain import explain
from tests.integration.pipeline.books import PAGES, WHOLE, BookReader, add_book, end_pause, pending, read_once, texts
from tests.plugins.index import HOST, Index
from tests.plugins.services import make_maintenance


@pytest.fixture
def book(index: Index) -> BookReader:
    return add_book(index)


def test_all_pages_are_read_and_none_twice(index: Index, book: BookReader) -> None:
    index.scan()
    read_once(index)
    assert (texts(index), pending(index)) == (WHOLE[:2], [(5, "pages 3-7: waiting")])
    index.read_all()
    assert book.page_calls == [[1, 2], [3, 4], [5, 6], [7]]
    assert (texts(index), pending(index)) == (WHOLE, [(0, None)])
    assert index.rows("SELECT * FROM page_texts") == []
    assert index.states() == {"book.pdf": ("indexed", None)}


def test_a_file_whose_pages_wait_is_not_pending(index: Index, book: BookReader) -> None:
    index.scan()
    worker = index.extraction()
    since = index.rows("SELECT now()")[0][0]
    while read_once(index, worker):
        with index.database.transaction() as connection:
            assert read_progress(connection, host=HOST, since=since).files.pending == 0
            assert page_claims.has_pending_pages(connection, host=HOST) == bool(pending(index)[0][0])
            assert not file_claims.has_waiting_files(connection, host=HOST)
    assert texts(index) == WHOLE


def test_what_is_saved_is_read_before_the_next_pages(index: Index, book: BookReader) -> None:
    index.scan()
    read_once(index)
    (index.folder / "note.txt").write_text("a note")
    (index.folder / "other.pdf").write_bytes(b"plover")
    index.scan()
    while not {"a note", "plover 2"} <= set(texts(index)):
        assert book.page_calls in ([[1, 2]], [[1, 2], [1, 2]])
        read_once(index)
    index.read_all()
    assert texts(index) == sorted([*WHOLE, "a note", *(text.replace("heron", "plover") for text in WHOLE)])


def test_on_battery_no_pages_are_read(index: Index, book: BookReader) -> None:
    index.scan()
    index.on_battery = True
    while read_once(index):
        pass
    assert texts(index) == WHOLE[:2]
    (index.folder / "note.txt").write_text("a note")
    index.read_all()
    assert texts(index) == ["a note", *WHOLE[:2]]
    index.on_battery = False
    index.read_all()
    assert texts(index) == ["a note", *WHOLE]


def test_copies_have_the_pages_at_once(index: Index, book: BookReader) -> None:
    (index.folder / "copy.pdf").write_bytes(b"heron")
    index.read_all()
    assert book.page_calls == [[1, 2], [3, 4], [5, 6], [7]]
    assert texts(index) == sorted(2 * WHOLE)
    assert index.rows("SELECT count(*) FROM contents") == [(1,)]


def test_a_file_with_two_names_is_read_whole(index: Index, book: BookReader) -> None:
    (index.folder / "snapshot").mkdir()
    os.link(index.folder / "book.pdf", index.folder / "snapshot" / "book.pdf")
    index.read_all()
    assert book.page_calls == [[1, 2], [3, 4], [5, 6], [7]]
    assert texts(index) == sorted(2 * WHOLE)


def test_one_worker_at_a_time_reads_pages_of_a_content(index: Index, book: BookReader) -> None:
    (index.folder / "copy.pdf").write_bytes(b"heron")
    index.scan()
    while book.calls == []:
        read_once(index)
    read_once(index)
    index.rows("INSERT INTO workers (name, host, kind, pid, seen_at)"
               " SELECT 'w' || n, 'here', 'extract', n, now() FROM generate_series(1, 9) n RETURNING 1")  # fmt: skip
    assert len(index.extraction("first").claim_pages()) == 1
    assert index.extraction("second").claim_pages() == []


def test_a_worker_that_dies_loses_no_page_that_was_stored(index: Index, book: BookReader) -> None:
    index.scan()
    read_once(index)
    worker = index.extraction()
    [claim] = worker.claim_pages()
    assert index.extraction("another").claim_pages() == []
    assert index.extraction().recover() == 1
    assert index.states() == {"book.pdf": ("indexed", None)}
    index.read_all()
    assert claim.attempts == 1
    assert (book.page_calls, texts(index)) == ([[1, 2], [3, 4], [5, 6], [7]], WHOLE)


def test_pages_over_which_each_worker_dies_are_given_up(index: Index, book: BookReader) -> None:
    index.scan()
    read_once(index)
    for _ in range(file_claims.MAX_ATTEMPTS):
        assert len(index.extraction().claim_pages()) == 1
        index.extraction().recover()
    assert (texts(index), pending(index)) == (WHOLE[:2], [(0, "pages 3-7: crashed")])
    assert index.states() == {"book.pdf": ("indexed", None)}
    assert read_once(index) == 0
    with index.database.transaction() as connection:
        assert not page_claims.has_pending_pages(connection, host=HOST)
        assert retry_failures(connection) == 1
    index.read_all()
    assert texts(index) == WHOLE


def test_a_parser_that_fails_each_time_ends_it(index: Index, book: BookReader) -> None:
    index.scan()
    read_once(index)
    book.fails = SkipReason.CRASHED
    attempts = 0
    while read_once(index):
        attempts += 1
        assert read_once(index) == 0
        end_pause(index)
    assert attempts == file_claims.MAX_ATTEMPTS
    make_maintenance(index.database).sweep()
    assert (texts(index), pending(index)) == (WHOLE[:2], [(0, "pages 3-7: crashed")])
    version = index.rows("SELECT xmin FROM contents")
    make_maintenance(index.database).sweep()
    assert index.rows("SELECT xmin FROM contents") == version, "it was given up before"


def test_a_file_that_changes_in_between_is_read_anew(index: Index, book: BookReader) -> None:
    index.scan()
    read_once(index)
    [claim] = index.extraction().claim_pages()
    (index.folder / "book.pdf").write_bytes(b"plover and more")
    index.scan()
    index.processor().process([claim])
    index.rows("UPDATE files SET leased_until = NULL RETURNING 1")
    index.read_all()
    assert texts(index) == [text.replace("heron", "plover") for text in WHOLE]


def test_first_pages_without_text_do_not_end_it(index: Index, book: BookReader) -> None:
    book.has_text = False
    index.scan()
    read_once(index)
    assert index.states() == {"book.pdf": ("named", None)}
    book.has_text = True
    index.read_all()
    assert index.states() == {"book.pdf": ("indexed", None)}
    assert texts(index) == WHOLE[2:]


def test_copies_whose_first_pages_have_no_text_are_indexed_with_the_first_text(index: Index, book: BookReader) -> None:
    (index.folder / "copy.pdf").write_bytes(b"heron")
    book.has_text = False
    index.scan()
    while set(index.states().values()) != {("named", None)}:
        assert book.page_calls in ([], [[1, 2]])
        read_once(index)
    book.has_text = True
    read_once(index)
    assert set(index.states().values()) == {("indexed", None)}


def test_a_retry_does_not_begin_anew_what_goes_on(index: Index, book: BookReader) -> None:
    index.scan()
    read_once(index)
    with index.database.transaction() as connection:
        assert retry_failures(connection) == 0
        facts = read_file_facts(connection, index.root.id, b"book.pdf")
    assert facts is not None
    assert (facts.unread_pages, facts.pending_pages) == (5, 5)


def test_status_coverage_and_doctor_say_what_waits(index: Index, book: BookReader) -> None:
    index.scan()
    read_once(index)
    with index.database.transaction() as connection:
        assert read_status(connection).pending_pages == index.coverage().pending_pages == PAGES - 2
    lines = list(map(str, explanation_facts(explain(index.database, host=HOST, path=index.folder / "book.pdf"))))
    assert any(line.startswith("waiting   5 pages (pages 3-7: waiting): they are read") for line in lines), lines
    assert not any(line.startswith("left out") for line in lines), lines
    index.read_all()
    with index.database.transaction() as connection:
        assert read_status(connection).pending_pages == index.coverage().pending_pages == 0


def test_pages_of_an_older_index_are_read(index: Index, book: BookReader) -> None:
    """Its migration marks them, and no page is known. What was found is found meanwhile."""
    book.pages_in_a_turn = 1
    index.scan()
    read_once(index)
    index.rows("DELETE FROM page_texts RETURNING 1")
    read_once(index)
    assert texts(index) == WHOLE[:2]
    index.read_all()
    assert book.page_calls == [[1, 2], [1], [2], [3], [4], [5], [6], [7]]
    assert texts(index) == WHOLE
