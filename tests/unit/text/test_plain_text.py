"""Bytes are decoded to the text that an editor would show."""

from __future__ import annotations

import codecs
import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magicfs.text.extract.plain.plain_text import clean, decode, truncate


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
    ],
)
def test_small_files_in_many_encodings(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text


def test_a_declared_charset_is_used() -> None:
    text = '<?xml version="1.0" encoding="iso-8859-5"?><p>Привет</p>'
    assert decode(text.encode("iso-8859-5")) == text
    text = "# -*- coding: koi8-r -*-\nname = 'я'\n"
    assert decode(text.encode("koi8-r")) == text


def test_latin_1_means_what_windows_wrote_under_that_name() -> None:
    page = '<meta charset="iso-8859-1"><p>“quoted”</p>'
    assert decode(page.encode("cp1252")) == page


@pytest.mark.parametrize("word", ["zip", "rot13", "unicode_escape", "base64", "nonsense", "utf-8"])
def test_a_declared_word_that_is_no_charset_is_ignored(word: str) -> None:
    text = f"# coding: {word}\nschöne Grüße an alle Größen\n"
    assert decode(text.encode("cp1252")) == text


def test_holes_of_zeros_in_a_text_are_blanks() -> None:
    assert decode(b"one entry" + bytes(1_000_001) + b"and another") == "one entry and another"
    assert decode(b"first entry\n" + bytes(4096) + b"entry after it\n" * 3) == "first entry\n " + "entry after it\n" * 3
    assert decode("name=Größe\0home=/root\0".encode()) == "name=Größe home=/root "


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


@pytest.mark.parametrize("charset", ["cp850", "cp437", "mac_roman"])
@pytest.mark.parametrize(
    "text",
    [
        "Zürich und Genève",
        "Sehr geehrte Frau Müller, die Größe der Tür in Köln",
        "Le présenté de l'école a été élevé",
        "Här är en få människor på sjön",
        "GRÖSSE MÜLLER ÄRZTE KÖLN",
    ],
)
def test_letters_of_old_computers_are_letters(text: str, charset: str) -> None:
    assert decode(text.encode(charset)) == text


@pytest.mark.parametrize("charset", ["cp1251", "cp866", "koi8_r"])
@pytest.mark.parametrize("text", ["\x1b[31mОшибка\x1b[0m: файл не найден\r\n", "Протокол собрания жильцов\r\n\x1a"])
def test_colours_and_the_end_of_a_file_of_dos_do_not_hide_the_charset(text: str, charset: str) -> None:
    assert decode(text.encode(charset)) == text.replace("\r", "")


def test_latin_9_is_told_from_latin_1() -> None:
    text = "Cœur d'artichaut, bœuf et œufs à la française"
    assert decode(text.encode("iso8859-15")) == text


def test_a_short_text_that_was_cut_inside_of_a_letter_stays_utf8() -> None:
    assert decode("Der Turmfalke brütet. Ü".encode()[:-1]) == "Der Turmfalke brütet. \ufffd"
    assert decode(b"menu du caf\xe9") == "menu du café"


def test_a_frame_tells_two_code_pages_apart() -> None:
    text = "╒═════════╕\n│ Müller  │\n╘═════════╛\n"
    assert decode(text.encode("cp437")) == text


@pytest.mark.parametrize(
    ("text", "charset"),
    [
        ("the café—naïve résumé of piñata, wait…what word–word it’s", "cp1252"),
        ("příliš žluťoučký kůň úpěl", "cp1250"),
        ("Привет, это файл abc", "cp1251"),
        ("日本語のテキストabcテストですcテc", "shift_jis"),
        ("名前,年齢,住所\n佐藤太郎,30,東京\n鈴木花子,25,大阪\n高橋誠,35,名古屋\n", "shift_jis"),
        ("中文文本abc测试c测试d", "gbk"),
        ("姓名,年齡,住址\n王小明,30,臺北\n功能許可蓋章\n", "big5"),
        ("Türkçe güneş ışık öğrenci", "cp1254"),
        ("Umowa najmu mieszkania w Łodzi", "cp1250"),
        ("Książka kucharska babci", "cp1250"),
    ],
)
def test_texts_of_windows_are_not_taken_for_older_ones(text: str, charset: str) -> None:
    assert decode(text.encode(charset)) == text


@pytest.mark.parametrize("charset", ["euc_jp", "shift_jis"])
@pytest.mark.parametrize(
    "text", ["お世話になっております", "よろしくお願いいたします", "東京都渋谷区の地図", "ご注文ありがとう"]
)
def test_a_few_words_of_japanese_are_japanese(text: str, charset: str) -> None:
    assert decode(text.encode(charset)) == text


@pytest.mark.parametrize(
    "text",
    [
        "Don’t worry – it’s fine",
        "It was—as we know—a long day.",
        "“Quoted”",
        "He said ‘no’ – and left",
        "£5 – £10, she’s sure",
    ],
)
def test_the_signs_of_an_english_text_are_read(text: str) -> None:
    assert {charset: decode(text.encode(charset)) for charset in ("mac_roman", "cp1252")} == {
        "mac_roman": text,
        "cp1252": text,
    }


@pytest.mark.parametrize(
    "text", ["Ônibus para a praia", "Òpera, Óscar", "Der ÖPNV", "MAÑANA, ¿qué tal?", "Él dijo: «Ó»"]
)
def test_rare_capitals_are_not_taken_for_signs(text: str) -> None:
    assert decode(text.encode("cp1252")) == text


def test_lines_of_several_charsets_are_each_read_in_their_own() -> None:
    lines = ["Größe der Datei geprüft", "plain", "Größe überschritten"]
    content = b"\n".join([lines[0].encode(), lines[1].encode(), lines[2].encode("cp1252"), lines[0].encode()])
    assert decode(content) == "\n".join([*lines, lines[0]])


def test_a_damaged_line_in_utf_8_keeps_its_other_letters() -> None:
    content = "für Größe und Übung\n".encode() * 2 + "für Größ".encode()[:-1] + "e und Übung\n".encode()
    assert (decode(content) or "").count("Übung") == 3


def test_a_line_that_is_utf_8_by_chance_does_not_make_a_text_mixed() -> None:
    text = "联通\n中国移动通信集团公司\n"
    assert decode(text.encode("gb18030")) == text


def test_commands_to_a_terminal_do_not_make_a_text_binary() -> None:
    listing = "".join(f"\x1b]8;;file:///{name}\a{name}\x1b]8;;\a\n" for name in ("a", "b", "zebra"))
    assert decode(listing.encode()) == listing


@pytest.mark.parametrize("charset", ["mac_roman", "cp850"])
def test_one_line_in_an_old_charset_keeps_its_umlauts(charset: str) -> None:
    text = "Der Mietvertrag läuft über fünf Jahre; die Größe beträgt 80 qm."
    assert decode(text.encode(charset)) == text


@pytest.mark.parametrize("declared", ["iso-8859-1", "windows-1251"])
def test_utf8_with_a_damaged_letter_is_no_text_in_the_charset_that_it_declares(declared: str) -> None:
    text = f'<meta charset="{declared}">\nBrötchen, Käsekuchen, Gebäck, Müsli, Nüsse, Öl, süß, weiß, früh, spät'
    assert decode(text.encode() + b" \xff") == text + " \ufffd"


def test_lines_that_are_not_in_utf8_are_in_the_declared_charset() -> None:
    lines = ["# -*- coding: iso-8859-2 -*-", "# žluťoučký kůň", "# příliš žluť", "# łódź"]
    content = b"\n".join(line.encode("utf-8") for line in lines[:3]) + b"\n" + lines[3].encode("iso-8859-2")
    assert decode(content) == "\n".join(lines)


@pytest.mark.parametrize("codec", ["utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("text", ["A heron\tstands\r\nin the marsh", "<p>\U0001d400 und Größe</p>", "서울의 날씨"])
def test_text_of_four_bytes_a_character_needs_no_mark(codec: str, text: str) -> None:
    assert decode(text.encode(codec)) == text.replace("\r\n", "\n")


def test_tables_of_numbers_are_no_text_of_four_bytes_a_character() -> None:
    assert decode(struct.pack("<64I", *range(64))) is None
    assert decode(struct.pack(">64I", *range(70_000, 70_064))) is None


def test_mail_of_korea_is_text() -> None:
    assert decode("안녕 herons\n날씨\n".encode("iso2022_kr")) == "안녕 herons\n날씨\n"


def test_signs_that_windows_adds_to_japanese_do_not_cost_the_text() -> None:
    before, after = "第一章 ".encode("iso2022_jp"), "の予報\nherons\n".encode("iso2022_jp")
    assert decode(before + b"\x1b$B-!\x1b(B" + b"\x1b(I6@\x1b(B " + after) == "第一章 ①ｶﾀ の予報\nherons\n"


def test_japanese_that_a_line_leaves_open_costs_no_other_line() -> None:
    content = b"\x1b$B8!:w\nherons stand\nand fly\n" + b"\x1b$B-!\x1b(B\n"
    assert decode(content) == "検索\nherons stand\nand fly\n①\n"


@pytest.mark.parametrize(
    ("text", "charsets"),
    [
        ("Съешь же ещё этих мягких французских булок, да выпей чаю.", ("cp855", "cp866", "mac_cyrillic", "koi8-r")),
        ("Българската азбука има тридесет букви и е стара.", ("cp855", "mac_cyrillic", "cp1251")),
        ("다람쥐 헌 쳇바퀴에 타고파, 오늘도 달린다.", ("johab", "cp949")),
        ("Ξεσκεπάζω την ψυχοφθόρα βδελυγμία στο λιμάνι.", ("cp737", "cp869", "mac_greek", "cp1253")),
        ("דג סקרן שט בים מאוכזב ולפתע מצא חברה", ("cp862", "cp1255", "iso8859-8")),
        ("كان الصياد يجلس كل صباح على ضفة النهر", ("cp720", "cp1256", "iso8859-6")),
        ("Pijamalı hasta yağız şoföre çabucak güvendi, güneşli öğleden önce", ("cp857", "mac_turkish", "cp1254")),
        ("Nechť již hříšné saxofony ďáblů rozezvučí síň", ("cp852", "mac_latin2", "cp1250", "iso8859-2")),
        ("Įlinkdama fechtuotojo špaga sublykčiojusi pragręžė apvalų arbūzą", ("cp775", "cp1257")),
        ("Luís argüia à Júlia que brações, fé, chá, óxido, pôr, zângão eram palavras", ("cp860", "cp1252")),
        ("我哋喺香港食嘢，啲人好開心", ("big5hkscs",)),
    ],
)
def test_the_charset_of_a_sentence_is_detected(text: str, charsets: tuple[str, ...]) -> None:
    assert {charset: decode(text.encode(charset)) for charset in charsets} == dict.fromkeys(charsets, text)


def test_a_few_words_in_long_code_have_their_charset() -> None:
    function = "static int length(struct node *node)\n{\n    return node->length;\n}\n"
    code = function * 40 + "/* Größe der Tür in Köln geprüft */\n" + function + "/* für Übung */\n" + function * 40
    for charset in ("cp1252", "cp850", "mac_roman"):
        assert decode(code.encode(charset)) == code


@pytest.mark.parametrize(
    "text",
    [
        "/* Copyright © 2004 Jürgen Müller */\nint main(void);\n",
        "/* Copyright © René Dupont */\nint main(void);\n",
        "The “ferry” doesn’t sail… before 8°, says Acrobat® – £3.50 ± 5 µm or 2 m²",
    ],
)
def test_signs_of_windows_are_signs(text: str) -> None:
    assert decode(text.encode("cp1252")) == text


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_joiners_do_not_keep_a_text_from_being_wide(codec: str) -> None:
    text = "می\u200cخواهم کتاب\u200cها را بخوانم\n"
    assert decode(text.encode(codec)) == text


@pytest.mark.parametrize(
    "text",
    [
        "a naïve approach",
        "voilà la clé, à côté",
        "perché è così, città e libertà",
        "você e João à noite",
        "a frame of 1920 × 1080 dots, 5×7 inches, 1914–1918",
        "bedeutet „Kammtragende“ und stammt",
    ],
)
def test_a_few_letters_at_the_ends_of_words_are_latin_and_no_other_script(text: str) -> None:
    assert decode(text.encode("cp1252")) == text


@pytest.mark.parametrize("text", ["un café fermé hier", "la clé d’été est cassée"])
def test_no_capital_ends_a_word_of_small_letters(text: str) -> None:
    assert decode(text.encode("mac_roman")) == text
