"""What the tests of the order of row locks share: none may end in a deadlock, and rows lie against their order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from magicfs.db.pool import Database
from tests.integration.pipeline.lock_order.row_locks import count
from tests.plugins.index import Index
from tests.plugins.waiting import eventually

OTHER_BACKENDS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


@pytest.fixture(autouse=True)
def no_deadlocks(index: Index, database_url: str) -> Iterator[None]:
    """Postgres counts deadlocks, also those after which a transaction was simply tried again."""
    yield
    # A backend reports its counts when it ends.
    index.database.close()
    with Database(database_url, application="test") as database:

        def count_now(query: str) -> int:
            with database.transaction() as connection:
                return count(connection, query)

        eventually(lambda: count_now(OTHER_BACKENDS) == 0, "the end of all other backends")
        assert count_now(DEADLOCKS) == 0


@pytest.fixture
def three_chunks(index: Index) -> list[int]:
    """Chunks that wait, and that lie in the table against the order of their numbers."""
    for number in range(3):
        (index.folder / f"{number}.txt").write_text(f"words {number}")
        index.scan()
        index.extraction().run_batch()
    chunks = [row[0] for row in index.rows("SELECT chunk_id FROM embeddings ORDER BY chunk_id")]
    for chunk in reversed(chunks):
        index.rows("UPDATE embeddings SET attempts = 1 WHERE chunk_id = %s RETURNING 1", chunk)
    return chunks
