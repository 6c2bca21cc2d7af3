"""Parts of files that are damaged or need a password: the others are read, and people are told which are missing."""

from __future__ import annotations

import gzip
import io
import lzma
import zipfile
from email.message import EmailMessage

import pytest

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.extractor import FileExtractor
from tests.integration.text.pdf_attachments import pdf_with_damaged_attachment
from tests.plugins import documents, pdf
from tests.plugins.documents import container, presentation, sheet_comments, word_document, workbook


def read(extractor: FileExtractor, content: bytes, name: bytes) -> tuple[str, str]:
    """The text of a file, and what is said of its parts."""
    outcome = extractor.extract(content, name=name)
    assert isinstance(outcome, Document), outcome
    return outcome.text, str(outcome.unread_parts or "")


def with_flipped_bit(content: bytes, inside: bytes) -> bytes:
    """A container of which a member is not what its checksum says; `inside` is a part of the member."""
    assert content.count(inside) == 1
    return content.replace(inside, bytes([inside[0] ^ 1]) + inside[1:])


def book(*chapters: str) -> bytes:
    names = [f"O/{number}.xhtml" for number in range(len(chapters))]
    items = "".join(
        f'<item id="i{n}" href="{n}.xhtml" media-type="application/xhtml+xml"/>' for n in range(len(chapters))
    )
    spine = "".join(f'<itemref idref="i{n}"/>' for n in range(len(chapters)))
    root = '<rootfiles><rootfile full-path="O/c.opf" media-type="application/oebps-package+xml"/></rootfiles>'
    return container(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": f'<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container">{root}'
            "</container>",
            "O/c.opf": '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata/>'
            f"<manifest>{items}</manifest><spine>{spine}</spine></package>",
            **{name: f"<html><body><p>{text}</p></body></html>" for name, text in zip(names, chapters, strict=True)},
        }
    )


def mail_with(*files: tuple[str, bytes]) -> bytes:
    message = EmailMessage()
    message["Subject"], message["From"], message["Date"] = (
        "Papers",
        "ada@example.org",
        "Mon, 05 Feb 2024 10:00:00 +0000",
    )
    message.set_content("They are attached.")
    for name, content in files:
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def protected(content: bytes) -> bytes:
    """A zip container whose members say that they need a password."""
    data = bytearray(content)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.find(signature)
        while place >= 0:
            data[place + offset] |= 1
            place = data.find(signature, place + 4)
    return bytes(data)


@pytest.mark.parametrize(
    ("name", "content", "kept", "said"),
    [
        (
            b"a.docx",
            word_document(header1="</w:t>broken", comments="quartermaster"),
            "quartermaster",
            "1 of 3 parts could not be read: word/header1.xml (corrupt)",
        ),
        (
            b"b.docx",
            with_flipped_bit(word_document(footnotes="the bittern", comments="quartermaster"), b"the bittern"),
            "quartermaster",
            "1 of 3 parts could not be read: word/footnotes.xml (corrupt)",
        ),
        (
            b"a.xlsx",
            with_flipped_bit(workbook({"xl/comments1.xml": sheet_comments("salsify")}), b"salsify"),
            "",
            "1 of 3 parts could not be read: xl/comments1.xml (corrupt)",
        ),
        (
            b"b.xlsx",
            workbook({"xl/comments1.xml": sheet_comments("salsify"), "xl/worksheets/sheet2.xml": "<sheetData><row"}),
            "salsify",
            "1 of 4 parts could not be read: xl/worksheets/sheet2.xml (corrupt)",
        ),
        (
            b"a.pptx",
            with_flipped_bit(presentation("a slide of cranes", notes="mention the wombat"), b"mention the wombat"),
            "a slide of cranes",
            "1 of 2 parts could not be read: ppt/notesSlides/notesSlide1.xml (corrupt)",
        ),
        (
            b"a.epub",
            with_flipped_bit(book("The storm", "A foghorn sounds", "The harbour"), b"A foghorn sounds"),
            "The harbour",
            "1 of 3 parts could not be read: O/1.xhtml (corrupt)",
        ),
        (
            b"a.odt",
            with_flipped_bit(documents.text_document("the minutes", header="Obsidian Board"), b"Obsidian Board"),
            "the minutes",
            "1 of 2 parts could not be read: styles.xml (corrupt)",
        ),
        (
            b"a.eml",
            mail_with(("report.docx", word_document("a report on okapis")[:-60]), ("plan.txt", b"the ocelot plan")),
            "the ocelot plan",
            "1 of 2 parts could not be read: report.docx (corrupt)",
        ),
        (
            b"b.eml",
            mail_with(("secret.docx", protected(word_document())), ("not.pdf", b"\x00\x01 no pdf"), ("a.bin", b"\0")),
            "They are attached.",
            "2 of 3 parts could not be read: secret.docx (encrypted), not.pdf (corrupt)",
        ),
        (
            b"sealed.eml",
            mail_with(("plan.txt.gpg", bytes.fromhex("8c0d04090302bc29d81c3f11e89affd24a01")), ("a.bin", b"\0")),
            "They are attached.",
            "1 of 2 parts could not be read: plan.txt.gpg (encrypted)",
        ),
        (
            b"c.eml",
            mail_with(("minutes.docx", word_document("on herons", comments="</w:t>broken"))),
            "on herons",
            "1 of 3 parts could not be read: minutes.docx/word/comments.xml (corrupt)",
        ),
        (
            b"a.tar",
            documents.tar_archive([f"letters/{number}.txt" for number in range(9)])[: 512 * 5],
            "letters/0.txt",
            "1 of 4 parts could not be read: what follows letters/2.txt (corrupt)",
        ),
        (
            b"a.tgz",
            documents.tar_archive([f"letters/{number}.txt" for number in range(400)], mode="w:gz")[:2500],
            "letters/0.txt",
            " parts could not be read: what follows letters/",
        ),
        (
            b"a.log.xz",
            lzma.compress(b"".join(b"line %d of a long log\n" % number for number in range(60_000)), preset=0)[:13_000],
            "line 0 of",
            "1 of 2 parts could not be read: what follows the damage (corrupt)",
        ),
    ],
)
def test_what_is_damaged_is_counted_and_named(
    extractor: FileExtractor, name: bytes, content: bytes, kept: str, said: str
) -> None:
    text, parts = read(extractor, content, name)
    assert kept in text
    assert said in parts


@pytest.mark.parametrize(
    "content",
    [
        with_flipped_bit(presentation("a heron", "an egret", "a crane", notes="wombat"), b"an egret"),
        presentation("a heron", "</a:t> an egret", "a crane", notes="wombat"),
        presentation("a heron", None, "a crane", notes="wombat"),
    ],
)
def test_a_damaged_slide_costs_its_own_text_alone(extractor: FileExtractor, content: bytes) -> None:
    outcome = extractor.extract(content, name=b"a.pptx")
    assert isinstance(outcome, Document), outcome
    assert outcome.text[outcome.page_starts[2] :].strip().startswith("a crane"), "the slide after it is still the third"
    assert all(words in outcome.text for words in ("a heron", "a crane", "wombat"))
    assert str(outcome.unread_parts) == "1 of 4 parts could not be read: ppt/slides/slide2.xml (corrupt)"


def test_damaged_styles_of_a_presentation_cost_themselves_alone(extractor: FileExtractor) -> None:
    names = (
        'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
        ' xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"'
        ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    )
    body = f"<office:d {names}><draw:page><text:p>A crane flies</text:p></draw:page></office:d>"
    content = container(
        {
            "mimetype": "application/vnd.oasis.opendocument.presentation",
            "content.xml": body,
            "styles.xml": "<broken",
            "meta.xml": "<none/>",
        }
    )
    text, parts = read(extractor, content, b"a.odp")
    assert "A crane flies" in text
    assert parts == "1 of 3 parts could not be read: styles.xml (corrupt)"


def test_attachments_of_a_pdf_file_are_counted(extractor: FileExtractor) -> None:
    attached = {"a.txt": b"a text on rosemary", "b.docx": word_document("on basil")[:-60], "c.txt": b"a text on thyme"}
    text, parts = read(extractor, pdf_with_damaged_attachment(attached), b"a.pdf")
    assert "a text on thyme" in text
    assert parts == "2 of 3 parts could not be read: a.txt (corrupt), b.docx (corrupt)"


def test_only_the_first_damaged_parts_are_named(extractor: FileExtractor) -> None:
    files = [(f"{'n' * 200}{number}.docx", b"PK\x03\x04 is no container") for number in range(50)]
    _, parts = read(extractor, mail_with(*files), b"many.eml")
    assert parts.startswith("50 of 50 parts could not be read: ")
    assert parts.endswith(" and 30 more")
    assert len(parts) < 20 * 150


def test_a_file_whose_parts_are_all_damaged_is_damaged(extractor: FileExtractor) -> None:
    content = with_flipped_bit(book("The storm"), b"The storm")
    outcome = extractor.extract(content, name=b"a.epub")
    assert isinstance(outcome, Unreadable)
    assert outcome.reason is SkipReason.CORRUPT


def test_whole_files_have_no_unread_parts(extractor: FileExtractor) -> None:
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("a.txt", "a text")
    for name, content in (
        (b"a.docx", word_document(header1="Halberdier")),
        (b"a.pptx", presentation("a slide", notes="notes")),
        (b"a.epub", book("The storm")),
        (b"a.tar", documents.tar_archive(["letters/one.txt", "letters/two.txt"])),
        (b"a.txz", documents.tar_archive(["letters/one.txt", "letters/two.txt"], mode="w:xz")),
        (b"a.zip", zipped.getvalue()),
        (b"a.log.gz", gzip.compress(b"a log\n")),
        (
            b"a.eml",
            mail_with(("a.docx", word_document()), ("a.bin", bytes(range(256))), ("a.png", documents.picture())),
        ),
        (b"a.pdf", pdf.pdf_with_parts("a page", fields={"Name": "Ada"}, note="a note", outline="One")),
    ):
        assert read(extractor, content, name)[1] == "", name


def test_a_book_without_its_list_of_chapters_is_read(extractor: FileExtractor) -> None:
    content = book("the first bathysphere", "the second one").replace(b"O/c.opf", b"O/d.opf", 1)
    text, said = read(extractor, content, b"a.epub")
    assert "bathysphere" in text
    assert "second one" in text
    assert said


def test_a_document_that_ends_early_is_read_until_then(extractor: FileExtractor) -> None:
    members = {"[Content_Types].xml": documents.CONTENT_TYPES}
    members["word/document.xml"] = (
        f"<w:document {documents.WORD}><w:body><w:p><w:r><w:t>the first quarrel</w:t></w:r></w:p><w:p><w:r><w:t>the"
    )
    text, said = read(extractor, container(members), b"a.docx")
    assert "quarrel" in text
    assert said


def test_a_broken_member_of_a_document_is_no_bomb(extractor: FileExtractor) -> None:
    content = word_document("running text", comments="quartermaster")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        start = archive.getinfo("word/comments.xml").header_offset
    text, parts = read(extractor, content[:start] + b"PK\0\0" + content[start + 4 :], b"a.docx")
    assert "running text" in text
    assert "word/comments.xml" in parts


def test_a_book_in_any_language_is_read_whatever_its_links_are(extractor: FileExtractor) -> None:
    link = 'Bir sonraki yer <a href="https://example.org"> çevrimiçi kılavuz </a>. Devam'
    for _ in range(2):
        text, parts = read(extractor, book("Kitabın başı", link, "Kitabın sonu"), b"a.epub")
        assert text.index("başı") < text.index("çevrimiçi kılavuz") < text.index("sonu")
        assert not parts


def test_a_picture_that_is_not_there_costs_no_words_of_a_presentation(extractor: FileExtractor) -> None:
    content = presentation(
        "a heron",
        "an egret</a:t></a:r></a:p></p:txBody></p:sp><p:pic><p:blipFill/></p:pic><p:sp>"
        "<p:txBody><a:p><a:r><a:t>a stork",
        notes="wombat",
    )
    outcome = extractor.extract(content, name=b"a.pptx")
    assert isinstance(outcome, Document), outcome
    assert outcome.text[outcome.page_starts[1] :].split()[:4] == ["an", "egret", "a", "stork"]
    assert "wombat" in outcome.text
    assert outcome.unread_parts is None


def test_cells_that_are_none_cost_no_words_of_a_sheet(extractor: FileExtractor) -> None:
    names = (
        'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
        ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
        ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    )
    cells = "<table:table-cell><text:p>salsify</text:p></table:table-cell> text <table:table-cell/>"
    table = f'<table:table table:name="Harvest"><table:table-row>{cells}</table:table-row></table:table>'
    body = f"<office:d {names}><office:body><office:spreadsheet>{table}</office:spreadsheet></office:body></office:d>"
    content = container({"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": body})
    text, _ = read(extractor, content, b"a.ods")
    assert "Harvest" in text
    assert "salsify" in text


def test_a_sheet_of_another_kind_costs_no_words_of_a_workbook(extractor: FileExtractor) -> None:
    kind = "http://schemas.microsoft.com/office/2006/relationships/xlMacrosheetXXX"
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">'
        '<c r="A1" t="inlineStr"><is><t>salsify</t></is></c><c r="B1"><v>12</v></c></row></sheetData></worksheet>'
    )
    relations = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="r1" Type="{kind}" Target="macrosheets/sheet1.xml"/></Relationships>'
    )
    content = workbook({"xl/macrosheets/sheet1.xml": sheet, "xl/_rels/workbook.xml.rels": relations})
    text, _ = read(extractor, content, b"a.xlsm")
    assert "salsify\t12" in text
