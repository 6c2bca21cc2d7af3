"""Text whose characters are the numbers of their glyphs is read as a person sees it."""

from __future__ import annotations

import pytest

from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.options import Limits
from magicfs.text.extract.pdf.glyph_numbers import with_letters_of_numbers
from tests.integration.text.reading import read
from tests.plugins.pdf import pdf_of_objects

_SHIFT = 29
_GERMAN = (
    "Der Bürgermeister hat die Gemeinde über das Wärmenetz unterrichtet, sagte er.\n"
    "Die Größe der Anlage beträgt 4500 Quadratmeter.\n"
    "Sie wird im Oktober fertig"
)


def numbers_of(text: str) -> str:
    """The text as the numbers of its glyphs."""
    numbers = (code - _SHIFT - (code > 0x7E) for code in text.replace("\n", "'").encode("mac_roman"))
    return "".join(map(chr, numbers))


def test_letters_accents_and_digits_are_read() -> None:
    assert with_letters_of_numbers(numbers_of(_GERMAN)) == _GERMAN


def test_only_lines_of_numbers_are_changed() -> None:
    page = f"Amtsblatt der Gemeinde\n{numbers_of(_GERMAN)}\n12\nSeite 12"
    assert with_letters_of_numbers(page) == f"Amtsblatt der Gemeinde\n{_GERMAN}\n12\nSeite 12"


@pytest.mark.parametrize(
    "text",
    [
        _GERMAN,
        _GERMAN.upper(),
        "RW FL RW+BP1 FL+BP1 PL\x03" * 20,
        "148 052 00:00:00 31 VGR-31 OWLT IS 11H 38M 46S\x03 1L\n" * 20,
        "GATTACA\x03CATGATTACA\x03" * 20,
        "R1 1a 4.36 M 52.6 R C CC SVR\n" * 20,
    ],
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert with_letters_of_numbers(text) == text


def test_a_pdf_file_of_them_is_found_by_its_words() -> None:
    lines = ["The tide turns at noon, and all the boats of the", "harbour come home with 450 herrings each."]
    drawn = b" ".join(b"<%s> Tj T*" % b"".join(b"%04X" % (code - _SHIFT) for code in line.encode()) for line in lines)
    drawing = b"BT /F 12 Tf 15 TL 50 700 Td " + drawn + b" ET"
    file = pdf_of_objects(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[4 0 R]/Count 1>>",
            b"<</Type/Font/Subtype/Type0/BaseFont/Arial/Encoding/Identity-H/DescendantFonts[6 0 R]>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F 3 0 R>>>>/Contents 5 0 R>>",
            b"<</Length %d>>stream\n%s\nendstream" % (len(drawing), drawing),
            b"<</Type/Font/Subtype/CIDFontType2/BaseFont/Arial/DW 500/CIDSystemInfo<</Ordering(Identity)>>>>",
        ]
    )
    with FileExtractor(limits=Limits(seconds=60)) as extractor:
        text = read(extractor, file, b"a.pdf").text
    assert [line.strip() for line in text.splitlines() if line.strip()] == lines
