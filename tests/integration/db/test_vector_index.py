"""The vector index: when it is built and dropped, and that searches use it."""

import numpy as np
import pytest

from magicfs.db.models import activate_model, partition
from magicfs.db.pool import Database
from magicfs.db.vector_index import IndexAction, choose_action, maintain_index
from tests.fakes.embedder import FAKE_SPEC


@pytest.mark.parametrize(
    ("rows", "pending", "valid", "action"),
    [
        (49_000, 0, None, IndexAction.NOTHING),
        (60_000, 0, None, IndexAction.BUILD),
        (60_000, 20_000, None, IndexAction.NOTHING),
        (60_000, 0, True, IndexAction.NOTHING),
        (60_000, 20_000, True, IndexAction.NOTHING),
        (60_000, 40_000, True, IndexAction.DROP),
        (60_000, 0, False, IndexAction.DROP),
        (0, 0, None, IndexAction.NOTHING),
    ],
)
def test_the_action_that_saves_most_time(rows: int, pending: int, valid: bool | None, action: IndexAction) -> None:
    assert choose_action(rows=rows, pending=pending, valid=valid) is action


def test_it_is_built_used_and_dropped(database: Database) -> None:
    vectors = np.random.default_rng(1).standard_normal((600, FAKE_SPEC.dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with database.transaction() as connection:
        model = activate_model(connection, FAKE_SPEC)
        for number, vector in enumerate(vectors):
            connection.execute(
                "INSERT INTO embeddings (model_id, chunk_id, state, vector) VALUES (%s, %s, 'done', %s::text::halfvec)",
                (model.id, number, str(vector.tolist())),
            )
    with database.transaction() as connection:
        connection.execute("ANALYZE embeddings_1")
    assert maintain_index(database, min_rows=500) is IndexAction.BUILD
    assert maintain_index(database, min_rows=500) is IndexAction.NOTHING
    with database.transaction() as connection:
        connection.execute("SET LOCAL enable_seqscan = off")
        seventh = "(SELECT vector::halfvec(384) FROM embeddings_1 WHERE chunk_id = 7)"
        plan = connection.execute(
            f"EXPLAIN SELECT chunk_id FROM {partition(model.id).as_string()} WHERE vector IS NOT NULL "
            f"ORDER BY vector::halfvec(384) <#> {seventh} LIMIT 5"
        ).fetchall()
        assert "embeddings_1_vectors" in str(plan)
    with database.transaction() as connection:
        connection.execute("INSERT INTO embeddings (model_id, chunk_id) SELECT 1, generate_series(1000, 3000)")
        connection.execute("ANALYZE embeddings_1")
    with database.autocommit() as connection:
        connection.execute("ANALYZE embeddings_1")
    assert maintain_index(database, min_rows=500) is IndexAction.DROP


def test_nothing_happens_without_a_model(database: Database) -> None:
    assert maintain_index(database) is IndexAction.NOTHING
