"""In which charset bytes without a mark are read."""

from __future__ import annotations

import pytest

from magicfs.text.extract.plain.plain_text import decode


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


@pytest.mark.parametrize(
    ("text", "charsets"),
    [
        ("ВНИМАНИЕ: СРОЧНО ПОЗВОНИТЬ МАМЕ", "cp1251 koi8_r cp866 iso8859_5 mac_cyrillic"),
        ("ПРОТОКОЛ СОБРАНИЯ\nВ СРЕДУ БУДЕТ ОТКЛЮЧЕНА ВОДА (2 ЧАСА), см. info.txt\n", "cp1251 koi8_r cp866 iso8859_5"),
        ("ШАНОВНІ МЕШКАНЦІ! У СЕРЕДУ З ДЕСЯТОЇ НЕ БУДЕ ВОДИ", "cp1251 koi8_u cp1125"),
        ("ΑΓΑΠΗΤΟΙ ΕΝΟΙΚΟΙ, ΤΗΝ ΤΕΤΑΡΤΗ ΘΑ ΔΙΑΚΟΠΕΙ ΤΟ ΝΕΡΟ", "cp1253 iso8859_7 cp737"),
        ("SAYIN APARTMAN SAKİNLERİ! ÇARŞAMBA GÜNÜ SAAT ONDAN ON İKİYE KADAR SICAK SU KESİLECEKTİR", "cp1254"),
    ],
)
def test_capitals_are_read_in_their_charset(text: str, charsets: str) -> None:
    for charset in charsets.split():
        assert decode(text.encode(charset)) == text, charset


def test_other_letters_are_not_taken_for_capitals() -> None:
    for charset in ("cp1251", "koi8_r"):
        text = "список покупок: молоко, яйца, хлеб\n"
        assert decode(text.encode(charset)) == text
    text = "דיירים יקרים! ביום רביעי מעשר עד שתים עשרה לא יהיו מים חמים\n"
    for charset in ("cp1255", "cp862"):
        assert decode(text.encode(charset)) == text


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
