"""The ranking of files: candidates of all retrievers, the best chunk of each file, the order and the scores.

Used by the search service. Runs in the caller's transaction, whose statements have a timeout; keeps no state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from magicfs.db import search as search_db
from magicfs.db.pool import Connection
from magicfs.domain.chunks import ChunkLocation, NameMatch, WordMatch
from magicfs.domain.ids import ChunkId, FileId
from magicfs.domain.results import Hit
from magicfs.search import fusion, retrievers
from magicfs.search.compiled_query import CompiledQuery
from magicfs.search.corpus_statistics import CorpusStatistics
from magicfs.search.fusion import Evidence
from magicfs.search.passages import SnippetCutter
from magicfs.search.retrievers import QuestionVector, QuestionWords

MIN_CANDIDATES = 200
CANDIDATES_PER_RESULT = 4
"""More than one: several candidates may belong to one file, and some to files that are out of scope."""
MAX_CANDIDATES = 2000


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What to search for, and in which scope."""

    question: str
    """The words and phrases as text; empty for filters alone."""
    compiled: CompiledQuery
    question_vector: QuestionVector | None
    """None for a search by words and names alone."""
    limit: int
    """The most files to return."""

    @property
    def candidate_limit(self) -> int:
        """The number of chunks that each retriever brings."""
        return min(MAX_CANDIDATES, max(MIN_CANDIDATES, self.limit * CANDIDATES_PER_RESULT))


@dataclass(frozen=True, slots=True)
class _CandidateFile:
    """A file with its best chunk, and the evidence for both."""

    location: ChunkLocation
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class _CandidateChunks:
    """Chunks with their evidence, and with the words of the question that they have."""

    evidence: dict[ChunkId, Evidence]
    words: dict[ChunkId, frozenset[str]]


def rank_files(connection: Connection, request: SearchRequest, statistics: CorpusStatistics) -> tuple[Hit, ...]:
    """The files that answer a request, best first."""
    if not request.question:
        return _newest_files(connection, request)
    words = retrievers.weigh_words(connection, request.compiled.terms, chunks=statistics.coverage.chunks)
    name_candidates = retrievers.find_by_name(connection, request.compiled.scope, words)
    chunks = _gather_candidates(connection, request, words, statistics, by_name=list(name_candidates))
    files = _best_chunk_per_file(connection, request, chunks)
    if name_candidates:
        file_ids = [file.location.file_id for file in files]
        name_matches = retrievers.match_names(connection, words, file_ids, name_candidates)
        files = [_with_name(file, chunks, name_matches.get(file.location.file_id), words) for file in files]
    relevant = [file for file in files if fusion.is_relevant(file.evidence)]
    best = sorted(relevant, key=lambda file: -fusion.fused_score(file.evidence))[: request.limit]
    scores = fusion.non_increasing([fusion.relevance(file.evidence) for file in best])
    return _hits(connection, request, best, scores)


def _newest_files(connection: Connection, request: SearchRequest) -> tuple[Hit, ...]:
    """The files in scope, the latest modified first. Each has the score 1: a file meets the filters or does not."""
    locations = search_db.newest_files(connection, request.compiled.scope, limit=request.limit)
    files = [_CandidateFile(location, Evidence()) for location in locations]
    return _hits(connection, request, files, [1.0] * len(files))


def _gather_candidates(
    connection: Connection,
    request: SearchRequest,
    words: QuestionWords,
    statistics: CorpusStatistics,
    *,
    by_name: Sequence[ChunkId],
) -> _CandidateChunks:
    """The chunks that any retriever brings; `by_name` are the first chunks of files that their names bring.

    Each chunk is measured by its words and by its meaning, whichever retriever brings it, so its evidence is complete.
    """
    scope, limit, average_tokens = request.compiled.scope, request.candidate_limit, statistics.average_tokens
    matches = retrievers.find_by_words(connection, scope, words, average_tokens=average_tokens, limit=limit)
    matched = {match.chunk_id: match for match in matches}
    nearness = retrievers.find_by_meaning(
        connection, scope, request.question_vector, others=[*matched, *by_name], limit=limit
    )
    unmatched = [chunk for chunk in dict.fromkeys([*nearness, *by_name]) if chunk not in matched]
    matches += retrievers.rank_by_words(
        connection, unmatched, words, average_tokens=average_tokens, limit=len(unmatched)
    )
    by_words = _word_evidence(connection, request, words, matches)
    chunks = dict.fromkeys([*by_words, *nearness, *by_name])
    evidence = {chunk: replace(by_words.get(chunk, Evidence()), nearness=nearness.get(chunk)) for chunk in chunks}
    return _CandidateChunks(evidence, {match.chunk_id: match.words for match in matches})


def _word_evidence(
    connection: Connection, request: SearchRequest, words: QuestionWords, matches: Sequence[WordMatch]
) -> dict[ChunkId, Evidence]:
    """The evidence of each match, from its words alone."""
    phrase, chunks = request.compiled.question_phrase, [match.chunk_id for match in matches]
    phrase_matches = search_db.chunks_with_phrase(connection, chunks, phrase) if phrase else set()
    best = max((match.bm25 for match in matches), default=1.0)
    evidence = {}
    for match in matches:
        is_phrase_match = match.chunk_id in phrase_matches
        lexical = fusion.lexical_strength(share=words.share(match.words), is_phrase_match=is_phrase_match)
        evidence[match.chunk_id] = Evidence(
            relative_bm25=match.bm25 / best, lexical=lexical, is_phrase_match=is_phrase_match
        )
    return evidence


def _best_chunk_per_file(
    connection: Connection, request: SearchRequest, chunks: _CandidateChunks
) -> list[_CandidateFile]:
    evidence = chunks.evidence
    ranked = sorted(evidence, key=lambda chunk: -fusion.fused_score(evidence[chunk]))
    files: dict[FileId, _CandidateFile] = {}
    for location in search_db.chunk_locations(connection, request.compiled.scope, ranked, limit=request.limit):
        if location.file_id not in files:
            files[location.file_id] = _CandidateFile(location, evidence[location.chunk_id])
    return list(files.values())


def _with_name(
    file: _CandidateFile, chunks: _CandidateChunks, match: NameMatch | None, words: QuestionWords
) -> _CandidateFile:
    """The file with the evidence of its path. A word of a directory's name counts half as much as one of the file's."""
    if match is None:
        return file
    in_text = chunks.words.get(file.location.chunk_id, frozenset())
    name_share = (words.share(match.in_name) + words.share(match.in_path)) / 2
    share = (words.share(in_text | match.in_name) + words.share(in_text | match.in_path)) / 2
    lexical = max(fusion.lexical_strength(share=share, is_phrase_match=False), file.evidence.lexical or 0.0)
    return replace(file, evidence=replace(file.evidence, lexical=lexical, name_share=name_share))


def _hits(
    connection: Connection, request: SearchRequest, files: Sequence[_CandidateFile], scores: Sequence[float]
) -> tuple[Hit, ...]:
    texts = search_db.chunk_texts(connection, {file.location.chunk_id for file in files})
    snippets = SnippetCutter(request.compiled.terms, languages=request.compiled.languages)
    return tuple(
        Hit(
            rank=rank,
            score=score,
            file_id=file.location.file_id,
            host=file.location.host,
            root=file.location.root,
            root_path=file.location.root_path,
            path=file.location.path,
            stat=file.location.stat,
            first_line=file.location.first_line,
            last_line=file.location.last_line,
            page=file.location.page,
            snippet=snippets.cut(texts.get(file.location.chunk_id, "")),
            vector=file.evidence.vector,
            lexical=file.evidence.lexical,
            indexed_at=file.location.indexed_at,
        )
        for rank, (file, score) in enumerate(zip(files, scores, strict=True), 1)
    )
