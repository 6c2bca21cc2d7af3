"""Applied migrations never change: a database that has them would no longer match."""

from magicfs.db.migrate import migrations

FROZEN = {
    "0001_initial.sql": "01c2fc66a357c951943165674c9456b69c98e8bc1f37afeddc8c0d39043a640a",
    "0002_words.sql": "4cced3797a519832edb1ec2415d58e4ed159b5cdf3bbb9a7a4425c7e22dea5a0",
}


def test_versions_are_consecutive() -> None:
    assert [migration.version for migration in migrations()] == list(range(1, len(migrations()) + 1))


def test_applied_migrations_are_as_they_were() -> None:
    assert {migration.name: migration.digest for migration in migrations()} == FROZEN
