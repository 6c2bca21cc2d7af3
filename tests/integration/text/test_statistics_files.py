"""Of data sets of SPSS and Stata, the names and labels of their variables and values are found."""

from __future__ import annotations

import struct

import pytest

from magicfs.domain.contents import Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.extractor import FileExtractor
from tests.integration.text.reading import read
from tests.plugins.statistics_files import old_stata, spss, stata


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("charset", ["cp1252", "utf-8"])
def test_a_data_set_of_spss(extractor: FileExtractor, order: str, charset: str) -> None:
    document = read(extractor, spss(order, charset=charset), b"a.sav")
    assert document.title == "Die Umfrage von Köln"
    assert document.text.splitlines() == [
        *("Die Umfrage von Köln", "asked by telephone"),
        *("Sex: Geschlecht", "1 = weiblich", "2 = männlich"),
        *("TOWN: Where they live", "K = Köln", "AgeInYears"),
    ]
    assert document.unread_parts is None


STATA = {
    f"{version} {order}": (old_stata if version < 117 else stata)(version, order)
    for version in (113, 114, 115, 117, 118, 119)
    for order in "<>"
}


@pytest.mark.parametrize("kind", STATA)
def test_a_data_set_of_stata(extractor: FileExtractor, kind: str) -> None:
    document = read(extractor, STATA[kind], b"a.dta")
    assert document.title == "Die Umfrage von Köln"
    assert document.text.splitlines() == [
        *("Die Umfrage von Köln", "SEX: Geschlecht", "1 = weiblich", "2 = männlich"),
        *("TOWN: Where they live", "AGE"),
    ]
    assert document.unread_parts is None


@pytest.mark.parametrize(
    ("charset", "labels", "values"),
    [
        ("cp1251", ("Пол респондента", "Где вы живёте", "Возраст"), ("женский", "мужской")),
        ("cp1250", ("Płeć", "Miejsce zamieszkania", "Wiek ukończony"), ("mężczyzna", "kobieta")),
        ("cp1253", ("Φύλο", "Τόπος κατοικίας", "Ηλικία"), ("άνδρας", "γυναίκα")),
        ("gbk", ("性别", "居住地点", "年龄"), ("女", "男")),
    ],
)
def test_a_data_set_of_stata_in_the_charset_of_its_country(
    extractor: FileExtractor, charset: str, labels: tuple[str, ...], values: tuple[str, str]
) -> None:
    """Before Stata 14, no file states it."""
    variables = dict(zip(("SEX", "TOWN", "AGE"), labels, strict=True))
    content = old_stata(114, "<", charset=charset, variables=variables, values=dict(enumerate(values, 1)))
    text = read(extractor, content, b"a.dta").text
    assert text.splitlines()[1:] == [
        *(f"SEX: {labels[0]}", f"1 = {values[0]}", f"2 = {values[1]}", f"TOWN: {labels[1]}", f"AGE: {labels[2]}")
    ]


@pytest.mark.parametrize("stated", [b"hex", b"idna", b"undefined", b"punycode", b"windows-9"])
def test_a_charset_that_is_none_costs_nothing(extractor: FileExtractor, stated: bytes) -> None:
    whole = spss("<")
    end = whole.index(struct.pack("<2i", 999, 0))
    content = whole[:end] + struct.pack("<4i", 7, 20, 1, len(stated)) + stated + whole[end:]
    assert read(extractor, content, b"a.sav").text == read(extractor, whole, b"a.sav").text


def test_a_data_set_that_is_cut_keeps_what_stands_before(extractor: FileExtractor) -> None:
    whole = spss("<")
    document = read(extractor, whole[: whole.index(b"TOWN")], b"a.sav")
    assert document.text.splitlines() == ["Die Umfrage von Köln", "SEX: Geschlecht"]
    assert str(document.unread_parts) == (
        "1 of 1 part could not be read: what follows the damage in its dictionary (corrupt)"
    )


@pytest.mark.parametrize("kind", STATA)
@pytest.mark.parametrize("place", [-60, -20, -2, 10, 55])
def test_a_data_set_of_stata_that_is_cut_keeps_its_variables(extractor: FileExtractor, kind: str, place: int) -> None:
    """Labels of values stand behind the data: it is cut before them, inside of the data, and inside of them."""
    cut = STATA[kind][: STATA[kind].rindex(b"sexes\0") + place]
    document = read(extractor, cut, b"a.dta")
    assert document.text.splitlines() == ["Die Umfrage von Köln", "SEX: Geschlecht", "TOWN: Where they live", "AGE"]
    assert str(document.unread_parts) == "1 of 1 part could not be read: labels of values (corrupt)"


@pytest.mark.parametrize("kind", STATA)
def test_a_data_set_of_stata_without_labels_of_values_is_whole(extractor: FileExtractor, kind: str) -> None:
    content = STATA[kind]
    begin, end = content.rfind(b"<lbl>"), content.rfind(b"</value_labels>")
    content = content[:begin] + content[end:] if begin > 0 else content[: content.rindex(b"sexes\0") - 4]
    document = read(extractor, content, b"a.dta")
    assert document.text.endswith("AGE")
    assert document.unread_parts is None


@pytest.mark.parametrize("content", [spss("<"), STATA["114 <"], STATA["118 <"]], ids=["SPSS", "Stata 10", "Stata 14"])
def test_damage_is_told(extractor: FileExtractor, content: bytes) -> None:
    for place in range(12, len(content), 13):
        for damaged in (content[:place], content[:place] + b"\xff\xff\xff\x7f" + content[place + 4 :]):
            outcome = extractor.extract(damaged, name=b"a")
            assert not isinstance(outcome, Unreadable) or outcome.reason in {SkipReason.CORRUPT, SkipReason.NO_TEXT}
