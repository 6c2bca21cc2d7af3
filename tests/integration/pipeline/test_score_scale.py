"""The embed worker measures what cosines say in the corpus, and searches read it with the model."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from magicfs.db.vectors import score_scale as score_scale_db
from magicfs.db.vectors.model_changes import start_multilingual
from magicfs.db.vectors.models import active_model
from magicfs.domain.models import ModelSpec, Precision
from magicfs.domain.scales import CorpusScale
from magicfs.embedding.embedder import Embedder
from magicfs.errors import ModelCorrupt
from magicfs.pipeline import scale_keeper, score_scale
from magicfs.pipeline.embed import EmbedService
from tests.fakes.embedder import FakeEmbedder
from tests.plugins.index import Index
from tests.plugins.services import make_embed_service

WORDS = [
    "harvest",
    "river",
    "engine",
    "letter",
    "garden",
    "market",
    "winter",
    "bridge",
    "school",
    "island",
    "music",
    "doctor",
]


def write(index: Index, first: int, last: int) -> None:
    for number in range(first, last):
        words = [WORDS[(number * step) % len(WORDS)] for step in (1, 3, 5, 7)]
        (index.folder / f"{number}.txt").write_text(f"Number {number} is about {' and '.join(words)}.")


def scale_of(index: Index) -> CorpusScale | None:
    with index.database.transaction() as connection:
        model = active_model(connection)
    assert model is not None
    return model.scale


def test_a_corpus_is_measured_when_nothing_waits_and_again_when_it_has_grown(index: Index) -> None:
    write(index, 0, 40)
    index.settle()
    first = scale_of(index)
    assert first is not None
    assert first.vectors == 40
    assert first.whole is not None
    assert first.whole.floor < first.whole.ceiling
    write(index, 40, 45)
    index.settle()
    assert scale_of(index) == first, "an eighth more changes nothing"
    write(index, 45, 60)
    index.settle()
    grown = scale_of(index)
    assert grown is not None
    assert grown.vectors == 60


def test_the_same_texts_have_the_same_scale(index: Index) -> None:
    write(index, 0, 40)
    index.settle()
    first = scale_of(index)
    index.rows("UPDATE models SET scale = NULL RETURNING 1")
    (index.folder / "0.txt").rename(index.folder / "moved.txt")
    write(index, 40, 41)
    index.settle()
    assert first is not None
    second = scale_of(index)
    assert second is not None
    assert second.vectors == 41
    assert second.whole is not None
    assert first.whole is not None
    assert second.whole.floor == pytest.approx(first.whole.floor, abs=0.02)


def test_a_small_corpus_has_the_scale_of_its_model(index: Index) -> None:
    write(index, 0, 20)
    index.settle()
    assert scale_of(index) is None


def fail(embedder: Embedder) -> None:
    raise ModelCorrupt("it does not answer")


def test_a_failure_leaves_the_scale_of_before_and_the_vectors(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score_scale, "embed_questions", fail)
    write(index, 0, 40)
    index.settle()
    assert scale_of(index) is None
    assert index.rows("SELECT count(*) FROM embeddings WHERE state = 'done'") == [(40,)]


def settle_with(service: EmbedService, index: Index) -> None:
    """As `Index.settle`, with an embed worker that goes on."""
    index.end_pauses()
    index.scan()
    while index.extraction().run_batch():
        pass
    while service.run_turn():
        pass


def test_a_failed_measurement_is_tried_again(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    service = index.embedding()
    write(index, 0, 100)
    settle_with(service, index)
    write(index, 100, 130)
    with monkeypatch.context() as failing:
        failing.setattr(score_scale, "embed_questions", fail)
        settle_with(service, index)
    before = scale_of(index)
    assert before is not None
    assert before.vectors == 100
    write(index, 130, 131)
    settle_with(service, index)
    after = scale_of(index)
    assert after is not None
    assert after.vectors == 131


def test_a_measurement_lets_a_saved_file_go_first(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    service, embedded = index.embedding(), index.embedder.embed_query
    asked: list[str] = []

    def embed(text: str) -> NDArray[np.float32]:
        asked.append(text)
        if len(asked) == 10:
            write(index, 40, 41)
            index.scan()
            while index.extraction().run_batch():
                pass
        return embedded(text)

    monkeypatch.setattr(index.embedder, "embed_query", embed)
    monkeypatch.setattr(index.embedder, "embed_passages", lambda texts: np.stack([embedded(text) for text in texts]))
    write(index, 0, 40)
    index.scan()
    while index.extraction().run_batch():
        pass
    service.run_turn()
    assert len(asked) < 10 + scale_keeper.CHECK_AFTER_SENTENCES + 1, "the file waits no longer than that"
    assert scale_of(index) is None
    while service.run_turn():
        pass
    measured = scale_of(index)
    assert measured is not None
    assert measured.vectors == 41
    assert len(asked) == len(set(asked)), "nothing is embedded twice"


def test_a_worker_measures_what_one_that_died_has_left(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    write(index, 0, 40)
    with monkeypatch.context() as dying:
        dying.setattr(EmbedService, "_measure_scores", lambda _service, **_: None)
        settle_with(index.embedding(), index)
    assert scale_of(index) is None
    follower = index.embedding()
    follower.warm_up()
    assert follower.run_turn() == 0
    measured = scale_of(index)
    assert measured is not None
    assert measured.vectors == 40


class Killed(BaseException):
    """The worker's process is gone: nothing of it runs any more."""


def kill(embedder: Embedder) -> None:
    raise Killed


def die_measuring(index: Index, monkeypatch: pytest.MonkeyPatch, owner: str) -> None:
    """Settle with a worker that is killed while it measures: it does not even release its claim."""
    with monkeypatch.context() as dying:
        dying.setattr(score_scale, "embed_questions", kill)
        dying.setattr(score_scale_db, "release", lambda *_: None)
        with pytest.raises(Killed):
            settle_with(index.embedding(owner), index)


def end_claims(index: Index) -> None:
    index.rows("UPDATE models SET scale_claimed_until = now() - interval '1 second' RETURNING 1")


def waits(index: Index) -> bool:
    with index.database.transaction() as connection:
        model = active_model(connection)
        assert model is not None
        return score_scale_db.waits(connection, model)


def test_a_worker_that_goes_on_measures_what_a_killed_one_has_left(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has looked at the corpus before, and has embedded nothing of what came since."""
    monkeypatch.setattr(scale_keeper, "CHECK_SECONDS", 0.0)
    survivor = index.embedding("embed-2@here")
    write(index, 0, 40)
    settle_with(survivor, index)
    write(index, 40, 60)
    die_measuring(index, monkeypatch, "embed-1@here")
    assert survivor.run_turn() == 0
    former = scale_of(index)
    assert former is not None
    assert former.vectors == 40, "the claim of the killed worker has not ended yet"
    assert not waits(index)
    end_claims(index)
    assert waits(index), "the agent notifies the workers"
    assert survivor.run_turn() == 0
    measured = scale_of(index)
    assert measured is not None
    assert measured.vectors == 60
    assert not waits(index)


def test_no_worker_is_notified_where_an_estimate_alone_says_that_the_corpus_has_grown(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would count, and have loaded the model for nothing, each minute again."""
    write(index, 0, 40)
    settle_with(index.embedding(), index)
    monkeypatch.setattr(score_scale_db, "_estimate_vectors", lambda *_: 60)
    assert not waits(index)
    monkeypatch.setattr(score_scale_db, "_estimate_vectors", lambda *_: 41)
    assert not waits(index)


def test_a_worker_measures_models_that_it_does_not_have_in_memory(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    def worker(owner: str, model: str | None = None) -> EmbedService:
        return make_embed_service(index.database, load=FakeEmbedder, owner=owner, model=model)

    write(index, 0, 40)
    with index.database.transaction() as connection:
        spec = ModelSpec("fake/every-language", Precision.FP32, dimension=384, max_tokens=256, digest="2" * 64)
        start_multilingual(connection, spec)
    with monkeypatch.context() as dying:
        dying.setattr(EmbedService, "_measure_scores", lambda _service, **_: None)
        for name in (spec.name, index.embedder.spec.name):
            settle_with(worker(f"embed-{name}@here", name), index)
    assert index.rows("SELECT count(*) FROM embeddings WHERE state = 'done'") == [(80,)]
    worker("embed-2@here").run_turn()
    assert index.rows("SELECT scale->'vectors' FROM models") == [(40,), (40,)]


def test_one_worker_at_a_time_measures(index: Index) -> None:
    write(index, 0, 40)
    with index.database.transaction() as connection:
        model = active_model(connection)
        assert model is not None
        assert score_scale_db.lease(connection, model.id)
    settle_with(index.embedding(), index)
    assert scale_of(index) is None
    with index.database.transaction() as connection:
        score_scale_db.release(connection, model.id)
    settle_with(index.embedding(), index)
    assert scale_of(index) is not None
