"""Migrations, which bring the schema to the version that this code needs.

Every service of MagicFS calls `migrate` at its start. The first one to take the advisory lock migrates; the others wait
for the lock and then have nothing to do. A command calls `require_migrated` instead. Migrations go forward only. All
missing ones are applied in one transaction. In an index that is in use, one that makes an index on `embeddings` only
declares it: the agent builds it (`magicfs.db.vectors.partitions`).
"""

from __future__ import annotations

import logging
import re
import time
from typing import cast

import psycopg

from magicfs.db.connection import PooledConnection
from magicfs.db.pool import Connection, Database
from magicfs.db.schema import Migration, migrations, require_current, require_not_newer
from magicfs.domain.deadline import Deadline
from magicfs.errors import DatabaseConflict, SchemaError

log = logging.getLogger(__name__)

MIGRATION_LOCK = 0x6D616769_63667301
"""The advisory lock of migrations. The number is "magicfs" in ASCII and 1: no other program may use it."""

LOCK_SECONDS = 2
"""How long a migration waits for its locks before it lets running work through."""

WAIT_SECONDS = 60.0

LOCK_TABLES = (
    "LOCK TABLE files, contents, chunks, content_chunks, embeddings, roots, hosts, models IN ACCESS EXCLUSIVE MODE"
)
"""The tables of the first migrations, which later ones change. The order is that of docs/concurrency.md."""

_INDEX_OF_EMBEDDINGS = re.compile(r"^(CREATE INDEX \w+ ON) (embeddings\b)", re.MULTILINE)


def migrate(database: Database) -> int:
    """Apply the missing migrations. Returns their number.

    Waits up to WAIT_SECONDS for work that runs meanwhile. Raises `SchemaError` when the database has a newer schema,
    or a migration has changed since it was applied, and `DatabaseConflict` when the work does not end.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            count = _migrate(database)
        except DatabaseConflict as error:
            if time.monotonic() > deadline:
                raise
            log.info("the migration waits for running work: %s", error)
        else:
            # Connections made before the extension was created lack its types.
            database.close_idle_connections()
            return count


def require_migrated(database: Database, deadline: Deadline) -> None:
    """Raise `SchemaError` when the database lacks migrations, or has a newer schema; `DatabaseUnavailable`."""
    with database.transaction(deadline) as connection:
        # The pool has read it, to check the connection.
        version = cast("PooledConnection", connection).schema_version
    require_current(version)


def _migrate(database: Database) -> int:
    available = migrations()
    with database.transaction() as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
        _create_extension(connection)
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations "
            "(version integer PRIMARY KEY, digest text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        applied = _applied(connection)
        _check(applied, available)
        missing = [migration for migration in available if migration.version not in applied]
        if missing and applied:
            # Workers of the version before run on. In the order in which they lock, there is no deadlock; a short
            # timeout keeps them from queueing behind a migration that itself waits.
            connection.execute("SELECT set_config('lock_timeout', %s, true)", (f"{LOCK_SECONDS}s",))
            connection.execute(LOCK_TABLES)
        for migration in missing:
            log.info("migrating the database: %s", migration.name)
            text = _INDEX_OF_EMBEDDINGS.sub(r"\1 ONLY \2", migration.text) if applied else migration.text
            connection.execute(text.encode())
            connection.execute(
                "INSERT INTO schema_migrations (version, digest) VALUES (%s, %s)",
                (migration.version, migration.digest),
            )
    return len(missing)


def _create_extension(connection: Connection) -> None:
    """Raise `SchemaError` where only an administrator can create the extension, or install it."""
    try:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    except psycopg.errors.InsufficientPrivilege as error:
        raise SchemaError(
            "the role of MAGICFS_DATABASE_URL may not create the extension of vectors: as an administrator of Postgres "
            "run 'CREATE EXTENSION vector' in that database"
        ) from error
    except (psycopg.errors.FeatureNotSupported, psycopg.errors.UndefinedFile) as error:
        raise SchemaError(
            f"Postgres lacks the extension of vectors ({str(error).splitlines()[0]}): install pgvector there, 0.8.4 or "
            "newer"
        ) from error


def _applied(connection: Connection) -> dict[int, str]:
    return dict(connection.execute("SELECT version, digest FROM schema_migrations").fetchall())


def _check(applied: dict[int, str], available: list[Migration]) -> None:
    require_not_newer(max(applied, default=None))
    for migration in available:
        if migration.version in applied and applied[migration.version] != migration.digest:
            raise SchemaError(
                f"migration {migration.name} is not the one that was applied: use the version that made this database"
            )
