"""Fragments of SQL: every `{{name}}` is resolved, in whatever order the fragments stand."""

import pytest

from magicfs.db.queries import array_text, include_fragments, load_queries


def test_fragments_are_included_through_others_in_any_order() -> None:
    queries = {
        "query": "-- For a test.\nSELECT {{columns}} WHERE {{condition}} AND {partition} = %(value)s",
        "condition": "-- Fragment.\n{{columns}} > 0",
        "columns": "a, b",
    }
    complete = include_fragments(queries)
    assert complete["query"] == "SELECT a, b WHERE a, b > 0 AND {partition} = %(value)s"
    assert include_fragments(dict(reversed(queries.items()))) == complete


def test_a_fragment_is_included_with_a_prefix_of_its_parameters() -> None:
    queries = {
        "query": "{{is_one}} AND NOT ({{not_:is_one}})",
        "is_one": "id = ANY(%(ids)s) OR {{is_old}} AND share %% 2 = {share}",
        "is_old": "age > %(age)s",
    }
    assert include_fragments(queries)["query"] == (
        "id = ANY(%(ids)s) OR age > %(age)s AND share %% 2 = {share}"
        " AND NOT (id = ANY(%(not_ids)s) OR age > %(not_age)s AND share %% 2 = {share})"
    )


@pytest.mark.parametrize(
    ("queries", "message"),
    [
        ({"query": "SELECT {{missing}}"}, "query includes missing, which is not there"),
        ({"query": "SELECT {{scope.missing}}"}, "query includes scope.missing, which is not there"),
        ({"query": "SELECT {{not_:missing}}"}, "query includes missing, which is not there"),
        ({"query": "{{other}}", "other": "{{query}}"}, "includes itself"),
        ({"query": "SELECT {{ columns }}"}, "must enclose the name of a fragment"),
    ],
)
def test_invalid_fragments_are_errors(queries: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        include_fragments(queries)


def test_fragments_of_other_files_are_included() -> None:
    tables = load_queries("scope")["file_tables"]
    assert include_fragments({"query": "SELECT 1 FROM {{scope.file_tables}}"})["query"] == f"SELECT 1 FROM {tables}"
    assert "{{" not in "".join(load_queries("candidate_sql").values())


def test_values_of_an_array_stay_what_they_are() -> None:
    assert array_text(['a "b"', "c\\", "{d,e}", "", "NULL"]) == r'{"a \"b\"","c\\","{d,e}","","NULL"}'
    assert array_text(value for value in (1, 0.5)) == '{"1","0.5"}'
    assert array_text(()) == "{}"
