"""From a question to ranked hits: both lanes of candidates, their fusion, the best chunk of each file.

Runs in the caller's transaction and keeps nothing. Not concerned with time: the transaction is bounded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from magicfs.db import search as queries
from magicfs.db.pool import Connection
from magicfs.db.search import Place, Scope, WordMatch
from magicfs.domain import fusion
from magicfs.domain.fusion import Evidence
from magicfs.domain.ids import ChunkId, FileId
from magicfs.domain.models import IndexedModel
from magicfs.domain.query import Query
from magicfs.domain.results import Hit
from magicfs.search import lexical
from magicfs.search.corpus import CorpusFacts
from magicfs.search.lexical import Words
from magicfs.search.snippet import Snippets

FEWEST_CANDIDATES = 200
CANDIDATES_PER_RESULT = 4
"""Several chunks may belong to one file, and some to files that a filter leaves out."""
MOST_CANDIDATES = 2000


@dataclass(frozen=True, slots=True)
class Question:
    """What to look for, and where."""

    query: Query
    lexemes: dict[str, int]
    """Its words, and how often it says each."""
    phrase: str | None
    """The whole question as a phrase, a `tsquery`."""
    scope: Scope
    model: IndexedModel | None
    """The model of `vector`; both or neither."""
    vector: NDArray[np.float32] | None
    limit: int


@dataclass(frozen=True, slots=True)
class _Found:
    """A file by its best chunk."""

    place: Place
    evidence: Evidence
    score: float


def answer(connection: Connection, question: Question, facts: CorpusFacts) -> tuple[Hit, ...]:
    """The files that answer a question, best first."""
    if not question.query.question:
        return _newest(connection, question)
    evidence = _gather(connection, question, facts)
    ranked = fusion.order(evidence)
    places = queries.places(connection, question.scope, ranked, limit=question.limit)
    best: dict[FileId, Place] = {}
    for place in places:
        best.setdefault(place.file_id, place)
    shown = list(best.values())[: question.limit]
    scores = fusion.never_rising([fusion.relevance(evidence[place.chunk_id]) for place in shown])
    found = [_Found(place, evidence[place.chunk_id], score) for place, score in zip(shown, scores, strict=True)]
    return _hits(connection, question, found)


def _newest(connection: Connection, question: Question) -> tuple[Hit, ...]:
    """Filters alone: every file that they leave answers fully, the latest modified first."""
    places = queries.newest(connection, question.scope, limit=question.limit)
    return _hits(connection, question, [_Found(place, Evidence(), 1.0) for place in places])


def _gather(connection: Connection, question: Question, facts: CorpusFacts) -> dict[ChunkId, Evidence]:
    """All candidates of both lanes, each with what both lanes say of it."""
    count = min(MOST_CANDIDATES, max(FEWEST_CANDIDATES, question.limit * CANDIDATES_PER_RESULT))
    usual = facts.usual_tokens
    words = lexical.weigh(connection, question.lexemes, chunks=facts.coverage.chunks)
    matches = lexical.find(connection, question.scope, words, usual_tokens=usual, limit=count)
    near = _nearness(connection, question, [match.chunk_id for match in matches], count=count)
    matched = {match.chunk_id for match in matches}
    others = [chunk for chunk in near if chunk not in matched]
    matches += lexical.rank(connection, others, words, usual_tokens=usual, limit=len(others))
    best = max((match.score for match in matches), default=1.0)
    strengths = _strengths(connection, question, matches, words)
    by_words = {match.chunk_id: match.score / best for match in matches}
    return {
        chunk: Evidence(words=by_words.get(chunk), lexical=strengths.get(chunk), nearness=near.get(chunk))
        for chunk in {**by_words, **near}
    }


def _nearness(
    connection: Connection, question: Question, matched: list[ChunkId], *, count: int
) -> dict[ChunkId, float]:
    """The nearest chunks and those that match by words, with their cosines on the calibrated scale, not cut off."""
    if question.model is None or question.vector is None:
        return {}
    model = question.model
    cosines = dict(queries.nearest(connection, question.scope, question.vector, model=model.id, limit=count))
    others = [chunk for chunk in matched if chunk not in cosines]
    cosines |= dict(queries.similarities(connection, others, question.vector, model=model.id))
    floor, ceiling = model.spec.floor, model.spec.ceiling
    return {chunk: (cosine - floor) / (ceiling - floor) for chunk, cosine in cosines.items()}


def _strengths(
    connection: Connection, question: Question, matches: list[WordMatch], words: Words
) -> dict[ChunkId, float]:
    """The strength of each match by words, from the share of the question's weight that it has."""
    chunks = [match.chunk_id for match in matches]
    verbatim = queries.having_phrase(connection, chunks, question.phrase) if question.phrase else set()
    return {
        match.chunk_id: fusion.lexical_strength(
            share=min(1.0, match.share / words.total), verbatim=match.chunk_id in verbatim
        )
        for match in matches
    }


def _hits(connection: Connection, question: Question, found: list[_Found]) -> tuple[Hit, ...]:
    texts = queries.texts(connection, {one.place.chunk_id for one in found})
    snippets = Snippets(question.query.question.split())
    return tuple(
        Hit(
            rank=rank,
            score=one.score,
            file_id=one.place.file_id,
            host=one.place.host,
            root=one.place.root,
            root_path=one.place.root_path,
            path=one.place.path,
            stat=one.place.stat,
            first_line=one.place.first_line,
            last_line=one.place.last_line,
            page=one.place.page,
            snippet=snippets.cut(texts.get(one.place.chunk_id, "")),
            vector=one.evidence.vector,
            lexical=one.evidence.lexical,
            indexed_at=one.place.indexed_at,
        )
        for rank, one in enumerate(found, 1)
    )
