"""A turn that reads no page of a scanned book costs nothing that was found: the next one comes later."""

from __future__ import annotations

import errno
import os

import pytest

from magicfs.db.corpus import file_claims, page_claims
from magicfs.domain.contents import NO_OCR, Unreadable
from magicfs.domain.files import SkipReason
from tests.integration.pipeline.books import WHOLE, BookReader, add_book, end_pause, pending, read_once, texts
from tests.plugins.index import HOST, Index
from tests.plugins.services import make_maintenance

MANY_TURNS = 2 * file_claims.MAX_ATTEMPTS
"""More than after which pages are given up."""


@pytest.fixture
def book(index: Index) -> BookReader:
    """A book of which two pages were read."""
    reader = add_book(index)
    index.scan()
    read_once(index)
    return reader


def assert_nothing_is_lost(index: Index) -> None:
    make_maintenance(index.database).sweep()
    assert index.states() == {"book.pdf": ("indexed", None)}
    assert (texts(index), pending(index)) == (WHOLE[:2], [(5, "pages 3-7: waiting")])
    assert index.rows("SELECT page FROM page_texts ORDER BY page") == [(1,), (2,)]


def assert_it_goes_on(index: Index, book: BookReader) -> None:
    index.read_all()
    assert texts(index) == WHOLE
    assert book.page_calls == [[1, 2], [3, 4], [5, 6], [7]]


@pytest.mark.parametrize("reason", [SkipReason.NEEDS_OCR, SkipReason.VANISHED])
def test_an_ocr_that_is_gone_or_a_disk_that_fails_in_between_costs_no_page(
    index: Index, book: BookReader, reason: SkipReason
) -> None:
    book.fails = reason
    for _ in range(MANY_TURNS):
        assert read_once(index) == 1
        assert read_once(index) == 0, "the next turn comes later"
        with index.database.transaction() as connection:
            assert not page_claims.has_pending_pages(connection, host=HOST)
        assert_nothing_is_lost(index)
        end_pause(index)
    book.fails = None
    assert_it_goes_on(index, book)


def test_turns_that_read_nothing_become_rarer_until_one_reads(index: Index, book: BookReader) -> None:
    book.fails = SkipReason.VANISHED
    pauses = []
    for _ in range(6):
        read_once(index)
        pauses += index.rows(
            "SELECT pause_s FROM files WHERE leased_until > now() + make_interval(secs => pause_s - 60)"
        )
        end_pause(index)
    assert [pause for (pause,) in pauses] == [60, 120, 240, 480, 540, 540]
    assert_nothing_is_lost(index)
    book.fails = None
    assert_it_goes_on(index, book)
    assert index.rows("SELECT pause_s FROM files") == [(0,)]


@pytest.mark.parametrize("how", ["not installed", "not started"])
def test_a_worker_without_ocr_claims_no_book_that_one_with_ocr_has_begun(
    index: Index, book: BookReader, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    with monkeypatch.context() as patched:
        if how == "not installed":
            patched.setattr(index, "ocr", None)
        else:
            patched.setattr(book, "lacks_ocr", lambda: True)
        assert read_once(index) == 0
        assert_nothing_is_lost(index)
    assert_it_goes_on(index, book)


@pytest.mark.parametrize("ocr", [None, NO_OCR])
def test_a_worker_without_ocr_reads_pages_that_need_none(index: Index, book: BookReader, ocr: str | None) -> None:
    """Their text layers were read one by one, and the time was over. Another page may need OCR, such as a cover."""
    index.rows("UPDATE contents SET ocr = %s RETURNING 1", ocr)
    index.rows("UPDATE page_texts SET is_recognised = false RETURNING 1")
    index.ocr = None
    assert read_once(index) == 1
    assert texts(index) == WHOLE[:4]


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ENOENT])
def test_a_disk_that_fails_for_a_while_costs_nothing(
    index: Index, book: BookReader, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fail(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr("magicfs.pipeline.reading.open_below", fail)
        for _ in range(MANY_TURNS):
            assert read_once(index) == 1
            assert read_once(index) == 0, "the next turn comes later"
            assert_nothing_is_lost(index)
            end_pause(index)
    assert_it_goes_on(index, book)


def test_a_book_that_cannot_be_read_keeps_no_other_one_waiting(index: Index, book: BookReader) -> None:
    (index.folder / "other.pdf").write_bytes(b"plover")
    index.scan()
    while book.calls != [b"book.pdf", b"other.pdf"]:
        read_once(index)
    book.fails = SkipReason.CRASHED
    read_once(index)
    book.fails = None
    end_pause(index)
    [claim] = index.extraction().claim_pages()
    [(failed,)] = index.rows("SELECT display FROM files WHERE attempts = 1 AND lease IS NULL")
    assert claim.path.decode() != failed


def test_the_last_turn_of_another_worker_goes_on(index: Index, book: BookReader) -> None:
    index.rows("UPDATE files SET attempts = %s RETURNING 1", file_claims.MAX_ATTEMPTS - 1)
    end_pause(index)
    assert index.extraction("extract-2@here").claim_pages()
    index.extraction("extract-1@here").recover()
    assert_nothing_is_lost(index)
    index.extraction("extract-2@here").recover()
    assert pending(index) == [(0, "pages 3-7: crashed")]


def test_a_book_that_is_deleted_is_gone_after_the_next_scan(index: Index, book: BookReader) -> None:
    (index.folder / "book.pdf").unlink()
    assert read_once(index) == 1
    index.scan()
    assert index.states() == {}


def test_a_book_that_may_not_be_read_any_more_is_left_out(index: Index, book: BookReader) -> None:
    index.allows = lambda *_: False
    read_once(index)
    assert index.states() == {"book.pdf": ("failed", "permission")}
    assert texts(index) == []


def test_what_is_saved_during_the_pause_is_read_at_once(index: Index, book: BookReader) -> None:
    book.fails = SkipReason.CRASHED
    read_once(index)
    save_another(index)
    book.fails = None
    assert read_once(index) == 1
    index.read_all()
    assert texts(index) == [text.replace("heron", "plover") for text in WHOLE]


def test_what_is_saved_while_a_turn_fails_is_read_soon_and_with_all_attempts(index: Index, book: BookReader) -> None:
    def fail(*_: object, **__: object) -> Unreadable:
        save_another(index)
        return Unreadable(SkipReason.CRASHED)

    book.go_on = fail
    read_once(index)
    [(attempts, pause_s)] = index.rows(
        "SELECT attempts, extract(epoch FROM leased_until - now())::float8 FROM files WHERE state = 'pending'"
    )
    assert attempts == 0
    assert pause_s <= file_claims.REREAD_PAUSE_SECONDS


def test_a_rename_during_the_pause_is_followed_at_once(index: Index, book: BookReader) -> None:
    book.fails = SkipReason.VANISHED
    read_once(index)
    (index.folder / "book.pdf").rename(index.folder / "novel.pdf")
    index.scan()
    assert read_once(index) == 1
    assert index.states() == {"novel.pdf": ("indexed", None)}
    assert (texts(index), pending(index)) == (WHOLE[:2], [(5, "pages 3-7: waiting")])
    book.fails = None
    assert_it_goes_on(index, book)


def save_another(index: Index) -> None:
    """Save another book under the name of the first one."""
    (index.folder / "book.pdf").write_bytes(b"plover and more")
    index.scan()
