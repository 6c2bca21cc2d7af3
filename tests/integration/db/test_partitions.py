"""Indexes that a migration declares on a full index, and that the agent builds."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from magicfs.db.migrate import migrate
from magicfs.db.pool import Connection, Database
from magicfs.db.schema import migrations
from magicfs.db.vectors.partitions import build_missing_indexes
from magicfs.db.vectors.vector_index import maintain_index
from magicfs.runtime import postgres
from magicfs.runtime.processes import wait_until
from tests.plugins.servers import Servers

DECLARED = 24
"""The migration that makes the index `embeddings_unread`."""


@pytest.fixture
def older(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """An index with vectors of two models, by the version before the one that has the index."""
    every = migrations()
    with psycopg.connect(postgres.admin_dsn(servers.home / "run"), autocommit=True) as admin:
        admin.execute("CREATE DATABASE older_one")
        try:
            with Database(servers.superuser_url("older_one"), application="test", size=4) as database:
                monkeypatch.setattr(
                    "magicfs.db.migrate.migrations", lambda: [one for one in every if one.version < DECLARED]
                )
                migrate(database)
                monkeypatch.setattr("magicfs.db.migrate.migrations", lambda: every)
                with database.transaction() as connection:
                    for model in (1, 2):
                        connection.execute(
                            "INSERT INTO models (name, precision, dimension, max_tokens, state)"
                            " VALUES (%s, 'int8', 8, 256, 'retired')",
                            (f"model {model}",),
                        )
                        connection.execute(f"CREATE TABLE embeddings_{model} (LIKE embeddings INCLUDING ALL)")
                        connection.execute(
                            f"ALTER TABLE embeddings ATTACH PARTITION embeddings_{model} FOR VALUES IN ({model})"
                        )
                        connection.execute(
                            f"INSERT INTO embeddings (model_id, chunk_id) SELECT {model}, generate_series(1, 1000)"
                        )
                yield database
        finally:
            admin.execute("DROP DATABASE older_one WITH (FORCE)")


def build(database: Database) -> list[str]:
    with database.autocommit() as connection:
        return build_missing_indexes(connection)


def indexes(connection: Connection) -> list[tuple[str, str, bool]]:
    """The indexes of `embeddings` and its partitions: name, definition, and whether queries use them."""
    return connection.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid), indisvalid FROM pg_index"
        " WHERE indrelid::regclass::text LIKE 'embeddings%' ORDER BY 1"
    ).fetchall()


def definitions(connection: Connection) -> list[str]:
    """The same without their names, which Postgres chooses for partitions."""
    return sorted(definition.partition(" ON ")[2] for _, definition, _ in indexes(connection))


def test_a_migration_of_a_full_index_leaves_the_build_to_the_agent(older: Database) -> None:
    migrate(older)
    with older.transaction() as connection:
        assert {name for name, _, valid in indexes(connection) if not valid} == {"embeddings_unread"}
        assert "embeddings_1_unread" not in str(indexes(connection))
    assert build(older) == ["embeddings_1_unread", "embeddings_2_unread"]
    assert build(older) == []


def test_an_older_index_ends_as_a_new_one(older: Database, database: Database) -> None:
    migrate(older)
    build(older)
    with database.transaction() as connection:
        for model in (1, 2):
            connection.execute(f"CREATE TABLE embeddings_{model} (LIKE embeddings INCLUDING ALL)")
            connection.execute(f"ALTER TABLE embeddings ATTACH PARTITION embeddings_{model} FOR VALUES IN ({model})")
        new = definitions(connection)
    with older.transaction() as connection:
        assert definitions(connection) == new
        assert all(valid for _, _, valid in indexes(connection))


def test_it_is_built_while_rows_are_written(older: Database) -> None:
    """A build waits for transactions that have written before it began, and no later one waits for the build."""
    migrate(older)
    progress = "SELECT FROM pg_stat_progress_create_index WHERE datname = current_database()"
    with ThreadPoolExecutor(1) as pool, older.transaction() as writer:
        writer.execute("UPDATE embeddings SET priority = 1 WHERE model_id = 1 AND chunk_id = 1")
        building = pool.submit(build, older)

        def is_building() -> bool:
            with older.transaction() as connection:
                return connection.execute(progress).fetchone() is not None

        wait_until(is_building, seconds=60, failed="no build began")
        with older.transaction() as connection:
            connection.execute("SET LOCAL lock_timeout = '20s'")
            connection.execute("UPDATE embeddings SET state = 'unread' WHERE model_id = 1 AND chunk_id = 2")
            connection.execute("INSERT INTO embeddings (model_id, chunk_id) VALUES (1, 5000)")
        writer.commit()
        assert len(building.result(60)) == 2


def test_what_was_built_and_lacks_its_place_is_not_built_again(older: Database) -> None:
    """As when long work has kept the index from its place."""
    migrate(older)
    with older.transaction() as connection:
        [definition] = [text for name, text, _ in indexes(connection) if name == "embeddings_unread"]
        using = definition[definition.index("USING") :]
        connection.execute(f"CREATE INDEX embeddings_1_unread ON embeddings_1 {using}".encode())
        made = connection.execute("SELECT 'embeddings_1_unread'::regclass::oid").fetchone()
    assert build(older) == ["embeddings_1_unread", "embeddings_2_unread"]
    with older.transaction() as connection:
        assert connection.execute("SELECT 'embeddings_1_unread'::regclass::oid").fetchone() == made
        assert all(valid for _, _, valid in indexes(connection))


def test_an_interrupted_build_is_made_anew(older: Database) -> None:
    migrate(older)
    with older.transaction() as connection:
        connection.execute("CREATE INDEX embeddings_1_unread ON embeddings_1 (chunk_id)")
    assert build(older) == ["embeddings_1_unread", "embeddings_2_unread"]
    with older.transaction() as connection:
        assert all(valid for _, _, valid in indexes(connection))


def test_the_agent_builds_it(older: Database) -> None:
    migrate(older)
    with older.transaction() as connection:
        connection.execute("UPDATE models SET state = 'active' WHERE id = 1")
    maintain_index(older)
    with older.transaction() as connection:
        assert all(valid for _, _, valid in indexes(connection))
