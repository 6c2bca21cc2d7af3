"""What pictures, and files beside them, say of themselves is their text."""

from __future__ import annotations

import io

import pytest
from PIL import ExifTags, Image, PngImagePlugin

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.kreuzberg_parser import KreuzbergParser
from magicfs.text.extract.extractor import FileExtractor
from tests.integration.text.reading import read
from tests.plugins.camera import canon_raw, exif, fuji_raw, heic, photoshop
from tests.plugins.documents import photograph, picture


def test_a_photograph_says_when_where_and_with_what_it_was_taken(extractor: FileExtractor) -> None:
    content = photograph(
        camera="Voigtlander Bessa", date="2019:07:03 12:30:00", place=(28.9583333, -13.55), keywords="Strand; Düne"
    )
    text = read(extractor, content, b"DSC1.jpg").text
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


@pytest.mark.parametrize("kind", ["JPEG", "MPO", "PNG", "TIFF", "WEBP", "AVIF"])
def test_a_picture_of_every_kind_says_when_it_was_taken(extractor: FileExtractor, kind: str) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Voigtlander"
    exif[ExifTags.Base.DateTime] = "2019:07:03 12:30:00"
    data = io.BytesIO()
    first, *others = (Image.new("RGB", (8, 8), colour) for colour in ("white", "black"))
    several = {"save_all": True, "append_images": others} if kind == "MPO" else {}
    first.save(data, kind, exif=exif, **several)
    text = read(extractor, data.getvalue(), b"a." + kind.lower().encode()).text
    assert "Voigtlander" in text
    assert "July 2019" in text


@pytest.mark.parametrize("kind", ["GIF", "JPEG2000"])
def test_a_picture_with_a_comment_is_read(extractor: FileExtractor, kind: str) -> None:
    data = io.BytesIO()
    Image.new("RGB", (8, 8)).save(data, kind, comment=b"a peregrine on a tower")
    assert "peregrine" in read(extractor, data.getvalue(), b"a.gif").text


def test_a_picture_that_says_nothing_has_no_text(extractor: FileExtractor) -> None:
    outcome = extractor.extract(picture(), name=b"a.png")
    assert isinstance(outcome, Unreadable)


SIDECAR = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="r"><rdf:Description xmlns:crs="c" xmlns:p="p" {stated} crs:WhiteBalance="As Shot">'
    "<crs:ToneCurve><rdf:li>0, 0</rdf:li></crs:ToneCurve></rdf:Description></rdf:RDF></x:xmpmeta>"
)


def test_a_file_beside_a_picture_says_what_the_picture_shows(extractor: FileExtractor) -> None:
    document = read(extractor, SIDECAR.format(stated='p:City="Nantes"').encode(), b"IMG_1.xmp")
    assert document.text == "City: Nantes"


OF_CAMERA = (
    'xmlns:e="http://ns.adobe.com/exif/1.0/" xmlns:t="http://ns.adobe.com/tiff/1.0/" t:Make="Voigtlander"'
    ' t:Model="Bessa" e:DateTimeOriginal="2019-07-03T12:30:05+02:00" e:GPSLatitude="28,57.5N" e:GPSLongitude="13,33,0W"'
)


def test_a_file_beside_a_picture_says_when_where_and_with_what_it_was_taken(extractor: FileExtractor) -> None:
    text = read(extractor, SIDECAR.format(stated=OF_CAMERA).encode(), b"IMG_1.xmp").text
    assert text.splitlines() == [
        "Camera: Voigtlander, Bessa",
        "Date: 2019-07-03 12:30, Wednesday 03 July 2019",
        "Place: 28.95833, -13.55000",
    ]


def test_what_a_picture_says_of_its_camera_twice_is_read_once(extractor: FileExtractor) -> None:
    exif, data = Image.Exif(), io.BytesIO()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.DateTime] = "VOIGTLANDER", "2019:07:03 12:30:05"
    Image.new("RGB", (8, 8)).save(data, "WEBP", exif=exif, xmp=SIDECAR.format(stated=OF_CAMERA).encode())
    text = read(extractor, data.getvalue(), b"a.webp").text
    assert text.splitlines() == [
        "Camera: VOIGTLANDER",
        "Date: 2019-07-03 12:30, Wednesday 03 July 2019",
        "Place: 28.95833, -13.55000",
    ]


@pytest.mark.parametrize(
    ("stated", "line"),
    [("1962", "Date: 1962"), ("1962-05", "Date: 1962-05"), ("1962-05-01", "Date: 1962-05-01, Tuesday 01 May 1962")],
)
def test_the_day_or_the_year_that_people_write_to_a_scan_is_read(
    extractor: FileExtractor, stated: str, line: str
) -> None:
    written = f'xmlns:s="http://ns.adobe.com/photoshop/1.0/" s:DateCreated="{stated}" s:rights="Nachlass Kowalski"'
    text = read(extractor, SIDECAR.format(stated=written).encode(), b"IMG_1.xmp").text
    assert text.splitlines() == ["Copyright: Nachlass Kowalski", line]


def test_the_day_and_the_owner_that_agencies_write_are_read(extractor: FileExtractor) -> None:
    fields = {55: b"19620501", 110: b"Agentur Libelle", 116: "© Müller".encode()}
    iptc = b"".join(b"\x1c\2" + bytes([name]) + len(text).to_bytes(2, "big") + text for name, text in fields.items())
    data = io.BytesIO()
    Image.new("RGB", (8, 8)).save(data, "JPEG")
    block = b"Photoshop 3.0\0" + b"8BIM\4\4\0\0" + len(iptc).to_bytes(4, "big") + iptc + bytes(len(iptc) % 2)
    segment = b"\xff\xed" + (len(block) + 2).to_bytes(2, "big") + block
    content = data.getvalue()[:2] + segment + data.getvalue()[2:]
    assert read(extractor, content, b"a.jpg").text.splitlines() == [
        "Credit: Agentur Libelle",
        "Copyright: © Müller",
        "Date: 1962-05-01, Tuesday 01 May 1962",
    ]


def test_a_file_of_settings_for_a_picture_has_no_text(extractor: FileExtractor) -> None:
    outcome = extractor.extract(SIDECAR.format(stated="").encode(), name=b"IMG_1.CR2.xmp")
    assert outcome == Unreadable(SkipReason.NO_TEXT, "nothing but settings for a picture")


def test_a_broken_file_beside_a_picture_is_text(extractor: FileExtractor) -> None:
    assert "Nantes" in read(extractor, b"<x:xmpmeta City='Nantes'", b"IMG_1.xmp").text


def test_texts_of_pictures_in_any_field_are_read(extractor: FileExtractor) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("parameters", "a peregrine on a tower")
    info.add_itxt(
        "XML:com.adobe.xmp",
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:D xmlns:r="r" xmlns:p="p" p:City="Nantes"/></x:xmpmeta>',
    )
    data = io.BytesIO()
    Image.new("L", (8, 8)).save(data, "PNG", pnginfo=info)
    text = read(extractor, data.getvalue(), b"a.png").text
    assert "peregrine" in text
    assert "City: Nantes" in text


@pytest.mark.parametrize("charset", ["utf-16-le", "utf-16-be"])
def test_a_comment_of_a_photograph_may_be_in_utf_16(extractor: FileExtractor, charset: str) -> None:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = b"UNICODE\0" + "Löffler am See".encode(charset)
    data = io.BytesIO()
    Image.new("RGB", (8, 8)).save(data, "JPEG", exif=exif)
    assert "Löffler am See" in read(extractor, data.getvalue(), b"a.jpg").text


def test_people_and_places_that_programs_of_pictures_write_are_read(extractor: FileExtractor) -> None:
    image, data, information = Image.new("RGB", (8, 8)), io.BytesIO(), PngImagePlugin.PngInfo()
    information.add_itxt(
        "XML:com.adobe.xmp",
        '<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:r="r" xmlns:l="l" xmlns:d="d"'
        ' xmlns:m="http://www.metadataworkinggroup.com/schemas/regions/" xmlns:c="c">'
        '<r:D m:Name="Opa Heinrich" c:Name="Vivid preset"/><l:hierarchicalSubject><r:li>Orte|Allgäu</r:li>'
        "</l:hierarchicalSubject><d:PersonInImage><r:li>Ada</r:li></d:PersonInImage></x:xmpmeta>",
    )
    image.save(data, "PNG", pnginfo=information)
    document = extractor.extract(data.getvalue(), name=b"a.png")
    assert isinstance(document, Document)
    assert {"Name: Opa Heinrich", "Hierarchicalsubject: Orte|Allgäu", "Personinimage: Ada"} <= set(
        document.text.splitlines()
    )
    assert "preset" not in document.text


XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><dc:title xmlns:dc="d">Sodalite poster</dc:title></x:xmpmeta>'


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (b"IMG_1.HEIC", heic(exif("Voigtlander"))),
        (b"IMG_1.CR3", canon_raw(exif("Voigtlander"), exif(""))),
        (b"DSCF1.RAF", fuji_raw(exif("Voigtlander"))),
        (b"P1.ORF", b"IIRO" + exif("Voigtlander", order="<")[4:]),
        (b"P1.RW2", b"IIU\0" + exif("Voigtlander", order="<")[4:]),
    ],
)
def test_what_a_phone_or_a_camera_writes_into_its_own_format_is_read(
    extractor: FileExtractor, name: bytes, content: bytes
) -> None:
    text = read(extractor, content, name).text
    assert "Voigtlander" in text
    assert "2021-08-09" in text


def test_a_raw_file_whose_picture_nobody_knows_says_what_it_is_from(extractor: FileExtractor) -> None:
    assert "Voigtlander" in read(extractor, exif("Voigtlander"), b"IMGP1.PEF").text


def test_a_photograph_of_a_phone_says_where_it_was_taken_and_what_was_written_of_it(extractor: FileExtractor) -> None:
    text = read(extractor, heic(exif("Voigtlander", latitude=47.5), xmp=XMP), b"IMG_1.HEIC").text
    assert "47.50000, 8.50000" in text
    assert "Sodalite poster" in text


@pytest.mark.parametrize("cut", range(24, 400, 13))
def test_a_photograph_that_is_cut_is_not_read_and_harms_nobody(extractor: FileExtractor, cut: int) -> None:
    for content in (heic(exif("Voigtlander"), xmp=XMP), canon_raw(exif("Voigtlander"), b""), fuji_raw(exif("V"))):
        extractor.extract(content[:cut], name=b"a")
    assert "Voigtlander" in read(extractor, heic(exif("Voigtlander")), b"a").text


def test_a_picture_of_photoshop_is_found_by_its_texts_and_layers(extractor: FileExtractor) -> None:
    document = read(extractor, photoshop(text="Sale (today)", layer="Spessartine", xmp=XMP), b"poster.psd")
    assert document.title == "Sodalite poster"
    assert "Sale (today)" in document.text
    assert "Spessartine" in document.text


def test_the_reason_why_a_damaged_picture_is_not_read_begins_with_no_name_of_an_exception() -> None:
    data = io.BytesIO()
    Image.new("RGB", (300, 200)).save(data, "TIFF")
    outcome = KreuzbergParser(ocr=None)(data.getvalue()[:400], "image/tiff")
    assert isinstance(outcome, Unreadable)
    assert outcome.detail.startswith("Failed to decode image")
