"""Formats that no library here reads, or not well: OpenOffice 1, XPS, maps, diagrams, property lists, styles."""

from __future__ import annotations

import base64
import html
import plistlib
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

OPENOFFICE = (
    '<!DOCTYPE office:document-content PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "office.dtd">'
    '<office:document-content xmlns:office="http://openoffice.org/2000/office"'
    ' xmlns:text="http://openoffice.org/2000/text" xmlns:draw="http://openoffice.org/2000/drawing"'
    ' xmlns:style="http://openoffice.org/2000/style" xmlns:table="http://openoffice.org/2000/table">{}'
    "</office:document-content>"
)


def openoffice(kind: str, body: str, styles: str = "") -> bytes:
    return container(
        {
            "mimetype": f"application/vnd.sun.xml.{kind}",
            "content.xml": OPENOFFICE.format(f"<office:body>{body}</office:body>"),
            "styles.xml": OPENOFFICE.format(styles),
            "meta.xml": '<m xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Signal lamps</dc:title></m>',
            "META-INF/manifest.xml": "<manifest/>",
        }
    )


def test_a_text_of_openoffice_1_is_read_with_its_headers(extractor: FileExtractor) -> None:
    content = openoffice(
        "writer",
        "<text:h>Top<text:span>lights</text:span></text:h><text:p>Red<text:tab-stop/>and<text:s/>green</text:p>",
        "<style:master-page><text:p>Harbour office</text:p></style:master-page>",
    )
    document = read(extractor, content, b"a.sxw")
    assert document.text == "Toplights\n\nRed\tand green\n\nHarbour office"
    assert document.title == "Signal lamps"


def test_sheets_and_slides_of_openoffice_1_are_read(extractor: FileExtractor) -> None:
    cells = "<table:table><table:table-cell><text:p>{}</text:p></table:table-cell></table:table>"
    assert read(extractor, openoffice("calc", cells.format("lamp oil")), b"a.sxc").text == "lamp oil"
    slides = "".join(f"<draw:page><text:p>{words}</text:p></draw:page>" for words in ("a pier", "a mole"))
    document = read(extractor, openoffice("impress.template", slides), b"a.sti")
    assert [document.text[start:].split("\n")[0] for start in document.page_starts] == ["a pier", "a mole"]


@pytest.mark.parametrize("kind", ["presentation", "graphics"])
def test_pictures_and_charts_of_slides_are_read_by_their_words(extractor: FileExtractor, kind: str) -> None:
    office = "urn:oasis:names:tc:opendocument:xmlns"
    names = " ".join(f'xmlns:{name}="{office}:{uri}:1.0"' for name, uri in (("draw", "drawing"), ("text", "text")))
    picture = '<svg:desc xmlns:svg="s">A lighthouse at dusk</svg:desc>'
    link = '<text:a xlink:href="https://harbour.example" xmlns:xlink="x">Harbour</text:a>'
    content = container(
        {
            "mimetype": f"application/vnd.oasis.opendocument.{kind}",
            "content.xml": f"<o {names}><draw:page><text:p>{link}</text:p>{picture}</draw:page></o>",
            "Object 1/content.xml": f"<o {names}><text:p>Ships a day</text:p></o>",
            "meta.xml": '<m xmlns:meta="m"><meta:keyword>pilotage</meta:keyword></m>',
            "META-INF/manifest.xml": "<manifest/>",
        }
    )
    document = read(extractor, content, b"a.odp")
    text = ["Harbour", "Ships a day", "https://harbour.example", "A lighthouse at dusk"]
    assert [line for line in document.text.split("\n") if line] == text
    assert document.keywords == "pilotage"


def test_places_of_master_pages_are_no_text_of_a_presentation(extractor: FileExtractor) -> None:
    def frame(kind: str, text: str) -> str:
        stated = f'presentation:class="{kind}"' if kind else ""
        return f'<draw:frame {stated} xmlns:presentation="p"><text:p>{text}</text:p></draw:frame>'

    number = "<text:page-number>&lt;number&gt;</text:page-number>"
    frames = [
        ("title", "Click to edit"),
        ("outline", "Second level"),
        ("date-time", "6/12/26"),
        ("page-number", number),
    ]
    frames += [("footer", "Harbour office"), ("", "Pilots only")]
    master = "".join(frame(kind, text) for kind, text in frames)
    slide = f"<draw:page><text:p>a pier</text:p><text:p>page {number} of the plan</text:p></draw:page>"
    content = openoffice("impress", slide, f"<style:master-page>{master}</style:master-page>")
    lines = read(extractor, content, b"a.sxi").text.split("\n\n")
    assert lines == ["a pier", "page  of the plan", "Harbour office", "Pilots only"]


def test_headers_and_footers_that_slides_choose_are_read(extractor: FileExtractor) -> None:
    kinds = {"footer": "Harbour board", "header": "Minutes", "date-time": "3 May"}
    stated = "".join(f'<p:{kind}-decl p:name="{kind}1">{text}</p:{kind}-decl>' for kind, text in kinds.items())
    chosen = " ".join(f'p:use-{kind}-name="{kind}1"' for kind in kinds)
    unused = '<p:footer-decl p:name="footer2">Draft</p:footer-decl>'
    slide = f"<draw:page {chosen}><text:p>a pier</text:p></draw:page>"
    body = f'<o xmlns:p="p">{stated}{unused}{slide}{slide}</o>'
    lines = read(extractor, openoffice("impress", body), b"a.sxi").text.split("\n\n")
    assert lines == ["a pier", "a pier", "Minutes", "Harbour board", "3 May"]


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


def test_a_damaged_page_of_xps_costs_itself_alone(extractor: FileExtractor) -> None:
    document = read(extractor, xps({"1": "<broken", "2": glyphs(("a bollard", 9))}, []), b"a.oxps")
    assert document.text.strip() == "a bollard"
    assert str(document.unread_parts) == "1 of 2 parts could not be read: Documents/1/Pages/1.fpage (corrupt)"


def test_a_map_is_read_with_the_names_beside_it(extractor: FileExtractor) -> None:
    places = "<kml><Placemark><name>Ankerplatz &amp; Boje</name></Placemark></kml>"
    text = read(extractor, container({"doc.kml": places, "files/buoy 7.png": "x"}), b"a.kmz").text
    assert "Ankerplatz & Boje" in text
    assert "files/buoy 7.png" in text


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


OPENDOCUMENT = "urn:oasis:names:tc:opendocument:xmlns:"


def flat(kind: str, body: str, *, more: str = "") -> bytes:
    """A flat document of OpenDocument with styles, and with a picture before its text."""
    styles = "".join(f'<style:style style:name="P{number}" style:family="paragraph"/>' for number in range(200))
    picture = f"<office:binary-data>{'iVBORw0KGgo' * 300}</office:binary-data>"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<office:document xmlns:office="{OPENDOCUMENT}office:1.0"'
        f' xmlns:text="{OPENDOCUMENT}text:1.0" xmlns:style="{OPENDOCUMENT}style:1.0"'
        f' xmlns:draw="{OPENDOCUMENT}drawing:1.0" xmlns:table="{OPENDOCUMENT}table:1.0"'
        f' xmlns:meta="{OPENDOCUMENT}meta:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        f' office:mimetype="application/vnd.oasis.opendocument.{kind}">{more}'
        f"<office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:{kind}>{picture}{body}</office:{kind}></office:body></office:document>"
    ).encode()


def test_a_flat_text_is_read_as_the_same_in_a_container(extractor: FileExtractor) -> None:
    more = (
        "<office:meta><dc:title>Signal lamps</dc:title><meta:initial-creator>Ada</meta:initial-creator>"
        "<meta:keyword>harbour</meta:keyword></office:meta>"
        "<office:master-styles><style:master-page><style:header><text:p>Pilot office</text:p></style:header>"
        "</style:master-page></office:master-styles>"
    )
    body = (
        '<text:h text:outline-level="2">Top<text:span>lights</text:span></text:h>'
        "<text:p>Red<text:s/>and green<text:note><text:note-body><text:p>at night</text:p></text:note-body></text:note>"
        "</text:p>"
    )
    document = read(extractor, flat("text", body, more=more), b"a.fodt")
    assert document.text == "Toplights\n\nRed and green\n\nat night\n\nPilot office"
    assert (document.title, document.author, document.keywords) == ("Signal lamps", "Ada", "harbour")


def test_flat_sheets_and_slides_are_read(extractor: FileExtractor) -> None:
    row = "<table:table-row>{}</table:table-row>".format(
        "".join(f"<table:table-cell><text:p>{word}</text:p></table:table-cell>" for word in ("lamp oil", "42,00"))
    )
    sheet = flat("spreadsheet", f'<table:table table:name="Stores">{row}</table:table>')
    assert read(extractor, sheet, b"a.fods").text == "Stores\nlamp oil\t42,00"
    slides = "".join(f"<draw:page><text:p>{words}</text:p></draw:page>" for words in ("a pier", "a mole"))
    document = read(extractor, flat("presentation", slides), b"a.xml")
    assert [document.text[start:].split("\n")[0] for start in document.page_starts] == ["a pier", "a mole"]


def test_a_damaged_flat_document_is_text(extractor: FileExtractor) -> None:
    content = flat("text", "<text:p>lamp oil</text:p>").replace(b"</office:body>", b"")
    assert "lamp oil" in read(extractor, content, b"a.fodt").text


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
