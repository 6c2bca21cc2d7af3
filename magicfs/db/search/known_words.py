"""Which of many words the index has, in texts or in names. Used by `magicfs.search.respelling`."""

from __future__ import annotations

from collections.abc import Sequence

from magicfs.db.pool import Connection
from magicfs.db.queries import array_text, load_queries
from magicfs.domain.query import Lexeme

_SQL = load_queries("known_words")
ENOUGH = 100
"""Chunks are counted up to this number: a word in more is as frequent as any where spellings are compared."""
_AT_ONCE = 32
"""Words of one condition: looking them up one by one takes far longer, and each chunk found is compared to all."""
_LOOKED_AT = 20
"""The number of chunks and files of each condition that are looked at. They have the words that many have."""


def words_like(connection: Connection, words: Sequence[str], *, first: str) -> set[str]:
    """The lexemes of chunks and of names that have any of some words: those words, and all that begin with `first`."""
    groups = [words[start : start + _AT_ONCE] for start in range(0, len(words), _AT_ONCE)]
    values = {
        "conditions": array_text(" | ".join(Lexeme(word).tsquery for word in group) for group in groups),
        "words": array_text(words),
        "first": first,
        "limit": _LOOKED_AT,
    }
    return {word for (word,) in connection.execute(_SQL["words_like"], values).fetchall()}


def words_beginning(connection: Connection, beginning: str) -> set[str]:
    """The lexemes of some chunks and names that begin so."""
    condition = Lexeme(beginning, is_prefix=True).tsquery
    values = {"conditions": array_text([condition]), "words": array_text([]), "first": beginning, "limit": _LOOKED_AT}
    return {word for (word,) in connection.execute(_SQL["words_like"], values).fetchall()}


def frequent_words(connection: Connection, words: Sequence[str]) -> set[str]:
    """Those of some words that `ENOUGH` chunks have or more, by statistics, which know the most frequent ones alone."""
    values = {"words": array_text(words), "least": ENOUGH}
    return {word for (word,) in connection.execute(_SQL["frequent_words"], values).fetchall()}


def count_chunks(connection: Connection, conditions: Sequence[str]) -> list[tuple[int, int]]:
    """How many chunks meet each condition, and how many names do, both counted up to 100.

    A condition is the text of a `tsquery`.
    """
    values = {"conditions": array_text(conditions), "limit": ENOUGH}
    rows = connection.execute(_SQL["count_chunks"], values).fetchall()
    return [(chunks, names) for chunks, names in rows]
