"""Pictures in documents are recognised after the text of the document, in turns, as scanned pages are."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator

import pytest
from msoffcrypto.format.ooxml import OOXMLFile
from PIL import Image

from magicfs.domain.contents import NO_OCR, PageText, Recognition, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.found_pictures import MAX_PICTURES
from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.ocr.ocr_engines import find_ocr, installed_rapidocr
from magicfs.text.extract.options import Limits, Ocr, OcrEngine
from tests.integration.text.reading import read, turns, whole
from tests.plugins.documents import mail
from tests.plugins.inline_pictures import data_url, rtf_of
from tests.plugins.mobipocket import book
from tests.plugins.ole import compound_file
from tests.plugins.packed_mail import tnef_with_files
from tests.plugins.pdf import Scan, pdf_file
from tests.plugins.pictures import (
    book_of,
    long_picture_of,
    members,
    opendocument_of,
    picture_of,
    presentation_of,
    relations,
    word_document_of,
)
from tests.plugins.programs import needs
from tests.plugins.signed import signed

pytestmark = needs("tesseract")

MARMALADE = picture_of("Marmalade needs bitter oranges")
HERON = picture_of("The heron waits at the river", image_format="JPEG")


@pytest.fixture(scope="module")
def reader() -> Iterator[FileExtractor]:
    with FileExtractor(limits=Limits(seconds=300), ocr=find_ocr()) as opened:
        yield opened


def noise(size: tuple[int, int]) -> bytes:
    target = io.BytesIO()
    Image.effect_noise(size, 80).save(target, "PNG")
    return target.getvalue()


def giant() -> bytes:
    """A picture of some bytes that says that it has ten thousand million pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def test_the_text_of_slides_is_read_at_once_and_their_pictures_wait(reader: FileExtractor) -> None:
    content = presentation_of(("Breakfast", [MARMALADE]), ("Nothing", []), ("", [HERON]))
    document = read(reader, content, b"a.pptx")
    assert document.text.split() == ["Breakfast", "Nothing"]
    assert [picture.page for picture in document.pictures] == [1, 3]
    assert (document.pending_pages, document.unread_detail) == ((1, 2), "pictures 1-2: waiting")


def test_pictures_of_slides_have_their_numbers(reader: FileExtractor) -> None:
    content = presentation_of(("Breakfast", [MARMALADE]), ("Nothing", []), ("", [HERON]))
    document = whole(reader, content, b"a.pptx")
    first, second, third = (
        document.text[start:end]
        for start, end in zip(document.page_starts, [*document.page_starts[1:], None], strict=True)
    )
    assert first.split() == ["Breakfast", "Marmalade", "needs", "bitter", "oranges"]
    assert second.split() == ["Nothing"]
    assert "heron waits" in third
    assert document.recognition is not None
    assert str(document.recognition).endswith(", pictures 1-2")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (b"a.docx", word_document_of("Breakfast", MARMALADE)),
        (b"a.odt", opendocument_of("text", ("Breakfast", [MARMALADE]))),
        (b"a.epub", book_of("Breakfast", MARMALADE)),
        (b"a.odp", opendocument_of("presentation", ("Hall", []), ("Breakfast", [MARMALADE]))),
    ],
)
def test_pictures_of_documents_follow_their_text(reader: FileExtractor, name: bytes, content: bytes) -> None:
    document = read(reader, content, name)
    assert (document.pending_pages, "Marmalade" in document.text) == ((1,), False)
    text = whole(reader, content, name).text
    assert text.index("Breakfast") < text.index("Marmalade needs bitter oranges")


def test_pictures_of_a_message_follow_its_text(reader: FileExtractor) -> None:
    attachments = {"shot.png": MARMALADE, "icon.png": picture_of("ok", size=(30, 30)), "again.png": MARMALADE}
    content = mail("Dear Ann", subject="Breakfast", attachments={**attachments, "bird.jpg": HERON})
    document = read(reader, content, b"a.eml")
    assert (document.pending_pages, "bitter" in document.text) == ((1, 2), False)
    text = whole(reader, content, b"a.eml").text
    assert text.index("Attachment: bird.jpg") < text.index("Marmalade needs bitter oranges") < text.index("heron waits")


def test_pictures_of_a_message_of_outlook_follow_its_text(reader: FileExtractor) -> None:
    streams = {"__properties_version1.0": bytes(32), "__substg1.0_1000001F": "Dear Ann".encode("utf-16-le")}
    for number, (name, attached) in enumerate(
        {"bird.jpg": HERON, "note.txt": b"a note", "shot.png": MARMALADE}.items()
    ):
        folder = f"__attach_version1.0_#0000000{number}/"
        streams[f"{folder}__substg1.0_3707001F"] = name.encode("utf-16-le")
        streams[f"{folder}__substg1.0_37010102"] = attached
    content = compound_file(streams)
    document = read(reader, content, b"a.msg")
    assert (document.pending_pages, "bitter" in document.text) == ((1, 2), False)
    text = whole(reader, content, b"a.msg").text
    assert text.index("Attachment: shot.png") < text.index("heron waits") < text.index("Marmalade needs bitter oranges")


def test_a_picture_has_one_digest_in_documents_and_in_messages(reader: FileExtractor) -> None:
    message = read(reader, mail("Dear Ann", subject="Breakfast", attachments={"shot.png": MARMALADE}), b"a.eml")
    document = read(reader, word_document_of("Breakfast", MARMALADE), b"a.docx")
    assert message.pictures == document.pictures


@pytest.mark.parametrize("name", [b"a.docx", b"a.png"])
def test_the_screenshot_of_a_long_page_is_read_whole(reader: FileExtractor, name: bytes) -> None:
    picture = long_picture_of("Marmalade needs oranges", "The heron waits")
    if name == b"a.png":
        text = read(reader, picture, name).text
    else:
        text = whole(reader, word_document_of("Breakfast", picture), name).text.partition("Picture 1")[2]
    assert text.split() == "Marmalade needs oranges The heron waits".split()


LETTER = word_document_of("Breakfast", MARMALADE)
TWO_FILES = mail("Dear Ann", subject="Breakfast", attachments={"a.docx": LETTER, "bird.jpg": HERON})
PACKED = tnef_with_files("Breakfast", a_docx=LETTER, bird_jpg=HERON)
BOX = b"From ann Mon Jan  1 00:00:00 2024\n" + TWO_FILES
OUTLOOK_FOLDER = "__attach_version1.0_#00000000/__substg1.0_"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (b"a.eml", TWO_FILES),
        (b"winmail.dat", PACKED),
        (b"a.eml", mail("Dear Ann", subject="packed", attachments={"winmail.dat": PACKED})),
        (b"a.eml", mail("Dear Ann", subject="forwarded", attachments={"original.eml": TWO_FILES})),
        (b"Inbox", BOX + b"\n\n" + BOX),
        (b"a.p7m", signed(TWO_FILES)),
        (
            b"a.msg",
            compound_file(
                {
                    "__properties_version1.0": bytes(32),
                    f"{OUTLOOK_FOLDER}3707001F": "original.eml".encode("utf-16-le"),
                    f"{OUTLOOK_FOLDER}37010102": TWO_FILES,
                }
            ),
        ),
    ],
)
def test_the_pictures_of_a_document_that_was_sent_are_read(reader: FileExtractor, name: bytes, content: bytes) -> None:
    document = read(reader, content, name)
    assert (document.pending_pages, "bitter" in document.text) == ((1, 2), False)
    text = whole(reader, content, name).text
    assert text.index("Breakfast") < text.index("Marmalade needs bitter oranges") < text.index("heron waits")


def test_the_form_of_a_text_that_is_not_read_has_no_pictures(reader: FileExtractor) -> None:
    rtf = rtf_of("Dear Ann", MARMALADE)
    streams = {
        "__properties_version1.0": bytes(32),
        "__substg1.0_10130102": b"<html><body>Dear Ann</body></html>",
        "__substg1.0_10090102": struct.pack("<III4x", len(rtf) + 12, len(rtf), 0x414C454D) + rtf,
        f"{OUTLOOK_FOLDER}3707001F": "bird.jpg".encode("utf-16-le"),
        f"{OUTLOOK_FOLDER}37010102": HERON,
    }
    content = compound_file(streams)
    assert len(read(reader, content, b"a.msg").pictures) == 1
    assert "heron waits" in whole(reader, content, b"a.msg").text


def test_a_picture_behind_a_book_with_one_in_its_page_is_read(reader: FileExtractor) -> None:
    page = f'<html><body><p>On pies</p><img src="{data_url(MARMALADE)}"></body></html>'.encode()
    content = mail("Dear Ann", subject="A book", attachments={"pies.mobi": book([page]), "bird.jpg": HERON})
    text = whole(reader, content, b"a.eml").text
    assert text.index("bitter oranges") < text.index("heron waits")


def test_the_scanned_pages_of_a_file_that_was_sent_are_read(reader: FileExtractor) -> None:
    files = {"scan.pdf": pdf_file("a page with a text layer", Scan("Marmalade needs\nbitter oranges")), "b.jpg": HERON}
    content = mail("Dear Ann", subject="Breakfast", attachments=files)
    document = read(reader, content, b"a.eml")
    assert (document.pending_pages, "bitter" in document.text) == ((1, 2), False)
    text = whole(reader, content, b"a.eml").text
    assert text.index("text layer") < text.index("bitter oranges") < text.index("heron waits")


def test_damaged_documents_that_were_sent_cost_no_other_picture(reader: FileExtractor) -> None:
    scan = pdf_file(Scan("Marmalade needs\nbitter oranges"))
    files = {"a.docx": LETTER[:-300], "b.pptx": LETTER[:60] + b"?" * 60 + LETTER[120:], "c.pdf": scan[:-900]}
    content = mail("Dear Ann", subject="Breakfast", attachments={**files, "bird.jpg": HERON})
    assert "heron waits" in whole(reader, content, b"a.eml").text


def test_ocr_that_is_gone_costs_no_picture() -> None:
    """The turn has no effect, and another one follows."""
    content = word_document_of("Breakfast", MARMALADE)
    gone = Ocr(OcrEngine.TESSERACT, data_dir="/nowhere", languages=("eng",))
    with FileExtractor(limits=Limits(seconds=300), ocr=gone) as reader:
        assert read(reader, content, b"a.docx").pending_pages == (1,)
        outcome = reader.go_on(content, kind=reader.kind(content, name=b"a.docx"), page_texts={})
    assert isinstance(outcome, Unreadable)
    assert outcome.reason is SkipReason.NEEDS_OCR


def test_a_document_of_nothing_but_pictures_has_their_text(reader: FileExtractor) -> None:
    content = presentation_of(("", []), ("", [MARMALADE]))
    assert read(reader, content, b"a.pptx").pending_pages == (1,)
    document = whole(reader, content, b"a.pptx")
    assert document.text.split() == "Marmalade needs bitter oranges".split()
    assert document.text[document.page_starts[1] :].strip() == document.text.strip()


def test_what_is_no_picture_of_text_is_left_out(reader: FileExtractor) -> None:
    more: dict[str, str | bytes] = {
        "ppt/media/master.png": HERON,
        "ppt/slideMasters/_rels/m.xml.rels": relations({"r1": ("image", "../media/master.png")}),
    }
    small, svg = picture_of("ok", size=(90, 39)), b"<svg xmlns='http://www.w3.org/2000/svg'><text>drawn</text></svg>"
    slide = [MARMALADE, MARMALADE, small, svg, MARMALADE[:10], b"", b"\xd7\xcd\xc6\x9a" + bytes(100), giant()]
    document = read(reader, presentation_of(("Breakfast", slide), ("Again", [MARMALADE]), more=more), b"a.pptx")
    assert [picture.page for picture in document.pictures] == [1]


def test_pictures_are_read_whatever_the_parts_of_a_document_are_called(reader: FileExtractor) -> None:
    body = "<w:body><w:p><w:r><w:t>A recipe</w:t></w:r></w:p></w:body>"
    content = members(
        {
            "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
            "_rels/.rels": relations({"r1": ("officeDocument", "wordpad/document.xml")}),
            "wordpad/document.xml": '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
            f"{body}</w:document>",
            "wordpad/_rels/document.xml.rels": relations({"r1": ("image", "media/image1.png")}),
            "wordpad/media/image1.png": MARMALADE,
            "word/fontTable.xml": "<fonts/>",
        }
    )
    assert "bitter oranges" in whole(reader, content, b"a.docx").text


def test_pictures_are_read_of_a_document_with_the_known_password(reader: FileExtractor) -> None:
    found = io.BytesIO()
    OOXMLFile(io.BytesIO(word_document_of("A recipe", MARMALADE))).encrypt("VelvetSweatshop", found)
    assert "bitter oranges" in whole(reader, found.getvalue(), b"a.docx").text


def test_a_logo_in_a_header_is_left_out(reader: FileExtractor) -> None:
    assert len(read(reader, word_document_of("Breakfast", MARMALADE, header=HERON), b"a.docx").pictures) == 1
    assert read(reader, word_document_of("Breakfast", header=HERON), b"a.docx").pictures == ()


def test_noise_and_what_has_no_outlines_is_not_recognised(reader: FileExtractor) -> None:
    content = word_document_of("Breakfast", noise((1200, 900)), picture_of(""))
    document = turns(reader, content, b"a.docx")
    assert list(document.page_texts.values()) == [PageText(""), PageText("")]
    assert (document.recognition, document.unread) == (None, ())


def test_a_damaged_picture_costs_its_own_text_alone(reader: FileExtractor) -> None:
    damaged = MARMALADE[: len(MARMALADE) // 2]
    document = turns(reader, word_document_of("Breakfast", damaged, HERON), b"a.docx")
    assert document.unread_detail == "picture 1: corrupt"
    assert "heron waits" in document.page_texts[2].text


def test_a_deck_of_hundreds_of_pictures_has_the_first_ones(reader: FileExtractor) -> None:
    slides = [("", [picture_of(str(number), size=(100, 40))]) for number in range(300)]
    document = read(reader, presentation_of(("Breakfast", []), *slides), b"a.pptx")
    assert [picture.page for picture in document.pictures] == list(range(2, MAX_PICTURES + 2))


@pytest.mark.parametrize(("signs", "pictures"), [(50, 1), (3000, 0)])
def test_of_a_book_of_thousands_of_signs_the_first_pictures_are_looked_at(
    reader: FileExtractor, signs: int, pictures: int
) -> None:
    sign = picture_of("x", size=(20, 20))
    document = read(reader, book_of("The bittern booms", *[sign] * signs, MARMALADE), b"a.epub")
    assert (document.text, len(document.pictures)) == ("The bittern booms", pictures)


def test_a_known_picture_is_not_read_again(reader: FileExtractor) -> None:
    known = {1: PageText("read before", is_recognised=True)}
    document = turns(reader, word_document_of("Breakfast", MARMALADE, HERON), b"a.docx", known)
    assert document.page_texts[1] == known[1]
    assert "heron waits" in document.page_texts[2].text


def test_without_ocr_nothing_waits() -> None:
    with FileExtractor(limits=Limits(seconds=300)) as without:
        document = read(without, word_document_of("Breakfast", MARMALADE), b"a.docx")
        assert (document.pending_pages, document.unread_detail, document.ocr) == ((), None, NO_OCR)
        document = read(without, presentation_of(("", [MARMALADE])), b"a.pptx")
        assert (document.text, document.pending_pages, document.ocr) == ("", (), NO_OCR)


def test_rapidocr_is_loaded_for_the_first_picture() -> None:
    content = word_document_of("Breakfast", picture_of(""), MARMALADE)
    with FileExtractor(limits=Limits(seconds=300), ocr=installed_rapidocr()) as reader:
        document = turns(reader, content, b"a.docx")
    assert document.page_texts[1] == PageText("")
    assert document.page_texts[2].text == "Marmalade needs bitter oranges"
    assert document.recognition == Recognition("rapidocr", (2,), are_pictures=True)


def test_pictures_of_documents_inside_of_others_do_not_wait(reader: FileExtractor) -> None:
    content = io.BytesIO(word_document_of("Dinner"))
    with zipfile.ZipFile(content, "a") as archive:
        archive.writestr("word/embeddings/Microsoft_Word_Document1.docx", word_document_of("Breakfast", MARMALADE))
    document = read(reader, content.getvalue(), b"a.docx")
    assert ("Breakfast" in document.text, document.pictures) == (True, ())


def test_a_deck_whose_pictures_are_missing_is_read(reader: FileExtractor) -> None:
    more = {"ppt/slides/_rels/slide1.xml.rels": relations({"r1": ("image", "../media/gone.png")})}
    assert read(reader, presentation_of(("Breakfast", []), more=more), b"a.pptx").pictures == ()
