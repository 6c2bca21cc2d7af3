"""From a question to ranked hits: candidates by words, by names and by meaning, their fusion, the best chunk per file.

Runs in the caller's transaction and keeps nothing. Not concerned with time: the transaction is bounded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from magicfs.db import search as queries
from magicfs.db.pool import Connection
from magicfs.db.scope import Scope
from magicfs.domain.chunks import ChunkLocation, NameMatch
from magicfs.domain.ids import ChunkId, FileId
from magicfs.domain.models import IndexedModel
from magicfs.domain.query import Query
from magicfs.domain.results import Hit
from magicfs.search import fusion, lexical
from magicfs.search.corpus import CorpusFacts
from magicfs.search.fusion import Evidence
from magicfs.search.lexical import Words
from magicfs.search.snippet import Snippets

FEWEST_CANDIDATES = 200
CANDIDATES_PER_RESULT = 4
"""Several chunks may belong to one file, and some to files that a filter leaves out."""
MOST_CANDIDATES = 2000
NAMED = 200
"""Files that come in by their names alone."""


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

    @property
    def candidates(self) -> int:
        """How many chunks each lane brings."""
        return min(MOST_CANDIDATES, max(FEWEST_CANDIDATES, self.limit * CANDIDATES_PER_RESULT))


@dataclass(frozen=True, slots=True)
class _Found:
    """A file by its best chunk."""

    place: ChunkLocation
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Chunks and what both lanes say of them, and the words of the question that they have."""

    evidence: dict[ChunkId, Evidence]
    lexemes: dict[ChunkId, frozenset[str]]


def answer(connection: Connection, question: Question, facts: CorpusFacts) -> tuple[Hit, ...]:
    """The files that answer a question, best first."""
    if not question.query.question:
        return _newest(connection, question)
    words = lexical.weigh(connection, question.lexemes, chunks=facts.coverage.chunks)
    named = _by_name(connection, question, words)
    candidates = _gather(connection, question, words, facts, extra=list(named))
    found = _best_of_each_file(connection, question, candidates)
    found = _with_names(connection, found, candidates, named, words)
    ranked = [one for one in found if fusion.worth_showing(one.evidence)]
    ranked.sort(key=lambda one: -fusion.place_value(one.evidence))
    shown = ranked[: question.limit]
    scores = fusion.never_rising([fusion.relevance(one.evidence) for one in shown])
    return _hits(connection, question, shown, scores)


def _newest(connection: Connection, question: Question) -> tuple[Hit, ...]:
    """Filters alone: every file that they leave answers fully, the latest modified first."""
    places = queries.newest(connection, question.scope, limit=question.limit)
    return _hits(connection, question, [_Found(place, Evidence()) for place in places], [1.0] * len(places))


def _by_name(connection: Connection, question: Question, words: Words) -> dict[ChunkId, list[NameMatch]]:
    """Files whose paths have words of the question. Phrases are about text, so no name answers them."""
    if not words.weights or question.query.phrases:
        return {}
    return queries.pick_by_name(connection, question.scope, list(words.weights), limit=NAMED)


def _gather(
    connection: Connection, question: Question, words: Words, facts: CorpusFacts, *, extra: list[ChunkId]
) -> _Candidates:
    """All candidates of both lanes and the `extra` ones, each with what both lanes say of it."""
    usual = facts.usual_tokens
    matches = lexical.find(connection, question.scope, words, usual_tokens=usual, limit=question.candidates)
    near = _nearness(connection, question, [*(match.chunk_id for match in matches), *extra])
    matched = {match.chunk_id for match in matches}
    others = [chunk for chunk in dict.fromkeys([*near, *extra]) if chunk not in matched]
    matches += lexical.rank(connection, others, words, usual_tokens=usual, limit=len(others))
    best = max((match.score for match in matches), default=1.0)
    chunks = [match.chunk_id for match in matches]
    verbatim = queries.having_phrase(connection, chunks, question.phrase) if question.phrase else set()
    by_words = {
        match.chunk_id: (
            match.score / best,
            fusion.lexical_strength(share=words.share(match.lexemes), verbatim=match.chunk_id in verbatim),
        )
        for match in matches
    }
    evidence = {}
    exact = queries.exactly(connection, question.scope, {*by_words, *near, *extra})
    for chunk in (one for one in dict.fromkeys([*by_words, *near, *extra]) if one in exact):
        score, strength = by_words.get(chunk, (None, None))
        evidence[chunk] = Evidence(words=score, lexical=strength, nearness=near.get(chunk))
    return _Candidates(evidence, {match.chunk_id: match.lexemes for match in matches})


def _nearness(connection: Connection, question: Question, chunks: list[ChunkId]) -> dict[ChunkId, float]:
    """The nearest chunks and the given ones, with their cosines on the calibrated scale, not cut off at its ends."""
    if question.model is None or question.vector is None:
        return {}
    model, vector = question.model, question.vector
    cosines = dict(queries.nearest(connection, question.scope, vector, model=model.id, limit=question.candidates))
    others = {chunk for chunk in chunks if chunk not in cosines}
    cosines |= dict(queries.similarities(connection, others, vector, model=model.id))
    return {chunk: model.spec.nearness(cosine) for chunk, cosine in cosines.items()}


def _best_of_each_file(connection: Connection, question: Question, candidates: _Candidates) -> list[_Found]:
    evidence = candidates.evidence
    ranked = sorted(evidence, key=lambda chunk: -fusion.place_value(evidence[chunk]))
    best: dict[FileId, _Found] = {}
    for place in queries.places(connection, question.scope, ranked, limit=question.limit):
        if place.file_id not in best:
            best[place.file_id] = _Found(place, evidence[place.chunk_id])
    return list(best.values())


def _with_names(
    connection: Connection,
    found: list[_Found],
    candidates: _Candidates,
    named: dict[ChunkId, list[NameMatch]],
    words: Words,
) -> list[_Found]:
    """Count the words of the question that are in a file's path, the directories above it by half."""
    if not named:
        return found
    matches = {match.file_id: match for some in named.values() for match in some}
    if len(matches) >= NAMED:
        # There may be more than were picked: look at all that are here, so that equal names count alike.
        files = [one.place.file_id for one in found]
        matches = {match.file_id: match for match in queries.match_names(connection, files, list(words.weights))}
    return [_with_name(one, candidates, matches.get(one.place.file_id), words) for one in found]


def _with_name(one: _Found, candidates: _Candidates, match: NameMatch | None, words: Words) -> _Found:
    if match is None:
        return one
    in_text = candidates.lexemes.get(one.place.chunk_id, frozenset())
    name = (words.share(match.in_name) + words.share(match.in_path)) / 2
    together = (words.share(in_text | match.in_name) + words.share(in_text | match.in_path)) / 2
    strength = fusion.lexical_strength(share=together, verbatim=False)
    lexical_best = max(strength, one.evidence.lexical or 0.0)
    return replace(one, evidence=replace(one.evidence, lexical=lexical_best, name=name))


def _hits(connection: Connection, question: Question, found: list[_Found], scores: list[float]) -> tuple[Hit, ...]:
    texts = queries.texts(connection, {one.place.chunk_id for one in found})
    snippets = Snippets(question.query.question.split())
    return tuple(
        Hit(
            rank=rank,
            score=score,
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
        for rank, (one, score) in enumerate(zip(found, scores, strict=True), 1)
    )
