"""The lane of words: which chunks have the words of a question, best first by BM25.

Ranking visits every match, so it must not see them all: the rare words of a question bring the chunks that have
them, common words those that have several. How many chunks have a word is counted up to a limit; beyond it, the
statistics of Postgres tell. Stateless; runs in the caller's transaction.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from magicfs.db import search as queries
from magicfs.db.pool import Connection
from magicfs.db.scope import Scope
from magicfs.domain.chunks import WordMatch
from magicfs.domain.ids import ChunkId

COMMON = 500
"""Counting the chunks that have a word stops here."""
CERTAINLY_COMMON = 2 * COMMON
"""What is in so many chunks by the statistics is not counted at all."""
ENOUGH = 1000
"""Chunks. Once the rarest words bring so many, the commoner ones bring no more of their own: a chunk that has
those alone hardly ever comes near the front."""
MOST_PICKED = 1000
"""Chunks that a condition on several common words may bring."""
LIKELY = 300
"""Chunks whose BM25 is computed."""
MOST_WORDS = 24
"""Words of a question that take part, the rarest ones."""
_PAIRED_WORDS = 4
"""Common words of which pairs are looked for."""


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a question."""

    weights: dict[str, float]
    """How much each says: its inverse document frequency times its number in the question; the rarest first."""
    counts: dict[str, int]
    """In how many chunks each stands, at least."""

    def share(self, lexemes: Iterable[str]) -> float:
        """The part of the question's weight that some of its words have, in [0, 1]."""
        return sum(self.weights[lexeme] for lexeme in lexemes) / sum(self.weights.values())


def weigh(connection: Connection, lexemes: Mapping[str, int], *, chunks: int) -> Words:
    """Give each word of a question its weight among `chunks` chunks. `lexemes` says how often it is asked for."""
    shares = queries.estimate_words(connection, list(lexemes))
    estimates = {lexeme: round(share * chunks) for lexeme, share in shares.items()}
    counts = {lexeme: estimate for lexeme, estimate in estimates.items() if estimate >= CERTAINLY_COMMON}
    # An index of words finds all matches before it gives one, so a very common word is dear to count even to a limit.
    uncertain = [lexeme for lexeme in lexemes if lexeme not in counts]
    counted = queries.count_words(connection, uncertain, limit=COMMON)
    counts |= {
        lexeme: count if count < COMMON else max(COMMON, estimates.get(lexeme, 0)) for lexeme, count in counted.items()
    }
    total = max(chunks, *counts.values()) if counts else chunks
    rarest = sorted(counts, key=lambda lexeme: (counts[lexeme], lexeme))[:MOST_WORDS]
    weights = {
        lexeme: lexemes[lexeme] * math.log1p((total - counts[lexeme] + 0.5) / (counts[lexeme] + 0.5))
        for lexeme in rarest
    }
    return Words(weights=weights, counts=counts)


def find(connection: Connection, scope: Scope, words: Words, *, usual_tokens: float, limit: int) -> list[WordMatch]:
    """The best chunks in the scope by the words of a question, best first."""
    if not words.weights:
        return []
    if scope.chunks is not None and len(scope.chunks) <= ENOUGH:
        picked = list(scope.chunks)
    else:
        picked = queries.pick_by_words(connection, scope, conditions(words), limit=MOST_PICKED)
    return rank(connection, picked, words, usual_tokens=usual_tokens, limit=limit)


def rank(
    connection: Connection, chunks: Sequence[ChunkId], words: Words, *, usual_tokens: float, limit: int
) -> list[WordMatch]:
    """The best of given chunks; one that has no word of the question is left out."""
    if not (words.weights and chunks):
        return []
    likely = max(LIKELY, limit)
    return queries.rank_words(connection, chunks, words.weights, usual_tokens=usual_tokens, likely=likely, limit=limit)


def conditions(words: Words) -> list[list[list[str]]]:
    """What to pick chunks by, see `queries.pick_by_words`: rare words one by one, common ones by all and by pairs."""
    alone: list[list[list[str]]] = []
    brought = 0
    rarest = list(words.weights)
    while rarest and (brought < ENOUGH or not alone):
        lexeme = rarest.pop(0)
        brought += words.counts[lexeme]
        alone.append([[lexeme]])
    if not rarest:
        return alone
    every = [list(words.weights)]
    pairs = [[[*pair]] for pair in combinations([*words.weights][len(alone) - 1 :][:_PAIRED_WORDS], 2)]
    return [*alone, every, *pairs]
