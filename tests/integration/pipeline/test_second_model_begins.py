"""A second model begins or ends in an index with chunks, and models take the place of others."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from magicfs.db.pool import Connection
from magicfs.db.vectors.embedding_queue import enqueue_chunks
from magicfs.db.vectors.embeddings import claim_chunks, finish_chunks
from magicfs.db.vectors.model_changes import (
    activate_model,
    build_model,
    complete_building,
    start_multilingual,
    stop_multilingual,
)
from magicfs.db.vectors.model_digests import record_digest
from magicfs.db.vectors.models import all_models, building_model, multilingual_model, searched_models
from magicfs.domain.deadline import Deadline
from magicfs.domain.ids import ModelId
from magicfs.domain.models import ModelSpec, ModelState
from tests.fakes.embedder import FakeEmbedder
from tests.integration.pipeline.second_model import ENGLISH, MULTILINGUAL, TwoModels
from tests.plugins.services import make_maintenance

HEDGEHOG = "\N{HEDGEHOG}"


def test_an_index_of_before_keeps_what_it_has_until_the_better_vectors_are_there(models: TwoModels) -> None:
    models.write_both()
    models.write("three.txt", HEDGEHOG)
    models.settle()
    models.write("four-de.txt", "Auf Wiedersehen")
    models.extract()
    query = (
        "SELECT e.ctid, e.xmin FROM embeddings e JOIN chunks ON id = chunk_id WHERE model_id = 1 AND text = 'good day'"
    )
    before = models.index.rows(query)
    models.start()
    assert models.states() == {
        "good day": ("done", "pending -1"),
        "Guten Tag": ("done", "pending 0"),
        HEDGEHOG: ("unread", "pending 0"),
        "Auf Wiedersehen": ("unread", "pending 0"),
    }
    service = models.worker()
    models.embed(service, until=lambda: models.states()["Guten Tag"][1] == "done")
    assert models.states()["Guten Tag"] == ("unread", "done")
    models.settle()
    assert models.states() == {
        "good day": ("done", "done"),
        "Guten Tag": ("unread", "done"),
        HEDGEHOG: ("unread", "done"),
        "Auf Wiedersehen": ("unread", "done"),
    }
    assert models.index.rows(query) == before, "the row of an English chunk is untouched"
    assert "Guten Tag" not in [
        text
        for text, vector in models.index.rows(
            "SELECT text, vector FROM embeddings JOIN chunks ON id = chunk_id WHERE model_id = 1"
        )
        if vector is not None
    ]


def test_a_saved_chunk_keeps_its_priority_when_the_second_model_comes(models: TwoModels) -> None:
    models.write("two-de.txt", "Guten Tag")
    models.read_saved()
    models.start()
    assert models.states() == {"Guten Tag": ("unread", "pending 1")}


def test_a_chunk_that_a_worker_has_claimed_when_the_second_model_comes(models: TwoModels) -> None:
    """Its vector is taken away when the multilingual model has read the chunk, whoever is first."""
    models.write("one-de.txt", "Guten Tag")
    models.write("two-de.txt", "Auf Wiedersehen")
    models.extract()
    with models.index.database.transaction() as connection:
        claims = claim_chunks(connection, model=ModelId(1), owner="embed-2@here", limit=9, max_tokens=999, seconds=60)
    models.start()
    assert models.states()["Guten Tag"] == ("pending 0", "pending 0"), "a claim is left alone"
    models.embed()
    assert models.states()["Guten Tag"] == ("unread", "done")
    vectors = FakeEmbedder(ENGLISH).embed_passages([claim.text for claim in claims])
    with models.index.database.transaction() as connection:
        assert finish_chunks(connection, model=ModelId(1), claims=claims, vectors=vectors) == 0, "the claim is over"
    assert models.states()["Guten Tag"] == ("unread", "done")


@pytest.mark.parametrize("begin", [build_model, start_multilingual])
def test_searches_and_workers_go_on_while_a_model_begins(
    models: TwoModels, begin: Callable[[Connection, ModelSpec], object]
) -> None:
    models.write("one-en.txt", "good day")
    models.settle()
    models.write("two-en.txt", "good night")
    models.index.scan()
    with models.index.database.transaction() as beginning:
        begin(beginning, MULTILINGUAL)
        with models.index.database.transaction(Deadline(60)) as searching:
            assert searching.execute("SELECT count(vector) FROM embeddings").fetchone() == (1,)
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(models.index.extraction().run_batch).result(60) == 1
            assert pool.submit(models.worker().run_turn).result(60) == 1
    for _ in range(3):
        models.settle()
    assert {row["multilingual"] for row in models.rows().values()} == {"done"}


def test_the_partition_of_a_model_is_as_that_of_an_older_version(models: TwoModels) -> None:
    with models.index.database.transaction() as connection:
        connection.execute("CREATE TABLE embeddings_77 PARTITION OF embeddings FOR VALUES IN (77)")
        facts = [
            (
                connection.execute(
                    "SELECT contype, replace(pg_get_constraintdef(oid), '1', '77') FROM pg_constraint"
                    " WHERE conrelid = %s::regclass AND pg_get_constraintdef(oid) NOT LIKE '%%dims%%' ORDER BY 1, 2",
                    (table,),
                ).fetchall(),
                connection.execute(
                    "SELECT replace(pg_get_indexdef(indexrelid), %s, '') FROM pg_index WHERE indrelid = %s::regclass"
                    " ORDER BY 1",
                    (table, table),
                ).fetchall(),
                connection.execute(
                    "SELECT attname, attnotnull, attidentity, pg_get_expr(adbin, adrelid) FROM pg_attribute"
                    " LEFT JOIN pg_attrdef ON (adrelid, adnum) = (attrelid, attnum)"
                    " WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum",
                    (table,),
                ).fetchall(),
            )
            for table in ("embeddings_1", "embeddings_77")
        ]
    assert facts[0] == facts[1]


def test_what_was_read_while_the_second_model_came_is_found_by_maintenance(models: TwoModels) -> None:
    models.write("one-de.txt", "Guten Tag")
    models.write("two-en.txt", "good day")
    models.settle()
    contents = dict.fromkeys([row[0] for row in models.index.rows("SELECT id FROM contents")], 0)
    models.index.rows("DELETE FROM embeddings RETURNING 1")
    maintenance = make_maintenance(models.index.database)
    with models.index.database.transaction() as reading:
        # The rows of a transaction that does not know of the second model.
        enqueue_chunks(reading, contents)
        models.index.rows("UPDATE files SET content_id = NULL, state = 'pending' RETURNING 1")
        models.start()
        for _ in range(3):
            maintenance.sweep()
        assert models.states() == {}
        reading.execute(
            "UPDATE files SET content_id = c.id FROM contents c WHERE display LIKE '%%' || language || '.txt'"
        )
    assert models.states() == {"Guten Tag": ("pending 0", ""), "good day": ("pending 0", "")}
    for _ in range(2):
        maintenance.sweep()
    assert models.states() == {"Guten Tag": ("unread", "pending 0"), "good day": ("pending 0", "pending -1")}
    assert models.index.rows("SELECT 1 FROM meta WHERE key = 'second_vectors'") == []


def test_the_model_after_the_next_decides_by_its_own_languages(models: TwoModels) -> None:
    german = ModelSpec(
        "fake/german", ENGLISH.precision, dimension=96, max_tokens=256, digest="3" * 64, languages=("de",)
    )
    models.start()
    models.write_both()
    models.extract()
    with models.index.database.transaction() as connection:
        build_model(connection, german)
    assert models.rows() == {
        "good day": {"english": "pending 0", "german": "unread", "multilingual": "pending -1"},
        "Guten Tag": {"english": "unread", "german": "pending 0", "multilingual": "pending 0"},
    }
    models.embed(models.worker(model="fake/german"))
    with models.index.database.transaction() as connection:
        assert complete_building(connection) is not None, "it waits for no other model"
    models.settle()
    models.settle()
    assert models.rows() == {
        "good day": {"german": "unread", "multilingual": "done"},
        "Guten Tag": {"german": "done", "multilingual": "done"},
    }


def test_the_multilingual_model_may_become_the_only_one(models: TwoModels) -> None:
    models.start()
    models.write_both()
    models.extract()
    models.embed_batches(2)
    vectors = models.index.rows("SELECT chunk_id, vector::text FROM embeddings WHERE model_id = 2 AND state = 'done'")
    assert vectors
    with models.index.database.transaction() as connection:
        assert build_model(connection, MULTILINGUAL).state is ModelState.BUILDING
        assert multilingual_model(connection) is None
        assert [model.spec for model in searched_models(connection)] == [ENGLISH]
        assert complete_building(connection) is None
    assert models.states() == {"good day": ("done", "pending 0"), "Guten Tag": ("pending 0", "done")}
    models.settle()
    models.settle()
    with models.index.database.transaction() as connection:
        assert building_model(connection) is None
        assert [(model.spec, model.state) for model in searched_models(connection)] == [
            (MULTILINGUAL, ModelState.ACTIVE)
        ]
    assert models.rows() == {"good day": {"multilingual": "done"}, "Guten Tag": {"multilingual": "done"}}
    assert set(vectors) <= set(models.index.rows("SELECT chunk_id, vector::text FROM embeddings WHERE model_id = 2"))


def test_without_the_second_model_the_active_one_gets_its_chunks_back(models: TwoModels) -> None:
    models.start()
    models.write_both()
    models.settle()
    with models.index.database.transaction() as connection:
        assert stop_multilingual(connection)
        assert not stop_multilingual(connection)
        assert all_models(connection)[-1].state is ModelState.RETIRED
    assert models.rows() == {"good day": {"english": "done"}, "Guten Tag": {"english": "pending 0"}}
    models.settle()
    assert models.rows() == {"good day": {"english": "done"}, "Guten Tag": {"english": "done"}}
    models.start()
    assert models.states()["Guten Tag"] == ("done", "done"), "its vectors were kept"
    models.settle()
    assert models.states() == {"good day": ("done", "done"), "Guten Tag": ("unread", "done")}


@pytest.mark.parametrize("languages", [(), ("en", "fr")])
def test_an_active_model_that_reads_every_language_needs_no_second_one(
    models: TwoModels, languages: tuple[str, ...]
) -> None:
    large = replace(ENGLISH, name="fake/large", digest="5" * 64, dimension=64, languages=languages)
    models.start()
    models.write_both()
    models.settle()
    with models.index.database.transaction() as connection:
        build_model(connection, large)
    models.settle()
    models.settle()
    with models.index.database.transaction() as connection:
        states = {model.spec.name: model.state for model in all_models(connection)}
    assert states[large.name] is ModelState.ACTIVE
    assert states[MULTILINGUAL.name] is (ModelState.MULTILINGUAL if languages else ModelState.RETIRED)
    if not languages:
        models.write("three-en.txt", "good night")
        models.settle()
        assert set(map(str, models.rows().values())) == {"{'large': 'done'}"}


def test_the_languages_of_a_model_stay_when_another_machine_knows_none(models: TwoModels) -> None:
    models.start()
    with models.index.database.transaction() as connection:
        activate_model(connection, replace(ENGLISH, name="/models/english", languages=()))
        assert all_models(connection)[0].spec.languages == ("en",)
    models.index.rows("UPDATE models SET languages = '{}' RETURNING 1")
    models.write("two-de.txt", "Guten Tag")
    models.settle()
    assert models.states() == {"Guten Tag": ("done", "done")}
    with models.index.database.transaction() as connection:
        activate_model(connection, ENGLISH)
    models.settle()
    assert models.states() == {"Guten Tag": ("unread", "done")}


def test_the_languages_of_a_model_of_an_older_version_are_recorded(models: TwoModels) -> None:
    models.index.rows("UPDATE models SET languages = '{}' RETURNING 1")
    models.start()
    models.write("two-de.txt", "Guten Tag")
    models.settle()
    assert models.states() == {"Guten Tag": ("done", "done")}
    with models.index.database.transaction() as connection:
        [active, _] = all_models(connection)
        assert not record_digest(connection, active, ENGLISH), "the digest is not new"
        assert all_models(connection)[0].spec.languages == ("en",)
    models.settle()
    assert models.states() == {"Guten Tag": ("unread", "done")}
