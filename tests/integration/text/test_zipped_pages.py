"""Documents in zip containers that kreuzberg does not read: Visio, Hangul, XMind, and iWork of before 2013."""

from __future__ import annotations

import io
import zipfile

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
