"""Formats that no library here reads, or not well: XPS, maps, diagrams, property lists, books, styles of RTF."""

from __future__ import annotations

import base64
import html
import io
import plistlib
import zipfile
import zlib
from datetime import datetime
from typing import Any
from urllib.parse import quote

import pytest

from magicfs.domain.contents import Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.extractor import FileExtractor
from tests.integration.text.reading import read
from tests.plugins.documents import CONTENT_TYPES, container, fiction_book


def xps(pages: dict[str, str], order: list[str]) -> bytes:
    sources = "".join(f'<PageContent Source="{name}"/>' for name in order)
    return container(
        {
            "[Content_Types].xml": CONTENT_TYPES,
            "FixedDocSeq.fdseq": "<FixedDocumentSequence/>",
            "Documents/1/FixedDoc.fdoc": f"<FixedDocument>{sources}</FixedDocument>",
            **{f"Documents/1/Pages/{name}.fpage": page for name, page in pages.items()},
        }
    )


def glyphs(*pieces: tuple[str, float]) -> str:
    runs = "".join(f'<Glyphs UnicodeString="{text}" OriginX="9" OriginY="{height}"/>' for text, height in pieces)
    return f'<FixedPage xmlns="http://schemas.microsoft.com/xps/2005/06">{runs}</FixedPage>'


def test_pages_of_xps_are_read_in_their_order(extractor: FileExtractor) -> None:
    pages = {"1": glyphs(("the last", 9)), "2": glyphs(("Invoice", 9), ("no. 7", 9.4), ("{}{bollard}", 30))}
    document = read(extractor, xps(pages, ["Pages/2.fpage", "/Documents/1/Pages/1.fpage"]), b"a.xps")
    assert document.text == "Invoice no. 7\n{bollard}\n\nthe last"
    assert document.text[document.page_starts[1] :] == "the last"


def test_a_word_that_xps_draws_in_pieces_is_a_word(extractor: FileExtractor) -> None:
    runs = [
        ("R", 72, ""),
        ("a", 79.3, ""),
        ("in", 85.7, ""),
        ("bow", 94.3, "82,50;82;90"),
        ("fish", 122, ""),
        ("es ", 138, ""),
    ]
    drawn = "".join(
        f'<Glyphs UnicodeString="{text}" OriginX="{left}" OriginY="9" FontRenderingEmSize="12" Indices="{indices}"/>'
        for text, left, indices in [*runs, ("an", 151.5, ""), ("d", 163.4, "")]
    )
    page = f'<FixedPage xmlns="http://schemas.microsoft.com/xps/2005/06">{drawn}</FixedPage>'
    assert read(extractor, xps({"1": page}, []), b"a.xps").text == "Rainbow fishes and"


def test_a_damaged_page_of_xps_costs_itself_alone(extractor: FileExtractor) -> None:
    document = read(extractor, xps({"1": "<broken", "2": glyphs(("a bollard", 9))}, []), b"a.oxps")
    assert document.text.strip() == "a bollard"
    assert str(document.unread_parts) == "1 of 2 parts could not be read: Documents/1/Pages/1.fpage (corrupt)"


def in_pieces(content: bytes) -> bytes:
    """The container with each member in two pieces, later ones first, as Windows prints it."""
    pieces = {"_rels/.rels/[0].piece": b"<Relations", "_rels/.rels/[1].last.piece": b"hips/>"}
    with zipfile.ZipFile(io.BytesIO(content)) as whole:
        for name in whole.namelist():
            data = whole.read(name)
            half = len(data) // 2
            pieces = {f"{name}/[1].last.piece": data[half:], f"{name}/[0].piece": data[:half], **pieces}
    return container(pieces)


def test_a_document_of_xps_that_is_in_pieces_is_read(extractor: FileExtractor) -> None:
    whole = xps({"1": glyphs(("a bollard", 9)), "2": glyphs(("a heron", 9))}, ["Pages/1.fpage", "Pages/2.fpage"])
    document = read(extractor, in_pieces(whole), b"a.xps")
    assert document.text == "a bollard\n\na heron"
    assert document.mime_type == "application/vnd.ms-xpsdocument"


def test_an_archive_of_pieces_that_are_no_document_is_read_as_one(extractor: FileExtractor) -> None:
    text = read(
        extractor, container({"_rels/.rels/[0].piece": "", "a/[0].piece": "", "b.txt": "a heron"}), b"a.zip"
    ).text
    assert "a heron" in text


def test_a_map_is_read_with_the_names_beside_it(extractor: FileExtractor) -> None:
    places = "<kml><Placemark><name>Ankerplatz &amp; Boje</name></Placemark></kml>"
    text = read(extractor, container({"doc.kml": places, "files/buoy 7.png": "x"}), b"a.kmz").text
    assert "Ankerplatz & Boje" in text
    assert "files/buoy 7.png" in text


def test_a_map_whose_places_are_damaged_says_so(extractor: FileExtractor) -> None:
    content = container({"doc.kml": "<kml><name>Ankerplatz</name></kml>"})
    outcome = extractor.extract(content.replace(b"<name>Anker", b"<name>Angel"), name=b"a.kmz")
    assert isinstance(outcome, Unreadable)
    assert outcome.detail == "1 of 1 part could not be read: doc.kml (corrupt)"


def packed(page: str) -> str:
    """A page of a diagram as draw.io packs it."""
    packer = zlib.compressobj(wbits=-15)
    return base64.b64encode(packer.compress(quote(page).encode()) + packer.flush()).decode()


def cell(label: str) -> str:
    return f'<mxGraphModel><root><mxCell value="{html.escape(label)}" style="rounded=0"/></root></mxGraphModel>'


def test_the_pages_of_a_diagram_are_read_packed_or_not(extractor: FileExtractor) -> None:
    pages = (
        f'<diagram name="Quay">{packed(cell("Pilot <b>boat</b><br>R&amp;D"))}</diagram>'
        f'<diagram name="Locks">{cell("water &lt; 3 m")}</diagram>'
        '<diagram name="Lost">bm90IHBhY2tlZA==</diagram>'
    )
    document = read(extractor, f"<mxfile>{pages}</mxfile>".encode(), b"port.drawio")
    assert document.text.split() == ["Quay", "Pilot", "boat", "R&D", "Locks", "water", "<", "3", "m", "Lost"]
    assert [document.text[start:].split("\n")[0] for start in document.page_starts] == ["Quay", "Locks", "Lost"]
    assert str(document.unread_parts) == "1 of 3 parts could not be read: Lost (corrupt)"


def test_a_page_of_a_diagram_alone_is_read(extractor: FileExtractor) -> None:
    labels = '<object label="Tug" tooltip="two engines"><mxCell/></object>'
    document = read(extractor, f"<mxGraphModel><root>{labels}</root></mxGraphModel>".encode(), b"a.dio")
    assert document.text == "Tug\ntwo engines"


def binary(value: Any) -> bytes:
    return plistlib.dumps(value, fmt=plistlib.FMT_BINARY, sort_keys=False)


def test_a_property_list_is_read_by_its_keys_and_values(extractor: FileExtractor) -> None:
    value = {
        "Title": "Ankerwinde",
        "Tags": ["Poller", "Kette"],
        "Opened": datetime.fromisoformat("2024-02-05"),
        "Data": b"\0\1",
        "N": 7,
    }
    assert read(extractor, binary(value), b"a.plist").text.split("\n") == [
        "Title: Ankerwinde",
        "Tags: Poller",
        "Tags: Kette",
        "Opened: 2024-02-05 00:00:00",
        "N: 7",
    ]


def test_a_property_list_that_repeats_itself_is_read_once(extractor: FileExtractor) -> None:
    entry: list[Any] = ["tiller"]
    for _ in range(60):
        entry = [entry, entry]
    assert read(extractor, binary(entry), b"a.plist").text == "tiller"


def test_a_saved_page_of_safari_is_read_as_a_page(extractor: FileExtractor) -> None:
    page = {
        "WebResourceURL": "https://example.org/log",
        "WebResourceMIMEType": "text/html",
        "WebResourceData": b"<html><body><p>Kl\xc3\xbcverbaum</p><script>x</script></body></html>",
    }
    text = read(extractor, binary({"WebMainResource": page}), b"a.webarchive").text
    assert text.startswith("https://example.org/log\n")
    assert "Klüverbaum" in text
    assert "script" not in text


def test_a_property_list_whose_structure_is_damaged_has_its_texts(extractor: FileExtractor) -> None:
    value = {"Name": "the long heron " * 30, "Ort": "Köln", "Since": 7}
    content = binary(value)
    # The number of an object that is not there, in the place of the third value.
    damaged = content.replace(b"\xd3\x01\x02\x03\x04\x05\x06", b"\xd3\x01\x02\x03\x04\x05\x66")
    assert damaged != content
    document = read(extractor, damaged, b"a.plist")
    assert document.text.split("\n") == ["Name", "Ort", "Since", ("the long heron " * 30).strip(), "Köln"]
    assert str(document.unread_parts) == "1 of 1 part could not be read: its structure (corrupt)"
    # As some programs write texts in Unicode.
    assert "Köln" in read(extractor, binary({"Koeln": "Ort"}).replace(b"Koeln", "Köln".encode()), b"a.plist").text


@pytest.mark.parametrize(
    "content", [b"bplist00 and nothing", b"bplist00" + b"\xff" * 60, binary({"a": "b" * 90})[:-40], b"bplist00"]
)
def test_a_damaged_property_list_is_damaged(extractor: FileExtractor, content: bytes) -> None:
    outcome = extractor.extract(content, name=b"a.plist")
    assert isinstance(outcome, Unreadable)
    assert outcome.reason is SkipReason.CORRUPT


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (rb"{\b fe}tt und k{\i ur}siv", "fett und kursiv"),
        (rb"M{\'fc}ller, na{\i\u239?}ve", "Müller, naïve"),
        (rb"{\b bold}. {\b Foo} bar", "bold. Foo bar"),
        (rb"{\b M}\'fcller, {\b K}\u252?hler", "Müller, Kühler"),
        (rb"{\insrsid1 one}{\insrsid2 piece}", "onepiece"),
        (rb"{\b Al}pha\par {\pict\jpegblip{\*\blipuid 12ab}" + b"ffd8" * 40 + b"\n}end", "Alpha\n\nend"),
    ],
)
def test_a_word_of_rtf_that_changes_its_style_is_whole(extractor: FileExtractor, written: bytes, shown: str) -> None:
    content = b"{\\rtf1\\ansi\\ansicpg1252\\uc1 " + written + b"\\par}"
    assert read(extractor, content, b"a.rtf").text.replace("[Image: image]", "").strip() == shown


@pytest.mark.parametrize("inner", [rb"%s", rb"{%s }", rb"{\rtlch %s \\h }"])
def test_the_address_of_a_link_of_rtf_is_read(extractor: FileExtractor, inner: bytes) -> None:
    link = inner.replace(b"%s", rb'HYPERLINK "https://dike.example.org/a"')
    field = rb"{\field{\*\fldinst " + link + rb"}{\fldrslt {\ul here}}}"
    text = read(extractor, rb"{\rtf1\ansi See " + field + rb" first.\par}", b"a.rtf").text
    assert "See here first." in text
    assert "https://dike.example.org/a" in text


@pytest.mark.parametrize("charset", ["iso-8859-1", "utf-8", "utf-16"])
def test_a_drawing_is_read_in_the_charset_that_it_states(extractor: FileExtractor, charset: str) -> None:
    drawing = (
        f'<?xml version="1.0" encoding="{charset}"?><svg xmlns="http://www.w3.org/2000/svg">'
        "<text><tspan x='1'>Zufluss</tspan><tspan x='9'>Über<tspan>lauf</tspan></tspan></text></svg>"
    )
    assert read(extractor, drawing.encode(charset), b"a.svg").text == "Zufluss Überlauf"


def test_a_word_of_a_book_that_changes_its_style_is_whole(extractor: FileExtractor) -> None:
    book = fiction_book("AAAA", keywords="x").replace(b"AAAA", "кни<emphasis>га</emphasis>, H<sub>2</sub>O".encode())
    assert "книга, H2O" in read(extractor, book, b"a.fb2").text


def test_tables_of_a_book_are_read_row_by_row(extractor: FileExtractor) -> None:
    rows = '<tr align="left"><th>tide</th><th>hour</th></tr><tr><td>high</td><td/><td>4:<sub>30</sub></td></tr>'
    book = fiction_book("AAAA", keywords="x").replace(b"<p>AAAA</p>", f"<table>{rows}</table><p>end</p>".encode())
    assert read(extractor, book, b"a.fb2").text.split() == ["tide", "hour", "high", "4:30", "end"]


def test_the_blurb_of_a_book_is_read(extractor: FileExtractor) -> None:
    book = fiction_book("Ionych walks in the garden", keywords="garden")
    book = book.replace(b"<keywords>", b"<annotation><p>A doctor in a small town</p></annotation><keywords>")
    assert "A doctor in a small town" in (read(extractor, book, b"a.fb2").keywords or "")


@pytest.mark.parametrize("charset", ["windows-1251", "koi8-r", "utf-16"])
def test_a_book_is_read_in_the_charset_that_it_states(extractor: FileExtractor, charset: str) -> None:
    book = fiction_book("Комната, которая называется детскою", keywords="сад").decode().replace("utf-8", charset)
    document = read(extractor, book.replace("A book", "Вишнёвый сад").encode(charset), b"a.fb2")
    assert "Комната, которая называется детскою" in document.text
    assert (document.title, document.keywords) == ("Вишнёвый сад", "сад")


def test_a_book_in_an_archive_of_its_own_is_read(extractor: FileExtractor) -> None:
    book = fiction_book("Ionych walks in the garden", keywords="garden")
    document = read(extractor, container({"book.fb2": book.decode()}), b"a.fb2.zip")
    assert "Ionych walks in the garden" in document.text
    assert read(extractor, container({"book.fb2": book.decode(), "b": "x"}), b"a.zip").text.startswith("book.fb2\nb\n")


def test_the_notes_of_a_book_are_read(extractor: FileExtractor) -> None:
    book = fiction_book("Ionych walks in the garden", keywords="garden")
    notes = b'</body>\n<body name="notes"><section><p>About the lilacs</p></section></body></FictionBook>'
    text = read(extractor, book.replace(b"</body></FictionBook>", notes), b"a.fb2").text
    assert "garden" in text
    assert "About the lilacs" in text


def test_comments_and_boxes_of_rtf_follow_its_text(extractor: FileExtractor) -> None:
    content = (
        b"{\\rtf1\\ansi\\pard The pier{\\*\\atnid A}{\\*\\annotation{\\*\\atndate 77}"
        b"\\pard an \\b old\\b0  one\\par} is closed"
        b"{\\shp{\\*\\shpinst\\shpleft1{\\sp{\\sn pib}{\\sv {\\pict 8950}}}{\\shptxt \\pard A {\\b light}house\\par}}"
        b"{\\shprslt{\\*\\do{\\dptxbxtext A {\\b light}house}}}} today.\\par}"
    )
    text = read(extractor, content, b"a.rtf").text
    assert text.startswith("The pier is closed today.")
    assert "an old one" in text
    assert text.count("A lighthouse") == 1
    assert not any(part in text for part in ("77", "pib", "8950"))
