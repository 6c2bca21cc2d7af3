"""Documents in zip containers that kreuzberg does not read: Visio, Hangul, InDesign, XMind, and old ones of iWork."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable

import pytest

from magicfs.text.extract.extractor import FileExtractor
from tests.integration.text.reading import read
from tests.plugins.documents import CONTENT_TYPES, container
from tests.plugins.pdf import pdf_file

PAGES = {
    b"a.vsdx": {
        "[Content_Types].xml": CONTENT_TYPES,
        "visio/pages/page10.xml": "<P><Text>second page</Text></P>",
        "visio/pages/page2.xml": '<P xmlns="v"><Text><cp IX="0"/>a ruta<cp IX="1"/>baga pie\n</Text></P>',
    },
    b"a.hwpx": {
        "mimetype": "application/hwp+zip",
        "Contents/section1.xml": '<s xmlns:h="h"><h:p><h:t>second page</h:t></h:p></s>',
        "Contents/section0.xml": '<s xmlns:h="h"><h:p><h:run><h:t>a ruta</h:t></h:run><h:t>baga pie</h:t></h:p></s>',
    },
    b"a.idml": {
        "mimetype": "application/vnd.adobe.indesign-idml-package",
        "designmap.xml": "<Document><Content>a swatch</Content></Document>",
        "Stories/Story_u1.xml": "<S><ParagraphStyleRange><CharacterStyleRange><Content>a ruta</Content>"
        "</CharacterStyleRange><CharacterStyleRange><Content>baga pie</Content><Br/><Content>second page</Content>"
        "</CharacterStyleRange></ParagraphStyleRange></S>",
    },
    b"a.xmind": {
        "content.json": '[{"rootTopic": {"title": "a rutabaga pie", "labels": ["x"],'
        ' "notes": {"plain": {"content": "second page"}}}}]',
        "manifest.json": "{}",
        "metadata.json": "{}",
    },
}


@pytest.mark.parametrize("name", PAGES)
def test_documents_in_zip_containers_are_read(extractor: FileExtractor, name: bytes) -> None:
    text = read(extractor, container(PAGES[name]), name).text
    assert text.index("a rutabaga pie") < text.index("second page")


def test_an_archive_with_the_members_of_a_map_is_found_by_its_names(extractor: FileExtractor) -> None:
    members = dict.fromkeys(("content.json", "manifest.json", "metadata.json", "rutabaga.txt"), "{}")
    assert "rutabaga.txt" in read(extractor, container(members), b"a.zip").text


def test_a_damaged_page_costs_its_own_text_alone(extractor: FileExtractor) -> None:
    members = {**PAGES[b"a.vsdx"], "visio/pages/page10.xml": "<P>"}
    document = read(extractor, container(members), b"a.vsdx")
    assert "a rutabaga pie" in document.text
    assert "page10.xml" in str(document.unread_parts)


def test_a_document_of_old_iwork_is_read_by_its_preview(extractor: FileExtractor) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("index.xml", "<x/>")
        archive.writestr("QuickLook/Preview.pdf", pdf_file("a rutabaga pie"))
    assert "a rutabaga pie" in read(extractor, data.getvalue(), b"a.pages").text


def old_iwork(content: str) -> str:
    namespaces = "".join(
        f' xmlns:{name}="http://developer.apple.com/namespaces/{name}"' for name in ("sf", "sfa", "ls")
    )
    return f'<?xml version="1.0"?>\n<ls:document{namespaces}>{content}</ls:document>\n'


CELLS = """
<sf:t><sf:ct sfa:s="Category"/></sf:t> <sf:t><sf:ct sfa:s="Amount"/></sf:t>
<sf:pm sf:ct="255"><sf:menu-choices><sf:t sfa:ID="c1"><sf:ct sfa:s="Rent"/></sf:t>
<sf:t sfa:ID="c2"><sf:ct sfa:s="Food"/></sf:t></sf:menu-choices><sf:proxied-cell-ref sfa:IDREF="c2"/></sf:pm>
<sf:f><sf:fo sf:fs="=A1"/><sf:r><sf:rn sf:v="-872.39999999999998"/></sf:r></sf:f>
<sf:d sf:ct="511" sf:cell-date="276048000"/> <sf:n sf:v="4650"/>
"""


@pytest.mark.parametrize(
    ("name", "pack"), [("index.xml", bytes), ("index.apxl", bytes), ("index.xml.gz", gzip.compress)]
)
def test_a_document_of_old_iwork_without_a_preview_is_read_by_its_texts(
    extractor: FileExtractor, name: str, pack: Callable[[bytes], bytes]
) -> None:
    content = old_iwork(
        '<sf:metadata><sf:title><sf:string sfa:string="Household"/></sf:title></sf:metadata>'
        '<sf:stylesheet><sf:style sf:name="SFTCellStyle"/><sf:p>Lorem ipsum</sf:p></sf:stylesheet>'
        '<ls:workspace ls:workspace-name="Checking"><sf:tabular-model sf:name="Transactions">'
        f"<sf:datasource>{CELLS}</sf:datasource></sf:tabular-model>"
        '<sf:tabular-model sf:name="Table 1" sf:name-is-visible="false"/></ls:workspace>'
        "<sf:p>a <sf:span>ruta</sf:span>baga<sf:br/>pie</sf:p>"
    )
    document = read(extractor, container({name: pack(content.encode())}), b"a.numbers")
    table = ["Checking", "Transactions", "Category\tAmount", "Food\t-872.4", "2009-10-01\t4650"]
    assert document.text.split("\n") == [*table, "a rutabaga", "pie"]
    assert (document.title, document.unread_parts) == ("Household", None)


def test_a_damaged_document_of_old_iwork_keeps_what_stands_before_the_damage(extractor: FileExtractor) -> None:
    content = old_iwork("<sf:p>a rutabaga pie</sf:p><sf:p>a gull</sf:p>")
    document = read(extractor, container({"index.xml": content.replace("<sf:p>a gull", "<sf:p a gull")}), b"a.pages")
    assert document.text == "a rutabaga pie"
    assert "damage" in str(document.unread_parts)


def test_cells_of_old_iwork_that_say_nonsense_cost_no_other_text(extractor: FileExtractor) -> None:
    cells = (
        '<sf:n sf:v="x"/><sf:d sf:cell-date="1e300"/><sf:t sf:ct="99999999999"><sf:ct sfa:s="a rutabaga pie"/></sf:t>'
    )
    content = old_iwork(f"<sf:datasource>{cells}</sf:datasource>")
    assert read(extractor, container({"index.xml": content}), b"a.numbers").text == "a rutabaga pie"


def test_elements_that_are_nested_deeply_cost_no_text(extractor: FileExtractor) -> None:
    deep = "<sf:p>a " + "<sf:span>" * 3000 + "rutabaga" + "</sf:span>" * 3000 + " pie</sf:p>"
    content = container({"index.xml": old_iwork(f"{deep}<sf:p>a gull</sf:p>")})
    assert read(extractor, content, b"a.pages").text == "a rutabaga pie\na gull"


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("index.xml", b"<x>a feed</x>"),
        ("index.xml.gz", gzip.compress(b"<x>a feed</x>", mtime=0)),
        ("index.xml.gz", b"no gzip"),
        ("index.xml", b"<x>a fee?</x>"),
    ],
)
def test_an_archive_with_an_index_of_something_else_is_an_archive(
    extractor: FileExtractor, name: str, index: bytes
) -> None:
    content = container({"pie.txt": "a rutabaga pie", name: index})
    damaged = content.replace(b"<x>a fee?</x>", b"<x>a fe!!</x>")
    text = read(extractor, damaged, b"a.zip").text
    assert (name in text, "a rutabaga pie" in text) == (True, True)
