"""Migrations, which bring the schema to the version that this code needs.

Every process of MagicFS calls `migrate` at its start. The first one to take the advisory lock migrates; the others wait
for the lock and then have nothing to do. Migrations go forward only. All missing ones are applied in one transaction.
"""

from __future__ import annotations

import logging

from magicfs.db.pool import Connection, Database
from magicfs.db.schema import Migration, migrations, require_not_newer
from magicfs.errors import SchemaError

log = logging.getLogger(__name__)

MIGRATION_LOCK = 0x6D616769_63667301
"""The advisory lock of migrations. The number is "magicfs" in ASCII and 1: no other program may use it."""


def migrate(database: Database) -> int:
    """Apply the missing migrations. Returns their number.

    Raises `SchemaError` when the database has a newer schema, or a migration has changed since it was applied.
    """
    available = migrations()
    with database.transaction() as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations "
            "(version integer PRIMARY KEY, digest text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        applied = _applied(connection)
        _check(applied, available)
        missing = [migration for migration in available if migration.version not in applied]
        for migration in missing:
            log.info("migrating the database: %s", migration.name)
            connection.execute(migration.text.encode())
            connection.execute(
                "INSERT INTO schema_migrations (version, digest) VALUES (%s, %s)",
                (migration.version, migration.digest),
            )
    # Connections made before the extension was created lack its types.
    database.close_idle_connections()
    return len(missing)


def _applied(connection: Connection) -> dict[int, str]:
    return dict(connection.execute("SELECT version, digest FROM schema_migrations").fetchall())


def _check(applied: dict[int, str], available: list[Migration]) -> None:
    require_not_newer(max(applied, default=None))
    for migration in available:
        if migration.version in applied and applied[migration.version] != migration.digest:
            raise SchemaError(
                f"migration {migration.name} is not the one that was applied: use the version that made this database"
            )
