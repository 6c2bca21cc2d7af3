"""Pictures in archives, in documents there, and on the pages of PDF files there and in mail, are recognised later."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

import pytest

from magicfs.domain.contents import Document
from magicfs.text.extract.archives.library_members import has_library
from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.file_types import FileType, Route
from magicfs.text.extract.mail import mail_pictures
from magicfs.text.extract.mail.mail_pictures import AttachedPictures
from magicfs.text.extract.ocr.ocr_engines import find_ocr
from magicfs.text.extract.options import Limits
from tests.integration.text.reading import read, whole
from tests.plugins.documents import mail
from tests.plugins.pdf import Page, Scan, pdf_file
from tests.plugins.pictures import members, picture_of, word_document_of
from tests.plugins.programs import needs
from tests.plugins.rar import rar_of

pytestmark = needs("tesseract")

MARMALADE = picture_of("Marmalade needs bitter oranges")
HERON = picture_of("The heron waits at the river", image_format="JPEG")
SLIDE = pdf_file("A title page", Page("Breakfast", (Scan("Marmalade needs\nbitter oranges", share=0.5),)))
SCAN = pdf_file("A title page", Scan("Marmalade needs\nbitter oranges"))


@pytest.fixture(scope="module")
def reader() -> Iterator[FileExtractor]:
    with FileExtractor(limits=Limits(seconds=300), ocr=find_ocr()) as opened:
        yield opened


def tar_of(files: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return target.getvalue()


def pages(document: Document) -> list[str]:
    return [document.text[start:end].strip() for start, end in pairwise([0, *document.page_starts, None])]


@pytest.mark.parametrize(("pack", "name"), [(members, b"a.zip"), (tar_of, b"a.tgz"), (rar_of, b"a.cbr")])
def test_each_picture_of_an_archive_is_found_on_a_page_with_its_name(
    reader: FileExtractor, pack: Callable[[Mapping[str, bytes]], bytes], name: bytes
) -> None:
    if pack is rar_of and not has_library() and "CI" not in os.environ:
        pytest.skip("libarchive is not installed")
    files = {"notes.txt": b"On fish", "scans/one.png": MARMALADE, "b.docx": word_document_of("Breakfast", HERON)}
    content = pack(files)
    document = read(reader, content, name)
    assert (document.pending_pages, [picture.page for picture in document.pictures]) == ((1, 2), [2, 3])
    names, notes, scan, letter = pages(whole(reader, content, name))
    assert names.split("\n") == list(files)
    assert notes == "notes.txt\n\nOn fish"
    assert scan.split() == "scans/one.png Marmalade needs bitter oranges".split()
    assert letter.startswith("b.docx\n\nBreakfast\n")
    assert "heron waits" in letter


def test_the_pages_of_a_comic_are_read_in_their_order(reader: FileExtractor) -> None:
    comic = members(
        {"02.jpg": HERON, "03.png": picture_of("", size=(600, 900)), "ComicInfo.xml": b"<Title>Pies</Title>"}
    )
    document = whole(reader, comic, b"pies.cbz")
    assert "heron waits" in pages(document)[1]
    assert "Pies" in document.text


@pytest.mark.parametrize("pdf", [SLIDE, SCAN], ids=["beside text", "scanned"])
@pytest.mark.parametrize("depth", ["mail", "archive", "archive in mail"])
def test_pages_of_pdf_files_inside_of_files_are_recognised(reader: FileExtractor, pdf: bytes, depth: str) -> None:
    files = {"a.pdf": pdf, "bird.jpg": HERON}
    if depth == "archive":
        name, content = b"a.zip", members(files)
    else:
        attached = files if depth == "mail" else {"a.zip": members(files)}
        name, content = b"a.eml", mail("Dear Ann", subject="Breakfast", attachments=attached)
    document = read(reader, content, name)
    assert (document.pending_pages, "bitter" in document.text) == ((1, 2), False)
    text = whole(reader, content, name).text
    assert text.index("title page") < text.index("bitter oranges") < text.index("heron waits")


@pytest.mark.parametrize("inner", [MARMALADE, SCAN, word_document_of("Breakfast", MARMALADE)])
def test_the_pictures_of_a_compressed_file_are_read(reader: FileExtractor, inner: bytes) -> None:
    content = gzip.compress(inner)
    assert "bitter oranges" in whole(reader, content, b"scan.gz").text


def test_pictures_are_looked_for_in_the_first_bytes_that_were_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_pictures, "MAX_BYTES_LOOKED_AT", len(MARMALADE) + 100)
    attached, png = AttachedPictures(), FileType(Route.IMAGE, "image/png")
    attached.add(MARMALADE, png)
    assert (attached.count, attached.is_full) == (1, False)
    attached.add(HERON, FileType(Route.IMAGE, "image/jpeg"))
    assert (attached.count, attached.is_full) == (1, True)
