"""Queries that share parts: `{{name}}` in a query stands for the fragment of that name in the same file.

Used by the search, whose queries all have the same conditions on files. A fragment is written like a query and may
include other fragments. What psycopg fills in, `%(parameter)s` and `{identifier}`, stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import LiteralString

from magicfs.db.queries import load_queries

_INCLUDE = re.compile(r"\{\{(\w+)\}\}")


@cache
def load_queries_with_fragments(module: str) -> dict[str, LiteralString]:
    """The queries of `sql/queries/<module>.sql` by name, each with its fragments in place."""
    return include_fragments(load_queries(module))


def include_fragments(queries: Mapping[str, LiteralString]) -> dict[str, LiteralString]:
    """Replace every `{{name}}` by the query of that name, whatever their order in the file.

    Raises `ValueError` for a name that no query has, for a fragment that includes itself, and for braces that remain.
    """
    bodies = {name: _without_comments(text) for name, text in queries.items()}
    complete = {name: _expand(name, bodies, ()) for name in bodies}
    for name, text in complete.items():
        if "{{" in text or "}}" in text:
            raise ValueError(f"{name}: '{{{{' and '}}}}' must enclose the name of a fragment")
    return complete


def _expand(name: str, bodies: Mapping[str, LiteralString], including: tuple[str, ...]) -> LiteralString:
    if name not in bodies:
        raise ValueError(f"{including[-1]} includes {name}, which is not there")
    if name in including:
        raise ValueError(f"{name} includes itself")
    return _INCLUDE.sub(lambda include: _expand(include[1], bodies, (*including, name)), bodies[name])


def _without_comments(text: LiteralString) -> LiteralString:
    """A query without its comment lines, which would swallow the rest of a line that a fragment is put into."""
    return "\n".join(line for line in text.splitlines() if not line.startswith("--"))
