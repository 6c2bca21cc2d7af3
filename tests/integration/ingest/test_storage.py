"""An import stops before the disk of the embedded database is full, and goes on when there is room again."""

from __future__ import annotations

import pytest

from magicfs.config import Settings
from magicfs.db.corpus import file_claims
from magicfs.db.status import read_status
from magicfs.db.storage import declare_shortage, end_shortage, read_shortage
from magicfs.db.vectors import embeddings
from magicfs.db.vectors.models import searched_models
from magicfs.db.vectors.vector_index import IndexAction, maintain_index
from magicfs.ingest import storage
from magicfs.runtime.processes import wait_until
from tests.integration.ingest.agents import make_agent, running
from tests.plugins.index import HOST, Index


def declare(index: Index, free_bytes: int = 7 << 20) -> None:
    with index.database.transaction() as connection:
        declare_shortage(connection, free_bytes=free_bytes)


def waiting(index: Index) -> tuple[bool, int]:
    """Whether agents notify workers of files, and of how many models with chunks."""
    with index.database.transaction() as connection:
        models = embeddings.claimable_models(connection, min_priority=-1, within_s=0)
        return file_claims.has_waiting_files(connection, host=HOST), len(models)


def test_no_file_is_claimed_without_room(index: Index) -> None:
    (index.folder / "one.txt").write_text("words")
    declare(index)
    index.settle()
    assert index.states() == {"one.txt": ("pending", None)}
    assert waiting(index) == (False, 0)
    index.rows("DELETE FROM meta WHERE key = 'storage_shortage' RETURNING 1")
    assert waiting(index) == (True, 0)
    index.settle()
    assert index.states() == {"one.txt": ("indexed", None)}


def test_no_chunk_is_claimed_without_room(index: Index) -> None:
    (index.folder / "one.txt").write_text("words")
    index.scan()
    index.extraction().run_batch()
    declare(index)
    assert not index.embedding().run_turn()
    assert waiting(index) == (False, 0)
    assert index.rows("SELECT attempts FROM embeddings") == [(0,)]
    with index.database.transaction() as connection:
        end_shortage(connection)
    assert waiting(index) == (False, 1)
    assert index.embedding().run_turn()


def test_the_vector_index_is_not_built_without_room(index: Index) -> None:
    (index.folder / "one.txt").write_text("words\n\nothers")
    index.settle()
    with index.database.transaction() as connection:
        connection.execute("ANALYZE embeddings")
        assert searched_models(connection)
    declare(index)
    assert maintain_index(index.database, min_rows=1) is IndexAction.NOTHING
    with index.database.transaction() as connection:
        end_shortage(connection)
    assert maintain_index(index.database, min_rows=1) is IndexAction.BUILD


def test_a_shortage_ends_by_itself_when_nobody_declares_it_again(index: Index) -> None:
    declare(index)
    with index.database.transaction() as connection:
        assert read_shortage(connection) == 7 << 20
        assert read_status(connection).free_bytes == 7 << 20
    index.rows("UPDATE meta SET value = '7 ' || now() - interval '1 second' WHERE key = 'storage_shortage' RETURNING 1")
    with index.database.transaction() as connection:
        assert read_shortage(connection) is None
    index.rows("UPDATE meta SET value = '7 ' || now() + interval '1 day' WHERE key = 'storage_shortage' RETURNING 1")
    with index.database.transaction() as connection:
        assert read_shortage(connection) is None, "it was declared before the clock was put back"


def test_the_agent_beside_the_database_watches_its_disk(
    index: Index, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = storage.SPARED_BYTES - 1
    monkeypatch.setattr(storage, "CHECK_SECONDS", 0.05)
    monkeypatch.setattr(storage, "_free_bytes", lambda _: free)

    def shortage() -> int | None:
        with index.database.transaction() as connection:
            return read_shortage(connection)

    with running(make_agent(settings, index.database)):
        wait_until(lambda: shortage() == free, seconds=60, failed="the shortage is not declared")
        free = storage.RESUME_BYTES - 1
        wait_until(lambda: shortage() == free, seconds=60, failed="the work goes on before there is enough room")
        free = storage.RESUME_BYTES
        wait_until(lambda: shortage() is None, seconds=60, failed="the shortage does not end")


def test_a_shortage_of_a_former_agent_is_ended(index: Index, settings: Settings) -> None:
    declare(index)
    with running(make_agent(settings, index.database)):
        wait_until(
            lambda: not index.rows("SELECT FROM meta WHERE key = 'storage_shortage'"), seconds=60, failed="it is left"
        )


def test_the_agent_of_a_cluster_leaves_the_disk_to_its_operator(index: Index, settings: Settings) -> None:
    declare(index)
    elsewhere = settings.replace(database_url="postgresql://elsewhere/magicfs")
    agent = make_agent(elsewhere, index.database)
    with running(agent):
        wait_until(lambda: agent.checks > 2, seconds=60, failed="the agent does not look")
    assert index.rows("SELECT key FROM meta WHERE key = 'storage_shortage'")
