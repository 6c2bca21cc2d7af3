"""Prepares the database of the index on the embedded server, and gives it to a role that is no superuser.

Used by `magicfs.runtime.postgres` before anything else connects. All sessions of MagicFS are of that role, those of
admitted hosts too: what one of them leaves in the database, such as a trigger, runs with no more rights than its own,
and so reaches no program and no file of the server's machine. The superuser comes in once, before the role does.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from magicfs.db.errors import translate_errors
from magicfs.db.pool import CONNECT_SECONDS, fetch_one
from magicfs.db.queries import load_queries

_SQL = load_queries("index_owner")

LOCK_SECONDS = 2
"""How long the change of the owner waits for parts of an older version, which still work."""


def prepare_database(admin_dsn: str, *, database: str, owner: str) -> None:
    """Make `database` on the server at `admin_dsn`, an address of a superuser, and give it and the index to `owner`.

    Does nothing when `owner` has it. Raises `DatabaseUnavailable`, and `DatabaseConflict` when the index is in use.
    """
    with translate_errors(), _connected(admin_dsn) as connection:
        row = connection.execute(_SQL["database_owner"], {"database": database}).fetchone()
        if row is None:
            connection.execute(sql.SQL(_SQL["create_database"]).format(database=sql.Identifier(database)))
        if row != (owner,):
            with _connected(make_conninfo(admin_dsn, dbname=database)) as inside, inside.transaction():
                _give(inside, database=database, owner=owner)


def _connected(dsn: str) -> psycopg.Connection[Any]:
    return psycopg.connect(dsn, autocommit=True, connect_timeout=CONNECT_SECONDS)


def _give(connection: psycopg.Connection[Any], *, database: str, owner: str) -> None:
    names = {"database": sql.Identifier(database), "owner": sql.Identifier(owner)}
    connection.execute(_SQL["plain_search_path"])
    connection.execute("SELECT set_config('lock_timeout', %s, true)", (f"{LOCK_SECONDS}s",))
    if not fetch_one(connection.execute(_SQL["has_role"], {"role": owner}))[0]:
        connection.execute(sql.SQL(_SQL["create_owner"]).format(**names))
    connection.execute(_SQL["create_extension"])
    for name in ("create_server_schema", "create_kernel_file", "open_server_schema"):
        connection.execute(_SQL[name])
    for (statement,) in connection.execute(_SQL["statements_of_ownership"], {"owner": owner}).fetchall():
        connection.execute(statement)
    connection.execute(sql.SQL(_SQL["own_database"]).format(**names))
