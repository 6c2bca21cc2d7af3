"""Documents of XML are read however deep their elements lie in one another."""

from __future__ import annotations

from magicfs.text.extract.documents.file_parts import FileParts
from magicfs.text.extract.documents.xml_documents import read_flat_opendocument, read_opendocument, read_svg
from tests.plugins.documents import container

DEPTH = 20_000


def nested(tag: str) -> str:
    return f"<{tag}>" * DEPTH + "a <b/>pier" + f"</{tag}> and" * DEPTH


def test_a_text_of_a_drawing_may_be_nested_deeply() -> None:
    drawing = f'<svg xmlns="http://www.w3.org/2000/svg"><text x="1">{nested("tspan")}</text></svg>'
    assert read_svg(drawing.encode()).text.startswith("a pier and and")


def test_texts_inside_of_texts_of_a_drawing_are_read_once() -> None:
    texts = "<text>Pump<title>of the mill</title>room</text><g><text>Weir</text></g>"
    drawing = f'<svg xmlns="http://www.w3.org/2000/svg">{texts}</svg>'
    assert read_svg(drawing.encode()).text == "Pump of the mill room\nWeir"
    deep = f'<svg xmlns="http://www.w3.org/2000/svg">{nested("text")}</svg>'
    assert read_svg(deep.encode()).text.count("pier") == 1


def test_a_paragraph_may_be_nested_deeply() -> None:
    page = f"<document><body><p>The {nested('span')}</p></body></document>"
    assert read_flat_opendocument(page.encode(), "", parts=FileParts()).text.startswith("The a pier and and")


def test_blanks_stand_where_a_paragraph_has_them_and_paragraphs_inside_stand_alone() -> None:
    content = "<body><p>a<s/>long<span><tab/>pier<note><p>made of oak</p></note></span>, here</p></body>"
    document = read_opendocument(container({"content.xml": content}), "", parts=FileParts())
    assert document.text == "a long\tpier, here\n\nmade of oak"
