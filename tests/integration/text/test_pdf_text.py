"""The text layer of PDF files: its words, whole and apart, in the order in which they are read."""

from __future__ import annotations

import io

import pypdf
import pypdf.generic
import pytest

from magicfs.domain.contents import Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.extractor import FileExtractor
from tests.integration.text.reading import read
from tests.plugins.pdf import Drawing, pdf_file, pdf_of_objects


def page_in(letters: dict[int, str], shown: bytes) -> bytes:
    """A PDF file of a page, whose font says which letters its glyphs are, in UTF-16 and hexadecimal."""
    pairs = "".join(f"<{code:02x}> <{letter}>\n" for code, letter in letters.items())
    cmap = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def\n"
        f"1 begincodespacerange <00> <ff> endcodespacerange\n{len(letters)} beginbfchar\n{pairs}endbfchar\n"
        "endcmap CMapName currentdict /CMap defineresource pop end end"
    ).encode()
    drawing = b"BT /F 20 Tf 24 TL 50 700 Td " + shown + b" ET"
    return pdf_of_objects(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[4 0 R]/Count 1>>",
            b"<</Type/Font/Subtype/TrueType/BaseFont/Arial/FirstChar 0/LastChar 255/Widths[%s]/ToUnicode 6 0 R>>"
            % b" ".join([b"500"] * 256),
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 5 0 R/Resources<</Font<</F 3 0 R>>>>>>",
            b"<</Length %d>>stream\n%s\nendstream" % (len(drawing), drawing),
            b"<</Length %d>>stream\n%s\nendstream" % (len(cmap), cmap),
        ]
    )


def test_words_of_cells_beside_each_other_stay_apart(extractor: FileExtractor) -> None:
    words = ["herons", "1", "owls", "2", "rails", "3", "bitterns", "4"]
    shown = " ".join(
        f"BT /F 12 Tf {50 + 60 * (at % 2)} {700 - 14 * (at // 2)} Td ({word}) Tj ET" for at, word in enumerate(words)
    )
    assert read(extractor, pdf_file(Drawing(shown)), b"a.pdf").text.split() == words


def test_a_glyph_without_a_known_meaning_is_a_blank(extractor: FileExtractor) -> None:
    letters = {ord(letter): f"{ord(letter):04x}" for letter in "heronsstandinthemarsh"} | {0x20: "0003"}
    assert read(extractor, page_in(letters, b"(herons stand in the marsh) Tj"), b"a.pdf").text.split() == [
        *("herons", "stand", "in", "the", "marsh")
    ]


def test_small_capitals_and_old_style_digits_are_letters_and_digits(extractor: FileExtractor) -> None:
    letters = {code: f"f7{code:02x}" for code in b"heronsq1774\xe9"} | {0x20: "0020"}
    content = page_in(letters, b"(herons \\351 1774) Tj")
    assert read(extractor, content, b"a.pdf").text.split() == ["herons", "é", "1774"]


def test_accents_that_are_drawn_over_letters_are_part_of_them(extractor: FileExtractor) -> None:
    letters = {ord(letter): f"{ord(letter):04x}" for letter in "GdelSkodant \u00b4\u00a8"} | {0xB7: "02c7"}
    # As TeX draws them: the accent, a step back, and the letter. A capital has it higher.
    small, capital = b"[(G\\250) 500 (odel )] TJ", b"4 Ts (\\267) Tj 0 Ts [500 (Skoda )] TJ"
    content = page_in(letters, b"%s %s (don\\264t) Tj" % (small, capital))
    assert read(extractor, content, b"a.pdf").text.split() == ["Gödel", "Škoda", "don´t"]


def test_ligatures_of_tex_under_other_names_are_letters(extractor: FileExtractor) -> None:
    letters = {ord(letter): f"{ord(letter):04x}" for letter in "officewas x"} | {0x0B: "21b5", 0x0E: "0000"}
    content = page_in(letters, b"(o\\016ce was o\\013 x \\013 x) Tj")
    assert read(extractor, content, b"a.pdf").text.split() == ["office", "was", "off", "x", "↵", "x"]


def test_the_sign_of_a_key_behind_a_command_is_no_ligature(extractor: FileExtractor) -> None:
    letters = {ord(letter): f"{ord(letter):04x}" for letter in "exit now"} | {0x0B: "21b5"}
    content = page_in(letters, b"(exit\013 now) Tj")
    assert read(extractor, content, b"a.pdf").text.split() == ["exit↵", "now"]


@pytest.mark.parametrize("shown", [b"(%s herons) Tj", b"(herons %s) Tj"], ids=["before", "behind"])
def test_many_glyphs_without_a_known_meaning_cost_nothing_else(extractor: FileExtractor, shown: bytes) -> None:
    letters = {ord(letter): f"{ord(letter):04x}" for letter in "herons "} | {0x47: "0003"}
    content = page_in(letters, shown % (b"G" * 3000))
    assert read(extractor, content, b"a.pdf").text.split() == ["herons"]


def test_half_of_a_character_in_a_title_costs_only_itself(extractor: FileExtractor) -> None:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf_file("herons stand in the marsh")))
    title = b"\xfe\xff" + "On herons \U0001f426".encode("utf-16-be")[:-2]
    writer.metadata = {"/Author": "Ada", "/Title": "T" * len(title)}
    target = io.BytesIO()
    writer.write(target)
    document = read(extractor, target.getvalue().replace(b"T" * len(title), title), b"a.pdf")
    assert (document.title, document.author) == ("On herons", "Ada")
    assert document.text.split() == ["herons", "stand", "in", "the", "marsh"]


def test_a_damaged_file_needs_no_password(extractor: FileExtractor) -> None:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf_file("herons stand in the marsh")))
    writer.encrypt("secret", "owner", algorithm="RC4-128")
    target = io.BytesIO()
    writer.write(target)
    locked = extractor.extract(target.getvalue(), name=b"a.pdf")
    damaged = extractor.extract(b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 7 0 R>>\n", name=b"a.pdf")
    assert isinstance(locked, Unreadable)
    assert isinstance(damaged, Unreadable)
    assert [locked.reason, damaged.reason] == [SkipReason.ENCRYPTED, SkipReason.CORRUPT]


def test_half_of_a_character_does_not_cost_the_page(extractor: FileExtractor) -> None:
    letters = {ord(letter): f"{ord(letter):04x}" for letter in "herons stand in the marsh at dawn"} | {0x47: "d800"}
    content = page_in(letters, b"(herons stand in the marsh G at dawn) Tj")
    assert "herons stand in the marsh" in read(extractor, content, b"a.pdf").text


def test_the_ligature_of_arabic_is_in_the_order_of_its_letters(extractor: FileExtractor) -> None:
    letters = {1: "062a", 2: "06440627", 3: "0643", 4: "0634", 5: "0645", 6: "0644", 7: "0627", 32: "0020"}
    word = b"(\\001\\002\\003\\004\\005\\006\\007) Tj T*"
    article = b"(\\003\\004\\006\\007) Tj T*"
    text = read(extractor, page_in(letters, (word + article) * 6), b"a.pdf").text
    assert text.split() == ["المشكلات", "الشك"] * 6


def test_lines_of_hebrew_are_read_from_right_to_left(extractor: FileExtractor) -> None:
    lines = ["בית הספר החדש נפתח 2024 פעמים.", "הלימודים בו מתחילים מחר."]
    codes = {letter: code for code, letter in enumerate(sorted(set("".join(lines))), 128)}
    shown = b""
    for line in lines:
        # As it stands on the page, from left to right: the letters are turned around, and numbers are not.
        drawn = line[::-1].replace("4202", "2024")
        shown += b"(%s) Tj T* " % "".join(f"\\{codes[letter]:03o}" for letter in drawn).encode("ascii")
    content = page_in({code: f"{ord(letter):04x}" for letter, code in codes.items()}, shown)
    assert read(extractor, content, b"a.pdf").text.split("\n")[:2] == lines


@pytest.mark.parametrize("box", ["/MediaBox", "/CropBox"])
def test_a_page_that_was_cut_out_of_a_larger_one_keeps_its_text(extractor: FileExtractor, box: str) -> None:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf_file("herons stand in the marsh\nuntil dawn", "bitterns hide")))
    writer.pages[0][pypdf.generic.NameObject(box)] = pypdf.generic.RectangleObject((40, 600, 400, 792))
    target = io.BytesIO()
    writer.write(target)
    document = read(extractor, target.getvalue(), b"a.pdf")
    assert document.text.split() == ["herons", "stand", "in", "the", "marsh", "until", "dawn", "bitterns", "hide"]
    assert document.text[document.page_starts[1] :].split() == ["bitterns", "hide"]


def test_fields_of_a_file_that_may_not_be_changed_are_not_damaged(extractor: FileExtractor) -> None:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf_file("herons stand in the marsh")))
    writer.add_attachment("a.txt", b"a text on rosemary")
    writer.encrypt("", "owner", algorithm="RC4-128")
    target = io.BytesIO()
    writer.write(target)
    document = read(extractor, target.getvalue(), b"a.pdf")
    assert "rosemary" in document.text
    assert document.unread_parts is None
