"""PDF files beyond the size limit, which is a megabyte here: their parser reads them itself, and all is found."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pypdf
import pytest

from magicfs.pipeline import large_files
from magicfs.text.chunking import TokenChunker
from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.options import Limits
from tests.plugins.index import Index
from tests.plugins.pdf import pdf_file

PAGES = """SELECT c.page FROM chunks k JOIN content_chunks c ON c.chunk_id = k.id
    JOIN files USING (content_id) WHERE k.text LIKE %s"""
CONTENTS = "SELECT count(*) FROM files GROUP BY content_id ORDER BY 1"


@pytest.fixture
def large(index: Index, tokenizer_path: Path) -> Iterator[Index]:
    index.chunker = TokenChunker(tokenizer_path, max_tokens=200)
    with FileExtractor(limits=Limits()) as reader:
        index.reader = reader
        yield index


def word_of(page: int) -> str:
    """A word of letters: lines that differ in numbers alone are headers of pages."""
    return "tide" + "".join(chr(ord("k") + int(digit)) for digit in str(page))


def report(*, pages: int = 60) -> bytes:
    """A report of 2 MB whose pages have a word of their own each."""
    texts = (f"The {word_of(number)} turns\nand {word_of(number)[::-1]} comes home" for number in range(1, pages + 1))
    writer = pypdf.PdfWriter(clone_from=pypdf.PdfReader(io.BytesIO(pdf_file(*texts))))
    writer.add_attachment("tides.bin", os.urandom(2 << 20))
    target = io.BytesIO()
    writer.write(target)
    return target.getvalue()


def found(index: Index, *, page: int) -> list[int | None]:
    """The pages on which the word of a page is found."""
    return [number for (number,) in index.rows(PAGES, f"%The {word_of(page)} turns%")]


def test_each_page_of_a_large_report_is_found_by_its_number(large: Index) -> None:
    content = report()
    assert len(content) > 2 << 20
    (large.folder / "report.pdf").write_bytes(content)
    large.settle()
    assert large.states() == {"report.pdf": ("indexed", None)}
    for page in (1, 2, 30, 60):
        assert found(large, page=page) == [page]
    assert large.rows("SELECT size FROM contents") == [(len(content),)]
    [(cut, unread)] = large.rows("SELECT cut_bytes, unread_parts FROM contents")
    assert (cut, unread) == (0, None)


def test_it_is_told_by_all_its_bytes(large: Index) -> None:
    content = report()
    middle = len(content) // 2
    other = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    for name, data in (("a.pdf", content), ("b.pdf", content), ("c.pdf", other)):
        (large.folder / name).write_bytes(data)
    large.settle()
    assert large.rows(CONTENTS) == [(1,), (2,)]


def test_it_is_told_by_what_is_read_in_time_on_a_slow_disk(large: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_files, "HASH_SECONDS", 0.0)
    content = report()
    for name, data in (("a.pdf", content), ("b.pdf", content), ("c.pdf", content + b"\n%more")):
        (large.folder / name).write_bytes(data)
    large.settle()
    assert large.rows(CONTENTS) == [(1,), (2,)]
    assert found(large, page=60) == [60] * 3


@pytest.mark.parametrize("how", ["cut", "written anew", "replaced"])
def test_one_that_changes_while_it_is_read_is_read_again(
    large: Index, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    path = large.folder / "report.pdf"
    path.write_bytes(report())
    later = report(pages=61)
    read = large.reader.extract_open
    outcomes: list[object] = []

    def change_and_read(descriptor: int, *, kind: str) -> object:
        if not outcomes:
            if how == "cut":
                os.truncate(path, 1 << 20)
            elif how == "written anew":
                path.write_bytes(later)
            else:
                new = path.with_name(".new")
                new.write_bytes(later)
                new.rename(path)
        outcomes.append(read(descriptor, kind=kind))
        return outcomes[-1]

    monkeypatch.setattr(large.reader, "extract_open", change_and_read)
    large.scan()
    large.extraction().run_batch()
    assert large.states() == {"report.pdf": ("pending", None)}
    assert large.rows("SELECT count(*) FROM contents") == [(0,)]
    if how == "cut":
        path.write_bytes(later)
    large.rows("UPDATE files SET leased_until = NULL RETURNING 1")
    large.settle()
    assert large.states() == {"report.pdf": ("indexed", None)}
    assert found(large, page=61) == [61]


def test_no_file_stays_open(large: Index) -> None:
    (large.folder / "report.pdf").write_bytes(report())
    large.settle()
    links = [os.readlink(entry) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()]
    assert not [link for link in links if "report.pdf" in link]


def test_one_with_a_password_and_a_damaged_one_have_their_reasons(large: Index) -> None:
    writer = pypdf.PdfWriter(clone_from=pypdf.PdfReader(io.BytesIO(report())))
    writer.encrypt("secret", "owner", algorithm="RC4-128")
    writer.write(large.folder / "locked.pdf")
    (large.folder / "damaged.pdf").write_bytes(b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\n" + os.urandom(2 << 20))
    large.settle()
    assert large.states() == {"damaged.pdf": ("failed", "corrupt"), "locked.pdf": ("skipped", "encrypted")}


def test_one_without_its_table_is_read(large: Index) -> None:
    content = report()
    (large.folder / "report.pdf").write_bytes(content[: content.rindex(b"startxref")] + b"startxref\n7\n%%EOF")
    large.settle()
    assert found(large, page=60) == [60]


def test_one_that_an_older_version_found_too_large_is_read(large: Index) -> None:
    from tests.plugins.services import make_maintenance

    (large.folder / "report.pdf").write_bytes(report())
    large.scan()
    large.rows("UPDATE files SET state = 'skipped', reason = 'too-large', extractor = 50 RETURNING 1")
    make_maintenance(large.database).sweep()
    large.settle()
    assert large.states() == {"report.pdf": ("indexed", None)}
