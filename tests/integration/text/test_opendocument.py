"""Documents of OpenOffice and of OpenDocument, in containers and in one piece of XML."""

from __future__ import annotations

import pytest

from magicfs.text.extract.extractor import FileExtractor
from tests.integration.text.reading import read
from tests.plugins.documents import container

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


def test_a_damaged_flat_document_is_read_around_the_damage(extractor: FileExtractor) -> None:
    content = flat("text", "<text:p>lamp oil</text:p>").replace(b"</office:body>", b"")
    document = read(extractor, content, b"a.fodt")
    assert document.text == "lamp oil"
    assert document.unread_parts is not None
    paragraphs = "<text:p>lamp oil</text:p><text:p>a <text:p>p&amp;ier &wrong; </text:p><text:h>a <b>mo</b>le</text:h>"
    document = read(extractor, flat("text", paragraphs), b"a.fodt")
    assert document.text.split() == ["lamp", "oil", "a", "p&ier", "&wrong;", "a", "mole"]
    assert str(document.unread_parts) == "1 of 1 part could not be read: the markup behind the damage (corrupt)"
