"""Files that a search has found: their locations as rows of Postgres, and the ones that filters alone bring.

Used by `magicfs.db.search.candidates` and by the search. Of the copies of a content, one stands for all. Runs in the
caller's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, LiteralString

from magicfs.db.pool import Connection
from magicfs.db.queries import load_queries
from magicfs.db.search.scope import Parameters, Scope
from magicfs.domain.chunks import CopyRules, FoundFile
from magicfs.domain.files import FileStat
from magicfs.domain.ids import FileId

_SQL = load_queries("found_files")

NEWEST_FILES_FACTOR = 8
"""How many times more files are read when those that were read are copies of fewer contents than asked for."""

COLUMNS: tuple[LiteralString, ...] = (
    "copy_key", "file_id", "host", "root", "root_path", "path", "size", "mtime_ns", "ctime_ns", "ino", "device", "mode",
    "uid", "gid", "indexed_at", "language", "mime_type", "chunk_id", "first_line", "last_line", "page",
)  # fmt: skip
"""The columns of a location: those of the fragments `file_columns` and `chunk_columns`."""

_DIGEST_BYTES = 16


def copy_parameters(rules: CopyRules) -> Parameters:
    """The parameters that choose the file which stands for its copies."""
    return {"host": rules.host, "each_copy": rules.each_copy}


def newest_files(connection: Connection, scope: Scope, *, rules: CopyRules, limit: int) -> list[FoundFile]:
    """The contents in scope, the latest modified first, each with its first chunk if it has text.

    Of the copies of a content, the newest one is returned.
    """
    read = limit
    while True:
        parameters = scope.parameters | copy_parameters(rules) | {"limit": read}
        rows = connection.execute(_SQL["newest_files"], parameters, prepare=False).fetchall()
        distinct = _distinct(rows)
        if len(distinct) >= limit or len(rows) < read:
            return [found_file(row) for row in distinct[:limit]]
        read *= NEWEST_FILES_FACTOR


def copies(
    connection: Connection, scope: Scope, files: Sequence[FoundFile], *, rules: CopyRules, limit: int
) -> dict[bytes, list[FoundFile]]:
    """The files in scope with the same content as given ones, those among them, the preferred ones first, by copy key.

    At most `limit` for each content. The places of chunks are left out.
    """
    digests = [file.copy_key for file in files if len(file.copy_key) == _DIGEST_BYTES]
    found: dict[bytes, list[FoundFile]] = {}
    if digests:
        parameters = scope.parameters | copy_parameters(rules) | {"digests": digests, "limit": limit}
        for row in connection.execute(_SQL["copies"], parameters, prepare=False):
            found.setdefault(row[0], []).append(found_file(row))
    return found


def _distinct(rows: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
    """The first row of each content, by copy key."""
    first: dict[bytes, Sequence[Any]] = {}
    for row in rows:
        first.setdefault(row[0], row)
    return list(first.values())


def find_file(connection: Connection, file: FileId, *, rules: CopyRules) -> FoundFile | None:
    """A file by its id, with its first chunk if it has text."""
    row = connection.execute(_SQL["file_by_id"], copy_parameters(rules) | {"file": file}).fetchone()
    return None if row is None else found_file(row)


def found_file(row: Sequence[Any]) -> FoundFile:
    """The file in a row that begins with `COLUMNS`, which are in the order of its fields."""
    return FoundFile._make((*row[:6], FileStat._make(row[6:14]), row[14] or 0.0, *row[15:21]))
