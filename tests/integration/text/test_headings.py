"""The readers say which lines of a document are headings."""

from __future__ import annotations

import pytest

from magicfs.domain.contents import Document
from magicfs.text.extract.extractor import FileExtractor
from tests.plugins import documents

PAGE = "<h1>Clubs</h1><p>intro</p><h2>Rowing <b>club</b></h2><p>text</p><h2>Chess</h2><p>Clubs</p>"
STYLED = '<w:p><w:pPr><w:pStyle w:val="Heading{rank}"/></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>'


def word_document() -> bytes:
    body = STYLED.format(rank=1, text="Clubs") + "<w:p><w:r><w:t>intro</w:t></w:r></w:p>"
    body += STYLED.format(rank=2, text="Rowing club") + "<w:p><w:r><w:t>text</w:t></w:r></w:p>"
    return documents.container(
        {
            "[Content_Types].xml": documents.CONTENT_TYPES,
            "word/document.xml": f"<w:document {documents.WORD}><w:body>{body}</w:body></w:document>",
        }
    )


@pytest.mark.parametrize(
    ("name", "content", "headings"),
    [
        (b"page.html", PAGE.encode(), [("Clubs", 0), ("Rowing club", 1), ("Chess", 1)]),
        (b"letter.docx", word_document(), [("Clubs", 0), ("Rowing club", 1)]),
    ],
)
def test_documents_state_their_headings(
    extractor: FileExtractor, name: bytes, content: bytes, headings: list[tuple[str, int]]
) -> None:
    document = extractor.extract(content, name=name)
    assert isinstance(document, Document)
    lines = document.text.split("\n")
    first = document.headings[0][1]
    assert [(lines[line - 1], rank - first) for line, rank in document.headings] == headings


def test_a_page_of_nothing_but_headings_is_read(extractor: FileExtractor) -> None:
    page = "".join(f"<h2>head {number}</h2>" for number in range(25_000))
    document = extractor.extract(page.encode(), name=b"page.html")
    assert isinstance(document, Document)
    assert len(document.headings) == 20_000
    assert "head 24999" in document.text
