"""Two spellings of a word have one folded form."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magicfs.text.analysis import fold
from magicfs.text.analysis.folding import without_points


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("Fußgänger", "FUSSGANGER"),
        ("œuvre", "oeuvre"),
        ("Ærøskøbing", "aeroskobing"),
        ("Łódź", "lodz"),
        ("đường", "duong"),
        ("Diyarbakır", "diyarbakir"),
        ("İstanbul", "istanbul"),
        ("ſtraſſe", "strasse"),
        ("ﬁnance", "finance"),
        ("ΣΊΣΥΦΟΣ", "σισυφος"),
        ("Ἀθῆναι", "αθηναι"),
        ("كِتَابًا", "كتابا"),
        ("الأندلس", "الاندلس"),
        ("مـــدرسة", "مدرسه"),
        ("בְּרֵאשִׁית", "בראשית"),
        ("ёлка", "елка"),
        ("Ґудзик", "гудзик"),
        ("क़लम", "कलम"),
        ("हिन्दी", "हिंदी"),
        ("सम्बन्ध ठण्डा पञ्च अङ्क", "संबंध ठंडा पंच अंक"),
        ("गेहूँ चाँदनी", "गेहूं चांदनी"),
        ("અઁગ", "અંગ"),
        ("അവൻ വർഷങ്ങൾ", "അവന് വര്ഷങ്ങള്"),
        ("উৎসব", "উত্সব"),
        ("Երևան", "ԵՐԵՎԱՆ"),
        ("Երևան", "Երեւան"),
        ("ہنزہ", "هنزه"),
        ("بھائی", "بهائي"),
        ("ھەولێر", "هەولێر"),
        ("قوتابخانە", "قوتابخانه"),
        ("خانۀ", "خانه"),
        ("رحمۃ", "رحمة"),
        ("ڪتاب", "كتاب"),
        ("Ɗangote yana ƙauye a Ɓauna", "dangote yana kauye a bauna"),
        ("Bakı küçəsi, ƏLİYEV", "baki kucesi, eliyev"),
        ("ἀρχῇ ᾳ ῼ", "αρχη α ω"),
        ("ＡＢＣ１２３", "abc123"),
        ("ﾃﾚﾋﾞ", "テレビ"),
        ("Қазақ өлең, үлкен ұғым, һәм җыр", "казак олен, улкен угым, хам жыр"),
        ("リンゴ ヴ ヽ", "りんご ゔ ゝ"),
        ("٣٤ ۳۴ ३४", "34 34 34"),
        ("ヴァイオリン レヴュー ヴィーナス イヴ", "バイオリン レビュー ビーナス イブ"),
        ("ソフトウエア フイルム", "ソフトウェア フィルム"),
        ("一ヶ月 一ヵ月", "一か月 一カ月"),
        ("مسئول شئون شئ شىء", "مسؤول شؤون شيء شيء"),
        ("นํ้า", "น้ำ"),
        ("ນໍ້າ", "ນ້ຳ"),
        ("เเม่", "แม่"),
    ],
)
def test_spellings_of_a_word_are_one(written: str, typed: str) -> None:
    assert fold(written) == fold(typed)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("か", "が"),
        ("ブ", "フ"),
        ("سأل", "سيل"),
        ("ماء", "ما"),
        ("ハ", "パ"),
        ("कि", "की"),
        ("ไม่", "ไม้"),
        ("resume", "rescue"),
        ("и", "н"),
        ("जन्म", "जंम"),
        ("अन्न", "अंन"),
        ("बहार", "बहर"),
    ],
)
def test_letters_that_differ_stay_different(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@given(st.text(max_size=40))
def test_composed_and_decomposed_names_are_one_and_folding_ends(text: str) -> None:
    folded = fold(text)
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text))
    assert fold(folded) == folded


def test_every_chinese_character_has_one_form_and_keeps_its_place() -> None:
    characters = "".join(map(chr, (*range(0x3400, 0x4DC0), *range(0x4E00, 0xA000))))
    folded = fold(characters)
    assert len(folded) == len(characters)
    assert fold(folded) == folded
    same = ["氣气", "廣広广", "后後", "龍龙", "德徳"]
    assert [len(set(fold(forms))) for forms in same] == [1] * len(same)
    assert fold("国") != fold("图")


def test_latin_letters_have_one_folded_form_alone_and_beside_other_scripts() -> None:
    """A text of Latin letters is folded in a shorter way."""
    latin = [
        chr(code)
        for part in ((0x20, 0x250), (0x2010, 0x2028), (0x2030, 0x205F), (0x20A0, 0x20C1))
        for code in range(*part)
    ]
    for character in latin:
        for text in (character, f"a{character}", f"{character}e", f"É{character}ß"):
            assert fold(f"{text} 中") == f"{fold(text)} 中", (character, hex(ord(character)))


def test_latin_marks_are_left_out_alone_and_beside_other_scripts() -> None:
    for mark in map(chr, range(0x300, 0x370)):
        assert without_points(f"e{mark}x 中") == f"{without_points(f'e{mark}x')} 中", hex(ord(mark))
