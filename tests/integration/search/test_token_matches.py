"""Searches whose candidates are in other languages, with tokens that the test chooses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from magicfs.db.pool import Database
from magicfs.db.vectors.renewal import renew_multilingual
from magicfs.domain.token_vectors import DIMENSION, pack_signs
from magicfs.search import token_matches
from magicfs.search.service import SearchService
from tests.integration.search.corpus import ChosenVectors, Corpus, unit
from tests.integration.search.test_round_trips import recorded
from tests.integration.search.test_two_models import GERMAN, SECOND, TwoModels

TOKENS: NDArray[np.float32] = np.random.default_rng(7).standard_normal((12, DIMENSION)).astype(np.float32)
ASKED, OTHERS = TOKENS[:4], TOKENS[4:]
DISTANT = (0.75, 0.66), (0.7, 0.71), (0.65, 0.76)
"""The vectors of the texts; the question has the first axis."""


@pytest.fixture
def models(database: Database, corpus: Corpus, vectors: ChosenVectors) -> TwoModels:
    """Three texts in Spanish, the nearest first. The last one has the tokens of the question, which is German."""
    models = TwoModels(database, corpus)
    with database.transaction() as connection:
        connection.execute(
            "UPDATE models SET floor_across = 0.3, ceiling_across = 0.9 WHERE name = 'test/every-language'"
        )
    vectors.second[GERMAN], vectors.tokens[GERMAN] = unit(1, 0), ASKED
    for text, vector in zip(("uno", "dos", "tres"), DISTANT, strict=True):
        models.add(f"{text}.txt".encode(), text, second=vector, language="es")
        add_tokens(database, models, text, ASKED if text == "tres" else OTHERS)
    return models


def add_tokens(database: Database, models: TwoModels, text: str, tokens: NDArray[np.float32]) -> None:
    with database.transaction() as connection:
        connection.execute(
            "UPDATE embeddings SET token_signs = %s WHERE chunk_id = (SELECT id FROM chunks WHERE text = %s) "
            "AND model_id = %s",
            (pack_signs(tokens, range(len(tokens))), text, models.second.id),
        )


def found(service: SearchService, question: str = GERMAN) -> list[tuple[bytes, float]]:
    return [(hit.name, hit.score) for hit in service.search(question, deadline_s=60).hits]


def test_the_text_with_the_tokens_of_the_question_comes_first_with_the_score_of_the_nearest(
    models: TwoModels, service: SearchService, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(token_matches, "COMPARED", 0)
        without = found(service)
    assert [name for name, _ in without] == [b"uno.txt", b"dos.txt", b"tres.txt"]
    compared = found(service)
    assert [name for name, _ in compared] == [b"tres.txt", b"uno.txt", b"dos.txt"]
    assert [score for _, score in compared] == [score for _, score in without]


def test_a_text_without_tokens_keeps_its_similarity(
    database: Database, models: TwoModels, service: SearchService
) -> None:
    with database.transaction() as connection:
        connection.execute("UPDATE embeddings SET token_signs = NULL")
    without = found(service)
    assert [name for name, _ in without] == [b"uno.txt", b"dos.txt", b"tres.txt"]
    add_tokens(database, models, "tres", ASKED)
    assert found(service) == without


def test_the_tokens_of_a_model_that_searches_do_not_use_yet_say_nothing(
    database: Database, models: TwoModels, service: SearchService
) -> None:
    with database.transaction() as connection:
        assert renew_multilingual(connection, replace(SECOND, digest="3" * 64))
        connection.execute(
            "INSERT INTO embeddings (model_id, chunk_id, state, token_signs) "
            "SELECT models.id, chunks.id, 'pending', %s FROM models, chunks WHERE models.state = 'renewing' "
            "ON CONFLICT (model_id, chunk_id) DO UPDATE SET token_signs = excluded.token_signs",
            (pack_signs(OTHERS, range(len(OTHERS))),),
        )
    assert [name for name, _ in found(service)] == [b"tres.txt", b"uno.txt", b"dos.txt"]


def test_an_answer_in_the_questions_language_stays_first(
    database: Database, models: TwoModels, service: SearchService
) -> None:
    models.add(b"german.txt", "eins", second=(0.98, 0.2), language="de")
    add_tokens(database, models, "eins", OTHERS)
    assert [name for name, _ in found(service)] == [b"german.txt", b"tres.txt", b"uno.txt", b"dos.txt"]


def test_an_explanation_agrees_with_the_results(database: Database, models: TwoModels, service: SearchService) -> None:
    hits = service.search(GERMAN, deadline_s=60).hits
    assert hits[0].name == b"tres.txt"
    for hit in hits:
        standing = service.explain(GERMAN, file=hit.file_id, deadline_s=60)
        assert standing.rank == hit.rank
        assert standing.measures is not None
        assert standing.measures.vector == pytest.approx(hit.vector)


@pytest.mark.parametrize(("language", "more"), [("es", 1), ("de", 0)])
def test_texts_in_other_languages_are_compared_by_one_statement_more(
    database: Database, models: TwoModels, service: SearchService, tmp_path: Path, language: str, more: int
) -> None:
    with database.transaction() as connection:
        connection.execute("UPDATE contents SET language = %s", (language,))
    taken = []
    for compared in (0, token_matches.COMPARED):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(token_matches, "COMPARED", compared)
            found(service)
            with recorded(tmp_path / str(compared)) as traffic:
                assert found(service)
        taken.append(traffic.statements)
    assert taken[1] - taken[0] == more
