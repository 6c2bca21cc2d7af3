"""Pages whose elements are nested without an end, or too many, are read by another reader, and no others."""

from __future__ import annotations

import pytest

from magicfs.domain.contents import Document
from magicfs.text.extract.documents import nested_pages
from magicfs.text.extract.documents.file_parts import FileParts
from magicfs.text.extract.documents.kreuzberg_parser import KreuzbergParser
from magicfs.text.extract.documents.nested_pages import is_nested_deeply, read_nested_page
from magicfs.text.extract.documents.running_text import read_running_text

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
    assert read_nested_page(page.encode(), "text/html").text == "grün und blau\ngrau\nrot"


def test_a_page_of_too_many_elements_is_not_given_to_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which would take more memory than a file may."""

    def read(self: KreuzbergParser, content: bytes, mime_type: str) -> Document:
        return Document(text="by the library", mime_type=mime_type)

    monkeypatch.setattr(KreuzbergParser, "__call__", read)
    monkeypatch.setattr(nested_pages, "MAX_TAGS", 100)
    library = KreuzbergParser(ocr=None)
    texts = []
    for rows in (10, 40):
        page = f"<table>{'<tr><td>heron</td></tr>' * rows}</table>".encode()
        outcome = read_running_text(page, "text/html", library=library, parts=FileParts())
        assert isinstance(outcome, Document)
        texts.append(outcome.text)
    assert texts == ["by the library", "\n".join(["heron"] * 40)]
