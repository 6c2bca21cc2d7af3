"""Loads the SQL files of the package, each once.

Used by the modules of `magicfs.db`, at import. Each has a file of its own name; a few modules take queries from the
file of another too.

In a file of `sql/queries/`, each query follows a line `-- name: NAME` and a comment. Parameters are psycopg's
`%(name)s` and its identifiers `{name}`; values never enter the text of a statement in another way. `{{name}}` in a
query stands for the query of that name in the same file, a fragment that several queries share, `{{file.name}}` for one
in another file, and `{{prefix:name}}` for a fragment with the prefix before the name of each of its parameters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import LiteralString, cast

from psycopg import sql

_HEADER = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_INCLUDE = re.compile(r"\{\{(?:(?P<prefix>\w+):)?(?:(?P<file>\w+)\.)?(?P<name>\w+)\}\}")
_PARAMETER = re.compile(r"%\((?=\w+\)s)")


@cache
def load_queries(module: str) -> dict[str, LiteralString]:
    """The queries of `sql/queries/<module>.sql` by name, each with its fragments in place.

    psycopg accepts literal strings only; these are part of the package, so the cast is safe. Raises `ValueError` when
    two queries have the same name, and as `include_fragments` does.
    """
    text = files("magicfs.db").joinpath("sql", "queries", f"{module}.sql").read_text(encoding="utf-8")
    parts = _HEADER.split(text)[1:]
    names, bodies = parts[::2], parts[1::2]
    if len(set(names)) != len(names):
        raise ValueError(f"{module}.sql names a query twice")
    return include_fragments(
        {name: cast("LiteralString", body.strip()) for name, body in zip(names, bodies, strict=True)}
    )


def compact(query: sql.Composed) -> bytes:
    """The text of a statement without the lines and the indentation of its file.

    psycopg remembers how it sends short texts, of up to 4,096 bytes, and reads longer ones again each time.
    """
    return b" ".join(line.strip() for line in query.as_bytes(None).splitlines())


def array_text(values: Iterable[object]) -> str:
    """The text of an array, as Postgres reads it where a statement says of what type it is.

    psycopg writes the text of a list value by value, which takes several times as long.
    """
    return "{" + ",".join([f'"{_quoted(str(value))}"' for value in values]) + "}"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"') if "\\" in text or '"' in text else text


def include_fragments(queries: Mapping[str, LiteralString]) -> dict[str, LiteralString]:
    """Replace every `{{name}}` of each form by the query of that name, whatever their order in the file.

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
    included = (*including, name)

    def fragment(include: re.Match[str]) -> LiteralString:
        file, found = include["file"], include["name"]
        text = _of_file(file, found, name) if file else _expand(found, bodies, included)
        return _PARAMETER.sub(f"%({include['prefix']}", text) if include["prefix"] else text

    return _INCLUDE.sub(fragment, bodies[name])


def _of_file(file: str, name: str, including: str) -> LiteralString:
    """A query of another file."""
    queries = load_queries(file)
    if name not in queries:
        raise ValueError(f"{including} includes {file}.{name}, which is not there")
    return queries[name]


def _without_comments(text: LiteralString) -> LiteralString:
    """A query without its comment lines, which would swallow the rest of a line that a fragment is put into."""
    return "\n".join(line for line in text.splitlines() if not line.startswith("--"))
