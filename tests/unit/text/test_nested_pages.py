"""Pages whose elements are nested without an end, or too many, are read by another reader, and no others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents import extended_documents, nested_pages
from magicfs.text.extract.documents.document_parser import DocumentParser
from magicfs.text.extract.documents.extended_documents import text_of
from magicfs.text.extract.documents.kreuzberg_parser import KreuzbergParser
from magicfs.text.extract.documents.nested_pages import is_nested_deeply, read_nested_page
from magicfs.text.extract.options import Limits

_MANY = 5000


@pytest.mark.parametrize("tags", ["<div><b>{}", "<a href=x><div>{}", "<SCRIPT>{}", "<div><p><span>{}", "<b>{}</i>"])
def test_elements_that_are_never_closed_are_nested(tags: str) -> None:
    page = "".join(tags.format(f"heron{number}\n") for number in range(_MANY))
    assert is_nested_deeply(page.encode())


@pytest.mark.parametrize(
    "tags",
    [
        "<div><b>{}</b></div>",
        "<p>{}",
        "<li><a href='x'>{}</a>",
        "<tr><td>{}",
        "{}<br><img src=x>",
        "<DIV>{}</div>",
        "1 < 2 {} </b>",
        "<script>{}</script>",
    ],
)
def test_a_page_as_people_write_it_is_not(tags: str) -> None:
    assert not is_nested_deeply("".join(tags.format("heron") for _ in range(_MANY)).encode())


def test_such_a_page_is_read_paragraph_by_paragraph() -> None:
    page = "<p>gr&uuml;n <b>und</b> blau<div>grau<div><font>rot"
    assert text_of(read_nested_page(page.encode(), "text/html")) == "grün und blau\ngrau\nrot"


def test_its_title_is_known() -> None:
    page = read_nested_page(b"<title>The herons</title><p>seventeen", "text/html")
    assert isinstance(page, Document)
    assert (page.title, page.text) == ("The herons", "The herons\nseventeen")
    assert read_nested_page(b"<p><p>", "text/html") == Unreadable(SkipReason.NO_TEXT)


def test_a_page_of_too_many_elements_is_read_once_and_not_by_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which would take more memory than a file may."""

    def read(self: KreuzbergParser, content: bytes, mime_type: str) -> Document:
        return Document(text="by the library", mime_type=mime_type)

    def texts(page: str) -> Iterator[str]:
        yield "by the second reading"

    monkeypatch.setattr(KreuzbergParser, "__call__", read)
    monkeypatch.setattr(extended_documents, "html_texts", texts)
    monkeypatch.setattr(nested_pages, "MAX_TAGS", 100)
    parser = DocumentParser(KreuzbergParser(ocr=None), limits=Limits())
    read_texts = []
    for rows in (10, 40):
        page = f"<table>{'<tr><td>heron</td></tr>' * rows}</table>".encode()
        outcome = parser(page, "text/html")
        assert isinstance(outcome, Document)
        read_texts.append(outcome.text.split("\n"))
    assert "by the second reading" in read_texts[0]
    assert read_texts[1] == ["heron"] * 40
