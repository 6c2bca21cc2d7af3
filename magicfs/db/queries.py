"""Loads the SQL files of the package; each module of `magicfs.db` reads its own file once, at import.

In a file of `sql/queries/`, each query follows a line `-- name: NAME` and a comment. Parameters are psycopg's
`%(name)s`; values never enter the text of a statement in another way.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import LiteralString, cast

_HEADER = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def load_queries(module: str) -> dict[str, LiteralString]:
    """The queries of `sql/queries/<module>.sql` by name. Raises `ValueError` when two have the same name.

    psycopg accepts literal strings only; these are part of the package, so the cast is safe.
    """
    text = files("magicfs.db").joinpath("sql", "queries", f"{module}.sql").read_text(encoding="utf-8")
    parts = _HEADER.split(text)[1:]
    names, bodies = parts[::2], parts[1::2]
    if len(set(names)) != len(names):
        raise ValueError(f"{module}.sql names a query twice")
    return {name: cast("LiteralString", body.strip()) for name, body in zip(names, bodies, strict=True)}
