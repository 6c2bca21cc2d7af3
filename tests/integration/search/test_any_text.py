"""No typed text is an error to Postgres, whatever lexemes, phrases and exclusions it becomes."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from magicfs.db.pool import Database
from magicfs.search.normalisation import MAX_QUERY_CHARACTERS
from magicfs.search.service import SearchService
from tests.integration.search.corpus import ChosenVectors, Corpus

PIECES = st.sampled_from(
    [
        "'",
        "\\",
        '"',
        "-",
        "*",
        ":",
        ":*",
        "<->",
        "&",
        "|",
        "!",
        "(",
        "c++",
        "a.b",
        "^",
        "名前",
        "ไทย",
        "é",
        "١",
        "👩‍👩‍👧",
        " ",
    ]
)


@pytest.fixture
def service(database: Database) -> SearchService:
    Corpus(database).add(b"a.txt", "words and names of a.b in c++")
    return SearchService(database, ChosenVectors(), default_limit=5)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.one_of(PIECES, st.text(max_size=8)), min_size=1, max_size=12).map("".join))
def test_any_text_is_searched(service: SearchService, text: str) -> None:
    for query in (f"word {text}", f'"{text} names"', f'word -"{text}" -{text}'):
        service.search(query, deadline_s=30)


@pytest.mark.parametrize(
    "text",
    [
        "a" * MAX_QUERY_CHARACTERS,
        ("x" * 3000) + ".b",
        "名" * MAX_QUERY_CHARACTERS,
        "名." * 2000,
        "a." * 2000,
        "a b " * 1000,
        "running " * 500,
        "\\'" * 2000,
        "ab*" * 1000,
        "ab* " * 1000,
    ],
)
def test_long_texts_are_searched(service: SearchService, text: str) -> None:
    for query in (text, f'"{text[:4000]}"', f"word -{text[:4000]}", f'word -"{text[:4000]}"'):
        service.search(query, deadline_s=30)
