"""Transactions lock the rows of two models in the same order, whichever models have rows of the chunks."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from magicfs.db.vectors import embeddings as embeddings_db
from magicfs.db.vectors.embedding_queue import enqueue_chunks
from magicfs.db.vectors.model_changes import build_model, start_multilingual, stop_multilingual
from magicfs.db.vectors.models import live_models
from magicfs.db.vectors.second_vectors import continue_pass, settle_contents
from magicfs.domain.chunks import ClaimedChunk
from magicfs.pipeline.batch import Batch, EmbeddedBatch, write_batch
from tests.fakes.embedder import FAKE_SPEC
from tests.integration.pipeline.lock_order.row_locks import locked
from tests.plugins.index import Index


class TwoModelWork:
    """What is done with chunks that two models embed, in transactions of their own."""

    def __init__(self, index: Index, chunks: list[int]) -> None:
        """Both models have claims of all chunks."""
        self._database = index.database
        with index.database.transaction() as connection:
            start_multilingual(connection, replace(FAKE_SPEC, name="fake/multilingual", digest="2" * 64))
            self.models = live_models(connection)
            connection.execute("UPDATE models SET languages = '{en}' WHERE state = 'active'")
            connection.execute("UPDATE contents SET language = 'de'")
            for chunk in reversed(chunks):
                connection.execute("UPDATE embeddings SET attempts = 0 WHERE chunk_id = %s", (chunk,))
            self._claims = [
                embeddings_db.claim_chunks(
                    connection, model=model.id, owner=f"embed-{model.id}@here", limit=9, max_tokens=99, seconds=60
                )
                for model in self.models
            ]
        assert [len(claims) for claims in self._claims] == [3, 3]

    def finish_unread(self) -> None:
        """The active model reads none of the chunks."""
        self._write(0, lambda claims: EmbeddedBatch([], np.empty((0, 384), np.float32), [], claims))

    def finish(self) -> None:
        """The multilingual model has read all chunks."""
        vectors = np.ones((3, FAKE_SPEC.dimension), np.float32)
        self._write(1, lambda claims: EmbeddedBatch(claims, vectors, [], []))

    def _write(self, number: int, embed: Callable[[list[ClaimedChunk]], EmbeddedBatch]) -> None:
        batch = Batch(self.models[number], list(reversed(self._claims[number])), is_alone=False)
        with self._database.transaction() as connection:
            write_batch(connection, batch, embed(batch.claims))

    def ask(self) -> None:
        """A file with the contents was saved."""
        with self._database.transaction() as connection:
            contents = [row[0] for row in connection.execute("SELECT id FROM contents ORDER BY id DESC")]
            enqueue_chunks(connection, dict.fromkeys(contents, 1))

    def settle(self) -> None:
        """Maintenance brings the rows in line with the models."""
        with self._database.transaction() as connection:
            settle_contents(connection, [row[0] for row in connection.execute("SELECT id FROM contents")])


@pytest.mark.parametrize("locked_model", [0, 1])
@pytest.mark.parametrize(
    ("first", "second"), list(itertools.permutations(("finish_unread", "finish", "ask", "settle"), 2))
)
def test_rows_of_two_models_are_locked_in_one_order(
    index: Index, three_chunks: list[int], locked_model: int, first: str, second: str
) -> None:
    work = TwoModelWork(index, three_chunks)
    with locked(
        index,
        "SELECT FROM embeddings WHERE model_id = %s AND chunk_id = %s FOR UPDATE",
        work.models[locked_model].id,
        three_chunks[1],
    ) as blocked:
        blocked.begin(getattr(work, first))
        blocked.begin(getattr(work, second))


@pytest.mark.parametrize("change", ["start", "stop", "use"])
def test_models_change_while_maintenance_visits_contents(index: Index, three_chunks: list[int], change: str) -> None:
    second = replace(FAKE_SPEC, name="fake/multilingual", digest="2" * 64)
    index.rows("UPDATE models SET languages = '{en}' RETURNING 1")
    index.rows("UPDATE contents SET language = 'de' RETURNING 1")
    begin = {"start": start_multilingual, "use": build_model}.get(change)
    with index.database.transaction() as connection:
        start_multilingual(connection, second)
    with index.database.transaction() as connection:
        if change == "start":
            stop_multilingual(connection)
    with index.database.transaction() as connection:
        assert not continue_pass(connection, contents=9)

    def visit_contents() -> None:
        with index.database.transaction() as connection:
            assert continue_pass(connection, contents=9)

    def change_models() -> None:
        with index.database.transaction() as connection:
            if begin is None:
                stop_multilingual(connection)
            else:
                begin(connection, second)

    with locked(
        index, "SELECT FROM embeddings WHERE model_id = 1 AND chunk_id = %s FOR UPDATE", three_chunks[1]
    ) as blocked:
        blocked.begin(visit_contents)
        blocked.begin(change_models)
