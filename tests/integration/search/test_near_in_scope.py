"""Chunks near to a question in scopes of every size, in an index of vectors: none that is nearer is missed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from magicfs.db.pool import Connection, Database
from magicfs.db.search import candidate_statements, scope_enumeration
from magicfs.db.search.candidate_query import CandidateQuery, ModelVector
from magicfs.db.search.candidates import measure_chunks
from magicfs.db.search.scope import Scope
from magicfs.db.search.scope_enumeration import enumerate_scope
from magicfs.db.vectors.models import searched_models
from magicfs.db.vectors.vector_index import IndexAction, maintain_index
from magicfs.search.compiled_query import prepare_query
from magicfs.search.request import limits_for
from magicfs.search.syntax import parse
from tests.integration.search.plans import recorded_plans
from tests.plugins.searched_words import DIMENSION, fill_with_natural_words, word
from tests.plugins.servers import Servers

CHUNKS = 5_000
LIMITS = replace(limits_for(20), chunks=20)
QUESTION: NDArray[np.float32] = np.full(DIMENSION, DIMENSION**-0.5, np.float32)

MOVE_AWAY = """
UPDATE embeddings
SET vector = (SELECT array_agg(-abs(v)) FROM unnest(vector::vector::real[]) AS v)::vector::halfvec
FROM content_chunks JOIN files USING (content_id)
WHERE embeddings.chunk_id = content_chunks.chunk_id AND folded LIKE 'part3/%'
"""

MOVE_ASIDE = """
UPDATE embeddings
SET vector = (SELECT array_agg(abs(v) * (-1)^number)
              FROM unnest(vector::vector::real[]) WITH ORDINALITY AS v (v, number))::vector::halfvec
FROM content_chunks JOIN files USING (content_id)
WHERE embeddings.chunk_id = content_chunks.chunk_id AND folded LIKE 'part5/%'
"""

NEAREST = """
SELECT chunk_id FROM embeddings_1 JOIN content_chunks USING (chunk_id) JOIN files USING (content_id)
WHERE files.id = ANY(%s) ORDER BY vector <#> %s::text::halfvec LIMIT 20
"""


@pytest.fixture(scope="module")
def index(servers: Servers) -> Iterator[Database]:
    """An index of vectors: no text in the directory `part3` is about the question, and some in `part5` a little."""
    with servers.new_database() as url, Database(url, application="test", size=1) as database:
        fill_with_natural_words(database, chunks=CHUNKS)
        with database.transaction() as connection:
            connection.execute(MOVE_AWAY)
            connection.execute(MOVE_ASIDE)
        with database.autocommit() as connection:
            connection.execute("VACUUM ANALYZE")
        assert maintain_index(database, min_rows=CHUNKS // 2) is IndexAction.BUILD
        yield database


def found(connection: Connection, text: str) -> list[int]:
    """The chunks nearest to the question in a scope whose chunks are not enumerated."""
    scope = enumerate_scope(connection, prepare_query(connection, parse(text))[0].scope, limit=0, index_chunks=CHUNKS)
    assert scope.chunks is None
    assert scope.contents is not None
    return chunks_found(connection, scope)


def chunks_found(connection: Connection, scope: Scope) -> list[int]:
    """The chunks nearest to the question in a scope."""
    [model] = searched_models(connection)
    measured = measure_chunks(connection, scope, CandidateQuery(vectors=[ModelVector(model, QUESTION)]), limits=LIMITS)
    return [one.chunk_id for one in sorted(measured, key=lambda one: -(one.cosines[0] or 0.0))]


def nearest(connection: Connection, condition: str) -> list[int]:
    """The same by comparing all."""
    files = [row[0] for row in connection.execute(f"SELECT id FROM files WHERE {condition}").fetchall()]
    return [row[0] for row in connection.execute(NEAREST, (files, str(QUESTION.tolist()))).fetchall()]


CONDITIONS = {
    "ext:rst": "extension = 'rst'",
    "ext:md": "extension = 'md'",
    "ext:txt": "extension = 'txt'",
    "in:part3": "folded LIKE 'part3/%%'",
    "in:part5": "folded LIKE 'part5/%%'",
    "in:part7 ext:txt": "folded LIKE 'part7/%%' AND extension = 'txt'",
}


@pytest.mark.parametrize(
    "weight", [0, candidate_statements.COMPARED_PER_BROUGHT, 10**9], ids=["index", "default", "all"]
)
@pytest.mark.parametrize("text", CONDITIONS)
def test_the_nearest_are_found_in_scopes_of_every_size(
    index: Database, text: str, weight: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the index, by a comparison of all, and by whichever is expected to cost less."""
    monkeypatch.setattr(candidate_statements, "COMPARED_PER_BROUGHT", weight)
    with index.transaction() as connection:
        right = nearest(connection, CONDITIONS[text])
        assert len(set(found(connection, text)) & set(right)) >= 19


def test_a_question_about_something_else_does_not_search_the_index_for_long(
    index: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The directory has no text near the question: the index brings all others before those."""
    monkeypatch.setattr(candidate_statements, "COMPARED_PER_BROUGHT", 0)
    monkeypatch.setattr(candidate_statements, "MAX_BROUGHT", 100)
    with index.transaction() as connection:
        right = nearest(connection, CONDITIONS["in:part3"])
        assert found(connection, "in:part3") == right


@pytest.mark.parametrize(("text", "is_compared"), [("in:part5", True), ("ext:txt", False), ("ext:md", False)])
def test_what_the_index_comes_across_far_from_the_question_is_not_taken_for_the_nearest(
    index: Database, text: str, is_compared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index brings enough texts of the directory, but none before hundreds of others: it may miss nearer ones."""
    monkeypatch.setattr(candidate_statements, "COMPARED_PER_BROUGHT", 0)
    monkeypatch.setattr(candidate_statements, "MAX_EF_SEARCH", 100)
    monkeypatch.setattr(candidate_statements, "MAX_BROUGHT", CHUNKS)
    with recorded_plans(analysed=True) as plans, index.autocommit() as connection:
        found(connection, text)
    [plan] = [plan for plan in plans if plan.statement.startswith("WITH named")]
    compared = [node["Actual Rows"] for node in plan.nodes() if node.get("Index Name") == "embeddings_1_pkey"]
    assert (max(compared, default=0) > LIMITS.chunks) is is_compared


def test_phrases_hold_for_vectors_too(index: Database) -> None:
    with index.transaction() as connection:
        text = f'"{word(1)}" ext:txt'
        chunks = found(connection, text)
        rows = connection.execute("SELECT words::text FROM chunks WHERE id = ANY(%s)", (chunks,)).fetchall()
        assert rows
        assert all(f"'{word(1)}'" in words for (words,) in rows)


def test_a_statement_looks_up_vectors_by_their_chunks(index: Database) -> None:
    with recorded_plans() as plans, index.autocommit() as connection:
        found(connection, "ext:md")
    measured = [plan for plan in plans if plan.statement.startswith("WITH named")]
    assert measured
    assert not measured[0].sequential_scans() & {"embeddings_1", "chunks", "content_chunks"}


def test_the_words_of_other_chunks_are_not_read_for_an_excluded_word(index: Database) -> None:
    """Where the memory for the places of chunks is short, Postgres reads the words of all chunks in their pages."""
    with recorded_plans(analysed=True) as plans, index.transaction() as connection:
        for name, value in {"work_mem": "64kB", "enable_seqscan": "off", "enable_nestloop": "off"}.items():
            connection.execute(f"SET LOCAL {name} = '{value}'")
        enumerate_scope(
            connection, prepare_query(connection, parse(f"-{word(1)}"))[0].scope, limit=0, index_chunks=CHUNKS
        )
    nodes = [node for plan in plans for node in plan.nodes() if node["Node Type"] == "Bitmap Heap Scan"]
    assert max(node["Exact Heap Blocks"] for node in nodes) > 0
    assert max(node["Lossy Heap Blocks"] for node in nodes) == 0


@pytest.mark.parametrize(
    ("text", "is_listed"),
    [("ext:rst", True), ("in:part3", True), ("ext:txt", False), ("-in:part3", False), (f"-{word(20_000)}", False)],
)
def test_a_scope_of_too_many_contents_is_not_begun_to_be_listed(
    index: Database, text: str, *, is_listed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sample says so: of a large index, half of a search was to list contents and to find that they are too many."""
    monkeypatch.setattr(scope_enumeration, "MAX_ENUMERATED_CONTENTS", CHUNKS // 50)
    with recorded_plans() as plans, index.transaction() as connection:
        scope = prepare_query(connection, parse(text))[0].scope
        scope = enumerate_scope(connection, scope, limit=0, index_chunks=CHUNKS)
    assert (scope.contents is not None) is is_listed
    assert any("listed AS" in plan.statement for plan in plans) is is_listed


@pytest.mark.parametrize("text", ["ext:txt", "ext:rst", "-in:part3", f"-{word(1)}"])
def test_a_filter_that_leaves_most_may_leave_out_all_that_is_near(
    index: Database, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 100,000 chunks without the directory of the nearest (an eighth), 341 considered had .91 of ten, 1,000 .98."""
    monkeypatch.setattr(scope_enumeration, "MAX_ENUMERATED_CONTENTS", CHUNKS // 50)
    with index.transaction() as connection:
        scope = prepare_query(connection, parse(text))[0].scope
        scope = enumerate_scope(connection, scope, limit=0, index_chunks=CHUNKS)
        without = prepare_query(connection, parse(word(1)))[0].scope
    assert candidate_statements.settings_for(scope, limits_for(50))["hnsw.ef_search"] == "1000"
    assert candidate_statements.settings_for(without, limits_for(50))["hnsw.ef_search"] == "300"


@pytest.mark.parametrize("text", ["ext:md", "name:*3*"])
def test_a_scope_is_listed_from_the_files_alone(index: Database, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a large index, where its chunks are too many: to join roots, hosts and contents took half of the time."""
    monkeypatch.setattr(scope_enumeration, "MAX_ENUMERATED_CONTENTS", CHUNKS // 2)
    with index.transaction() as connection:
        with recorded_plans() as plans:
            right = enumerated(connection, text)
        connection.execute(
            "UPDATE files SET state = 'pending', content_id = NULL WHERE extension = 'txt' AND id % 3 = 0"
        )
        left = enumerated(connection, text)
        connection.rollback()
    [listing] = [plan for plan in plans if "listed AS" in plan.statement]
    tables = {node.get("Relation Name") for node in listing.nodes()} - {None, "content_chunks"}
    assert tables == {"files"}
    assert "NULL" not in left
    assert (left == right) is (text == "ext:md")


def test_contents_are_listed_by_extension_without_reading_other_files(index: Database) -> None:
    """Of 100,000 files, half of the listing was to read the extension of each."""
    with recorded_plans() as plans, index.transaction() as connection:
        enumerated(connection, "ext:rst")
    [listing] = [plan for plan in plans if "listed AS" in plan.statement]
    assert "files_extension" in {node.get("Index Name") for node in listing.nodes()}


@pytest.mark.parametrize(("number", "is_tested"), [(80, True), (10, False), (300, False)])
def test_a_frequent_excluded_word_is_looked_for_in_what_is_found(
    index: Database, number: int, *, is_tested: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To list what has it reads chunks everywhere. Where few others are left, the nearest are not among the first."""
    monkeypatch.setattr(scope_enumeration, "MAX_ENUMERATED_CONTENTS", CHUNKS // 50)
    with index.transaction() as connection:
        scope = prepare_query(connection, parse(f"-{word(number)}"))[0].scope
        scope = enumerate_scope(connection, scope, limit=0, index_chunks=CHUNKS)
        assert (scope.condition_parameters["excluded"] is not None) is is_tested
        having = f"SELECT content_id FROM content_chunks JOIN chunks ON id = chunk_id WHERE words @@ '{word(number)}'"
        right = nearest(connection, f"content_id NOT IN ({having})")
        assert len(set(chunks_found(connection, scope)) & set(right)) >= len(right) - 1


def enumerated(connection: Connection, text: str) -> set[str]:
    """The contents of a scope."""
    scope = prepare_query(connection, parse(text))[0].scope
    contents = enumerate_scope(connection, scope, limit=0, index_chunks=CHUNKS).contents
    assert contents is not None
    return set(contents.array.strip("{}").split(","))
