"""What is typed in Chinese, Japanese, Korean and Persian is found in other spellings: numbers, endings, particles."""

from __future__ import annotations

import pytest

from magicfs.text.analysis import analyze, question_terms
from magicfs.text.analysis.unspaced_forms import numbers_in_characters, numbers_in_digits


def missed(text: str, question: str) -> list[str]:
    """The words and pairs of a question that a text has in no form."""
    vector = analyze(text)
    return [
        term.word
        for term in question_terms(question, languages=["en"])
        if not any(
            f"'{lexeme.text}':" in vector or (lexeme.is_prefix and f"'{lexeme.text}" in vector)
            for lexeme in term.lexemes
        )
    ]


@pytest.mark.parametrize(
    "spellings",
    [
        ("引っ越しの日", "引越しの日", "引越の日"),
        ("取り扱い説明書", "取扱い説明書", "取扱説明書"),
        ("お問い合わせ窓口", "お問合せ窓口", "お問合わせ窓口"),
        ("打ち合わせ議事録", "打合せ議事録", "打合わせ議事録"),
        ("売り上げ高", "売上げ高", "売上高"),
        ("申し込み書", "申込み書", "申込書"),
        ("見積もり書", "見積り書", "見積書"),
        ("手続き中", "手続中"),
        ("受け付け窓口", "受付け窓口", "受付窓口"),
    ],
)
def test_the_endings_of_two_verbs_may_be_left_out(spellings: tuple[str, ...]) -> None:
    for written in spellings:
        for typed in spellings:
            assert missed(written, typed) == [], (written, typed)


@pytest.mark.parametrize(
    ("written", "typed"), [("引き出し", "引越し"), ("申請書", "申込書"), ("取引先", "取扱い"), ("公司上班", "公司上市")]
)
def test_compounds_of_other_verbs_are_others(written: str, typed: str) -> None:
    assert missed(written, typed) != []


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("第十二条规定", "第12条"),
        ("第12条规定", "第十二条"),
        ("二〇二三年三月五日", "2023年3月5日"),
        ("2023年3月", "二〇二三年三月"),
        ("令和五年度", "令和5年度"),
        ("三ヶ月の契約", "3ヶ月"),
        ("共有123人", "一百二十三人"),
    ],
)
def test_numbers_before_counters_are_characters_or_digits(written: str, typed: str) -> None:
    assert missed(written, typed) == []


@pytest.mark.parametrize(
    ("written", "typed"), [("第十三条规定", "第12条"), ("第14条", "第十二条"), ("二三年前", "23年")]
)
def test_other_numbers_are_others(written: str, typed: str) -> None:
    assert missed(written, typed) != []


@pytest.mark.parametrize(
    "typed", ["统一个性", "百度", "十分重要", "一个人", "千年", "三万五千人", "唯一条件", "星期三日报"]
)
def test_numerals_inside_words_are_no_numbers(typed: str) -> None:
    assert list(numbers_in_characters(typed)) == []


@pytest.mark.parametrize(
    ("typed", "number"), [("去年十二月", "12"), ("第一条", "1"), ("一月", "1"), ("三个", "3"), ("第千回", "1000")]
)
def test_numerals_before_counters_are_numbers(typed: str, number: str) -> None:
    [(_, forms)] = numbers_in_characters(typed)
    assert forms == [number]


def test_the_pair_before_a_number_stands_alone() -> None:
    [(pairs, _)] = numbers_in_characters("共有十二条")
    assert "共有" not in pairs
    assert list(numbers_in_characters("合同十二条")) == []


@pytest.mark.parametrize("typed", ["1个", "10分", "1年"])
def test_a_number_that_is_a_word_in_characters_has_no_other_form(typed: str) -> None:
    assert list(numbers_in_digits(typed)) == []


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("임대차 계약서에 서명했다", "임대차계약서"),
        ("전기 요금 고지서", "전기요금"),
        ("회의록을 보냈다", "회의록은"),
        ("학교를 지었다", "학교에서"),
        ("학교", "학교에서"),
        ("컴퓨터가 있다", "컴퓨터를"),
    ],
)
def test_words_of_korean_have_other_particles_and_spaces(written: str, typed: str) -> None:
    assert missed(written, typed) == []


@pytest.mark.parametrize(
    ("written", "typed"), [("제주에서 왔다", "제주도"), ("고양시 소식", "고양이"), ("오징어", "오징어잡이배")]
)
def test_the_end_of_a_word_is_no_particle(written: str, typed: str) -> None:
    assert missed(written, typed) != []


@pytest.mark.parametrize("written", ["کتاب‌هایم", "کتابهایم", "کتاب هایم", "كتاب هايم"])
def test_a_typed_word_with_an_invisible_sign_is_found_in_one_piece_and_in_two(written: str) -> None:
    assert missed(f"آن {written} را", "کتاب‌هایم") == []
