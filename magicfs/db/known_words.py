"""Which of many words the index has, in texts or in names. Used by `magicfs.search.respelling`."""

from __future__ import annotations

from collections.abc import Sequence

from magicfs.db.pool import Connection
from magicfs.db.queries import array_text, load_queries

_SQL = load_queries("known_words")
_ENOUGH = 100
"""A word that so many chunks have is as frequent as any, where spellings are compared."""


def count_chunks(connection: Connection, conditions: Sequence[str]) -> list[tuple[int, int]]:
    """How many chunks meet each condition, and how many names do, both counted up to 100.

    A condition is the text of a `tsquery`.
    """
    values = {"conditions": array_text(conditions), "limit": _ENOUGH}
    rows = connection.execute(_SQL["count_chunks"], values).fetchall()
    return [(chunks, names) for chunks, names in rows]
