"""The migrations on a real, empty database."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from magicfs.cli.environment import database_for_command, prepare_schema, require_schema
from magicfs.config import Settings
from magicfs.db.migrate import migrate, require_migrated
from magicfs.db.pool import Database
from magicfs.db.schema import migrations
from magicfs.domain.deadline import Deadline
from magicfs.errors import DatabaseUnavailable, SchemaError
from magicfs.runtime import postgres
from tests.plugins.servers import Servers


@pytest.fixture
def empty_url(servers: Servers) -> Iterator[str]:
    import psycopg

    with psycopg.connect(postgres.admin_dsn(servers.home / "run"), autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS empty_one")
        connection.execute("CREATE DATABASE empty_one")
        yield servers.superuser_url("empty_one")
        connection.execute("DROP DATABASE empty_one WITH (FORCE)")
        connection.execute("DROP ROLE IF EXISTS plain_one")


def test_several_roles_starting_at_once_migrate_once(empty_url: str) -> None:
    def start(_: int) -> int:
        with Database(empty_url, application="role") as database:
            return migrate(database)

    with ThreadPoolExecutor(4) as pool:
        applied = list(pool.map(start, range(4)))
    assert sorted(applied) == [0, 0, 0, len(migrations())]


def test_a_role_that_may_not_create_the_extension_is_told_who_may(servers: Servers, empty_url: str) -> None:
    with psycopg.connect(empty_url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS plain_one")
        connection.execute("CREATE ROLE plain_one LOGIN")
        connection.execute("ALTER DATABASE empty_one OWNER TO plain_one")
        user = connection.info.user
    url = empty_url.replace(f"user={user}", "user=plain_one")
    assert url != empty_url
    with (
        Database(url, application="role") as database,
        pytest.raises(SchemaError, match="run 'CREATE EXTENSION"),
    ):
        migrate(database)
    with psycopg.connect(empty_url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION vector")
    with Database(url, application="role") as database:
        assert migrate(database) == len(migrations())


def test_a_newer_schema_is_refused(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute("INSERT INTO schema_migrations (version, digest) VALUES (9999, 'x')")
    with pytest.raises(SchemaError, match="update this program"):
        migrate(database)


def test_a_command_refuses_an_index_of_another_version_and_says_what_upgrades_which(empty_url: str) -> None:
    def refused() -> str:
        with Database(empty_url, application="command") as database, pytest.raises(SchemaError) as caught:
            require_migrated(database, Deadline(60))
        assert "\n" not in str(caught.value)
        return str(caught.value)

    newest = migrations()[-1].version
    assert refused().startswith("the database has no index yet: run 'magicfs up'")
    with Database(empty_url, application="service") as database:
        migrate(database)
        require_migrated(database, Deadline(60))
        with database.transaction() as connection:
            connection.execute("UPDATE schema_migrations SET version = -1 WHERE version = %s", (newest,))
    assert f"this program needs {newest}): run 'magicfs up'" in refused()
    with psycopg.connect(empty_url) as connection:
        connection.execute("UPDATE schema_migrations SET version = 9999 WHERE version = -1")
    assert refused().endswith("update this program")


def test_connections_that_are_open_during_an_upgrade_are_refused(database: Database) -> None:
    with database.transaction(), database.transaction() as connection:
        connection.execute("INSERT INTO schema_migrations (version, digest) VALUES (9999, 'x')")
    for _ in range(3):
        with pytest.raises(SchemaError, match="schema version 9999") as caught, database.transaction():
            pytest.fail("a transaction began")
        assert "\n" not in str(caught.value)
    with pytest.raises(SchemaError), database.autocommit():
        pytest.fail("a connection was given")


def test_a_schema_that_is_restored_is_accepted_again(database: Database, database_url: str) -> None:
    with database.transaction() as connection:
        connection.execute("INSERT INTO schema_migrations (version, digest) VALUES (9999, 'x')")
    with pytest.raises(SchemaError), database.transaction():
        pytest.fail("a transaction began")
    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM schema_migrations WHERE version = 9999")
    with database.transaction() as connection:
        connection.execute("SELECT 1")


def test_a_changed_migration_is_refused(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute("UPDATE schema_migrations SET digest = 'other' WHERE version = 1")
    with pytest.raises(SchemaError, match=r"0001_initial\.sql"):
        migrate(database)


def test_no_database_is_one_line(tmp_path: Path) -> None:
    url = f"postgresql:///x?host={tmp_path}&user=magicfs"
    with (
        Database(url, application="role", connect_seconds=0.2) as database,
        pytest.raises(DatabaseUnavailable, match="magicfs up"),
    ):
        migrate(database)


def test_a_migration_waits_for_a_worker_of_the_version_before(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker has files when the migration begins, and then wants contents, which the next migration changes first."""
    every = migrations()
    monkeypatch.setattr("magicfs.db.migrate.migrations", lambda: every[:5])
    with Database(empty_url, application="old", size=2) as old, ThreadPoolExecutor(1) as pool:
        migrate(old)
        monkeypatch.setattr("magicfs.db.migrate.migrations", lambda: every)
        with Database(empty_url, application="new") as new, old.transaction() as worker:
            worker.execute("LOCK TABLE files IN ROW EXCLUSIVE MODE")
            upgrade = pool.submit(migrate, new)
            waits = "SELECT FROM pg_stat_activity WHERE application_name = 'magicfs new' AND wait_event_type = 'Lock'"
            while not upgrade.done():
                with old.transaction() as connection:
                    if connection.execute(waits).fetchone() is not None:
                        break
            worker.execute("LOCK TABLE contents IN ROW EXCLUSIVE MODE")
            worker.commit()
            assert upgrade.result(timeout=60) == len(every) - 5


def test_a_host_of_a_hub_leaves_the_upgrade_to_the_hub(empty_url: str, tmp_path: Path) -> None:
    hub, node = Settings(home=tmp_path), Settings(home=tmp_path, hub="10.8.0.1:7420")
    newest = migrations()[-1].version
    with Database(empty_url, application="service") as database:
        with pytest.raises(SchemaError, match=r"^the hub 10\.8\.0\.1:7420 has an older version of MagicFS: update it"):
            prepare_schema(node, database)
        prepare_schema(hub, database)
        prepare_schema(node, database)
        with database.transaction() as connection:
            connection.execute("UPDATE schema_migrations SET version = -1 WHERE version = %s", (newest,))
    with Database(empty_url, application="service") as database:
        with pytest.raises(SchemaError, match=r"run 'magicfs up' there$"):
            prepare_schema(node, database)
        with pytest.raises(SchemaError, match=r"run 'magicfs up' there$"):
            require_schema(node, database)
        with pytest.raises(SchemaError, match="run 'magicfs up' or 'magicfs agent' of this version"):
            require_schema(hub, database)
        command = Settings(
            home=tmp_path, hub="10.8.0.1:7420", database_url=f"postgresql:///?{urlencode(conninfo_to_dict(empty_url))}"
        )
        with pytest.raises(SchemaError, match=r"run 'magicfs up' there$"), database_for_command(command):
            pytest.fail("a command works on an older index")
        with database.transaction() as connection:
            connection.execute("UPDATE schema_migrations SET version = 9999 WHERE version = -1")
    with (
        Database(empty_url, application="service") as database,
        pytest.raises(SchemaError, match="update this program"),
    ):
        prepare_schema(node, database)
