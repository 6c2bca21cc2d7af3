"""Pages whose elements are nested without an end are read by another reader, and no others."""

from __future__ import annotations

import pytest

from magicfs.text.extract.documents.nested_pages import is_nested_deeply, read_nested_page

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
