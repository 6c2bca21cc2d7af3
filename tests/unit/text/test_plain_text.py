"""Bytes are decoded to the text that an editor would show."""

from __future__ import annotations

import codecs
import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magicfs.text.extract.plain.plain_text import clean, decode, title_of, truncate


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Die schöne Frau hat einen Kaffee mit Kuchen gegessen", "cp1252"),
        ("naïve résumé “quoted” — it", "cp1252"),
        ("café", "cp1252"),
        ("Größe 5 µm", "latin-1"),
        ("Привет, как дела? Это небольшой файл.", "cp1251"),
        ("Привет, как дела? Это небольшой файл.", "koi8-r"),
        ("名前,年齢,住所\n佐藤太郎,30,東京\n髙橋淳,35,名古屋\n", "cp932"),
        ("日本語のテキストです。", "euc_jp"),
        ("日本語のテキストです。今日は。", "iso2022_jp"),
        ("中文文本。这是一个测试文件。", "gb18030"),
        ("繁體中文測試文件", "big5"),
        ("안녕하세요 여러분", "euc_kr"),
        ("zażółć gęślą jaźń", "cp1250"),
        ("plain ASCII", "ascii"),
        ("emoji \U0001f600 and 日本", "utf-8"),
        ("with a mark", "utf-8-sig"),
        ("with a mark, two bytes a letter", "utf-16"),
        ("with a mark, four bytes a letter", "utf-32"),
        ("no mark, but clear from its NULs\n", "utf-16-le"),
        ("no mark, but clear from its NULs\n", "utf-16-be"),
        ("Протокол общего собрания садоводов\nот 5 мая\n", "utf-16-le"),
        ("Πρακτικά συνεδρίασης\n", "utf-16-be"),
        ("采购合同审批流程说明文件，请各部门遵照执行。\n第一条 总则\n", "utf-16-le"),
        ("議事録の共有について、下記の通りご案内します。\n以上です。\n", "utf-16-be"),
        ("محضر الاجتماع\nיום שני\n", "utf-16-le"),
        ("会议记录：下周三在北京开会", "utf-16-le"),
        ("第一季度销售报告", "utf-16-be"),
        ("請把發票寄給王小明", "utf-16-le"),
        ("来週の水曜日に東京で会議があります。", "utf-16-be"),
        ("お元気ですか", "utf-16-le"),
        ("รายงานการประชุม", "utf-16-le"),
        ("Привет", "utf-16-be"),
    ],
)
def test_small_files_in_many_encodings(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text


def test_holes_of_zeros_in_a_text_are_blanks() -> None:
    assert decode(b"one entry" + bytes(1_000_001) + b"and another") == "one entry and another"
    assert decode(b"first entry\n" + bytes(4096) + b"entry after it\n" * 3) == "first entry\n " + "entry after it\n" * 3
    assert decode("name=Größe\0home=/root\0".encode()) == "name=Größe home=/root "


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("cp1251", "Лодка стояла у причала.\n"),
        ("koi8-r", "Лодка стояла у причала.\n"),
        ("cp932", "船が港に入りました。\n"),
        ("cp1252", "Größe und Übermut\n"),
    ],
)
@pytest.mark.parametrize("zeros", [5, 4096, 1_000_000])
def test_a_text_in_a_legacy_charset_whose_end_was_not_written_is_read(charset: str, text: str, zeros: int) -> None:
    text *= 3
    content = text.encode(charset)
    assert decode(content + bytes(zeros)) == text
    assert decode(content + bytes(zeros), whole=content * 2 + bytes(zeros)) == text
    # Zeros inside of such bytes are those of other data.
    assert decode(content + bytes(zeros) + content) is None


def test_separators_of_fields_in_a_text_are_blanks() -> None:
    assert decode("8=FIX.4.2\x0149=PHLX\x0158=Größe\x01\n".encode()) == "8=FIX.4.2 49=PHLX 58=Größe \n"
    assert decode(b"name\x1fplace\x1eAda\x1fLondon\x1e" * 9) == "name place Ada London " * 9
    assert decode(b"\1a\2b\3c" * 99) is None


@pytest.mark.parametrize(
    "content", [bytes(100), b"a\0b\0c\0d\0e\0f\0" * 3 + b"\1", b"PK text here\0\0\0\4" * 9, b"word\0 \xff\0word" * 20]
)
def test_other_bytes_with_zeros_are_no_text(content: bytes) -> None:
    assert decode(content) is None


def test_damaged_utf8_stays_utf8() -> None:
    text = "Über allen Gipfeln ist Ruh, in allen Wipfeln spürest du kaum einen Hauch; die Vögelein schweigen. " * 5
    content = text.encode() + b"\xff\n" + text.encode()
    decoded = decode(content)
    assert decoded == text + "\ufffd\n" + text


@pytest.mark.parametrize(
    "content",
    [
        bytes(range(256)) * 4,
        b"\0" * 1000,
        b"some text\0\0\0\x01\x02\x03\x04" * 50,
        b"".join(number.to_bytes(2, "little") for number in range(0x0400, 0x0600, 3)),
        random.Random(7).randbytes(4000),
        codecs.encode("x" * 100, "utf-8") + bytes(range(1, 32)) * 3,
    ],
)
def test_binary_content_is_no_text(content: bytes) -> None:
    assert decode(content) is None


def test_a_stray_nul_does_not_make_text_binary() -> None:
    assert decode(b"a line\n" * 20 + b"an\0other\n") == "a line\n" * 20 + "another\n"


def test_terminal_output_is_text() -> None:
    text = "\x1b[31mred\x1b[0m and \b back\n" * 10
    assert decode(text.encode()) == text


def test_all_newlines_count_as_one_line_each() -> None:
    assert clean("one\r\ntwo\rthree\nfour") == "one\ntwo\nthree\nfour"


def test_lone_surrogates_are_replaced_and_pairs_joined() -> None:
    assert clean("a\ud800b") == "a\ufffdb"
    assert clean("\ud83d\ude00") == "\U0001f600"


@given(st.binary(max_size=300))
def test_whatever_is_decoded_can_be_stored(content: bytes) -> None:
    text = decode(content)
    if text is not None:
        assert "\0" not in text
        assert "\r" not in text
        text.encode("utf-8")


@given(st.text(st.characters(codec="utf-8")), st.integers(0, 40))
def test_a_truncated_text_is_a_prefix_that_fits(text: str, max_bytes: int) -> None:
    kept, cut_bytes = truncate(text, max_bytes=max_bytes)
    assert text.startswith(kept)
    assert len(kept.encode()) + cut_bytes == len(text.encode())
    assert len(kept.encode()) <= max_bytes or kept == ""
    if len(text.encode()) <= max_bytes:
        assert kept == text


def test_a_truncated_text_ends_with_a_line() -> None:
    assert truncate("first line\nsecond line\n", max_bytes=15) == ("first line\n", 12)


def test_commands_to_a_terminal_do_not_make_a_text_binary() -> None:
    listing = "".join(f"\x1b]8;;file:///{name}\a{name}\x1b]8;;\a\n" for name in ("a", "b", "zebra"))
    assert decode(listing.encode()) == listing


@pytest.mark.parametrize("codec", ["utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("text", ["A heron\tstands\r\nin the marsh", "<p>\U0001d400 und Größe</p>", "서울의 날씨"])
def test_text_of_four_bytes_a_character_needs_no_mark(codec: str, text: str) -> None:
    assert decode(text.encode(codec)) == text.replace("\r\n", "\n")


def test_tables_of_numbers_are_no_text_of_four_bytes_a_character() -> None:
    assert decode(struct.pack("<64I", *range(64))) is None
    assert decode(struct.pack(">64I", *range(70_000, 70_064))) is None


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_joiners_do_not_keep_a_text_from_being_wide(codec: str) -> None:
    text = "می\u200cخواهم کتاب\u200cها را بخوانم\n"
    assert decode(text.encode(codec)) == text


@pytest.mark.parametrize(
    ("mime_type", "text"),
    [
        ("text/x-org", "#+STARTUP: show\n#+title:  On herons\n* Birds\n"),
        ("text/x-asciidoc", "// a comment\n= On herons\nAnn Reed\n\n== Birds\n"),
        ("text/x-tex", "\\title{On herons}"),
    ],
)
def test_a_text_in_markup_states_its_title(mime_type: str, text: str) -> None:
    assert title_of(text, mime_type=mime_type) == "On herons"
    assert title_of("A text on herons\n", mime_type=mime_type) is None
