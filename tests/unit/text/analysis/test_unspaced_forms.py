"""What is typed in Chinese, Japanese, Korean and Persian is found in other spellings: numbers, endings, particles."""

from __future__ import annotations

import pytest

from magicfs.text.analysis import analyze, analyze_path, question_terms
from magicfs.text.analysis.cjk_numbers import numbers_in_characters, numbers_in_digits, stated_counts
from magicfs.text.analysis.clocks import far_eastern_clocks


def missed(text: str, question: str) -> list[str]:
    """The words and pairs of a question that a text has in no form."""
    vector = analyze(text)
    return [
        term.word
        for term in question_terms(question, languages=["en"])
        if not term.is_compound
        and not any(
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
        ("金额人民币贰万叁仟元整", "二万三千元"),
        ("金额人民币贰万叁仟元整", "23000元"),
        ("金额人民币贰万叁仟元整", "￥23,000"),
        ("月租¥3,500元", "三千五百元"),
        ("共四万五千六百元", "45,600元"),
        ("共三万五千人", "35000人"),
        ("第十二条规定", "第12条"),
        ("第12条规定", "第十二条"),
        ("二〇二三年三月五日", "2023年3月5日"),
        ("2023年3月", "二〇二三年三月"),
        ("令和五年度", "令和5年度"),
        ("三ヶ月の契約", "3ヶ月"),
        ("共有123人", "一百二十三人"),
        ("共有一百二十三人", "123人"),
        ("第一百四十五条", "第145条"),
        ("第四十五款", "第45款"),
        ("押金二百元", "200元"),
        ("代金は三千五百円", "3,500円"),
        ("代金は3,500円", "三千五百円"),
        ("年薪5万元", "50000元"),
        ("年薪50,000元", "5万元"),
        ("월세 50,000원", "5만원"),
        ("票价500元", "¥500"),
        ("票价￥500", "¥500"),
        ("二〇二三年五月六日", "2023-05-06"),
        ("二〇二三年五月六日", "2023.5.6"),
        ("二〇二三年的合同", "2023"),
    ],
)
def test_numbers_before_counters_are_characters_or_digits(written: str, typed: str) -> None:
    assert missed(written, typed) == []


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("第十三条规定", "第12条"),
        ("第14条", "第十二条"),
        ("二三年前", "23年"),
        ("第12章", "第十二条"),
        ("图12", "第十二条"),
        ("第二十三条", "第123条"),
    ],
)
def test_other_numbers_are_others(written: str, typed: str) -> None:
    assert missed(written, typed) != []


@pytest.mark.parametrize("typed", ["统一个性", "百度", "十分重要", "一个人", "千年", "唯一条件", "星期三日报"])
def test_numerals_inside_words_are_no_numbers(typed: str) -> None:
    assert list(numbers_in_characters(typed)) == []


@pytest.mark.parametrize(
    ("typed", "number"),
    [("去年十二月", "12月"), ("第一条", "1条"), ("一月", "1月"), ("三个", "3个"), ("第千回", "1000回")],
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
    [(_, forms)] = numbers_in_digits(typed)
    assert forms == [typed]


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("下午三点半开会", "15:30"),
        ("下午3点半开会", "3:30 pm"),
        ("会议15:30开始", "下午三点半"),
        ("午後2時から", "14:00"),
        ("14:00から", "午後2時"),
        ("15時30分に出発", "15:30"),
        ("오후 3시에 만나요", "15:00"),
        ("회의 15:00", "오후 3시"),
    ],
)
def test_hours_of_the_far_east_are_those_of_a_clock(written: str, typed: str) -> None:
    assert missed(written, typed) == []


@pytest.mark.parametrize("text", ["三点意见", "3点", "3時間", "三时期", "第三时", "25時30分", "百度一下"])
def test_what_is_no_hour_of_the_far_east_states_none(text: str) -> None:
    assert far_eastern_clocks(text) == []


@pytest.mark.parametrize(
    ("name", "typed"), [("第12章.docx", "第十二章"), ("第十二章.docx", "第12章"), ("第三章.txt", "第3章")]
)
def test_names_have_numbers_before_counters_too(name: str, typed: str) -> None:
    vector = analyze_path(f"书/{name}")
    [number] = [term for term in question_terms(typed, languages=["en"]) if term.word in {"12", "十二", "3"}]
    assert any(f"'{lexeme.text}':" in vector for lexeme in number.lexemes)


def test_one_numeral_before_a_counter_is_stated_by_its_pair() -> None:
    assert stated_counts("三个人和2014年，第12条，1.5个，十二条") == ["12条"]


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("임대차 계약서에 서명했다", "임대차계약서"),
        ("전기 요금 고지서", "전기요금"),
        ("회의록을 보냈다", "회의록은"),
        ("학교를 지었다", "학교에서"),
        ("학교", "학교에서"),
        ("컴퓨터가 있다", "컴퓨터를"),
        ("결제가 안 돼요", "안돼요"),
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


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("Git の基本", ["git", "基本"]),
        ("既存のメモ", ["既存", "めも"]),
        ("会議への参加", ["会议", "参加"]),
        ("新しい写真", ["新し", "しい", "写真"]),
        ("猫の写真", ["猫の", "写真"]),
        ("猫と犬", ["猫と", "と犬"]),
        ("食べ物", ["食べ", "べ物"]),
        ("への", ["への"]),
        ("はがき", ["はが", "がき"]),
        ("新しいはがきには", ["新し", "しい", "いは", "はが", "がき", "きに", "には"]),
    ],
)
def test_a_question_has_no_pairs_of_particles_beside_other_words(question: str, words: list[str]) -> None:
    assert [term.word for term in question_terms(question, languages=["ja"])] == words


@pytest.mark.parametrize(
    ("written", "typed"), [("公司利润增长", "公司的利润"), ("他的护照到期", "我们的护照"), ("租约到期", "租约的到期")]
)
def test_a_particle_of_chinese_is_no_part_of_the_words_beside_it(written: str, typed: str) -> None:
    assert {*missed(written, typed)} <= {"我们"}


@pytest.mark.parametrize("typed", ["目的地", "公司目标的的确确", "标的物"])
def test_words_that_have_the_character_of_the_particle_keep_it(typed: str) -> None:
    assert any("的" in term.word for term in question_terms(typed, languages=["zh"]))


def test_a_syllable_of_hangul_is_a_word_before_it_is_the_beginning_of_others() -> None:
    [term] = question_terms("물", languages=["ko"])
    factors = {(lexeme.text, lexeme.is_prefix): lexeme.factor for lexeme in term.lexemes}
    assert factors["물", False] > factors["물을", False] > factors["물", True] > 0
