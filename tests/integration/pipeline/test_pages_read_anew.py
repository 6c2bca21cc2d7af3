"""What was found of a scanned book stays found while a newer version, or better OCR, reads it anew."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from magicfs.domain.contents import Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.options import OcrEngine
from magicfs.text.extract.versions import RECOGNISED_SINCE
from tests.integration.pipeline.books import PAGES, WHOLE, BookReader, add_book, pending, read_once, texts
from tests.plugins.index import Index
from tests.plugins.services import make_maintenance

PLACES = "SELECT page, first_line FROM content_chunks JOIN files USING (content_id) ORDER BY ordinal"


@pytest.fixture
def book(index: Index) -> BookReader:
    """A book that was read whole."""
    reader = add_book(index)
    index.read_all()
    reader.page_calls.clear()
    return reader


def begin_anew(index: Index, book: BookReader, cause: str = "version") -> None:
    """Let a newer version of the reader come, which reads more, or one that recognises as before, or a better OCR."""
    book.prefix = "the "
    if cause != "ocr":
        index.rows(f"UPDATE contents SET extractor = {RECOGNISED_SINCE - (cause == 'version')} RETURNING 1")
        make_maintenance(index.database).sweep()
    else:
        index.ocr = book.ocr = OcrEngine.TESSERACT
        wait_for_ocr(index)
    index.rows("UPDATE files SET leased_until = NULL RETURNING 1")
    assert index.states() == {"book.pdf": ("pending", None)}


def wait_for_ocr(index: Index) -> None:
    """Let a worker start that has the OCR of the index."""
    service = index.extraction()
    service.recover()
    service.try_ocr()


def found(read: Collection[int]) -> list[str]:
    """The texts that are found when these pages were read anew."""
    return sorted([f"the heron {page}" if page in read else f"heron {page}" for page in range(1, PAGES + 1)])


@pytest.mark.parametrize("cause", ["version", "ocr"])
def test_what_was_found_is_found_until_each_page_is_read_anew(index: Index, book: BookReader, cause: str) -> None:
    begin_anew(index, book, cause)
    while read_once(index):
        assert texts(index) == found(read_pages(book))
        pages, lines = zip(*index.rows(PLACES), strict=True)
        assert pages == tuple(range(1, PAGES + 1))
        assert list(lines) == sorted(set(lines))
    assert (texts(index), pending(index)) == (found(range(PAGES + 1)), [(0, None)])
    assert book.page_calls == [[1, 2], [3, 4], [5, 6], [7]]


def test_a_newer_reader_that_recognises_as_before_recognises_no_page_again(index: Index, book: BookReader) -> None:
    index.settle()
    begin_anew(index, book, "reader")
    index.read_all()
    assert (book.page_calls, texts(index), pending(index)) == ([[]], WHOLE, [(0, None)])
    assert index.rows("SELECT c.detail FROM contents c JOIN files f ON f.content_id = c.id") == [
        ("rapidocr, pages 1-7",)
    ]


def test_pages_that_still_waited_are_recognised_by_a_newer_reader(index: Index) -> None:
    book = add_book(index)
    index.scan()
    read_once(index)
    begin_anew(index, book, "reader")
    index.read_all()
    assert book.page_calls == [[1, 2], [3, 4], [5, 6], [7]]
    assert texts(index) == found({3, 4, 5, 6, 7})


def test_a_newer_reader_that_fails_at_known_pages_reads_the_file_as_any_other(index: Index, book: BookReader) -> None:
    begin_anew(index, book, "reader")
    book.fails = SkipReason.CRASHED
    read_once(index)
    assert book.page_calls == [[1, 2]]
    assert set(texts(index)) > {"the heron 1", "the heron 2"}


def test_the_vectors_of_pages_that_wait_are_not_made_anew(index: Index, book: BookReader) -> None:
    index.settle()
    begin_anew(index, book)
    read_once(index)
    query = "SELECT count(*) FROM embeddings e JOIN content_chunks USING (chunk_id) JOIN files USING (content_id)"
    assert index.rows(f"{query} WHERE e.state = 'done'") == [(PAGES - 2,)]


def test_a_page_that_only_the_earlier_version_could_read_stays(index: Index, book: BookReader) -> None:
    book.unreadable_pages = {2, 5}
    begin_anew(index, book)
    index.read_all()
    assert texts(index) == found({1, 3, 4, 6, 7})
    assert pending(index) == [(0, "pages 2, 5: crashed")]


def test_a_book_that_begins_with_empty_pages_stays_indexed(index: Index, book: BookReader) -> None:
    begin_anew(index, book)
    book.has_text = False
    read_once(index)
    assert index.states() == {"book.pdf": ("indexed", None)}
    assert texts(index) == WHOLE[2:]


def test_a_copy_that_comes_before_the_book_is_read_anew_has_what_was_found(index: Index, book: BookReader) -> None:
    begin_anew(index, book)
    (index.folder / "copy.pdf").write_bytes(b"heron")
    index.scan()
    index.rows("UPDATE files SET state = 'indexed' WHERE display = 'book.pdf' RETURNING 1")
    read_once(index)
    assert index.rows("SELECT text FROM chunks JOIN content_chunks c ON c.chunk_id = chunks.id JOIN files f"
                      " USING (content_id) WHERE f.display = 'copy.pdf' ORDER BY page") == [
        (text,) for text in ["the heron 1", "the heron 2", *WHOLE[2:]]
    ]  # fmt: skip


def test_a_changed_book_keeps_nothing_of_the_former_one(index: Index, book: BookReader) -> None:
    (index.folder / "book.pdf").write_bytes(b"plover")
    index.end_pauses()
    index.scan()
    read_once(index)
    assert texts(index) == ["plover 1", "plover 2"]


def test_a_book_for_which_there_is_no_ocr_now_stays_and_waits_for_it(index: Index, book: BookReader) -> None:
    index.rows("UPDATE contents SET title = 'Birds', author = 'Bewick', keywords = 'waders' RETURNING 1")
    begin_anew(index, book)
    book.extract = lambda *_, **__: Unreadable(SkipReason.NEEDS_OCR)
    read_once(index)
    assert index.states() == {"book.pdf": ("indexed", None)}
    assert (texts(index), pending(index)) == (WHOLE, [(0, "needs-ocr")])
    said = "SELECT title, author, keywords FROM contents c JOIN files f ON f.content_id = c.id"
    assert index.rows(said) == [("Birds", "Bewick", "waders")], "a new analysis makes words of them"
    del book.extract
    index.ocr = OcrEngine.RAPIDOCR
    index.rows("UPDATE files SET leased_until = NULL RETURNING 1")
    wait_for_ocr(index)
    while read_once(index):
        pass
    assert texts(index) == found(range(PAGES + 1))


@pytest.mark.parametrize("reason", [SkipReason.TIMEOUT, SkipReason.CRASHED, SkipReason.CORRUPT, SkipReason.BOMB])
def test_a_file_at_which_a_newer_reader_fails_keeps_its_text(
    index: Index, book: BookReader, reason: SkipReason
) -> None:
    begin_anew(index, book)
    book.extract = lambda *_, **__: Unreadable(reason)
    read_once(index)
    assert index.states() == {"book.pdf": ("indexed", None)}
    assert (texts(index), pending(index)) == (WHOLE, [(0, reason.value)])


def read_pages(book: BookReader) -> set[int]:
    return {page for pages in book.page_calls for page in pages}
