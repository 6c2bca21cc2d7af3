"""The vectors of the multilingual model are made anew, because a new version prepares it in a better form."""

from __future__ import annotations

from dataclasses import replace

import pytest

from magicfs.db.corpus.failures import iterate_failures, retry_failures
from magicfs.db.corpus.rechunk import replace_chunks
from magicfs.db.status import models_with_backlog, read_status
from magicfs.db.vectors.model_changes import build_model, stop_multilingual
from magicfs.db.vectors.models import all_models, multilingual_model, renewing_model, searched_models
from magicfs.db.vectors.renewal import renew_multilingual
from magicfs.domain.chunks import Chunk
from magicfs.domain.models import ModelSpec, ModelState
from tests.integration.pipeline.second_model import ENGLISH, MULTILINGUAL, RENEWED, TwoModels
from tests.plugins.services import make_maintenance


def renew(models: TwoModels, spec: ModelSpec = RENEWED) -> bool:
    with models.index.database.transaction() as connection:
        return renew_multilingual(connection, spec)


def searched(models: TwoModels) -> list[str]:
    with models.index.database.transaction() as connection:
        return [model.spec.name for model in searched_models(connection)]


def renewing(models: TwoModels) -> str | None:
    with models.index.database.transaction() as connection:
        model = renewing_model(connection)
    return model.spec.name if model else None


@pytest.fixture
def begun(models: TwoModels) -> TwoModels:
    """An index whose vectors have been made, and begin to be made anew."""
    models.start()
    models.write_both()
    models.settle()
    assert renew(models)
    return models


def test_searches_use_the_vectors_of_before_until_all_new_ones_are_there(begun: TwoModels) -> None:
    assert begun.rows() == {
        "good day": {"english": "done", "multilingual": "done", "renewed": "pending -1"},
        "Guten Tag": {"english": "unread", "multilingual": "done", "renewed": "pending -1"},
    }
    make_maintenance(begun.index.database).sweep()
    assert searched(begun) == [ENGLISH.name, MULTILINGUAL.name]
    with begun.index.database.transaction() as connection:
        assert models_with_backlog(connection) == []
        roles = {model.role: model.second_vectors for model in read_status(connection).models}
    assert roles == {ModelState.ACTIVE: 0, ModelState.MULTILINGUAL: 0, ModelState.RENEWING: 2}
    coverage = begun.index.coverage()
    assert (coverage.chunks, coverage.embedded) == (2, 2)
    begun.settle()
    begun.settle()
    assert searched(begun) == [ENGLISH.name, RENEWED.name]
    assert begun.rows() == {
        "good day": {"english": "done", "renewed": "done"},
        "Guten Tag": {"english": "unread", "renewed": "done"},
    }
    with begun.index.database.transaction() as connection:
        assert [model.state for model in all_models(connection)] == [
            ModelState.ACTIVE,
            ModelState.MULTILINGUAL,
            ModelState.RETIRED,
        ]


def test_what_is_saved_meanwhile_is_found_as_soon_as_before(begun: TwoModels) -> None:
    begun.write("three-en.txt", "good night")
    begun.write("four-de.txt", "Gute Nacht")
    begun.read_saved()
    rows = begun.rows()
    assert rows["good night"] == {"english": "pending 1", "multilingual": "pending -1", "renewed": "pending -1"}
    assert rows["Gute Nacht"] == {"english": "unread", "multilingual": "pending 1", "renewed": "pending -1"}
    begun.settle()
    begun.settle()
    assert searched(begun) == [ENGLISH.name, RENEWED.name]
    assert begun.rows()["Gute Nacht"] == {"english": "unread", "renewed": "done"}


def test_pieces_of_a_chunk_wait_behind_everything_else(begun: TwoModels) -> None:
    [(chunk,)] = begun.index.rows("SELECT id FROM chunks WHERE text = 'Guten Tag'")
    with begun.index.database.transaction() as connection:
        replace_chunks(connection, {chunk: [Chunk("Guten", 1, 1, 1), Chunk("Tag", 1, 1, 1)]})
    assert begun.rows()["Tag"] == {"english": "unread", "multilingual": "pending 0", "renewed": "pending -1"}


def test_it_begins_once(begun: TwoModels) -> None:
    assert not renew(begun)
    assert not renew(begun, MULTILINGUAL)
    assert not renew(begun, ENGLISH)
    newer = replace(RENEWED, name="fake/newer", digest="4" * 64)
    assert renew(begun, newer)
    assert renewing(begun) == newer.name


def test_no_vector_is_lost_by_one_that_cannot_be_made(begun: TwoModels) -> None:
    [(chunk,)] = begun.index.rows("SELECT id FROM chunks WHERE text = 'Guten Tag'")
    begun.index.rows(
        "UPDATE embeddings e SET state = 'failed', reason = 'crash' FROM models m"
        " WHERE m.id = e.model_id AND m.state = 'renewing' AND e.chunk_id = %s RETURNING 1",
        chunk,
    )
    begun.settle()
    begun.settle()
    assert (renewing(begun), searched(begun)) == (RENEWED.name, [ENGLISH.name, MULTILINGUAL.name])
    with begun.index.database.transaction() as connection:
        [failed] = iterate_failures(connection, reason=None, skipped=False, limit=10)
        assert "keep their former vector, and have none of the better form of" in (failed.detail or "")
        retry_failures(connection)
    begun.settle()
    begun.settle()
    assert (renewing(begun), searched(begun)) == (None, [ENGLISH.name, RENEWED.name])


def test_an_index_without_a_multilingual_model_gets_none(models: TwoModels) -> None:
    assert not renew(models)
    assert searched(models) == [ENGLISH.name]


def test_it_ends_with_the_multilingual_model(begun: TwoModels) -> None:
    with begun.index.database.transaction() as connection:
        stop_multilingual(connection)
    assert (renewing(begun), searched(begun)) == (None, [ENGLISH.name])
    make_maintenance(begun.index.database).sweep()
    assert (renewing(begun), searched(begun)) == (None, [ENGLISH.name])


def test_the_renewing_model_may_become_the_only_one(begun: TwoModels) -> None:
    with begun.index.database.transaction() as connection:
        build_model(connection, RENEWED)
    assert begun.rows()["good day"]["renewed"] == "pending 0"
    begun.settle()
    begun.settle()
    assert (renewing(begun), searched(begun)) == (None, [RENEWED.name])
    with begun.index.database.transaction() as connection:
        assert multilingual_model(connection) is None
