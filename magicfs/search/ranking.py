"""The ranking of files: candidates of all retrievers, in their order, as results.

Used by the search service. Runs in the caller's transaction, whose statements have a timeout; keeps no state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import compress

from magicfs.db.pool import Connection
from magicfs.db.search import file_facts
from magicfs.db.search.candidate_query import CandidateQuery, ModelVector
from magicfs.db.search.candidates import gather, measure_chunks
from magicfs.db.search.scope import Ids
from magicfs.domain.chunks import FoundFile
from magicfs.domain.ids import ChunkId
from magicfs.domain.results import Hit
from magicfs.search import fusion, retrievers, scores
from magicfs.search.corpus_statistics import CorpusStatistics
from magicfs.search.fusion import Evidence, FusionScale
from magicfs.search.hits import Proximities, Shown, newest_files, shown_hits
from magicfs.search.meaning import meaning_for, needs_documents
from magicfs.search.measured_chunks import MeasuredChunks, count_files, measure_candidates
from magicfs.search.measured_files import CandidateFile, files_of_chunks, with_name, with_names
from magicfs.search.near_copies import examined, near_copies_later
from magicfs.search.near_texts import NearTexts
from magicfs.search.rare_words import RareWords
from magicfs.search.request import ENOUGH_RESULTS, SearchRequest
from magicfs.search.retrievers import QuestionWords
from magicfs.search.token_matches import compare_tokens
from magicfs.text.names import plain_name, typed_path


@dataclass(frozen=True)
class Ranking:
    """All candidates of a question, also those that are not shown."""

    words: QuestionWords
    scale: FusionScale
    rare_words: RareWords
    exponent: float
    """The power of a similarity to the question: `scores.similarity_exponent`."""
    files: tuple[CandidateFile, ...]
    """Best first; the preferred copy stands for all."""
    evidence: MeasuredChunks
    """The evidence of each chunk that a retriever has brought, from its text alone."""
    shown: Shown
    compared: NearTexts
    """The texts, as far as they were compared with each other."""
    least: float
    """The least relevance of a candidate that is shown, see `scores.least_relevance`."""
    wanted: int
    """The results that are wanted, or as many as are looked at for fewer: the first ones are the same."""
    each_copy: bool = False
    """Whether near copies are results as all others are."""

    @cached_property
    def relevant(self) -> list[CandidateFile]:
        """The candidates that answer well enough to be shown, best first, near copies of one before them later."""
        evidence = [file.evidence for file in self.files]
        files = list(compress(self.files, scores.are_relevant(evidence, exponent=self.exponent, least=self.least)))
        if self.each_copy:
            return files
        return near_copies_later(files, self.shown.texts, self._relevance, wanted=self.wanted, compared=self.compared)

    def _relevance(self, evidence: Evidence) -> float:
        return scores.relevance(evidence, exponent=self.exponent)

    def is_relevant(self, evidence: Evidence) -> bool:
        """Whether a candidate with this evidence is shown."""
        return scores.is_relevant(evidence, exponent=self.exponent, least=self.least)

    def order(self, evidence: Evidence) -> float:
        """The value that orders candidates, the best one highest."""
        return fusion.fused_score(evidence, meaning=self.scale.meaning)


def rank_files(connection: Connection, request: SearchRequest, statistics: CorpusStatistics) -> tuple[Hit, ...]:
    """The files that answer a request, best first."""
    if not request.question:
        return newest_files(connection, request)
    ranking = rank_candidates(connection, request, statistics)
    files = ranking.relevant[: request.limit]
    return shown_hits(connection, files, known=ranking.shown, exponent=ranking.exponent)


def rank_candidates(connection: Connection, request: SearchRequest, statistics: CorpusStatistics) -> Ranking:
    """The candidates of all retrievers for a request with a question, best first. Commits the transaction."""
    count = statistics.chunks
    words = retrievers.weigh_words(
        request.compiled.terms,
        request.compiled.chunks_of_words,
        chunks=count,
        everyday=request.everyday_words,
        uncertain=request.compiled.uncertain,
        any_of=request.compiled.any_of,
    )
    compared, proximities = NearTexts(), Proximities(request)
    wanted = max(request.limit, ENOUGH_RESULTS)
    with gather(
        connection,
        request.compiled.scope,
        _candidate_query(request, words),
        rules=request.copy_rules,
        limits=request.limits,
    ) as gathered:
        if not request.copy_rules.each_copy:
            compared.compare(gathered.texts, most=examined(wanted))
        chunks = measure_candidates(request, words, gathered.candidates, count=count)
        proximities.look_ahead(chunks.of(gathered.texts), gathered.texts)
    count_files(chunks, request, words, gathered.places)
    compare_tokens(connection, request, chunks, (place.found.chunk_id for place in gathered.places))
    files = with_names(files_of_chunks(gathered.places, chunks), chunks, gathered.places, words, request)
    exponent = scores.similarity_exponent(len(request.words))
    weight = chunks.scale.meaning
    ranked = sorted(files.values(), key=lambda file: -fusion.fused_score(file.evidence, meaning=weight))
    relevances = (scores.relevance(file.evidence, exponent=exponent) for file in ranked)
    # It matters whether one answers: mostly the first file does.
    best = next((relevance for relevance in relevances if relevance >= scores.ANSWERED), 0.0)
    return Ranking(
        words,
        chunks.scale,
        chunks.rare_words,
        exponent,
        tuple(ranked),
        chunks,
        Shown.of_places(gathered.places, gathered.texts, proximities),
        compared,
        least=scores.least_relevance(best),
        wanted=wanted,
        each_copy=request.copy_rules.each_copy,
    )


def _candidate_query(request: SearchRequest, words: QuestionWords) -> CandidateQuery:
    return CandidateQuery(
        weights=words.weights,
        conditions=retrievers.candidate_conditions(words),
        name_conditions=retrievers.name_conditions(words) if words.weights else (),
        phrase=request.compiled.question_phrase,
        words_of_phrase=request.compiled.words_of_phrase,
        vectors=[
            ModelVector(one.model, one.vector, fusion.WEIGHT_OF_SECOND if one.is_second else 1.0)
            for one in request.question_vectors
        ],
        with_documents=needs_documents(request.question_vectors),
    )


def measure_file(
    connection: Connection,
    request: SearchRequest,
    *,
    ranking: Ranking,
    found: FoundFile,
    chunks: Sequence[ChunkId],
) -> CandidateFile:
    """A file with its best chunk of given ones, measured as the candidates of a ranking are, if it is one or not."""
    scope = replace(request.compiled.scope, chunks=Ids.of(chunks))
    words, weight = ranking.words, ranking.scale.meaning
    query = replace(_candidate_query(request, words), name_conditions=())
    candidates = measure_chunks(connection, scope, query, limits=replace(request.limits, chunks=len(chunks)))
    meaning = meaning_for(request.question_vectors, request.languages)
    measured = MeasuredChunks(candidates, ranking.rare_words, ranking.scale, meaning)
    measured.take_compared(ranking.evidence)
    phrases = scope.condition_parameters["phrases"]
    is_named = bool(words.weights) and file_facts.is_named_so(connection, found.file_id, phrases)
    matches = file_facts.name_matches(connection, [found.file_id], list(words.weights)) if is_named else []
    match = next(iter(matches), None)
    in_path: frozenset[str] = match.in_path if match is not None else frozenset()

    def preference(chunk: ChunkId) -> tuple[bool, float]:
        return measured.has_all_words(chunk, in_path), fusion.fused_score(measured[chunk], meaning=weight)

    best = max(measured, key=preference, default=None)
    file = CandidateFile(found._replace(chunk_id=best), Evidence())
    if best is not None:
        of_file = fusion.of_file(measured[best], list(measured.values()))
        file = file._replace(evidence=of_file, meaning=measured.meaning(best))
    name, path = plain_name(request.question), typed_path(request.question)
    return with_name(file, measured, match, words, name=name, path=path)
