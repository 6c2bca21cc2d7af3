"""docs/search.md describes the search language as it is implemented."""

import re
from datetime import date
from pathlib import Path

import pytest

from magicfs.domain.query import Filters
from magicfs.search import normalisation, syntax, typed_filters
from magicfs.search.syntax import parse

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "search.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `([a-z]+:)` \|.*\| (.*) \|$", PAGE, re.MULTILINE))
EXAMPLES = [example for cell in ROWS.values() for example in re.findall(r"`([^`]+)`", cell)]


def test_every_filter_is_described_and_no_other() -> None:
    assert set(ROWS) == {f"{name}:" for name in typed_filters.FILTERS}


@pytest.mark.parametrize("example", [*EXAMPLES, 'in:"my papers"'])
def test_each_example_is_a_filter(example: str) -> None:
    today = date(2026, 3, 31)
    query = parse(example, today=today)
    assert query.filters != Filters()
    assert query.question == ""
    for excluding in (f"-{example}", f"NOT {example}"):
        assert parse(excluding, today=today).excluded_filters == query.filters


def test_the_names_of_other_tools_are_described() -> None:
    described = {own: names for names, own in re.findall(r"((?:`[a-z]+:`[, and]*)+) (?:is|are)\s+`([a-z]+:)`", PAGE)}
    found = {name: own for own, names in described.items() for name in re.findall("`([a-z]+:)`", names)}
    assert found == {f"{name}:": f"{own}:" for name, own in typed_filters.OTHER_NAMES.items()}


def test_the_fields_of_other_tools_are_described() -> None:
    [described] = re.findall(r"^- What other tools look for(.*?)\n- ", PAGE, re.MULTILINE | re.DOTALL)
    assert set(re.findall("`([a-z]+):", described)) == typed_filters.FIELDS_OF_OTHER_TOOLS


@pytest.mark.parametrize("example", ["note:this", "size:big", "--option", '"never closed'])
def test_invalid_filters_are_ordinary_text(example: str) -> None:
    query = parse(example)
    assert query.question
    assert (query.filters, query.excluded, query.phrases) == (Filters(), (), ())


def test_the_numbers_are_those_of_the_code() -> None:
    assert f"{normalisation.MAX_QUERY_CHARACTERS:,} characters" in PAGE
    assert f"at most {syntax.MAX_LIMIT:,} files" in PAGE
