"""An English model and a multilingual one: which chunks each of them embeds, and when."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from magicfs.db import contents as contents_db
from magicfs.db.embedding_queue import enqueue_chunks
from magicfs.db.embeddings import claim_chunks, claimable_models, finish_chunks
from magicfs.db.models import (
    activate_model,
    active_model,
    all_models,
    build_model,
    building_model,
    complete_building,
    multilingual_model,
    record_digest,
    searched_models,
    start_multilingual,
    stop_multilingual,
)
from magicfs.db.pool import Connection
from magicfs.db.recut import replace_chunks
from magicfs.db.status import read_coverage, read_progress, read_status
from magicfs.domain.chunks import Chunk
from magicfs.domain.deadline import Deadline
from magicfs.domain.models import ModelSpec, ModelState
from magicfs.errors import ModelMissing
from magicfs.pipeline.maintenance import MaintenanceService
from tests.fakes.embedder import FakeEmbedder
from tests.integration.pipeline.second_model import ENGLISH, MULTILINGUAL, TwoModels
from tests.plugins.index import HOST

HEDGEHOG, UNICORN = "\N{HEDGEHOG}", "\N{UNICORN FACE}"


def test_without_a_second_model_every_chunk_waits_for_the_active_one(models: TwoModels) -> None:
    models.write("one-de.txt", "Guten Tag")
    models.extract()
    assert models.rows() == {"Guten Tag": {"english": "pending 0"}}
    models.embed()
    assert models.rows() == {"Guten Tag": {"english": "done"}}


def test_a_chunk_waits_for_the_model_that_reads_its_document(models: TwoModels) -> None:
    models.start()
    models.write("one-en.txt", "good day")
    models.write("two-de.txt", "Guten Tag")
    models.write("three.txt", "unknown")
    models.extract()
    assert models.states() == {
        "good day": ("pending 0", "pending -1"),
        "Guten Tag": ("unread", "pending 0"),
        "unknown": ("pending 0", "pending -1"),
    }
    models.settle()
    assert models.states() == {
        "good day": ("done", "done"),
        "Guten Tag": ("unread", "done"),
        "unknown": ("done", "done"),
    }


def test_what_a_person_saves_goes_first_under_the_model_that_reads_it(models: TwoModels) -> None:
    models.start()
    models.write("one-en.txt", "good day")
    models.write("two-de.txt", "Guten Tag")
    models.index.scan()
    models.index.rows("UPDATE files SET priority = 1 RETURNING 1")
    models.index.extraction().run_batch()
    assert models.states() == {"good day": ("pending 1", "pending -1"), "Guten Tag": ("unread", "pending 1")}


@pytest.mark.parametrize("order", ["de first", "en first", "together"])
def test_a_chunk_of_two_documents_is_read_if_one_of_them_is(models: TwoModels, order: str) -> None:
    models.start()
    texts = {"one-de.txt": "Guten Tag\n\nOK", "two-en.txt": "good day\n\nOK"}
    for name in sorted(texts, reverse=order == "en first"):
        models.write(name, texts[name])
        if order != "together":
            models.extract()
    models.extract()
    assert models.states()["OK"] == ("pending 0", "pending 0")
    models.settle()
    assert models.states()["OK"] == ("done", "done")


def test_a_chunk_that_an_english_document_gets_later_is_embedded_by_the_active_model(models: TwoModels) -> None:
    models.start()
    models.write("one-de.txt", "OK")
    models.settle()
    assert models.states() == {"OK": ("unread", "done")}
    models.write("two-en.txt", "OK")
    models.extract()
    assert models.states() == {"OK": ("pending 0", "done")}
    models.settle()
    assert models.states() == {"OK": ("done", "done")}


def test_a_chunk_that_the_tokenizer_does_not_know_is_first_under_the_other_model(models: TwoModels) -> None:
    models.start()
    models.write("one.txt", f"{HEDGEHOG} one")
    models.write("two.txt", "two")
    models.index.scan()
    models.index.rows("UPDATE files SET priority = 1 WHERE display = 'one.txt' RETURNING 1")
    models.index.extraction().run_batch()
    models.embed_batches(1)
    assert models.states() == {f"{HEDGEHOG} one": ("unread", "pending 1"), "two": ("done", "pending -1")}
    models.settle()
    assert models.states() == {f"{HEDGEHOG} one": ("unread", "done"), "two": ("done", "done")}
    # It is not tried again when the file is read again.
    models.write("copy.txt", f"{HEDGEHOG} one")
    models.extract()
    assert models.states()[f"{HEDGEHOG} one"] == ("unread", "done")


def test_a_chunk_that_no_model_reads_is_done(models: TwoModels) -> None:
    models.start()
    models.write("one.txt", f"{HEDGEHOG}{UNICORN}")
    models.settle()
    assert models.states() == {f"{HEDGEHOG}{UNICORN}": ("unread", "unread")}


def test_an_index_of_before_keeps_what_it_has_until_the_better_vectors_are_there(models: TwoModels) -> None:
    models.write("one-en.txt", "good day")
    models.write("two-de.txt", "Guten Tag")
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
    models.index.scan()
    models.index.rows("UPDATE files SET priority = 1 RETURNING 1")
    models.index.extraction().run_batch()
    models.start()
    assert models.states() == {"Guten Tag": ("unread", "pending 1")}


def test_a_chunk_that_a_worker_has_claimed_when_the_second_model_comes(models: TwoModels) -> None:
    """Its vector is taken away when the multilingual model has read the chunk, whoever is first."""
    models.write("one-de.txt", "Guten Tag")
    models.write("two-de.txt", "Auf Wiedersehen")
    models.extract()
    with models.index.database.transaction() as connection:
        claims = claim_chunks(connection, model=1, owner="embed-2@here", limit=9, max_tokens=999, seconds=60)
    models.start()
    assert models.states()["Guten Tag"] == ("pending 0", "pending 0"), "a claim is left alone"
    models.embed()
    assert models.states()["Guten Tag"] == ("unread", "done")
    vectors = FakeEmbedder(ENGLISH).embed_passages([claim.text for claim in claims])
    with models.index.database.transaction() as connection:
        assert finish_chunks(connection, model=1, claims=claims, vectors=vectors) == 0, "the claim is over"
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
        with models.index.database.transaction(Deadline(5.0)) as searching:
            assert searching.execute("SELECT count(vector) FROM embeddings").fetchone() == (1,)
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(models.index.extraction().run_batch).result(20) == 1
            assert pool.submit(models.worker().run_turn).result(20) == 1
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
    maintenance = MaintenanceService(models.index.database)
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


def test_second_vectors_come_last(models: TwoModels) -> None:
    models.start()
    models.write("one-en.txt", "one\n\ntwo\n\nthree")
    models.extract()
    with models.index.database.transaction() as connection:
        assert [(model.state, model.priority) for model in claimable_models(connection)] == [
            (ModelState.ACTIVE, 0),
            (ModelState.MULTILINGUAL, -1),
        ]
        assert [model.state for model in claimable_models(connection, min_priority=0)] == [ModelState.ACTIVE]
    models.embed()
    assert models.loaded == [ENGLISH.name], "a model that has just been loaded stays a while"
    models.embed()
    assert models.loaded == [ENGLISH.name, MULTILINGUAL.name]
    assert set(models.states().values()) == {("done", "done")}


def test_second_vectors_wait_while_others_can_be_embedded(models: TwoModels) -> None:
    models.start()
    models.write("one-en.txt", "one\n\ntwo")
    models.write("two-de.txt", "drei")
    models.extract()
    with models.index.database.transaction() as connection:
        claim_chunks(connection, model=1, owner="embed-2@here", limit=1, max_tokens=1, seconds=60)
    service = models.worker()
    with models.index.database.transaction() as connection:
        second = multilingual_model(connection)
        batch = service._claim_batch(connection)
    assert second is not None
    assert batch is not None
    assert batch.model.state is ModelState.ACTIVE
    models.index.rows("UPDATE embeddings SET leased_until = NULL, lease = NULL RETURNING 1")
    models.embed(models.worker(model=MULTILINGUAL.name))
    assert {text: row[1] for text, row in models.states().items()} == {"one": "done", "two": "done", "drei": "done"}


@pytest.mark.parametrize("model", [ENGLISH, MULTILINGUAL])
def test_a_worker_of_one_model_locks_the_rows_of_the_other_too(models: TwoModels, model: ModelSpec) -> None:
    models.write("one-en.txt", "good day")
    models.extract()
    alone = models.worker(model=ENGLISH.name)._claim_next_batch()
    assert alone is not None
    assert alone.is_alone
    models.index.rows("UPDATE embeddings SET lease = NULL, leased_until = NULL RETURNING 1")
    models.start()
    batch = models.worker(model=model.name)._claim_next_batch()
    assert batch is not None
    assert not batch.is_alone


def test_a_worker_of_one_model_embeds_its_chunks_alone(models: TwoModels) -> None:
    models.start()
    models.write("one-en.txt", "good day")
    models.write("two-de.txt", "Guten Tag")
    models.extract()
    models.embed(models.worker(model=ENGLISH.name))
    assert models.states() == {"good day": ("done", "pending -1"), "Guten Tag": ("unread", "pending 0")}
    models.embed(models.worker("embed-2@here", model=MULTILINGUAL.name))
    assert models.states() == {"good day": ("done", "done"), "Guten Tag": ("unread", "done")}
    assert models.loaded == [ENGLISH.name, MULTILINGUAL.name]


@pytest.mark.parametrize("lacking", [ENGLISH, MULTILINGUAL])
def test_the_chunks_of_a_model_that_a_machine_lacks_are_left_to_others(
    models: TwoModels, lacking: ModelSpec, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    models.start()
    models.write("one-en.txt", "good day")
    models.write("two-de.txt", "Guten Tag")
    models.extract()
    models.lacking = {lacking.name}
    service = models.worker()
    for _ in range(3):
        models.embed(service)
    other = ("done", "pending -1"), ("unread", "pending 0")
    if lacking is ENGLISH:
        other = ("pending 0", "done"), ("unread", "done")
    assert tuple(models.states()[text] for text in ("good day", "Guten Tag")) == other
    assert models.loaded.count(lacking.name) == 1, "it is not tried again at once"
    assert caplog.text.count(f"magicfs model pull {lacking.name}") == 1
    with models.index.database.transaction() as connection:
        assert {model.name for model in claimable_models(connection)} == {lacking.name}, "nobody has to wait for them"
    assert models.index.rows("SELECT max(attempts) FROM embeddings WHERE state = 'pending'") == [(0,)]
    monkeypatch.setattr("magicfs.pipeline.embed.LACKING_SECONDS", 0.0)
    models.lacking = set()
    service._lacking = {model: replace(entry, until=0.0) for model, entry in service._lacking.items()}
    monkeypatch.setattr("magicfs.pipeline.model_choice.STAY_SECONDS", 0.0)
    models.embed(service)
    assert models.states() == {"good day": ("done", "done"), "Guten Tag": ("unread", "done")}


def test_a_worker_without_the_active_model_starts_with_the_other_one(models: TwoModels) -> None:
    models.start()
    models.lacking = {ENGLISH.name}
    service = models.worker()
    for _ in range(2):
        service.warm_up()
        assert models.loaded == [ENGLISH.name, MULTILINGUAL.name]
    models.lacking.add(MULTILINGUAL.name)
    with pytest.raises(ModelMissing, match="magicfs model pull fake/english"):
        models.worker().warm_up()


def test_the_model_in_memory_stays_when_the_machine_lacks_the_other_one(
    models: TwoModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("magicfs.pipeline.model_choice.STAY_SECONDS", 0.0)
    monkeypatch.setattr("magicfs.pipeline.embed.LACKING_SECONDS", 0.0)
    models.start()
    models.missing = {MULTILINGUAL.name}
    service = models.worker()
    for name in ("one-en.txt", "two-en.txt", "three-de.txt"):
        models.write(name, f"text of {name}")
        models.extract()
        for _ in range(3):
            models.embed(service)
    assert [states[0] for states in models.states().values()] == ["done", "unread", "done"]
    assert models.loaded == [ENGLISH.name]


def test_a_machine_without_any_model_says_so(models: TwoModels) -> None:
    models.start()
    models.write("one-en.txt", "good day")
    models.extract()
    models.lacking = {ENGLISH.name, MULTILINGUAL.name}
    service = models.worker()
    for _ in range(2):
        with pytest.raises(ModelMissing, match="magicfs model pull fake/english"):
            service.run_turn()
    assert models.loaded == [ENGLISH.name, MULTILINGUAL.name]


def test_on_battery_only_what_a_person_saved_is_embedded(models: TwoModels) -> None:
    models.start()
    models.write("one-en.txt", "good day")
    models.write("two-de.txt", "Guten Tag")
    models.index.scan()
    models.index.rows("UPDATE files SET priority = 1 WHERE display = 'two-de.txt' RETURNING 1")
    models.index.extraction().run_batch()
    service = models.worker()
    service._paused = lambda: True
    models.embed(service)
    assert models.states() == {"good day": ("pending 0", "pending -1"), "Guten Tag": ("unread", "done")}


def test_pieces_of_a_chunk_are_read_by_the_model_that_reads_the_chunk(models: TwoModels) -> None:
    models.start()
    models.write("one-en.txt", "one two")
    models.write("two-de.txt", "eins zwei")
    models.settle()
    models.write("three-en.txt", "three four")
    models.extract()
    for text, name in (("one two", "one"), ("eins zwei", "eins"), ("three four", "three")):
        [(chunk,)] = models.index.rows("SELECT id FROM chunks WHERE text = %s", text)
        with models.index.database.transaction() as connection:
            replace_chunks(connection, {chunk: [Chunk(name, 1, 1, 1), Chunk(f"{name}!", 1, 1, 1)]})
    assert models.states() == {
        "one": ("pending 0", "pending -1"),
        "one!": ("pending 0", "pending -1"),
        "eins": ("unread", "pending 0"),
        "eins!": ("unread", "pending 0"),
        "three": ("pending 0", "pending -1"),
        "three!": ("pending 0", "pending -1"),
    }


def test_the_model_after_the_next_decides_by_its_own_languages(models: TwoModels) -> None:
    german = FakeEmbedder(ENGLISH).spec.__class__(
        "fake/german", ENGLISH.precision, dimension=96, max_tokens=256, digest="3" * 64, languages=("de",)
    )
    models.start()
    models.write("one-en.txt", "good day")
    models.write("two-de.txt", "Guten Tag")
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
    models.write("one-en.txt", "good day")
    models.write("two-de.txt", "Guten Tag")
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
    models.write("one-en.txt", "good day")
    models.write("two-de.txt", "Guten Tag")
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
    models.write("one-en.txt", "good day")
    models.write("two-de.txt", "Guten Tag")
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


def test_a_chunk_that_both_models_are_to_read_waits_once(models: TwoModels) -> None:
    models.start()
    models.write("one-en.txt", "OK")
    models.write("two-de.txt", "OK\n\nGuten Tag")
    models.extract()

    def embedded() -> set[tuple[int, int]]:
        with models.index.database.transaction() as connection:
            [root] = connection.execute("SELECT name, scanned_at FROM roots")
            coverage = read_coverage(connection, active_model(connection))
            of_root = read_progress(connection, host=HOST, since=root[1], root=root[0]).chunks
            of_all = read_status(connection).chunks
        assert coverage.chunks == 2
        return {(coverage.embedded, 0), *((chunks.embedded, chunks.failed) for chunks in (of_root, of_all))}

    assert models.states() == {"OK": ("pending 0", "pending 0"), "Guten Tag": ("unread", "pending 0")}
    assert embedded() == {(0, 0)}
    models.embed(models.worker(model=ENGLISH.name))
    assert embedded() == {(0, 0)}, "OK has no vector for its German document"
    models.embed()
    assert embedded() == {(2, 0)}


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


def test_the_language_of_a_document_that_an_older_version_did_not_detect(models: TwoModels) -> None:
    text = "Die Rechnungen der letzten Monate wurden alle bezahlt und liegen in der Ablage im Keller."
    models.start()
    models.write("one.txt", text)
    models.settle()
    models.write("two.txt", f"{text} Und noch eine.")
    models.extract()
    assert models.states() == {text: ("done", "done"), f"{text} Und noch eine.": ("pending 0", "pending -1")}
    models.index.rows("UPDATE chunks SET analysis = 0 RETURNING 1")
    models.index.rows("DELETE FROM meta WHERE key = 'analysis' RETURNING 1")
    MaintenanceService(models.index.database).sweep()
    assert models.states() == {text: ("unread", "done"), f"{text} Und noch eine.": ("unread", "pending 0")}


def test_rows_of_deleted_chunks_go_under_all_models(models: TwoModels) -> None:
    models.start()
    models.write("two-de.txt", "Guten Tag")
    models.settle()
    (models.index.folder / "two-de.txt").unlink()
    models.index.scan()
    models.index.rows("UPDATE contents SET orphaned_at = '-infinity' RETURNING 1")
    with models.index.database.transaction() as connection:
        assert contents_db.sweep_orphans(connection, grace_s=0, limit=9) == 1
    assert models.index.rows("SELECT 1 FROM embeddings") == []
