"""Signs that keyboards and programs write for those of the search language."""

from __future__ import annotations

from dataclasses import replace

import pytest

from magicfs.domain.query import Filters
from magicfs.search.syntax import parse


@pytest.mark.parametrize("dash", ["\u2010", "\u2011", "\u2012", "\u2013", "\u2212"])
def test_a_dash_that_a_program_writes_for_a_minus_excludes(dash: str) -> None:
    query = parse(f'river {dash}bear {dash}"brown fox" {dash}“elk cow” {dash}ext:md {dash}(deer OR roe)')
    assert (query.question, query.excluded) == ("river", ("bear", "deer", "roe"))
    assert query.excluded_phrases == ("brown fox", "elk cow")
    assert query.excluded_filters == Filters(extensions=("md",))


@pytest.mark.parametrize(
    "text", ["1914–1918 – the war", "la casa –según dijo– era", "vaccine −70", "bear – fox", "a—b —c"]
)
def test_other_dashes_are_text(text: str) -> None:
    query = parse(text)
    assert (query.question, query.excluded) == (text, ())


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        # The keyboards of Chinese and Japanese have wide signs, other languages digits and quotes of their own.
        ("words name：报告 ｅｘｔ：ｍｄ", "words name:报告 ext:ｍｄ"),
        ("words name：“my file” lang：中文", 'words name:"my file" lang:中文'),
        ("words　ext:md　－draft", "words ext:md -draft"),
        ("words after:２０２６-０１-３１ before:٢٠٢٧", "words after:2026-01-31 before:2027"),
        ("words size:＞１ｍ limit:５ limit:۵", "words size:>1m limit:5"),
        ("words ＂to be＂", 'words "to be"'),
        ("words 「検索 の」 『名前』", 'words "検索 の" "名前"'),
        # Marks of direction, as in a path that is copied from a terminal.
        ("\u200fname:תקציב \u202bext:md\u202c", "name:תקציב ext:md"),
        ("in:\u2068/home/ada/מסמכים\u2069 words", "in:/home/ada/מסמכים words"),
        ('\u200f"שלום עולם" \u200e-draft', '"שלום עולם" -draft'),
        ("\ufeffwords", "words"),
    ],
)
def test_signs_of_other_keyboards_mean_the_same(typed: str, plain: str) -> None:
    assert replace(parse(typed), text="", syntax=()) == replace(parse(plain), text="", syntax=())


@pytest.mark.parametrize("text", ["彼は「はい」と言った", "时间：三点", "价格－优惠"])
def test_wide_signs_inside_of_a_sentence_are_text(text: str) -> None:
    query = parse(text)
    assert (query.question, query.phrases, query.excluded, query.filters) == (text, (), (), Filters())
