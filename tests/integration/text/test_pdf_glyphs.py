"""Pages of PDF files whose words PDFium tears apart, doubles or turns around: they are put together from the glyphs."""

from __future__ import annotations

from magicfs.text.extract.extractor import FileExtractor
from tests.integration.text.reading import read
from tests.integration.text.test_pdf_text import page_in
from tests.plugins.pdf import Drawing, pdf_file


def at(x: float, y: float, text: str, *, size: int = 12) -> str:
    """Instructions that show a text at a place."""
    return f"BT /F {size} Tf {x:.2f} {y:.2f} Td ({text}) Tj ET "


def words_of(extractor: FileExtractor, drawn: str) -> list[str]:
    return read(extractor, pdf_file(Drawing(drawn)), b"a.pdf").text.split()


def hebrew_page(lines: list[str], *, mapped: str) -> bytes:
    """A page that shows lines as they stand on it, from left to right, in the letters of `mapped`."""
    codes = {letter: code for code, letter in enumerate(dict.fromkeys(mapped), 128)}
    shown = b"".join(
        b"(%s) Tj T* " % "".join(f"\\{codes[letter]:03o}" for letter in line).encode("ascii") for line in lines
    )
    return page_in({code: f"{ord(letter):04x}" for letter, code in codes.items()}, shown)


def test_a_heading_whose_letters_are_spaced_has_words(extractor: FileExtractor) -> None:
    drawn = "BT /F 20 Tf 50 700 Td [(o) -400 (v) -400 (o) -400 (d) -1000 (v) -400 (o) -400 (o) -400 (v)] TJ ET "
    assert words_of(extractor, drawn + at(50, 650, "of the harbour")) == ["ovod", "voov", "of", "the", "harbour"]


def test_letters_that_are_spaced_a_little_are_words_and_no_fragments(extractor: FileExtractor) -> None:
    words = ["ovodv", "voovi", "dovod", "vidov"]
    shown = " -550 ".join(f"({word[:2]}) -145 ({word[2:4]}) -145 ({word[4:]})" for word in words)
    drawn = f"BT /F 12 Tf 1.4 Tc 50 700 Td [{shown}] TJ ET "
    assert words_of(extractor, drawn) == words


def test_letters_that_are_drawn_again_for_a_bold_font_are_there_once(extractor: FileExtractor) -> None:
    word = "oovodvvo" * 5
    drawn = "".join(
        at(50 + 6.8 * number + shift, 700, letter) for shift in (0, 0.9) for number, letter in enumerate(word)
    )
    assert words_of(extractor, drawn + at(50, 650, "hides")) == [word, "hides"]


def test_letters_that_are_drawn_one_by_one_are_words_on_a_page_of_few_words(extractor: FileExtractor) -> None:
    label = "".join(at(400 + 6.8 * number, 100, letter) for number, letter in enumerate("oovodvvo"))
    numbers = "".join(at(20, 130 + 10 * number, str(number)) for number in range(30))
    assert "oovodvvo" in words_of(extractor, label + numbers)


def test_letters_that_are_turned_with_their_line_are_words(extractor: FileExtractor) -> None:
    turned = "".join(
        f"BT /F 12 Tf 0 1 -1 0 60 {100 + 6.8 * number:.2f} Tm ({letter}) Tj ET "
        for number, letter in enumerate("oovodvvo")
    )
    assert words_of(extractor, turned + at(100, 700, "spruce")) == ["oovodvvo", "spruce"]


def test_latin_words_in_a_line_of_hebrew_are_in_their_order(extractor: FileExtractor) -> None:
    line = "העלות לחברת Harbour Works Ltd היא 1,250 לשנת"
    shown = "תנשל 1,250 איה Harbour Works Ltd תרבחל תולעה"
    document = read(extractor, hebrew_page([shown], mapped=line), b"a.pdf")
    assert document.text.strip() == line


def test_hebrew_words_in_a_line_of_english_are_in_their_order(extractor: FileExtractor) -> None:
    line = "The name of it is נמל הצפון הישן in the register"
    shown = "The name of it is ןשיה ןופצה למנ in the register"
    document = read(extractor, hebrew_page([shown], mapped=line), b"a.pdf")
    assert document.text.strip() == line


def test_a_text_that_several_glyphs_stand_for_is_there_once(extractor: FileExtractor) -> None:
    # The vowel sign is drawn after the letter behind it, as a browser prints it.
    letters = {ord("A"): "0e23", ord("B"): "0e37", ord("C"): "0e2d", ord("D"): "0e40"}
    lines = [
        f"BT /F 20 Tf 50 {y} Td (D) Tj ET /Span<</ActualText<FEFF0E230E37>>>BDC BT /F 20 Tf 60 {y} Td (A) Tj ET "
        f"BT /F 20 Tf 71 {y} Td (B) Tj ET EMC BT /F 20 Tf 70 {y} Td (C) Tj ET"
        for y in (700, 660, 620)
    ]
    text = read(extractor, page_in(letters, f"ET {' '.join(lines)} BT".encode("ascii")), b"a.pdf").text
    assert "".join(text.split()) == 3 * "เรือ"


def test_a_row_of_single_letters_stays_a_row(extractor: FileExtractor) -> None:
    drawn = "".join(at(50 + 30 * number, 700, letter) for number, letter in enumerate("CCLLUX"))
    assert words_of(extractor, drawn) == list("CCLLUX")
