"""The schema that this version of MagicFS knows: its migration files, and the checks that the database has this one.

Used by `migrate`, which applies the files or checks that somebody has, and by `pool`, which checks every connection
before it is used. The files are read once; any thread may call the functions.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from magicfs.errors import SchemaError


class IndexOutdated(SchemaError):
    """The index lacks migrations of this version."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of `sql/migrations`."""

    version: int
    name: str
    text: str

    @property
    def digest(self) -> str:
        """SHA-256 of the text. The database records it, and a test freezes it."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrations() -> list[Migration]:
    """All migrations, by version."""
    return [
        Migration(version=int(entry.name[:4]), name=entry.name, text=entry.read_text(encoding="utf-8"))
        for entry in sorted(files("magicfs.db").joinpath("sql", "migrations").iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".sql")
    ]


@cache
def newest_version() -> int:
    """The version of the newest migration."""
    names = [entry.name for entry in files("magicfs.db").joinpath("sql", "migrations").iterdir()]
    return max(int(name[:4]) for name in names if name.endswith(".sql"))


def require_not_newer(version: int | None) -> None:
    """Raise `SchemaError` when the database's schema version, None before the first migration, is not known here."""
    if version is not None and version > newest_version():
        raise SchemaError(
            f"the database has schema version {version}, this program knows {newest_version()}: update this program"
        )


def require_current(version: int | None) -> None:
    """Raise `SchemaError` unless the database has the schema of this program.

    `version` is the database's schema version, None before the first migration.
    """
    require_not_newer(version)
    if version is None:
        raise IndexOutdated("the database has no index yet: run 'magicfs up' or 'magicfs agent', which makes one")
    if version < newest_version():
        raise IndexOutdated(
            f"the index is of an older version (schema {version}, this program needs {newest_version()}): run "
            "'magicfs up' or 'magicfs agent' of this version, which upgrades it"
        )
