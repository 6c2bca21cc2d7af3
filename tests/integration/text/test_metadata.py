"""What the metadata of a document says that it is about reaches the index."""

from __future__ import annotations

import pytest

from magicfs.domain.contents import Document
from magicfs.text.extract import FileExtractor
from tests.plugins.pdf import pdf_file

HTML = """<html><head><title>Marsupials</title><meta name="author" content="Ada Lovelace">
<meta name="keywords" content="quokka, wombat"><meta name="description" content="All about numbats">
</head><body><p>They live in Australia.</p></body></html>"""


def pdf() -> bytes:
    information = b"/Title(Marsupials)/Author(Ada Lovelace)/Subject(All about numbats)/Keywords(quokka, wombat)"
    return pdf_file("They live in Australia.").replace(
        b"trailer<<", b"99 0 obj<<" + information + b">> endobj\ntrailer<</Info 99 0 R"
    )


@pytest.mark.parametrize(("name", "content"), [(b"a.html", HTML.encode()), (b"a.pdf", pdf())])
def test_keywords_and_subjects_are_read(extractor: FileExtractor, name: bytes, content: bytes) -> None:
    document = extractor.extract(content, name=name)
    assert isinstance(document, Document)
    assert (document.title, document.author) == ("Marsupials", "Ada Lovelace")
    assert document.keywords is not None
    for word in ("quokka", "wombat", "numbats"):
        assert word in document.keywords
    assert "Marsupials" not in document.keywords


def test_a_document_without_keywords_has_none(extractor: FileExtractor) -> None:
    document = extractor.extract(b"<html><title>T</title><body><p>Only a text.</p></body></html>", name=b"a.html")
    assert isinstance(document, Document)
    assert document.keywords is None
