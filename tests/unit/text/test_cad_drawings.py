"""Of drawings that CAD programs exchange, texts and names are read."""

from __future__ import annotations

import pytest

from magicfs.text.extract.detect import detect
from magicfs.text.extract.plain.decoding import read_text
from magicfs.text.extract.plain.text_pieces import read_pieces


def drawing(*pairs: tuple[int, str]) -> bytes:
    whole = [(0, "SECTION"), (2, "ENTITIES"), *pairs, (0, "ENDSEC"), (0, "EOF")]
    return "".join(f"{number:3}\r\n{value}\r\n" for number, value in whole).encode()


def words_of(content: bytes) -> list[str]:
    text = read_text(content, mime_type=detect(content, name=b"plan.dxf").mime_type)
    assert text is not None
    assert text.count("\n") == content.count(b"\n")
    return [line for line in text.split("\n") if line]


def test_texts_and_names_of_a_drawing_are_read_without_coordinates() -> None:
    content = drawing(
        *((0, "LAYER"), (2, "Dachrinne"), (62, "7"), (0, "LAYER"), (2, "0"), (0, "BLOCK"), (2, "*D12"), (1, "x")),
        *((0, "LINE"), (8, "Dachrinne"), (10, "14.25"), (20, "3.5")),
        *((0, "TEXT"), (8, "Dachrinne"), (10, "1.0"), (1, "Kellerwand")),
        *((0, "MTEXT"), (40, "2.5"), (3, "Kupferro"), (1, "hr, verzinkt")),
        *((0, "ATTDEF"), (3, "Enter the sheet"), (2, "SHEET"), (1, "A-17")),
    )
    assert words_of(content) == ["Dachrinne", "Kellerwand", "Kupferrohr, verzinkt", "Enter the sheet", "A-17"]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (r"{\fArial|b0|i0;Dachrinne\PKupfer}", "Dachrinne Kupfer"),
        (r"Au\U+00DFenwand %%d %%c12 %%p3 %%uS\U+00fcd%%u", "Außenwand ° ⌀12 ±3 Süd"),
        (r"\A1;\H2.5x;\S1^ 2; in\~a \{box\} \Lhere\l C:\\tmp", "1/ 2 in a {box} here C:\\tmp"),
        (r"\M+18A4F^Jnew", "外 new"),
        ("* on site", "* on site"),
        ("_ 0", "_ 0"),
        (r"A\U+D83D\U+DE00B \U+D83D%%000%%010\U+000A%%013%%065", "A\U0001f600B \ufffd    A"),
    ],
)
def test_codes_in_texts_of_a_drawing_are_read_as_they_look(written: str, shown: str) -> None:
    assert words_of(drawing((0, "MTEXT"), (1, written))) == [shown]


def test_a_piece_of_a_large_drawing_is_read_from_any_line() -> None:
    content = drawing(*((0, "POINT"), (10, "1.0"), (20, "0"), (0, "TEXT"), (1, "Kellerwand")))
    for lines in range(10):
        rest = content.split(b"\r\n", lines)[-1]
        read = read_pieces(rest, mime_type="text/x-dxf")
        assert read is not None
        assert read.text.split() == ["Kellerwand"]


def test_what_is_no_drawing_stays() -> None:
    for text in ("Kellerwand und Dachrinne\n", "0\nSECTION\nis\nnot\na number\n"):
        assert read_text(text.encode(), mime_type="text/x-dxf") == text
