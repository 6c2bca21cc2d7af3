"""Text formats say what a person reads."""

from __future__ import annotations

import pytest

from magicfs.domain.contents import Document
from magicfs.text.extract.extractor import FileExtractor
from tests.integration.text.reading import read


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        (b"chat.json", rb'{"text": "Gr\u00fc\u00dfe"}', '{"text": "Grüße"}'),
        (b"feed.atom", b"<?xml version='1.0'?><t>B&#xE4;r</t>", "<?xml version='1.0'?><t>Bär</t>"),
        (b"app_de.properties", rb"ok=Schlie\u00dfen", "ok=Schließen"),
        (b"paper.tex", rb"Schr\"odinger", "Schrödinger"),
        (b"a.ics", b"SUMMARY:depart\r\n ment\r\nEND:X\r\n", "SUMMARY:department\n\nEND:X\n"),
        (b"a.vcf", b"FN;ENCODING=QUOTED-PRINTABLE:Gr=C3=BC=C3=9Fe\n", "FN;ENCODING=QUOTED-PRINTABLE:Grüße\n"),
    ],
)
def test_escapes_are_read(extractor: FileExtractor, name: bytes, content: bytes, text: str) -> None:
    outcome = extractor.extract(content, name=name)
    assert isinstance(outcome, Document)
    assert outcome.text == text


def test_signs_in_tables_of_a_page_have_no_backslashes(extractor: FileExtractor) -> None:
    row = "<tr><td>parse_url(a|b)</td><td>12.50*</td></tr>"
    page = f"<html><body><p>prices</p><table><tr><th>fn_name</th><th>x</th></tr>{row}</table></body></html>"
    text = read(extractor, page.encode(), b"a.html").text
    assert "parse_url(a|b)" in text
    assert "fn_name" in text
    assert "\\" not in text


def test_backslashes_that_a_page_has_stay(extractor: FileExtractor) -> None:
    page = "<html><body><table><tr><td>a\\_b</td><td>c*d</td></tr></table></body></html>"
    text = read(extractor, page.encode(), b"a.html").text
    assert "\\_b" in text
    assert "c*d" in text
