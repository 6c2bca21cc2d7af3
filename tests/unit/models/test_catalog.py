"""What the catalog says of models by name."""

from __future__ import annotations

import pytest

from magicfs.models.catalog import MULTILINGUAL_MODEL, Prefixes, languages_of, prefixes_of


@pytest.mark.parametrize(
    "name",
    [
        "BAAI/bge-small-en",
        "BAAI/bge-small-en-v1.5",
        "sentence-transformers/all-MiniLM-L6-v2",
        "snowflake/snowflake-arctic-embed-m",
        "Snowflake/snowflake-arctic-embed-m-v1.5",
        "Snowflake/snowflake-arctic-embed-m-long",
        "snowflake/snowflake-arctic-embed-l",
        "nomic-ai/nomic-embed-text-v1.5-Q",
        "mixedbread-ai/mxbai-embed-large-v1",
    ],
)
def test_models_that_read_english_alone(name: str) -> None:
    assert languages_of(name) == ("en",)


@pytest.mark.parametrize(
    "name",
    [
        "snowflake/snowflake-arctic-embed-m-v2.0",
        "Snowflake/snowflake-arctic-embed-l-v2.0",
        "nomic-ai/nomic-embed-text-v2-moe",
        MULTILINGUAL_MODEL,
        "someone/bge-small-en-v1.5",
    ],
)
def test_models_of_many_languages_and_unknown_ones(name: str) -> None:
    assert languages_of(name) == ()


def test_a_later_version_of_a_model_has_prefixes_of_its_own() -> None:
    instruction = "Represent this sentence for searching relevant passages: "
    assert prefixes_of("snowflake/snowflake-arctic-embed-m-long") == Prefixes(query=instruction)
    assert prefixes_of("Snowflake/snowflake-arctic-embed-m-v1.5") == Prefixes(query=instruction)
    assert prefixes_of("snowflake/snowflake-arctic-embed-m-v2.0") == Prefixes(query="query: ")
    assert prefixes_of("Snowflake/snowflake-arctic-embed-l-v2.0") == Prefixes(query="query: ")
