"""The words of a picture on a page of a PDF file that has a text are found, after that text and beside it."""

from __future__ import annotations

import dataclasses
import io
import tempfile
from collections.abc import Iterator

import pytest
from PIL import Image, ImageChops, ImageStat

from magicfs.domain.contents import NO_OCR, Document
from magicfs.text.extract.documents.extended_documents import text_of
from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.ocr.ocr_engines import find_ocr, installed_rapidocr
from magicfs.text.extract.options import Limits, Ocr
from magicfs.text.extract.parsed import Parsed
from magicfs.text.extract.pdf import shown_pictures, text_layers
from magicfs.text.extract.pdf.pdf_pages import PdfPages
from magicfs.text.extract.pdf.pdf_text import PdfFile
from magicfs.text.extract.pdf.text_layers import KnownLayers, read_pdf
from tests.integration.text.reading import read
from tests.plugins.pdf import Page, Scan, pdf_file
from tests.plugins.pictures import long_picture_of
from tests.plugins.programs import needs

pytestmark = needs("tesseract")

SENTENCE = "the herons wait at the river until the tide turns and the boats come home again"
HEADER = "\n".join([SENTENCE] * 5)
PICTURE = "A table of marmalade\nand of oranges"
SLIDE = Page("Breakfast", (Scan(PICTURE, share=0.5),))
REPORT = Page("\n".join([SENTENCE] * 30), (Scan(PICTURE, share=0.4),))


@pytest.fixture(scope="module")
def reader() -> Iterator[FileExtractor]:
    # A strip of a long page that has no time left is left out.
    with FileExtractor(limits=Limits(seconds=600), ocr=find_ocr()) as opened:
        yield opened


def turns(reader: FileExtractor, content: bytes) -> Document:
    """What is read when no turn is left."""
    document = read(reader, content, b"a.pdf")
    while document.pending_pages:
        outcome = reader.go_on(content, kind="application/pdf parse", page_texts=document.page_texts)
        assert isinstance(outcome, Document), outcome
        document = outcome
    return document


def turned(content: bytes, degrees: int) -> bytes:
    return content.replace(b"/MediaBox", b"/Rotate %d/MediaBox" % degrees)


def pages(document: Document) -> list[str]:
    ends = [*document.page_starts[1:], len(document.text)]
    return [document.text[start:end] for start, end in zip(document.page_starts, ends, strict=True)]


@pytest.mark.parametrize("page", [SLIDE, REPORT], ids=["slide", "report"])
def test_the_text_is_read_at_once_and_the_picture_later(reader: FileExtractor, page: Page) -> None:
    content = pdf_file("A title page", page)
    first = read(reader, content, b"a.pdf")
    assert (first.pending_pages, "marmalade" in first.text) == ((2,), False)
    assert pages(first)[1].split() == page.text.split()
    title, whole = pages(turns(reader, content))
    assert title.split() == "A title page".split()
    assert whole.split() == [*page.text.split(), *PICTURE.split()]


def test_a_scan_under_a_long_header_is_read(reader: FileExtractor) -> None:
    scan = Scan("\n".join(["", "", *[f"{number} baskets of marmalade and of oranges" for number in range(10, 28)]]))
    [whole] = pages(turns(reader, pdf_file(Page(HEADER, (scan,)))))
    assert whole.split()[: len(HEADER.split())] == HEADER.split()
    assert "27 baskets of marmalade" in whole


def test_a_page_that_was_recognised_is_not_recognised_again(reader: FileExtractor) -> None:
    content = pdf_file(Scan("A scanned letter"), SLIDE)
    first = read(reader, content, b"a.pdf")
    assert (first.pending_pages, first.page_texts[1].is_recognised) == ((2,), True)
    known = {1: dataclasses.replace(first.page_texts[1], text="read before")}
    outcome = reader.go_on(content, kind="application/pdf parse", page_texts=known)
    assert isinstance(outcome, Document)
    assert pages(outcome)[0].strip() == "read before"
    assert "marmalade" in pages(outcome)[1]


def test_words_of_the_page_that_a_picture_has_too_stand_there_once(reader: FileExtractor) -> None:
    page = Page(f"Breakfast\n{PICTURE.splitlines()[0]}", (Scan(PICTURE, share=0.5),))
    whole = turns(reader, pdf_file(page)).text
    assert (whole.count("marmalade"), whole.count("oranges")) == (1, 1)


@pytest.mark.parametrize(
    "page",
    [
        Page(SENTENCE, (Scan("", share=0.5),)),
        Page("\n".join([SENTENCE] * 25), (Scan("\n".join([SENTENCE] * 25)),)),
        Page(SENTENCE, (Scan(PICTURE, share=0.1),)),
    ],
    ids=["nothing", "recognised before", "a logo"],
)
def test_a_picture_that_says_nothing_more_is_not_recognised(reader: FileExtractor, page: Page) -> None:
    document = turns(reader, pdf_file(page))
    assert (document.text.split(), document.recognition) == (page.text.split(), None)


def test_what_lies_under_a_text_layer_and_small_pictures_wait_for_nothing(reader: FileExtractor) -> None:
    recognised = Page("\n".join([SENTENCE] * 25), (Scan("\n".join([SENTENCE] * 25)),))
    logo = Page(SENTENCE, (Scan(PICTURE, share=0.1),))
    assert read(reader, pdf_file(recognised, logo, SENTENCE), b"a.pdf").pending_pages == ()


def test_a_background_of_all_pages_is_looked_at_once(reader: FileExtractor) -> None:
    background = Scan("Harbour Limited")
    document = read(reader, pdf_file(*(Page(f"{number} {HEADER}", (background,)) for number in range(5))), b"a.pdf")
    assert document.pending_pages == (1,)


def test_of_a_long_document_the_first_pages_with_pictures_wait(reader: FileExtractor) -> None:
    slides = [Page(f"Slide number {number}", (Scan(str(number) * number, share=0.4),)) for number in range(1, 61)]
    assert read(reader, pdf_file(*slides), b"a.pdf").pending_pages == tuple(range(1, 51))


def test_pieces_of_a_picture_are_read_as_one() -> None:
    page = Page(SENTENCE, tuple(Scan(PICTURE, share=0.4, piece=(number, 12)) for number in range(12)))
    with PdfFile(pdf_file(page)) as file:
        [region] = file.pictures(0).regions
    assert region.box == pytest.approx((0, 0, 0.4 * 612, 0.4 * 792), abs=2)


def test_a_picture_that_reaches_beyond_the_page_waits_with_the_text_of_the_page(reader: FileExtractor) -> None:
    document = read(reader, pdf_file(Page(HEADER, (Scan(PICTURE, share=1.2),)), SENTENCE), b"a.pdf")
    assert (document.pending_pages, document.text.split()) == ((1,), [*HEADER.split(), *SENTENCE.split()])


@pytest.mark.parametrize("turn", [90, 270])
def test_of_a_turned_page_the_pictures_alone_are_read(reader: FileExtractor, turn: int) -> None:
    [page] = pages(turns(reader, turned(pdf_file(REPORT), turn)))
    assert page.split()[: len(REPORT.text.split())] == REPORT.text.split()
    assert page.count("herons") == REPORT.text.count("herons")
    with PdfFile(turned(pdf_file(REPORT), turn)) as file:
        [region] = file.pictures(0).regions
        drawn = Image.open(io.BytesIO(file.draw(0, dpi=72, max_pixels=1000, box=region.box)))
    with PdfFile(pdf_file(REPORT)) as file:
        upright = Image.open(io.BytesIO(file.draw(0, dpi=72, max_pixels=1000, box=region.box)))
    difference = ImageChops.difference(drawn, upright.rotate(-turn, expand=True).resize(drawn.size))
    assert ImageStat.Stat(difference.convert("L")).mean[0] < 5


@pytest.mark.parametrize("box", [b"/MediaBox[-300 -200 800 900]", b"/CropBox[0 0 700 600]"])
def test_a_page_has_the_boxes_of_the_tree_of_pages(reader: FileExtractor, box: bytes) -> None:
    content = pdf_file(REPORT).replace(b"/Type/Pages", b"/Type/Pages" + box)
    if b"Media" in box:
        content = content.replace(b"/MediaBox[0 0 612 792]", b"")
    [page] = pages(turns(reader, content))
    assert page.split()[-len(PICTURE.split()) :] == PICTURE.split()


def test_a_picture_that_is_drawn_twice_is_one() -> None:
    page = Page(SENTENCE, (Scan(PICTURE, share=0.4), Scan(PICTURE, share=0.401), Scan(PICTURE, share=0.2)))
    with PdfFile(pdf_file(page)) as file:
        assert len(file.pictures(0).regions) == 1


def test_a_page_with_pictures_that_cannot_be_told_keeps_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown_pictures, "_visible_part", lambda _: None)
    outcome = read_pdf(pdf_file(SLIDE, SENTENCE))
    assert text_of(outcome).split() == ["Breakfast", *SENTENCE.split()]


def test_a_file_that_is_read_again_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    read_before: list[bytes] = []

    def note(content: bytes) -> Parsed:
        read_before.append(content)
        return read_pdf(content)

    monkeypatch.setattr(text_layers, "read_pdf", note)
    monkeypatch.setattr(text_layers, "MAX_KNOWN_CHARACTERS", 8000)
    first, second, third = (pdf_file("\n".join([word] * 400)) for word in ("heron", "tides", "boats"))
    known = KnownLayers()
    for content in (first, second, first, third, first, second):
        assert known.read(content) == read_pdf(content)
    assert read_before == [first, second, third, second]


def test_without_ocr_no_page_waits_until_there_is_one() -> None:
    with FileExtractor(limits=Limits(seconds=120)) as without:
        document = read(without, pdf_file(SLIDE, HEADER), b"a.pdf")
    assert (document.pending_pages, document.unread_detail, document.ocr) == ((), None, NO_OCR)


def test_ocr_that_is_loaded_later_reads_them() -> None:
    ocr: Ocr | None = installed_rapidocr()
    with FileExtractor(limits=Limits(seconds=300), ocr=ocr) as reader:
        document = turns(reader, pdf_file(SLIDE, HEADER))
    assert "marmalade" in pages(document)[0]
    assert pages(document)[1].split() == HEADER.split()


def long_page(*, resolution: int) -> bytes:
    """The screenshot of a long web page, as phones save it: one page, words at both ends."""
    target = io.BytesIO()
    with Image.open(io.BytesIO(long_picture_of("Marmalade needs oranges", "The heron waits"))) as picture:
        picture.save(target, "PDF", resolution=resolution)
    return target.getvalue()


@pytest.mark.parametrize("resolution", [100, 300])
def test_a_long_page_is_read_whole(reader: FileExtractor, resolution: int) -> None:
    text = turns(reader, long_page(resolution=resolution)).text
    assert text.split() == "Marmalade needs oranges The heron waits".split()


def test_of_a_long_page_the_strips_are_kept_for_which_there_is_time() -> None:
    content = long_page(resolution=100)
    with tempfile.TemporaryFile() as file:
        file.write(content)
        pages = PdfPages(file.fileno(), recognise=lambda _: "a strip", seconds=0)
        assert pages.shows_more(0, known_letters=0)
        assert pages.recognise(0) == "a strip"
