"""Workers of two models: whose chunks they embed next, and what they do on a machine that lacks a model."""

from __future__ import annotations

import pytest

from magicfs.db.vectors.embeddings import claim_chunks, claimable_models
from magicfs.db.vectors.models import multilingual_model
from magicfs.domain.ids import ModelId
from magicfs.domain.models import ModelSpec, ModelState
from magicfs.errors import ModelMissing
from tests.integration.pipeline.second_model import ENGLISH, MULTILINGUAL, TwoModels


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
        claim_chunks(connection, model=ModelId(1), owner="embed-2@here", limit=1, max_tokens=1, seconds=60)
    service = models.worker()
    with models.index.database.transaction() as connection:
        second = multilingual_model(connection)
    batch = service.claim_batch()
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
    alone = models.worker(model=ENGLISH.name).claim_batch()
    assert alone is not None
    assert alone.is_alone
    models.index.rows("UPDATE embeddings SET lease = NULL, leased_until = NULL RETURNING 1")
    models.start()
    batch = models.worker(model=model.name).claim_batch()
    assert batch is not None
    assert not batch.is_alone


def test_a_worker_of_one_model_embeds_its_chunks_alone(models: TwoModels) -> None:
    models.start()
    models.write_both()
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
    models.write_both()
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
    monkeypatch.setattr("magicfs.pipeline.model_memory.LACKING_SECONDS", 0.0)
    models.lacking = set()
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
    monkeypatch.setattr("magicfs.pipeline.model_memory.LACKING_SECONDS", 0.0)
    # Until its turn ends, a worker tries the model that it lacks again and again.
    monkeypatch.setattr("magicfs.pipeline.embed.TURN_SECONDS", 0.1)
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
    models.write_both()
    models.read_saved("two-de.txt")
    models.embed(models.worker(paused=lambda: True))
    assert models.states() == {"good day": ("pending 0", "pending -1"), "Guten Tag": ("unread", "done")}
