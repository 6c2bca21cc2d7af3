"""Searches of an index with a multilingual model beside the active one: a test for each rule."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from pgvector import HalfVector

from magicfs.db.connection import accept_vectors
from magicfs.db.pool import Database
from magicfs.db.vectors.model_changes import start_multilingual, stop_multilingual
from magicfs.db.vectors.multilingual import is_asked_foreign
from magicfs.domain.models import ModelSpec, Precision
from magicfs.errors import EmbedderUnavailable, LanguageUnread, MagicFSError, ModelMissing
from magicfs.search.service import SearchService
from tests.integration.search.corpus import SPEC, ChosenVectors, Corpus, unit

SECOND = ModelSpec("test/every-language", Precision.FP32, dimension=2, max_tokens=256, digest="2" * 64)
ENGLISH = "where is the rental agreement for the new flat"
GERMAN = "Wo ist der Mietvertrag für die neue Wohnung?"


class TwoModels:
    """Adds files with the vectors that each model has of their only chunk. The active model reads English."""

    def __init__(self, database: Database, corpus: Corpus) -> None:
        self._database = database
        self._corpus = corpus
        with database.transaction() as connection:
            connection.execute("UPDATE models SET languages = '{en}' WHERE id = %s", (corpus.model,))
            self.second = start_multilingual(connection, SECOND)

    def add(
        self,
        path: bytes,
        text: str,
        *,
        active: Sequence[float] = (),
        second: Sequence[float] = (),
        language: str = "en",
        mime_type: str = "text/plain",
    ) -> None:
        self._corpus.add(path, text, language=language, mime_type=mime_type)
        for model, vector in ((self._corpus.model, active), (self.second.id, second)):
            with self._database.transaction() as connection:
                accept_vectors(connection)
                connection.execute(
                    "UPDATE embeddings SET vector = %s, state = CASE WHEN %s THEN 'done' ELSE 'unread' END"
                    "::embedding_state "
                    "WHERE chunk_id = (SELECT id FROM chunks WHERE text = %s) AND model_id = %s",
                    (HalfVector(unit(*vector)) if vector else None, bool(vector), text, model),
                )


@pytest.fixture
def models(database: Database, corpus: Corpus) -> TwoModels:
    return TwoModels(database, corpus)


def names(service: SearchService, question: str) -> list[bytes]:
    return [hit.name for hit in service.search(question, deadline_s=60).hits]


def test_each_model_that_reads_the_question_embeds_it(
    models: TwoModels, vectors: ChosenVectors, service: SearchService
) -> None:
    names(service, ENGLISH)
    assert vectors.asked == [(ENGLISH, SPEC.name), (ENGLISH, SECOND.name)]
    vectors.asked.clear()
    names(service, GERMAN)
    assert vectors.asked == [(GERMAN, SECOND.name)], "the active model reads English alone"
    vectors.asked.clear()
    names(service, "tax invoice")
    assert [name for _, name in vectors.asked] == [SPEC.name, SECOND.name]


def test_a_chunk_is_as_near_as_the_mean_of_its_vectors(
    models: TwoModels, vectors: ChosenVectors, service: SearchService
) -> None:
    vectors.vectors[ENGLISH], vectors.second[ENGLISH] = unit(1, 0, 0), unit(1, 0)
    models.add(b"both.txt", "one", active=(0.8, 0.6, 0), second=(0.56, 0.83))
    models.add(b"first.txt", "two", active=(0.75, 0.66, 0))
    models.add(b"second.txt", "drei", second=(0.65, 0.76), language="de")
    hits = {hit.name: hit.vector for hit in service.search(ENGLISH, deadline_s=60).hits}
    assert list(hits) == [b"first.txt", b"both.txt", b"second.txt"]
    assert hits[b"both.txt"] == pytest.approx(0.7, abs=0.01)
    assert hits[b"first.txt"] == pytest.approx(0.75, abs=0.01)
    assert hits[b"second.txt"] == pytest.approx(0.65, abs=0.01)


@pytest.mark.parametrize(
    ("active", "second", "said"),
    [
        ((0.8, 0.6, 0), (), [(pytest.approx(0.8, abs=0.01), ""), (None, "the model does not read its language")]),
        ((), (0.65, 0.76), [(None, "the model does not read its language"), (pytest.approx(0.65, abs=0.01), "")]),
    ],
)
def test_an_explanation_says_which_model_has_no_vector_of_a_text(
    models: TwoModels,
    vectors: ChosenVectors,
    service: SearchService,
    active: Sequence[float],
    second: Sequence[float],
    said: list[tuple[object, str]],
) -> None:
    vectors.vectors[ENGLISH], vectors.second[ENGLISH] = unit(1, 0, 0), unit(1, 0)
    models.add(b"one.txt", "one", active=active, second=second)
    (hit,) = service.search(ENGLISH, deadline_s=60).hits
    measures = service.explain(ENGLISH, file=hit.file_id, deadline_s=60).measures
    assert measures is not None
    assert [(similarity, why) for _, similarity, why in measures.by_model] == said


@pytest.mark.parametrize("limited", [True, False])
def test_what_one_model_finds_is_measured_by_the_other(
    models: TwoModels, vectors: ChosenVectors, service: SearchService, monkeypatch: pytest.MonkeyPatch, limited: bool
) -> None:
    monkeypatch.setattr("magicfs.search.request.MAX_CANDIDATES", 2)
    monkeypatch.setattr("magicfs.search.service.MAX_ENUMERATED_CHUNKS", 100 if limited else 0)
    vectors.vectors[ENGLISH], vectors.second[ENGLISH] = unit(1, 0, 0), unit(1, 0)
    models.add(b"a.txt", "one", active=(1, 0, 0), second=(-1, 0))
    models.add(b"b.txt", "two", active=(0.9, 0.4, 0), second=(0.9, 0.4))
    for number in range(3):
        models.add(b"far%d.txt" % number, f"three {number}", active=(0, 1, 0), second=(0, 1))
    question = f"{ENGLISH} ext:txt" if limited else ENGLISH
    vectors.vectors[ENGLISH], vectors.second[ENGLISH] = unit(1, 0, 0), unit(1, 0)
    result = service.search(question, limit=1, deadline_s=60)
    assert [hit.name for hit in result.hits] == [b"b.txt"]


@pytest.mark.parametrize("error", [ModelMissing("not here"), EmbedderUnavailable("it died"), LanguageUnread("no")])
def test_a_second_model_that_fails_leaves_the_active_one(
    models: TwoModels, vectors: ChosenVectors, service: SearchService, error: MagicFSError
) -> None:
    vectors.vectors[ENGLISH], vectors.second[ENGLISH] = unit(1, 0, 0), error
    models.add(b"a.txt", "one", active=(1, 0, 0), second=(1, 0))
    result = service.search(ENGLISH, deadline_s=60)
    assert [hit.name for hit in result.hits] == [b"a.txt"]
    assert result.notices == ()


def test_without_the_active_model_the_other_is_used_and_a_notice_says_so(
    models: TwoModels, vectors: ChosenVectors, service: SearchService
) -> None:
    vectors.vectors[ENGLISH], vectors.second[ENGLISH] = ModelMissing("it is not here"), unit(1, 0)
    models.add(b"a.txt", "one", active=(1, 0, 0), second=(1, 0))
    result = service.search(ENGLISH, deadline_s=60)
    assert [hit.name for hit in result.hits] == [b"a.txt"]
    assert result.notices == (f"found without the vectors of {SPEC.label}: it is not here",)


def test_a_model_that_fails_is_logged_once_until_it_works_again(
    models: TwoModels, vectors: ChosenVectors, service: SearchService, caplog: pytest.LogCaptureFixture
) -> None:
    def search(second: np.ndarray | MagicFSError) -> list[str]:
        caplog.clear()
        vectors.vectors[ENGLISH], vectors.second[ENGLISH] = unit(1, 0, 0), second
        service.search(ENGLISH, deadline_s=60)
        return [record.getMessage() for record in caplog.records if record.name.startswith("magicfs.search")]

    caplog.set_level("INFO")
    [line] = search(ModelMissing("it is not here"))
    assert "it is not here" in line
    assert search(ModelMissing("it is not here")) == []
    [line] = search(unit(1, 0))
    assert "again" in line
    assert len(search(ModelMissing("it is not here"))) == 1


def test_the_log_forgets_a_model_that_the_index_has_not_any_more(
    models: TwoModels,
    database: Database,
    vectors: ChosenVectors,
    service: SearchService,
    caplog: pytest.LogCaptureFixture,
) -> None:
    vectors.vectors[ENGLISH], vectors.second[ENGLISH] = unit(1, 0, 0), ModelMissing("the second is not here")
    service.search(ENGLISH, deadline_s=60)
    with database.transaction() as connection:
        stop_multilingual(connection)
    service.search(ENGLISH, deadline_s=60)
    vectors.vectors[ENGLISH] = ModelMissing("the first is not here")
    service.search(ENGLISH, deadline_s=60)
    assert "the first is not here" in caplog.text


def test_without_any_vector_words_find_alone(models: TwoModels, vectors: ChosenVectors, service: SearchService) -> None:
    vectors.second[GERMAN] = ModelMissing("it is not here: run `magicfs model pull`")
    result = service.search(GERMAN, deadline_s=60)
    assert result.notices == ("found by words alone: it is not here: run `magicfs model pull`",)


def test_the_notice_names_what_can_be_mended(models: TwoModels, vectors: ChosenVectors, service: SearchService) -> None:
    vectors.vectors["Kwyjibo"], vectors.second["Kwyjibo"] = LanguageUnread("unread"), ModelMissing("it is not here")
    assert service.search("Kwyjibo", deadline_s=60).notices == ("found by words alone: it is not here",)


def scaled(database: Database) -> None:
    """Give the second model the scales of one that finds texts in the question's language nearer."""
    with database.transaction() as connection:
        connection.execute(
            "UPDATE models SET floor = 0.5, ceiling = 0.9, floor_across = 0.3, ceiling_across = 0.5 WHERE name = %s",
            (SECOND.name,),
        )


def test_an_answer_in_another_language_is_shown_below_one_in_the_questions_language(
    database: Database, models: TwoModels, vectors: ChosenVectors, service: SearchService
) -> None:
    scaled(database)
    vectors.second[GERMAN] = unit(1, 0)
    models.add(b"german.txt", "eins", second=_at(0.75), language="de")
    models.add(b"unrelated.txt", "zwei", second=_at(0.5), language="de")
    models.add(b"english.txt", "two", second=_at(0.48), language="en")
    models.add(b"spanish.txt", "tres", second=_at(0.3), language="es")
    hits = service.search(GERMAN, deadline_s=60).hits
    assert [hit.name for hit in hits] == [b"german.txt", b"english.txt"]
    assert [hit.vector for hit in hits] == [pytest.approx(0.5, abs=0.01), pytest.approx(0.5, abs=0.01)]


def test_a_near_text_in_another_language_comes_after_an_answer_in_the_questions_language_and_before_other_texts(
    database: Database, models: TwoModels, vectors: ChosenVectors, service: SearchService
) -> None:
    """Related languages are nearer to each other than the scale across languages expects."""
    scaled(database)
    vectors.second[GERMAN] = unit(1, 0)
    models.add(b"unrelated.txt", "eins", second=_at(0.6), language="de")
    models.add(b"spanish.txt", "uno", second=_at(0.85), language="es")
    assert names(service, GERMAN)[0] == b"spanish.txt"
    models.add(b"german.txt", "zwei", second=_at(0.95), language="de")
    assert names(service, GERMAN)[0] == b"german.txt"


def _at(cosine: float) -> tuple[float, float]:
    """A vector with a cosine to the vector (1, 0)."""
    return cosine, float(np.sqrt(1 - cosine**2))


def test_a_text_whose_language_is_not_known_is_measured_as_one_in_the_questions(
    database: Database, models: TwoModels, vectors: ChosenVectors, service: SearchService, corpus: Corpus
) -> None:
    scaled(database)
    vectors.second[GERMAN] = unit(1, 0)
    models.add(b"unknown.txt", "zwei", second=_at(0.6))
    with database.transaction() as connection:
        connection.execute("UPDATE contents SET language = NULL")
    (hit,) = service.search(GERMAN, deadline_s=60).hits
    assert hit.vector == pytest.approx(0.2, abs=0.01), "on the scale within a language; across, it is 0.83"


def test_an_answer_in_another_language_comes_first_before_the_second_vectors_are_made(
    database: Database, models: TwoModels, vectors: ChosenVectors, service: SearchService
) -> None:
    """It has a vector of the multilingual model alone, and the other candidates have one of the active model alone."""
    scaled(database)
    vectors.vectors[ENGLISH], vectors.second[ENGLISH] = unit(1, 0, 0), unit(1, 0)
    models.add(b"vertrag.md", "eins", second=_at(0.67), language="de")
    for number in range(20):
        models.add(b"%d.txt" % number, f"a new rental with number {number}", active=(*_at(0.1), 0))
    assert names(service, ENGLISH)[0] == b"vertrag.md"


def test_code_is_not_measured_as_a_text_in_another_language(
    database: Database, models: TwoModels, vectors: ChosenVectors, service: SearchService
) -> None:
    """Pieces of code and data are a little near to every question; on that scale they came before its answers."""
    scaled(database)
    vectors.second[GERMAN] = unit(1, 0)
    models.add(b"vertrag.md", "eins", second=_at(0.75), language="de")
    models.add(b"letter.txt", "two", second=_at(0.48))
    models.add(b"config.json", "three", second=_at(0.5), mime_type="application/json")
    models.add(b"setup.py", "four", second=_at(0.5), mime_type="text/x-python")
    assert names(service, GERMAN) == [b"vertrag.md", b"letter.txt"]


def test_an_explanation_has_what_each_model_says(
    database: Database, models: TwoModels, vectors: ChosenVectors, service: SearchService
) -> None:
    vectors.vectors[ENGLISH], vectors.second[ENGLISH] = unit(1, 0, 0), unit(1, 0)
    models.add(b"both.txt", "one", active=(0.8, 0.6, 0), second=(0.6, 0.8))
    models.add(b"german.txt", "zwei", second=(0.6, 0.8), language="de")
    with database.transaction() as connection:
        files = dict(connection.execute("SELECT display, id FROM files").fetchall())
    both = service.explain(ENGLISH, file=files["both.txt"], deadline_s=60).measures
    assert both is not None
    assert [(label, why) for label, _, why in both.by_model] == [(SPEC.label, ""), (SECOND.label, "")]
    assert [value for _, value, _ in both.by_model] == [pytest.approx(0.8, abs=0.01), pytest.approx(0.6, abs=0.01)]
    german = service.explain(ENGLISH, file=files["german.txt"], deadline_s=60).measures
    assert german is not None
    assert german.by_model[0] == (SPEC.label, None, "the model does not read its language")
    assert german.vector == pytest.approx(0.6, abs=0.01)


def test_a_question_in_a_language_that_no_model_reads_is_recorded(
    database: Database, corpus: Corpus, vectors: ChosenVectors, service: SearchService
) -> None:
    def is_recorded() -> bool:
        with database.transaction() as connection:
            return is_asked_foreign(connection)

    with database.transaction() as connection:
        connection.execute("UPDATE models SET languages = '{en}' WHERE id = %s", (corpus.model,))
    vectors.vectors[GERMAN] = unit(1, 0, 0)
    for question in (ENGLISH, "tomato soup", "ext:md", "Mietvertrag"):
        names(service, question)
        assert not is_recorded(), question
    corpus.add(b"a.txt", "eins", vectors=[unit(1, 0, 0)])
    assert names(service, GERMAN) == [b"a.txt"], "the only model is used, whatever it reads"
    assert is_recorded()


def test_three_words_that_a_text_has_come_before_what_is_merely_near(
    models: TwoModels, vectors: ChosenVectors, service: SearchService
) -> None:
    question = "change light bulb"
    vectors.vectors[question], vectors.second[question] = unit(1, 0, 0), unit(1, 0)
    story = "he sat at the window for hours and nobody came to see him on that day"
    models.add(b"exact", f"Change, {story}, light, {story}, bulb", active=(0.5, 1, 0), second=(0.5, 1))
    models.add(b"near", "Lamps", active=(1, 0, 0), second=(1, 0))
    for number in range(8):
        for some in ("a light bulb", "a change"):
            models.add(f"{some} {number}".encode(), f"{some} and {number}", active=(0, 0, 1), second=(0, 1))
    assert names(service, question)[0] == b"exact"
