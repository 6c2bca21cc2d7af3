"""The texts of files in files: compressed alone, attached to a PDF file, chapters of a book."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import sys
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, TypeAlias

import lz4.block
import pypdf
import pytest

from magicfs.domain.contents import Document, Unreadable
from magicfs.text.extract.archives import compressed_frames
from magicfs.text.extract.archives.compressed_files import decompress_file
from magicfs.text.extract.documents.file_parts import FileParts
from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.office import office_parts
from magicfs.text.extract.options import Limits
from magicfs.text.extract.pdf import pdf_parts
from tests.integration.text.pdf_attachments import pdf_with_damaged_attachment
from tests.plugins import documents, pdf

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Compress: TypeAlias = Callable[[bytes], bytes]
LOG = b"Mar 3 kernel: a segfault at zygomorphic\n"


def read(extractor: FileExtractor, content: bytes, name: bytes) -> Document:
    outcome = extractor.extract(content, name=name)
    assert isinstance(outcome, Document), outcome
    return outcome


@pytest.mark.parametrize(
    ("name", "compress"),
    [
        (b"kern.log.1.gz", gzip.compress),
        (b"kern.log.bz2", bz2.compress),
        (b"kern.log.xz", lzma.compress),
        (b"kern.log.zst", documents.compressed_with_zstd),
        (b"kern.log.lz4", documents.compressed_with_lz4),
        (b"kern.log.lzma", lambda content: lzma.compress(content, lzma.FORMAT_ALONE)),
        (b"kern.jsonlz4", lambda content: b"mozLz40\0" + lz4.block.compress(content)),
    ],
)
def test_a_text_that_is_compressed_alone_is_a_text(extractor: FileExtractor, name: bytes, compress: Any) -> None:
    assert read(extractor, compress(LOG), name).text == LOG.decode()


@pytest.mark.parametrize("compress", [documents.compressed_with_zstd, documents.compressed_with_lz4])
def test_frames_are_read_one_after_the_other(extractor: FileExtractor, compress: Compress) -> None:
    skipped = b"\x5d\x2a\x4d\x18\3\0\0\0abc"
    content = skipped * 2 + compress(LOG) + compress(b"") + skipped + compress(LOG)
    assert read(extractor, content, b"kern.log.1").text == 2 * LOG.decode()


@pytest.mark.parametrize("compress", [documents.compressed_with_zstd, documents.compressed_with_lz4])
@pytest.mark.parametrize(("limit", "is_whole"), [(3, True), (2, False)])
def test_as_many_frames_are_read_as_there_is_time_for(
    monkeypatch: pytest.MonkeyPatch, compress: Compress, limit: int, is_whole: bool
) -> None:
    monkeypatch.setattr(compressed_frames, "MAX_FRAMES", limit)
    mime_type = "application/zstd" if compress is documents.compressed_with_zstd else "application/x-lz4"
    file = decompress_file(3 * compress(LOG), mime_type)
    assert file is not None
    assert (file.content, file.is_damaged) == (limit * LOG, not is_whole)


def test_zstandard_may_look_back_far(extractor: FileExtractor) -> None:
    """Frames of `zstd --long=29`."""
    compressor = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 29})
    content = compressor.compress(LOG) + compressor.flush()
    assert read(extractor, content, b"kern.log.zst").text == LOG.decode()


def test_a_size_that_a_file_of_mozilla_states_is_not_believed(extractor: FileExtractor) -> None:
    outcome = extractor.extract(b"mozLz40\0\xff\xff\xff\x7f" + bytes(40), name=b"a.jsonlz4")
    assert isinstance(outcome, Unreadable)


def test_a_compressed_document_is_read_by_its_own_reader(extractor: FileExtractor) -> None:
    drawing = b"<svg xmlns='http://www.w3.org/2000/svg'><text>pantograph</text></svg>"
    assert read(extractor, gzip.compress(drawing), b"a.svgz").text == "pantograph"
    letter = documents.word_document("about an armadillo")
    assert "armadillo" in read(extractor, gzip.compress(letter), b"letter.docx.gz").text


def test_the_name_in_a_compressed_file_tells_its_type(extractor: FileExtractor) -> None:
    data = io.BytesIO()
    with gzip.GzipFile("notes.md", "wb", fileobj=data) as file:
        file.write(b"# Notes\n\nOn quinces.\n")
    assert read(extractor, data.getvalue(), b"upload.gz").mime_type == "text/markdown"


def test_what_is_no_text_has_none_and_archives_have_names(extractor: FileExtractor) -> None:
    assert isinstance(extractor.extract(gzip.compress(bytes(range(256)) * 40), name=b"a.gz"), Unreadable)
    assert "letters/one.txt" in read(extractor, documents.tar_archive(["letters/one.txt"], mode="w:gz"), b"a.tgz").text


def test_a_cut_compressed_file_keeps_its_beginning(extractor: FileExtractor) -> None:
    lines = b"".join(b"line %d of a long log\n" % number for number in range(20_000))
    for compress in (gzip.compress, documents.compressed_with_zstd, documents.compressed_with_lz4):
        compressed, name = compress(lines), b"long.log"
        document = read(extractor, compressed[: len(compressed) // 2], name)
        assert "line 0 of" in document.text
        assert document.unread_parts is not None


def test_a_compressed_file_with_damage_in_it_ends_there(extractor: FileExtractor) -> None:
    words = random.Random(1)
    text = " ".join(words.choice(("heron", "gull", "river", "delta")) for _ in range(400_000)).encode()
    compressed = documents.compressed_with_zstd(text)
    half = len(compressed) // 2
    document = read(extractor, compressed[:half] + bytes(1000) + compressed[half + 1000 :], b"birds.txt.zst")
    assert 100_000 < len(document.text) < len(text)
    assert document.unread_parts is not None
    assert isinstance(extractor.extract(compressed[:8] + bytes(100), name=b"birds.txt.zst"), Unreadable)


def test_a_long_compressed_text_says_what_was_cut() -> None:
    with FileExtractor(limits=Limits(seconds=60, text_bytes=1000)) as reader:
        document = read(reader, gzip.compress(LOG * 1000), b"long.log.gz")
    assert len(document.text) <= 1000
    assert document.cut_bytes >= len(LOG) * 1000 - 1000


def test_what_is_left_out_of_a_compressed_file_is_counted_afterwards() -> None:
    file = decompress_file(gzip.compress(bytes(70 << 20), 1), "application/gzip")
    assert file is not None
    assert len(file.content) == 64 << 20
    assert file.count_rest(until=0) == 0
    assert file.count_rest(until=time.monotonic() + 60) == 6 << 20


@pytest.mark.parametrize(
    ("compress", "mime_type"),
    [(gzip.compress, "application/gzip"), (bz2.compress, "application/x-bzip2"), (lzma.compress, "application/x-xz")],
)
def test_an_archive_is_known_by_its_beginning(compress: Compress, mime_type: str) -> None:
    member = documents.tar_archive(["a.txt"])[:1024]  # its header, and its content to the end of a block
    archive = compress(member * 24_000)
    tracemalloc.start()
    try:
        assert decompress_file(archive, mime_type) is None
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def pdf_with_attachments(**files: bytes) -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf.pdf_file("The page that carries them")))
    for name, content in files.items():
        writer.add_attachment(name.replace("_", "."), content)
    data = io.BytesIO()
    writer.write(data)
    return data.getvalue()


def test_files_that_are_attached_to_a_pdf_file_are_read(extractor: FileExtractor) -> None:
    invoice = b'<?xml version="1.0"?><Invoice><ID currency="EUR">RE-2024-55512</ID><Name>Beech</Name></Invoice>'
    text = read(
        extractor,
        pdf_with_attachments(invoice_xml=invoice, letter_docx=documents.word_document("about sage"), a_bin=b"\0\1\2"),
        b"a.pdf",
    ).text
    assert "invoice.xml" in text
    assert "RE-2024-55512\nBeech" in text
    assert "currency" not in text
    assert "about sage" in text


def test_a_file_that_is_pinned_to_a_page_is_read_there(extractor: FileExtractor) -> None:
    pinned = b"<</Type/Annot/Subtype/FileAttachment/Rect[0 0 9 9]/Contents(see this)/FS 5 0 R>>"
    content = pdf.pdf_of_objects(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R 4 0 R]/Count 2>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Annots[%s]>>" % pinned,
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>",
            b"<</Type/Filespec/F(memo.txt)/EF<</F 6 0 R>>>>",
            b"<</Type/EmbeddedFile/Length 17>>stream\na text on fennel \nendstream",
        ]
    )
    document = read(extractor, content, b"a.pdf")
    assert document.text[: document.page_starts[1]].split("\n\n")[-2].splitlines() == [
        "see this",
        "memo.txt",
        "a text on fennel",
    ]


def test_a_damaged_attachment_costs_its_own_text_alone(extractor: FileExtractor) -> None:
    attached = {"a.txt": b"a text on rosemary", "b.txt": b"a text on basil"}
    content = pdf_with_damaged_attachment(attached, outline="Chapter of heather")
    text = read(extractor, content, b"a.pdf").text
    assert "heather" in text
    assert "a.txt" in text
    assert "rosemary" not in text
    assert "a text on basil" in text


def test_attachments_are_read_while_there_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = began = time.monotonic()
    monkeypatch.setattr(pdf_parts, "time", SimpleNamespace(monotonic=lambda: now))

    def read_slowly(content: bytes, _name: bytes) -> str:
        nonlocal now
        now += 2000
        return content.decode()

    content = pdf_with_attachments(a_txt=b"thyme", b_txt=b"sorrel", c_txt=b"chervil")
    parts = FileParts(read_slowly)
    texts = pdf_parts.pdf_parts(content, running_text="a page", until=began + 3000, parts=parts)
    assert texts == {0: "a.txt\nthyme\nb.txt\nsorrel\nc.txt"}
    assert str(parts.unread) == "1 of 1 part could not be read: c.txt (timeout)"


CHAPTERS = {
    "O/one chapter.xhtml": "<html><body><h1>Storm</h1><p>The break<i>ers</i> roared</p></body></html>",
    "O/two.xhtml": "<html><body><p>A foghorn</p></body></html>",
}


@pytest.fixture
def book() -> bytes:
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata xmlns:dc="dc">'
        "<dc:title>The Long Reef</dc:title>"
        "<dc:identifier>urn:isbn:9783161484100</dc:identifier><dc:publisher>Ebb Press</dc:publisher></metadata>"
        "<manifest>"
        '<item id="a" href="one%20chapter.xhtml" media-type="application/xhtml+xml"/>'
        '<item id="b" href="two.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="a"/><itemref idref="b"/></spine></package>'
    )
    names = 'xmlns="urn:oasis:names:tc:opendocument:xmlns:container"'
    root = '<rootfiles><rootfile full-path="O/c.opf" media-type="application/oebps-package+xml"/></rootfiles>'
    return documents.container(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": f"<container {names}>{root}</container>",
            "O/c.opf": package,
            **CHAPTERS,
        }
    )


def test_chapters_with_encoded_addresses_are_read(extractor: FileExtractor, book: bytes) -> None:
    text = read(extractor, book, b"book.epub").text
    assert text.count("The breakers roared") == text.count("A foghorn") == 1
    assert text.index("The breakers roared") < text.index("A foghorn")


def test_a_book_of_chapters_with_encoded_addresses_has_its_title(extractor: FileExtractor, book: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(book)) as container:
        members = {name: container.read(name).decode() for name in container.namelist()}
    members["O/c.opf"] = members["O/c.opf"].replace('"two.xhtml"', '"t%77o.xhtml"')
    assert read(extractor, documents.container(members), b"book.epub").title == "The Long Reef"


def test_a_book_is_found_by_its_number_and_its_publisher(extractor: FileExtractor, book: bytes) -> None:
    text = read(extractor, book, b"book.epub").text
    assert "9783161484100" in text
    assert "Ebb Press" in text


def test_a_book_has_all_that_it_states_more_than_once(extractor: FileExtractor, book: bytes) -> None:
    more = (
        "<dc:title>A Story of Tides</dc:title><dc:creator>Ann Reed</dc:creator><dc:creator>Bob Marsh</dc:creator>"
        "<dc:subject>Sea</dc:subject><dc:subject>Storms</dc:subject><dc:description>On a reef</dc:description>"
        "<dc:language>en</dc:language><dc:language>de</dc:language></metadata>"
    )
    with zipfile.ZipFile(io.BytesIO(book)) as container:
        members = {name: container.read(name).decode() for name in container.namelist()}
    members["O/c.opf"] = members["O/c.opf"].replace("</metadata>", more)
    document = read(extractor, documents.container(members), b"book.epub")
    assert document.title == "The Long Reef: A Story of Tides"
    assert (document.author, document.keywords) == ("Ann Reed, Bob Marsh", "Sea, Storms, On a reef")


def test_chapters_are_read_while_there_is_time(book: bytes) -> None:
    texts = [
        office_parts.office_parts(book, "application/epub+zip", running_text="", parts=FileParts(until=until))
        for until in (time.monotonic() + 60, 0)
    ]
    assert texts == ["9783161484100\n\nEbb Press\n\nStorm\n\nThe breakers roared\n\nA foghorn", ""]
