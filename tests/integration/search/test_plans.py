"""The plans of all queries of a search, in an index of text with natural frequencies of words.

A plan that reads all chunks, or compares each row with a list of rows, takes longer the larger the index is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from psycopg import sql

from magicfs.db.pool import Database
from magicfs.db.queries import compact, load_queries
from magicfs.db.search import scope_enumeration
from magicfs.domain.models import ModelSpec
from magicfs.domain.token_vectors import EmbeddedQuestion
from magicfs.search.service import SearchService
from tests.integration.search.plans import recorded_plans
from tests.plugins.searched_words import DIMENSION, fill_with_natural_words, multiply, word
from tests.plugins.servers import Servers

FREQUENT, COMMON, MIDDLING, RARE = word(1), word(10), word(300), word(20_000)

QUERIES = (
    RARE,
    FREQUENT,
    f"{FREQUENT} {COMMON} {MIDDLING}",
    f'{MIDDLING} "{FREQUENT} {COMMON}"',
    f"{MIDDLING} ext:rst",
    f"{COMMON} {MIDDLING} ext:md",
    f"{COMMON} ext:txt ext:md ext:rst",
    f"{COMMON} in:part3",
    f"{COMMON} {MIDDLING} -ext:rst",
    f"{COMMON} -ext:txt",
    f"{COMMON} -in:part3 -lang:de -type:photo",
    f"{COMMON} in:papers -in:part3 -name:*7*",
    f"{MIDDLING} -{FREQUENT}",
    f"{MIDDLING} -{COMMON}",
    f"{MIDDLING} -{RARE}",
    f"{COMMON} ext:txt -{COMMON}",
    f'{MIDDLING} -"{FREQUENT} {COMMON}"',
    f"-{FREQUENT}",
    "ext:md",
    "-ext:md",
    "qwertzu",
)

LARGE_TABLES = {"chunks", "content_chunks", "embeddings_1"}
"""The tables with a row for each chunk."""

READS_FEW_FILES = ("WITH named", "WITH first AS")
"""The beginnings of statements that read a few files."""

MAX_BLOCKS = 60_000
"""Blocks that a statement may read of 300,000 chunks, each time they are read: half as many again as were measured."""

MORE_BLOCKS = dict.fromkeys(
    (
        f"{COMMON} {MIDDLING} ext:md",
        f"{COMMON} in:part3",
        f"{COMMON} in:papers -in:part3 -name:*7*",
        f'{MIDDLING} "{FREQUENT} {COMMON}"',
    ),
    160_000,
) | {
    # Each chunk with an excluded word is looked up.
    f"{MIDDLING} -{FREQUENT}": 365_000,
    f"-{FREQUENT}": 365_000,
    f"{MIDDLING} -{COMMON}": 75_000,
    f"{COMMON} ext:txt -{COMMON}": 75_000,
    f'{MIDDLING} -"{FREQUENT} {COMMON}"': 165_000,
}
"""The same for queries that read more: what a filter leaves is compared chunk by chunk."""

QUICK_INDEX = (
    f"CREATE INDEX embeddings_1_vectors ON embeddings_1 USING hnsw ((vector::halfvec({DIMENSION})) halfvec_ip_ops)"
    " WITH (m = 4, ef_construction = 8)"
)

WITHOUT_EXCLUDED_WORDS = compact(sql.SQL(load_queries("scope")["contents_without_excluded_words"]).format()).decode()
"""The query of a statement that may read all places of chunks: half of all chunks may have an excluded word."""

LIST_IN_CONDITION = re.compile(r"'{(\d+,){100}")
"""A list whose values the planner looks up one by one."""


class OneVector:
    """A query embedder with one answer."""

    def embed_by_each(
        self, text: str, *, specs: Sequence[ModelSpec], kept: Sequence[ModelSpec], deadline_s: float
    ) -> list[EmbeddedQuestion]:
        del text, kept, deadline_s
        return [EmbeddedQuestion(np.full(DIMENSION, DIMENSION**-0.5, np.float32)) for _ in specs]


def searches(servers: Servers, *, chunks: int, times: int = 1) -> Iterator[SearchService]:
    """A service that searches an index of `chunks` chunks, `times` times."""
    with servers.new_database() as url, Database(url, application="test", size=1) as database:
        with database.transaction() as connection:
            # A list that does not fit into a statement's memory in an index of 300,000 chunks does not fit here.
            work_mem = max(64, times * chunks // 75)
            connection.execute(f"ALTER DATABASE {connection.info.dbname} SET work_mem = '{work_mem}kB'")
        database.close_idle_connections()
        fill_with_natural_words(database, chunks=chunks)
        if times > 1:
            multiply(database, chunks=chunks, times=times)
        with database.transaction() as connection:
            # As `maintain_index` builds it, but in a tenth of the time.
            connection.execute("SET LOCAL maintenance_work_mem = '1GB'")
            connection.execute(QUICK_INDEX)
        yield SearchService(database, OneVector(), default_limit=50)


@pytest.fixture(scope="module")
def small(servers: Servers) -> Iterator[SearchService]:
    yield from searches(servers, chunks=5_000)


@pytest.fixture(scope="module")
def large(servers: Servers) -> Iterator[SearchService]:
    yield from searches(servers, chunks=5_000, times=60)


def assert_plans_do_not_grow(service: SearchService, query: str, *, max_blocks: int | None = None) -> None:
    with recorded_plans(analysed=max_blocks is not None) as plans:
        service.search(query, deadline_s=60)
    assert len(plans) > 2
    for plan in plans:
        allowed = {"content_chunks"} if WITHOUT_EXCLUDED_WORDS in plan.statement else set()
        assert not plan.sequential_scans() & LARGE_TABLES - allowed, plan
        assert not plan.has_materialised_subplan(), plan
        assert "files" not in plan.sequential_scans() or not plan.statement.startswith(READS_FEW_FILES), plan
        assert max_blocks is None or plan.blocks <= max_blocks, plan


@pytest.mark.parametrize("query", QUERIES)
def test_no_query_reads_all_chunks(small: SearchService, query: str) -> None:
    assert_plans_do_not_grow(small, query)


@pytest.mark.parametrize("filters", ["ext:md", f"-{MIDDLING}", f"ext:txt -{MIDDLING}"])
def test_filters_alone_look_at_the_newest_files_and_list_no_scope(small: SearchService, filters: str) -> None:
    with recorded_plans(analysed=True) as plans:
        assert small.search(filters, deadline_s=60).hits
    _, *others = plans
    for plan in others:
        assert not plan.statement.startswith("WITH content"), plan
        executed = [node for node in plan.nodes() if node["Actual Loops"]]
        assert "chunks_words" not in {node.get("Index Name") for node in executed}, plan


def test_files_are_listed_where_most_of_the_newest_have_an_excluded_word(
    small: SearchService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One by one, all are looked at if a few old ones have not the word: seconds, where an index has 100,000 files."""
    looked_at = small.search(f"-{word(100)}", deadline_s=60).hits
    monkeypatch.setattr(scope_enumeration, "NEWEST_PER_RESULT", 1)
    with recorded_plans() as plans:
        listed = small.search(f"-{word(100)}", deadline_s=60).hits
    assert [hit.path for hit in listed] == [hit.path for hit in looked_at]
    assert any(plan.statement.startswith("WITH content") for plan in plans)


@pytest.mark.parametrize(("filters", "is_for_all_values"), [("", True), (" ext:md", True), (f' "{COMMON}"', False)])
def test_plans_are_those_that_searches_use(small: SearchService, filters: str, *, is_for_all_values: bool) -> None:
    with recorded_plans() as plans:
        small.search(f"{COMMON} {MIDDLING}{filters}", deadline_s=60)
    [measuring] = [plan for plan in plans if plan.statement.startswith("WITH named")]
    assert measuring.is_for_all_values is is_for_all_values


def test_candidates_are_looked_up_together(small: SearchService) -> None:
    """One by one, each reads the index from its root, and its row of the table is found anew for each retriever."""
    with recorded_plans(analysed=True) as plans:
        small.search(f"{COMMON} {MIDDLING}", deadline_s=60)
    [measuring] = [plan for plan in plans if plan.statement.startswith(READS_FEW_FILES[0])]
    indexes = {"chunks_pkey", "embeddings_1_pkey"}
    looked_up = [node for node in measuring.nodes() if node.get("Index Name") in indexes]
    assert {node["Index Name"]: node["Actual Loops"] for node in looked_up} == dict.fromkeys(indexes, 1)


def test_files_of_candidates_are_sorted_together(small: SearchService) -> None:
    with recorded_plans(analysed=True) as plans:
        small.search(f"{COMMON} {MIDDLING}", deadline_s=60)
    [locating] = [plan for plan in plans if plan.statement.startswith(READS_FEW_FILES[1])]
    sorts = [node["Actual Loops"] for node in locating.nodes() if node["Node Type"] in {"Sort", "Incremental Sort"}]
    assert sorts
    assert max(sorts) == 1


def test_conditions_on_words_are_not_looked_up_after_enough_chunks(small: SearchService) -> None:
    """More than half of the chunks have all three words: these, and those with the rarest two, are enough."""
    with recorded_plans(analysed=True) as plans:
        small.search(f"{FREQUENT} {word(2)} {word(3)}", deadline_s=60)
    [measuring] = [plan for plan in plans if plan.statement.startswith(READS_FEW_FILES[0])]
    looked_up = [node["Actual Loops"] for node in measuring.nodes() if node.get("Index Name") == "chunks_words"]
    assert looked_up == [2]


@pytest.mark.parametrize("filters", ["ext:md", "ext:rst", "in:part3", f"ext:txt -{COMMON}", f"-{RARE}"])
def test_the_planner_looks_at_no_long_list(small: SearchService, filters: str) -> None:
    """To estimate each of thousands of ids took longer than the statement itself."""
    with recorded_plans() as plans:
        small.search(f"{COMMON} {MIDDLING} {filters}", deadline_s=60)
    assert len(plans) > 2
    for plan in plans:
        assert not LIST_IN_CONDITION.search(json.dumps(plan.root)), plan


@pytest.mark.timeout(900)
@pytest.mark.parametrize("query", QUERIES)
def test_no_query_reads_much_of_a_large_index(large: SearchService, query: str) -> None:
    """Of 300,000 chunks. The first test makes the index, in half a minute of a core."""
    assert_plans_do_not_grow(large, query, max_blocks=MORE_BLOCKS.get(query, MAX_BLOCKS))
