"""Applied migrations never change: a database that has them would no longer match."""

from magicfs.db.migrate import migrations

FROZEN = {
    "0001_initial.sql": "fafa1a433bb4924d5a5454b97ad0520393f3f2c7b3e50c2c941d677e40701d14",
}


def test_versions_are_consecutive() -> None:
    assert [migration.version for migration in migrations()] == list(range(1, len(migrations()) + 1))


def test_applied_migrations_are_as_they_were() -> None:
    assert {migration.name: migration.digest for migration in migrations()} == FROZEN
