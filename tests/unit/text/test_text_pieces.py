"""A large text that is read in pieces is the text that it would be in one piece."""

from __future__ import annotations

import codecs

import pytest

from magicfs.text.extract.plain import text_pieces
from magicfs.text.extract.plain.decoding import read_text
from magicfs.text.extract.plain.text_pieces import read_pieces

LINES = "".join(f"Line {number} tells of Käse, 数据 and \U0001f41e.\n" for number in range(400))
ONE_LINE = LINES.replace("\n", " ")
NO_BLANK = "数据库里有很多文字\U0001f41e" * 600


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_pieces, "PIECE_BYTES", 1000)
    monkeypatch.setattr(text_pieces, "LINE_END_BYTES", 300)


@pytest.mark.parametrize("text", [LINES, ONE_LINE, NO_BLANK], ids=["lines", "one line", "no blank"])
@pytest.mark.parametrize(
    ("bom", "codec"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_pieces_give_the_same_text_in_every_encoding(text: str, bom: bytes, codec: str) -> None:
    read = read_pieces(bom + text.encode(codec), mime_type="text/plain")
    assert read is not None
    assert read.text == text


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_bom(codec: str) -> None:
    text = "".join(f"Line {number} is plain.\n" for number in range(400))
    read = read_pieces(text.encode(codec), mime_type="text/plain")
    assert read is not None
    assert read.text == text


def test_a_legacy_encoding() -> None:
    text = "".join(f"Zeile {number} mit Käse, Grüßen und Öl.\r\n" for number in range(400))
    read = read_pieces(text.encode("cp1252"), mime_type="text/plain")
    assert read is not None
    assert read.text == text.replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("beginning", "last", "codec"),
    [
        ("# -*- coding: iso-8859-15 -*-\n", "Une œuvre à 5 €.\n", "iso-8859-15"),
        ("Это письмо о деньгах и о зиме в Москве.\n" * 9, "Всё: ёж, №7.\n", "cp1251"),
    ],
    ids=["declared", "detected"],
)
def test_all_pieces_are_in_the_charset_of_the_whole(beginning: str, last: str, codec: str) -> None:
    text = beginning + "A line in plain letters.\n" * 100 + last
    read = read_pieces(text.encode(codec), mime_type="text/x-python")
    assert read is not None
    assert read.text == text


def test_encoded_data_of_several_pieces_are_taken_out() -> None:
    picture = "".join(f"{number:x}Ab9Qz7TeK" for number in range(4000, 8000))
    content = f'{{"picture": "{picture}",\n "words": "behind it"}}\n'.encode()
    read = read_pieces(content, mime_type="application/json")
    assert read is not None
    assert "behind it" in read.text
    assert read.removed_characters > 0.95 * len(picture)


@pytest.mark.parametrize("fold", [" continued", "\tcontinued"])
def test_a_folded_line_is_not_divided(fold: str) -> None:
    """As in calendars, whose lines go on on the next one."""
    text = "".join(f"DESCRIPTION:number {number} of a long value that is\n{fold}\n" for number in range(100))
    read = read_pieces(text.encode(), mime_type="text/calendar")
    assert read is not None
    assert read.text == read_text(text.encode(), mime_type="text/calendar")


def test_a_hole_of_many_pieces_is_no_reason_against_a_text() -> None:
    read = read_pieces(LINES.encode() + bytes(20_000) + LINES.encode(), mime_type="text/plain")
    assert read is not None
    assert read.text.replace(" ", "") == (LINES + LINES).replace(" ", "")


def test_binary_data_are_no_text() -> None:
    binary = bytes(number * 7919 % 251 for number in range(20_000))
    assert read_pieces(binary, mime_type="text/plain") is None
    assert read_pieces(LINES.encode()[:1500] + binary, mime_type="text/plain") is None
    assert read_pieces(bytes(20_000), mime_type="text/plain") is None
