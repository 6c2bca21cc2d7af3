"""What documents, pictures and recordings hold beside their text is read, and archives are listed."""

from __future__ import annotations

import io
import tarfile
import wave
import zipfile

import pytest
from PIL import ExifTags, Image, PngImagePlugin

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.analysis import analyze
from magicfs.text.extract import FileExtractor
from tests.plugins.pdf import pdf_file

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_S = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def read(extractor: FileExtractor, content: bytes, name: bytes) -> Document:
    outcome = extractor.extract(content, name=name)
    assert isinstance(outcome, Document), outcome
    return outcome


def container(members: dict[str, str]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return data.getvalue()


def word_document(**parts: str) -> bytes:
    def part(text: str) -> str:
        return f"<w:root {_W}><w:p><w:r><w:t>{text}</w:t></w:r><w:r><w:br/></w:r></w:p></w:root>"

    return container(
        {
            "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
            "word/document.xml": f"<w:document {_W}><w:body><w:p><w:r><w:t>running text</w:t></w:r></w:p>"
            "</w:body></w:document>",
        }
        | {f"word/{name}.xml": part(text) for name, text in parts.items()}
    )


def test_parts_of_a_text_document_follow_its_text(extractor: FileExtractor) -> None:
    content = word_document(
        header1="Halberdier",
        footer2="Marchmont",
        footnotes="a footnote",
        endnotes="an endnote",
        comments="quartermaster",
    )
    text = read(extractor, content, b"a.docx").text
    assert text.startswith("running text")
    assert all(word in text for word in ("Halberdier", "Marchmont", "a footnote", "an endnote", "quartermaster"))


def test_a_header_that_is_the_same_on_all_pages_is_read_once(extractor: FileExtractor) -> None:
    content = word_document(header1="Halberdier", header2="Halberdier", header3="Halberdier")
    assert read(extractor, content, b"a.docx").text.count("Halberdier") == 1


def test_a_damaged_part_costs_that_part_alone(extractor: FileExtractor) -> None:
    text = read(extractor, word_document(header1="</w:t>broken", comments="quartermaster"), b"a.docx").text
    assert "running text" in text
    assert "quartermaster" in text


def test_values_and_notes_of_a_pdf_file_stand_on_their_page(extractor: FileExtractor) -> None:
    document = read(extractor, _pdf_with_form(), b"form.pdf")
    first, second = document.text[: document.page_starts[1]], document.text[document.page_starts[1] :]
    assert "surname: Featherstone" in first
    assert "colour: Yes" in first
    assert "Vermeidung" in second
    assert "page one" in first
    assert "page two" in second


def _pdf_with_form() -> bytes:
    def stream(text: bytes) -> bytes:
        drawing = b"BT /F 20 Tf 50 700 Td (%s) Tj ET" % text
        return b"<</Length %d>>stream\n%s\nendstream" % (len(drawing), drawing)

    page = (
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F 3 0 R>>>>/Contents %d 0 R/Annots[%s]>>"
    )
    objects = [
        b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[8 0 R 9 0 R]>>>>",
        b"<</Type/Pages/Kids[4 0 R 5 0 R]/Count 2>>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        page % (6, b"8 0 R 9 0 R"),
        page % (7, b"10 0 R"),
        stream(b"this is page one of it"),
        stream(b"this is page two of it"),
        b"<</Type/Annot/Subtype/Widget/FT/Tx/T(surname)/V(Featherstone)/Rect[0 0 9 9]>>",
        b"<</Type/Annot/Subtype/Widget/FT/Btn/T(colour)/V/Yes/Rect[0 0 9 9]>>",
        b"<</Type/Annot/Subtype/Text/Contents<FEFF005600650072006D0065006900640075006E0067>/Rect[0 0 9 9]>>",
    ]
    data = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(data))
        data += b"%d 0 obj%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return data + b"xref\n0 11\n0000000000 65535 f \n%strailer<</Size 11/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (
        table,
        len(data),
    )


def test_a_word_that_is_divided_in_a_pdf_file_is_whole_in_the_index(extractor: FileExtractor) -> None:
    page = "The council heard the electri-\ncian and the archae-\nologist before the vote was taken"
    text = read(extractor, pdf_file(page), b"a.pdf").text
    words = analyze(text)
    assert "'electrician'" in words
    assert "'archaeologist'" in words
    assert text.count("council") == 1


def _jpeg() -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = "Voigtlander", "Bessa"
    exif[ExifTags.Base.XPKeywords] = "Strand; Düne".encode("utf-16-le") + b"\0\0"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2019:07:03 12:30:00"
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (28.0, 57.0, 30.0), 3: "W", 4: (13.0, 33.0, 0.0)})
    data = io.BytesIO()
    Image.new("RGB", (8, 8)).save(data, "JPEG", exif=exif)
    return data.getvalue()


def test_a_photograph_says_when_where_and_with_what_it_was_taken(extractor: FileExtractor) -> None:
    text = read(extractor, _jpeg(), b"DSC1.jpg").text
    for words in ("2019-07-03", "July 2019", "Voigtlander", "Bessa", "Düne", "28.95833, -13.55000"):
        assert words in text


def test_a_picture_with_texts_is_read(extractor: FileExtractor) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_itxt("Title", "Übersicht der Anlage")
    info.add_itxt(
        "XML:com.adobe.xmp",
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><dc:subject xmlns:dc="d">clavichord</dc:subject></x:xmpmeta>',
    )
    data = io.BytesIO()
    Image.new("L", (8, 8)).save(data, "PNG", pnginfo=info)
    document = read(extractor, data.getvalue(), b"a.png")
    assert document.title == "Übersicht der Anlage"
    assert "clavichord" in document.text


def test_a_picture_that_says_nothing_has_no_text(extractor: FileExtractor) -> None:
    data = io.BytesIO()
    Image.new("L", (8, 8)).save(data, "PNG")
    outcome = extractor.extract(data.getvalue(), name=b"a.png")
    assert isinstance(outcome, Unreadable)


def _mp3() -> bytes:
    def frame(name: bytes, text: str) -> bytes:
        body = b"\x01" + text.encode("utf-16")
        return name + len(body).to_bytes(4) + b"\0\0" + body

    frames = (
        frame(b"TIT2", "Lied der Wolga") + frame(b"TPE1", "Chor") + frame(b"TALB", "Ströme") + frame(b"TYER", "1987")
    )
    size = len(frames)
    header = b"ID3\x03\0\0" + bytes([size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127])
    return header + frames + b"\xff\xfb\x90\0" + bytes(413)


def test_a_song_is_found_by_its_tags(extractor: FileExtractor) -> None:
    document = read(extractor, _mp3(), b"01.mp3")
    assert (document.title, document.author) == ("Lied der Wolga", "Chor")
    assert "Ströme" in document.text
    assert "1987" in document.text


def test_sound_without_tags_has_no_text(extractor: FileExtractor) -> None:
    data = io.BytesIO()
    with wave.open(data, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(8000)
        sound.writeframes(bytes(100))
    assert extractor.extract(data.getvalue(), name=b"a.wav") == Unreadable(SkipReason.BINARY, "sound or a film")


def _tar(mode: str) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=mode) as archive:  # type: ignore[call-overload]
        for name in ("letters/an Müller.txt", "../outside.txt"):
            member = tarfile.TarInfo(name)
            member.size = 5
            archive.addfile(member, io.BytesIO(b"hello"))
    return data.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (b"a.zip", container({"letters/an Müller.txt": "hello", "x": ""})),
        (b"a.tar", _tar("w")),
        (b"a.tgz", _tar("w:gz")),
        (b"a.tar.bz2", _tar("w:bz2")),
        (b"a.tar.xz", _tar("w:xz")),
    ],
)
def test_the_names_in_an_archive_are_its_text(extractor: FileExtractor, name: bytes, content: bytes) -> None:
    text = read(extractor, content, name).text
    assert "letters/an Müller.txt" in text
    assert "hello" not in text


@pytest.mark.parametrize(("name", "content"), [(b"a.tgz", _tar("w:gz")), (b"a.zip", container({"x" * 50: "y"}))])
def test_a_damaged_archive_costs_nothing_else(extractor: FileExtractor, name: bytes, content: bytes) -> None:
    for cut in (12, len(content) // 2, len(content) - 3):
        outcome = extractor.extract(content[:cut], name=name)
        assert isinstance(outcome, Document) or outcome.reason in {SkipReason.BINARY, SkipReason.CORRUPT}
