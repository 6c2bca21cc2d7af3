"""The role of all sessions: it owns the index, and reaches no program and no file of the server's machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from magicfs.db.cluster.roots import ensure_host, insert_root
from magicfs.db.index_owner import prepare_database
from magicfs.db.migrate import migrate
from magicfs.db.pool import Database
from magicfs.db.server_resources import read_server_resources
from magicfs.runtime import postgres
from tests.plugins.servers import Servers

NAME, OWNER = "owned", "index_owner"


@contextmanager
def session_of_admin(servers: Servers, database: str, owner: str) -> Iterator[psycopg.Connection]:
    """A session of the superuser, after which that database and that role are gone."""
    with psycopg.connect(postgres.admin_dsn(servers.home / "run"), autocommit=True) as connection:
        yield connection
        connection.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        connection.execute(f"DROP ROLE IF EXISTS {owner}")


def make_owned(admin: psycopg.Connection, servers: Servers, database: str, owner: str) -> str:
    """The address, for its owner, of an index that an older version has made and filled as a superuser."""
    admin.execute(f"CREATE DATABASE {database}")
    with Database(servers.superuser_url(database), application="older") as opened:
        migrate(opened)
        with opened.transaction() as connection:
            host = ensure_host(connection, name="here")
            insert_root(connection, host=host, path=b"/data", name="data", folded="data", device=1)
    # The second time does nothing.
    for _ in range(2):
        prepare_database(postgres.admin_dsn(servers.home / "run"), database=database, owner=owner)
    return servers.database_url(database).replace(f"user={postgres.OWNER}", f"user={owner}")


@pytest.fixture
def admin(servers: Servers) -> Iterator[psycopg.Connection]:
    with session_of_admin(servers, NAME, OWNER) as connection:
        yield connection


@pytest.fixture
def owned(admin: psycopg.Connection, servers: Servers) -> str:
    """An index that the test may change."""
    return make_owned(admin, servers, NAME, OWNER)


@pytest.fixture(scope="module")
def attacked(servers: Servers) -> Iterator[str]:
    """An index that stays as it is: what tests try is refused, or undone at the end of their transaction."""
    with session_of_admin(servers, f"attacked_{NAME}", f"attacked_{OWNER}") as admin:
        yield make_owned(admin, servers, f"attacked_{NAME}", f"attacked_{OWNER}")


def test_the_owner_works_on_an_index_that_a_superuser_has_made(owned: str) -> None:
    with Database(owned, application="test") as database:
        assert migrate(database) == 0
        with database.transaction() as connection:
            connection.execute("UPDATE roots SET name = 'other'")
            # What migrations do.
            connection.execute("ALTER TYPE root_state ADD VALUE 'elsewhere'")
            connection.execute("ALTER TABLE files ADD COLUMN extra integer")
            connection.execute(
                "CREATE OR REPLACE TRIGGER files_change AFTER UPDATE ON files EXECUTE FUNCTION magicfs_count_change()"
            )
            connection.execute("DROP FUNCTION IF EXISTS magicfs_keep_digest CASCADE")
            others = connection.execute(
                "SELECT relname FROM pg_class "
                "WHERE relnamespace = 'public'::regnamespace AND relowner <> current_user::regrole"
            ).fetchall()
        assert others == []


def test_the_owner_makes_an_index_in_a_new_database(admin: psycopg.Connection, servers: Servers) -> None:
    prepare_database(postgres.admin_dsn(servers.home / "run"), database=NAME, owner=OWNER)
    url = servers.database_url(NAME).replace(f"user={postgres.OWNER}", f"user={OWNER}")
    with Database(url, application="test") as database:
        assert migrate(database) > 0
        with database.transaction() as connection:
            server = read_server_resources(connection)
    assert server is not None
    assert server.cores == os.cpu_count()


def test_a_database_that_was_dropped_and_made_again_is_given_once_more(
    admin: psycopg.Connection, owned: str, servers: Servers
) -> None:
    admin.execute(f"DROP DATABASE {NAME} WITH (FORCE)")
    admin.execute(f"CREATE DATABASE {NAME}")
    prepare_database(postgres.admin_dsn(servers.home / "run"), database=NAME, owner=OWNER)
    with Database(owned, application="test") as database:
        assert migrate(database) > 0


@pytest.mark.parametrize(
    "statement",
    [
        "COPY (SELECT 'x') TO PROGRAM 'touch /tmp/magicfs-was-here'",
        "CREATE TABLE stolen (line text); COPY stolen FROM '/etc/passwd'",
        "COPY (SELECT 'x') TO '/tmp/magicfs-was-here'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT pg_read_binary_file('/etc/passwd')",
        "SELECT pg_ls_dir('/')",
        "SELECT pg_stat_file('/etc/passwd')",
        "SELECT lo_import('/etc/passwd')",
        "SELECT lo_export(lo_create(0), '/tmp/magicfs-was-here')",
        "CREATE FUNCTION run(cstring) RETURNS int AS '/lib/x86_64-linux-gnu/libc.so.6', 'system' LANGUAGE c",
        "CREATE FUNCTION run() RETURNS int AS 'pg_read_file' LANGUAGE internal",
        "LOAD '/tmp/evil.so'",
        "ALTER SYSTEM SET archive_command = 'touch /tmp/magicfs-was-here'",
        "SET dynamic_library_path = '/tmp'",
        "SET session_preload_libraries = 'evil'",
        "ALTER ROLE CURRENT_USER SUPERUSER",
        "CREATE ROLE other SUPERUSER",
        "CREATE ROLE other",
        "GRANT pg_execute_server_program TO CURRENT_USER",
        "SET ROLE magicfs",
        "SET SESSION AUTHORIZATION magicfs",
        "ALTER ROLE magicfs SET search_path = evil",
        "ALTER FUNCTION magicfs_server.kernel_file(text, bigint) OWNER TO CURRENT_USER",
        "CREATE OR REPLACE FUNCTION magicfs_server.kernel_file(text, bigint) RETURNS text LANGUAGE sql AS ''",
        "CREATE FUNCTION magicfs_server.other() RETURNS text LANGUAGE sql AS ''",
        "DROP SCHEMA magicfs_server CASCADE",
        "DROP EXTENSION vector CASCADE",
        "CREATE EXTENSION dblink",
        "CREATE EVENT TRIGGER evil ON login EXECUTE FUNCTION magicfs_count_change()",
        "CREATE SUBSCRIPTION evil CONNECTION 'host=127.0.0.1' PUBLICATION evil",
        "CREATE TABLESPACE evil LOCATION '/tmp'",
        "CREATE DATABASE evil",
        "CREATE SERVER evil FOREIGN DATA WRAPPER nothing",
        "SELECT pg_reload_conf()",
        "SELECT pg_rotate_logfile()",
        "SELECT * FROM pg_hba_file_rules",
        "SELECT rolpassword FROM pg_authid",
    ],
)
def test_the_owner_reaches_nothing_outside_the_database(attacked: str, statement: str) -> None:
    with psycopg.connect(attacked, autocommit=True) as attacker, pytest.raises(psycopg.Error) as refused:
        attacker.execute(statement)
    assert refused.value.sqlstate in {"42501", "58P01", "0A000", "42704", "22023"}, refused.value
    assert not Path("/tmp/magicfs-was-here").exists()


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "/proc/self/environ",
        "/proc/self/cgroup/../environ",
        "/sys/fs/cgroup/../../../etc/passwd",
        "/sys/fs/cgroup/x/../../../../etc/memory.max",
        "/proc/meminfo\n/etc/passwd",
        "PG_VERSION",
        "",
    ],
)
def test_the_function_for_the_machine_reads_nothing_else(attacked: str, path: str) -> None:
    with psycopg.connect(attacked) as attacker:
        row = attacker.execute("SELECT magicfs_server.kernel_file(%s, 100)", (path,)).fetchone()
        assert row == (None,)


def test_the_function_for_the_machine_does_not_take_operators_of_others(attacked: str) -> None:
    """Run by the superuser, it would else match a path by what an attacker has put in its way."""
    with psycopg.connect(attacked) as attacker:
        attacker.execute("CREATE FUNCTION public.yes(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true'")
        attacker.execute("CREATE OPERATOR public.~ (LEFTARG = text, RIGHTARG = text, FUNCTION = public.yes)")
        attacker.execute("CREATE FUNCTION pg_temp.strpos(text, text) RETURNS int LANGUAGE sql AS 'SELECT 0'")
        attacker.execute("SET search_path = public, pg_temp, pg_catalog")
        row = attacker.execute("SELECT magicfs_server.kernel_file('/etc/passwd', 100)").fetchone()
        assert row == (None,)
        attacker.rollback()
