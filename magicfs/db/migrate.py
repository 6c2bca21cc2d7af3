"""Bring the schema to the version that this code needs.

Run by every role at its start: the first one to take the advisory lock migrates, the others wait for it and
find nothing to do. Migrations go forward only, each in the transaction that records it.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from importlib.resources import files

from magicfs.db.pool import Connection, Database
from magicfs.errors import SchemaError

log = logging.getLogger(__name__)

ADVISORY_LOCK = 0x6D616769_63667301
"""Any number that no other program uses on this database: here "magicfs" in ASCII, and 1."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of `sql/migrations`."""

    version: int
    name: str
    text: str

    @property
    def digest(self) -> str:
        """SHA-256 of the text, as frozen by a test and recorded in the database."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrations() -> list[Migration]:
    """All migrations in order of their version."""
    folder = files("magicfs.db").joinpath("sql", "migrations")
    found = [
        Migration(version=int(entry.name[:4]), name=entry.name, text=entry.read_text(encoding="utf-8"))
        for entry in folder.iterdir()
        if entry.name.endswith(".sql")
    ]
    return sorted(found, key=lambda migration: migration.version)


def migrate(database: Database) -> int:
    """Apply what is missing; returns how many migrations that were.

    Raises `SchemaError` when the database was made by a newer version, or by a migration that has changed since.
    """
    wanted = migrations()
    with database.transaction() as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (ADVISORY_LOCK,))
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations "
            "(version integer PRIMARY KEY, digest text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        applied = _applied(connection)
        _check(applied, wanted)
        missing = [migration for migration in wanted if migration.version not in applied]
        for migration in missing:
            log.info("migrating the database: %s", migration.name)
            connection.execute(migration.text.encode())
            connection.execute(
                "INSERT INTO schema_migrations (version, digest) VALUES (%s, %s)",
                (migration.version, migration.digest),
            )
    # Connections made before the extension was there do not know its types.
    database.close_idle_connections()
    return len(missing)


def _applied(connection: Connection) -> dict[int, str]:
    return dict(connection.execute("SELECT version, digest FROM schema_migrations").fetchall())


def _check(applied: dict[int, str], wanted: list[Migration]) -> None:
    newest = wanted[-1].version
    if applied and max(applied) > newest:
        raise SchemaError(
            f"the database has schema version {max(applied)}, this program knows {newest}: update this program"
        )
    for migration in wanted:
        if migration.version in applied and applied[migration.version] != migration.digest:
            raise SchemaError(
                f"migration {migration.name} is not the one that was applied: use the version that made this database"
            )
