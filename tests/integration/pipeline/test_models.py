"""The change of an index to another model, in the background."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from magicfs.db.vectors.model_changes import (
    activate_model,
    build_model,
    complete_building,
    drop_retired,
    start_multilingual,
)
from magicfs.db.vectors.model_digests import record_digest
from magicfs.db.vectors.models import all_models, building_model, searched_models
from magicfs.domain.models import ModelSpec
from magicfs.errors import DatabaseError, ModelMismatch
from tests.fakes.embedder import FAKE_SPEC, FakeEmbedder
from tests.plugins.index import Index, completed_model, working_model
from tests.plugins.services import make_embed_service

OTHER = replace(FAKE_SPEC, name="fake/other", dimension=96)


def embed_all(index: Index, *specs: ModelSpec) -> None:
    embedders = {spec: FakeEmbedder(spec) for spec in (FAKE_SPEC, OTHER, *specs)}
    service = make_embed_service(index.database, load=embedders.__getitem__)
    while service.run_turn():
        pass


@pytest.fixture
def filled(index: Index) -> Index:
    for number in range(5):
        (index.folder / f"{number}.txt").write_text(f"words {number}\n\nmore {number}")
    index.settle()
    return index


def test_the_active_model_changes_only_on_request(index: Index) -> None:
    with index.database.transaction() as connection:
        assert activate_model(connection, FAKE_SPEC).spec == FAKE_SPEC
        with pytest.raises(ModelMismatch, match="magicfs model use fake/other"):
            activate_model(connection, OTHER)


def test_other_files_under_the_same_name_are_another_model(filled: Index) -> None:
    one, two = (replace(OTHER, digest=digit * 64) for digit in "12")
    with filled.database.transaction() as connection:
        first = build_model(connection, one)
    embed_all(filled, one)
    with filled.database.transaction() as connection:
        assert completed_model(connection).spec == one
        assert activate_model(connection, replace(one, name="fake/another-name")).id == first.id
        with pytest.raises(ModelMismatch, match="magicfs model use fake/other"):
            activate_model(connection, two)
        second = build_model(connection, two)
        assert second.id != first.id
        assert working_model(connection).spec == one
    embed_all(filled, two)
    assert filled.rows("SELECT model_id, count(vector) FROM embeddings WHERE model_id > 1 GROUP BY 1 ORDER BY 1") == [
        (first.id, 10),
        (second.id, 10),
    ]
    [comment] = filled.rows("SELECT obj_description(%s::regclass)", f"embeddings_{second.id}")
    assert comment == (f"vectors of fake/other (fp32), digest {'2' * 64}",)


def test_a_worker_with_other_files_refuses_and_leaves_the_work_to_others(
    index: Index, caplog: pytest.LogCaptureFixture
) -> None:
    mine, others = (replace(OTHER, digest=digit * 64) for digit in "12")
    (index.folder / "one.txt").write_text("one")
    index.settle()
    with index.database.transaction() as connection:
        build_model(connection, mine)
    service = make_embed_service(index.database, load=lambda spec: FakeEmbedder(others))
    assert service.run_turn() == service.run_turn() == 0
    assert [record.message for record in caplog.records if "magicfs model use fake/other" in record.message] != []
    query = "SELECT e.state, attempts FROM embeddings e JOIN models m ON m.id = model_id WHERE m.state = 'building'"
    assert index.rows(query) == [("pending", 0)]


def test_vectors_are_those_of_one_digest_for_ever(index: Index) -> None:
    spec = replace(FAKE_SPEC, digest="1" * 64)
    with index.database.transaction() as connection:
        [model] = all_models(connection)
        assert not record_digest(connection, model, replace(spec, dimension=96))
        assert record_digest(connection, model, spec)
        [model] = all_models(connection)
        assert not record_digest(connection, model, replace(spec, digest="2" * 64))
        assert working_model(connection).spec == spec
    with pytest.raises(DatabaseError, match="refused"), index.database.transaction() as connection:
        connection.execute("UPDATE models SET digest = 'other'")


def test_a_former_digest_is_replaced_by_the_one_that_all_hosts_agree_on(filled: Index) -> None:
    before, other = replace(FAKE_SPEC, digest="1" * 64), replace(FAKE_SPEC, digest="3" * 64, former_digest="4" * 64)
    now = replace(FAKE_SPEC, digest="2" * 64, former_digest="1" * 64)
    vectors = filled.rows("SELECT * FROM embeddings")
    with filled.database.transaction() as connection:
        [model] = all_models(connection)
        assert record_digest(connection, model, before)
        assert not record_digest(connection, working_model(connection), other)
        assert activate_model(connection, now).id == model.id
        assert record_digest(connection, working_model(connection), now)
        assert activate_model(connection, before).id == activate_model(connection, now).id == model.id
        [row] = all_models(connection)
    assert (row.spec.digest, row.spec.former_digest) == (now.digest, before.digest)
    assert filled.rows("SELECT * FROM embeddings") == vectors


@pytest.mark.parametrize("state", ["retired", "building", "active"])
def test_two_rows_that_are_one_model_become_one(filled: Index, state: str) -> None:
    """An older version knew a model by the name that was typed, and so may have stored one under two names."""
    spec = replace(FAKE_SPEC, digest="1" * 64)
    with filled.database.transaction() as connection:
        [first] = all_models(connection)
        second = build_model(connection, replace(FAKE_SPEC, name="fake/again"))
        if state == "retired":
            connection.execute("UPDATE models SET state = 'retired' WHERE id = %s", (second.id,))
        if state == "active":
            # Its first row was retired before a host knew what it is.
            connection.execute("UPDATE models SET state = 'retired' WHERE id = %s", (first.id,))
            connection.execute("UPDATE models SET state = 'active' WHERE id = %s", (second.id,))
        rows = all_models(connection)
        # A host that has only the second one's name was the first to say what it is.
        assert record_digest(connection, rows[1], spec)
        assert record_digest(connection, rows[0], spec)
        assert [model.spec.digest for model in all_models(connection)] == ["1" * 64]
        assert working_model(connection).id == rows[0].id


def test_searches_use_the_old_model_until_the_new_one_is_complete(filled: Index) -> None:
    with filled.database.transaction() as connection:
        build_model(connection, OTHER)
        assert complete_building(connection) is None
        assert working_model(connection).spec == FAKE_SPEC
    (filled.folder / "late.txt").write_text("came later")
    filled.scan()
    filled.extraction().run_batch()
    embed_all(filled)
    with filled.database.transaction() as connection:
        assert completed_model(connection).spec == OTHER
        assert working_model(connection).spec == OTHER
        assert building_model(connection) is None
        ids = working_model(connection).id
    assert filled.rows("SELECT count(*) FROM embeddings WHERE model_id = %s AND state = 'done'", ids) == [(11,)]


def test_a_worker_has_one_model_in_memory(filled: Index) -> None:
    loaded: list[ModelSpec] = []

    def load(spec: ModelSpec) -> FakeEmbedder:
        assert service.memory.loaded is None, "the memory of the other one is free"
        loaded.append(spec)
        return FakeEmbedder(spec)

    service = make_embed_service(filled.database, load=load)
    with filled.database.transaction() as connection:
        build_model(connection, OTHER)
    (filled.folder / "saved.txt").write_text("saved meanwhile")
    filled.scan()
    filled.extraction().run_batch()
    while service.run_turn():
        pass
    assert loaded == [FAKE_SPEC, OTHER]
    with filled.database.transaction() as connection:
        assert complete_building(connection) is not None
    service.run_turn()
    assert loaded == [FAKE_SPEC, OTHER]
    with filled.database.transaction() as connection:
        build_model(connection, FAKE_SPEC)
        assert complete_building(connection) is not None
        connection.execute("UPDATE models SET state = 'retired' WHERE state <> 'active'")
    service.run_turn()
    assert service.memory.loaded is None, "a retired model is unloaded"


def test_a_chunk_that_the_building_missed_is_found_before_the_switch(filled: Index) -> None:
    with filled.database.transaction() as connection:
        model = build_model(connection, OTHER)
    embed_all(filled)
    filled.rows(
        "DELETE FROM embeddings WHERE model_id = %s AND chunk_id = (SELECT min(id) FROM chunks) RETURNING 1", model.id
    )
    with filled.database.transaction() as connection:
        assert complete_building(connection) is None
    embed_all(filled)
    with filled.database.transaction() as connection:
        assert complete_building(connection) is not None


def test_chunks_are_not_compared_while_work_waits(filled: Index) -> None:
    with filled.database.transaction() as connection:
        model = build_model(connection, OTHER)
    filled.rows(
        "DELETE FROM embeddings WHERE model_id = %s AND chunk_id = (SELECT min(id) FROM chunks) RETURNING 1", model.id
    )
    with filled.database.transaction() as connection:
        assert complete_building(connection) is None
    assert filled.rows("SELECT count(*) FROM embeddings WHERE model_id = %s", model.id) == [(9,)]


def test_backing_out_keeps_the_old_model_and_stops_the_work(filled: Index) -> None:
    with filled.database.transaction() as connection:
        build_model(connection, OTHER)
        assert build_model(connection, FAKE_SPEC).spec == FAKE_SPEC
        assert building_model(connection) is None
    assert filled.embedding().run_turn() == 0
    with filled.database.transaction() as connection:
        assert working_model(connection).spec == FAKE_SPEC


def test_going_back_needs_no_new_vectors_until_the_old_ones_are_dropped(filled: Index) -> None:
    with filled.database.transaction() as connection:
        build_model(connection, OTHER)
    embed_all(filled)
    with filled.database.transaction() as connection:
        complete_building(connection)
        build_model(connection, FAKE_SPEC)
        assert completed_model(connection).spec == FAKE_SPEC, "its vectors are still there"
        assert drop_retired(connection, after_s=-1) == 1
    assert filled.rows("SELECT to_regclass('embeddings_2')") == [(None,)]
    assert filled.rows("SELECT count(*) FROM embeddings") == [(10,)]


def test_a_model_that_is_taken_back_at_this_moment_keeps_its_vectors(filled: Index) -> None:
    with filled.database.transaction() as connection:
        model = build_model(connection, OTHER)
        build_model(connection, FAKE_SPEC)

    def drop() -> int:
        with filled.database.transaction() as connection:
            return drop_retired(connection, after_s=-1)

    with ThreadPoolExecutor(1) as pool:
        with filled.database.transaction() as connection:
            build_model(connection, OTHER)
            dropped = pool.submit(drop)
            while not filled.rows("SELECT 1 FROM pg_locks WHERE NOT granted"):
                time.sleep(0.01)
        assert dropped.result() == 0
    assert filled.rows("SELECT to_regclass('embeddings_2') IS NOT NULL") == [(True,)]
    assert filled.rows("SELECT count(*) FROM embeddings WHERE model_id = %s", model.id) == [(10,)]


def test_an_index_has_one_multilingual_model_beside_the_active_one(filled: Index) -> None:
    first = replace(FAKE_SPEC, name="multilingual", digest="5" * 64, languages=("en", "de"))
    second = replace(FAKE_SPEC, name="another", digest="6" * 64)
    for spec in (first, first, second):
        with filled.database.transaction() as connection:
            start_multilingual(connection, spec)
        with filled.database.transaction() as connection:
            models = searched_models(connection)
        assert [model.spec for model in models] == [FAKE_SPEC, spec]
        assert models[1].spec.languages == spec.languages


def test_the_active_model_is_never_the_multilingual_one_too(filled: Index) -> None:
    with filled.database.transaction() as connection:
        assert start_multilingual(connection, FAKE_SPEC).spec == FAKE_SPEC
        assert [model.spec for model in searched_models(connection)] == [FAKE_SPEC]
