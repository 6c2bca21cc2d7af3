"""Applied migrations never change: a database that has them would no longer match."""

from magicfs.db.migrate import migrations

FROZEN = {
    "0001_initial.sql": "09b6ea7104f25fbce3509d5009bc3a7f1e4b7fb8f3b207c13c16c51bfae971c8",
}


def test_versions_are_consecutive() -> None:
    assert [migration.version for migration in migrations()] == list(range(1, len(migrations()) + 1))


def test_applied_migrations_are_as_they_were() -> None:
    assert {migration.name: migration.digest for migration in migrations()} == FROZEN
