"""The languages that a question may be in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from magicfs.text.question_language import UNKNOWN_LANGUAGES, question_languages


@pytest.mark.parametrize(
    "question",
    [
        "tax invoice",
        "meeting notes",
        "contract",
        "git rebase",
        "supersonic flow",
        "where is the rental agreement",
        "CV",
        "Duplicate Current Browser Tab",
        "RefLog Shortnames",
    ],
)
def test_english_questions_may_be_english(question: str) -> None:
    assert question_languages(question).may_be({"en"})


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Steuer Rechnung 2023", "de"),
        ("Mietvertrag", "de"),
        ("où est mon passeport", "fr"),
        ("presupuesto", "es"),
        ("договор аренды", "ru"),
        ("发票", "zh"),
        ("فاتورة", "ar"),
        ("청구서", "ko"),
    ],
)
def test_other_questions_are_not_english(question: str, language: str) -> None:
    languages = question_languages(question)
    assert languages.may_be({language})
    assert not languages.may_be({"en"})


@pytest.mark.parametrize("question", ["", "2023", "?!", "x", "Python", "nginx", "receive.denyDeletes", "utils/net.py"])
def test_of_signs_and_names_nothing_is_known(question: str) -> None:
    assert question_languages(question) == UNKNOWN_LANGUAGES
    assert question_languages(question).may_be({"en"})


@pytest.mark.parametrize(
    ("question", "languages"),
    [("Merge 전략", {"vi"}), ("git clone для новичков", {"en"}), ("Git 저장소 만들기", {"en"})],
)
def test_a_question_is_in_no_language_of_another_script(question: str, languages: set[str]) -> None:
    assert question_languages(question).possible.isdisjoint(languages)


@pytest.mark.parametrize(
    ("question", "language"),
    [("Oʻzbek tili", "uz"), ("1ª página", "es"), ("bosanski jezik", "sh"), ("Основы git", "ru")],
)
def test_a_question_is_in_a_language_of_its_script(question: str, language: str) -> None:
    assert question_languages(question).may_be({language})
    assert question_languages(question) != UNKNOWN_LANGUAGES


def test_ideographs_alone_may_be_of_both_languages_and_kana_are_japanese() -> None:
    assert question_languages("請求書").possible == {"zh", "ja"}
    assert question_languages("パンのレシピ").possible == {"ja"}


@pytest.mark.parametrize(
    ("question", "is_certain"),
    [
        ("Wo liegt der Mietvertrag für die neue Wohnung?", True),
        ("哪里有新公寓的租赁合同？", True),
        ("Mietvertrag", False),
        ("tomato soup", False),
        ("résumé", False),
        ("where is the rental agreement for the flat", True),
    ],
)
def test_a_language_is_certain_in_a_whole_question_alone(question: str, is_certain: bool) -> None:
    assert question_languages(question).is_certain is is_certain


def test_line_breaks_and_lone_surrogates_are_read() -> None:
    assert question_languages("Wo ist\nmein Mietvertrag \udcff").may_be({"de"})


@pytest.fixture
def threads_that_change_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("threads_that_change_often")
def test_threads_ask_at_once() -> None:
    questions = ["Wo liegt der Mietvertrag?", "where is the flat", "请求書", "où est le contrat", "x"] * 400
    expected = [question_languages(question) for question in questions]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(question_languages, questions)) == expected
