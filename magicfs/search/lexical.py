"""The lane of words: which chunks have the words of a question, best first by BM25.

Ranking visits every match, so it must not see them all: words that few chunks have bring all of these, and of
common words those chunks that have several. How many chunks have a word is counted up to a limit; beyond it,
the statistics of Postgres tell. Stateless; runs in the caller's transaction.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from magicfs.db import search as queries
from magicfs.db.pool import Connection
from magicfs.db.search import Scope, WordMatch
from magicfs.domain.ids import ChunkId

K1 = 1.2
B = 0.75
"""The customary parameters of BM25."""
COMMON = 1000
"""A word that so many chunks have is common: counting stops there."""
MOST_PICKED = 2000
"""Chunks that one condition may bring."""
MOST_WORDS = 24
"""Words of a question that take part, the rarest ones."""
_PAIRED_WORDS = 5
"""Common words of which pairs are looked for."""


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a question with their weights (inverse document frequency)."""

    weights: dict[str, float]
    common: tuple[str, ...]
    """Those that many chunks have, the rarest first."""

    @property
    def total(self) -> float:
        """The weight of the whole question."""
        return sum(self.weights.values())


def weigh(connection: Connection, lexemes: Iterable[str], *, chunks: int) -> Words:
    """Give each lexeme its weight among `chunks` chunks."""
    counts = queries.count_words(connection, list(lexemes), limit=COMMON)
    common = [lexeme for lexeme, count in counts.items() if count >= COMMON]
    if common:
        shares = queries.estimate_words(connection, common)
        counts |= {lexeme: max(COMMON, round(shares.get(lexeme, 0.0) * chunks)) for lexeme in common}
    total = max(chunks, *counts.values()) if counts else chunks
    rarest = sorted(counts, key=lambda lexeme: (counts[lexeme], lexeme))[:MOST_WORDS]
    return Words(
        weights={lexeme: math.log1p((total - counts[lexeme] + 0.5) / (counts[lexeme] + 0.5)) for lexeme in rarest},
        common=tuple(lexeme for lexeme in rarest if counts[lexeme] >= COMMON),
    )


def find(connection: Connection, scope: Scope, words: Words, *, usual_tokens: float, limit: int) -> list[WordMatch]:
    """The best chunks in the scope by the words of a question, best first."""
    if not words.weights:
        return []
    if scope.chunks is not None:
        picked = list(scope.chunks)
    else:
        picked = queries.pick_by_words(connection, scope, _conditions(words), limit=MOST_PICKED)
    return rank(connection, picked, words, usual_tokens=usual_tokens, limit=limit)


def rank(
    connection: Connection, chunks: list[ChunkId], words: Words, *, usual_tokens: float, limit: int
) -> list[WordMatch]:
    """The best of given chunks; one that has no word of the question is left out."""
    if not (words.weights and chunks):
        return []
    return queries.rank_words(connection, chunks, words.weights, usual_tokens=usual_tokens, k1=K1, b=B, limit=limit)


def _conditions(words: Words) -> list[list[list[str]]]:
    """What to pick chunks by, see `queries.pick_by_words`."""
    rare = [[lexeme] for lexeme in words.weights if lexeme not in words.common]
    every = list(words.weights)
    conditions = [rare] if rare else []
    if words.common:
        conditions += [[every], [[lexeme] for lexeme in words.common]]
        conditions += [[[*pair]] for pair in combinations(words.common[:_PAIRED_WORDS], 2)]
    return conditions
