"""The ranking of files: candidates of all retrievers, the best chunk of each file, the order and the scores.

Used by the search service. Runs in the caller's transaction, whose statements have a timeout; keeps no state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from magicfs.db import search as search_db
from magicfs.db.pool import Connection
from magicfs.domain.chunks import CopyRules, FoundFile, NameMatch, WordMatch
from magicfs.domain.ids import ChunkId, FileId
from magicfs.domain.results import Copy, Hit
from magicfs.search import fusion, retrievers, scores
from magicfs.search.closeness import closeness
from magicfs.search.compiled_query import CompiledQuery
from magicfs.search.corpus_statistics import CorpusStatistics
from magicfs.search.fusion import Evidence, FusionScale
from magicfs.search.meaning import Meaning, QuestionVector, find_by_meaning, has_second_vectors
from magicfs.search.passages import NO_SNIPPET, Snippet, SnippetCutter
from magicfs.search.retrievers import QuestionWords
from magicfs.text.question_language import UNKNOWN_LANGUAGES, QuestionLanguages

MIN_CANDIDATES = 200
CANDIDATES_PER_RESULT = 4
"""More than one: several candidates may belong to one file, and some to files that are out of scope."""
MAX_CANDIDATES = 2000
MAX_COPIES = 1000
"""The most copies that a result lists."""


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What to search for, and in which scope."""

    question: str
    """The words and phrases as text; empty for filters alone."""
    compiled: CompiledQuery
    question_vectors: Sequence[QuestionVector]
    """One for each model that reads the question; empty for a search by words and names alone."""
    limit: int
    """The most contents to return."""
    copy_rules: CopyRules
    languages: QuestionLanguages = UNKNOWN_LANGUAGES
    """Those of the question."""

    @property
    def words(self) -> list[str]:
        """The words of the question in their order."""
        return [term.word for term in self.compiled.terms if not term.is_whole]

    @property
    def candidate_limit(self) -> int:
        """The number of chunks that each retriever brings."""
        return min(MAX_CANDIDATES, max(MIN_CANDIDATES, self.limit * CANDIDATES_PER_RESULT))


@dataclass(frozen=True, slots=True)
class CandidateFile:
    """A file with its best chunk, and the evidence for both."""

    found: FoundFile
    evidence: Evidence
    meaning: Meaning | None = None
    """Of its best chunk; None without a vector."""

    def at(self, copy: FoundFile) -> CandidateFile:
        """A copy of the file, with the same place of its chunk."""
        found = self.found
        copy = replace(
            copy, chunk_id=found.chunk_id, first_line=found.first_line, last_line=found.last_line, page=found.page
        )
        return replace(self, found=copy)


@dataclass(frozen=True, slots=True)
class _CandidateChunks:
    """Chunks with their evidence, and with the words of the question that they have."""

    evidence: dict[ChunkId, Evidence]
    words: dict[ChunkId, frozenset[str]]
    meanings: Mapping[ChunkId, Meaning]
    scale: FusionScale


@dataclass(frozen=True, slots=True)
class Ranking:
    """All candidates of a question, also those that are not shown."""

    words: QuestionWords
    scale: FusionScale
    exponent: float
    """Of a similarity to the question, see `scores.similarity_exponent`."""
    files: tuple[CandidateFile, ...]
    """Best first; the preferred copy stands for all."""
    evidence: Mapping[ChunkId, Evidence]
    """Of each chunk that a retriever has brought, from its text alone."""
    least: float = scores.MIN_RELEVANCE
    """The relevance from which on a candidate is shown, see `scores.least_relevance`."""

    @property
    def relevant(self) -> list[CandidateFile]:
        """The candidates that answer well enough to be shown, best first."""
        return [file for file in self.files if self.is_relevant(file.evidence)]

    def is_relevant(self, evidence: Evidence) -> bool:
        """Whether a candidate with this evidence is shown."""
        return scores.is_relevant(evidence, exponent=self.exponent, least=self.least)

    def order(self, evidence: Evidence) -> float:
        """The value that orders candidates, the best one highest."""
        return fusion.fused_score(evidence, meaning=self.scale.meaning)


def rank_files(connection: Connection, request: SearchRequest, statistics: CorpusStatistics) -> tuple[Hit, ...]:
    """The files that answer a request, best first."""
    if not request.question:
        return _newest_files(connection, request)
    ranking = rank_candidates(connection, request, statistics)
    return shown_hits(connection, request, ranking, ranking.relevant[: request.limit])


def shown_hits(
    connection: Connection, request: SearchRequest, ranking: Ranking, files: Sequence[CandidateFile]
) -> tuple[Hit, ...]:
    """The results for candidates in their order, each with its score. A file may come several times."""
    texts = search_db.chunk_texts(connection, _chunks_of(files))
    cutter = SnippetCutter(request.compiled.terms, languages=request.compiled.languages)
    evidence = [_with_closeness(file, request, texts, cutter) for file in files]
    shown = scores.told_apart(
        [scores.relevance(one, exponent=ranking.exponent) for one in evidence],
        [one.is_phrase_match for one in evidence],
    )
    measured = [replace(file, evidence=one) for file, one in zip(files, evidence, strict=True)]
    return _hits(measured, shown, texts, cutter, _copies(connection, request, measured))


def _chunks_of(files: Sequence[CandidateFile]) -> set[ChunkId]:
    return {file.found.chunk_id for file in files if file.found.chunk_id is not None}


def _with_closeness(
    file: CandidateFile, request: SearchRequest, texts: Mapping[ChunkId, str], cutter: SnippetCutter
) -> Evidence:
    """The evidence of a result whose text has all words of the question, stronger the closer together they stand."""
    evidence, words, text = file.evidence, request.words, texts.get(file.found.chunk_id or ChunkId(0))
    has_all = (evidence.lexical or 0.0) >= scores.ALL_WORDS_STRENGTH - 1e-9
    if evidence.is_phrase_match or not has_all or len(words) == 1 or text is None:
        return evidence
    close = closeness(cutter.words_in(text), words)
    return replace(evidence, lexical=scores.lexical_strength(share=1.0, is_phrase_match=False, closeness=close))


def rank_candidates(connection: Connection, request: SearchRequest, statistics: CorpusStatistics) -> Ranking:
    """The candidates of all retrievers for a request with a question, best first."""
    words = retrievers.weigh_words(connection, request.compiled.terms, chunks=statistics.coverage.chunks)
    by_name = retrievers.find_by_name(connection, request.compiled.scope, words, rules=request.copy_rules)
    named_chunks = [found.chunk_id for found, _ in by_name if found.chunk_id is not None]
    chunks = _gather_candidates(connection, request, words, statistics, by_name=list(dict.fromkeys(named_chunks)))
    files = _best_chunk_per_file(connection, request, chunks)
    if by_name:
        matches = retrievers.match_names(connection, words, [file.found.file_id for file in files.values()], by_name)
        files = _with_names(
            files, chunks, [found for found, _ in by_name], matches, words, host=request.copy_rules.host
        )
    exponent = scores.similarity_exponent(len(request.words))
    weight = chunks.scale.meaning
    ranked = sorted(files.values(), key=lambda file: -fusion.fused_score(file.evidence, meaning=weight))
    best = max((scores.relevance(file.evidence, exponent=exponent) for file in ranked), default=0.0)
    return Ranking(words, chunks.scale, exponent, tuple(ranked), chunks.evidence, least=scores.least_relevance(best))


def measure_file(
    connection: Connection,
    request: SearchRequest,
    *,
    statistics: CorpusStatistics,
    ranking: Ranking,
    found: FoundFile,
    chunks: Sequence[ChunkId],
) -> CandidateFile:
    """A file with its best chunk of given ones, measured as the candidates of a ranking are, if it is one or not."""
    scope = replace(request.compiled.scope, chunks=tuple(chunks))
    narrow = replace(request, compiled=replace(request.compiled, scope=scope))
    words, weight = ranking.words, ranking.scale.meaning
    measured = _gather_candidates(connection, narrow, words, statistics, by_name=(), scale=ranking.scale)
    evidence = measured.evidence
    best = max(evidence, key=lambda chunk: fusion.fused_score(evidence[chunk], meaning=weight), default=None)
    file = CandidateFile(replace(found, chunk_id=best), Evidence())
    if best is not None:
        file = replace(file, evidence=evidence[best], meaning=measured.meanings.get(best))
    phrases = scope.condition_parameters["phrases"]
    if not (words.weights and search_db.is_named_so(connection, found.file_id, phrases)):
        return file
    matches = search_db.name_matches(connection, [found.file_id], list(words.weights))
    return _with_name(file, measured, next(iter(matches), None), words)


def _newest_files(connection: Connection, request: SearchRequest) -> tuple[Hit, ...]:
    """The files in scope, the latest modified first. Each has the score 1: a file meets the filters or does not."""
    rules = request.copy_rules
    newest = search_db.newest_files(connection, request.compiled.scope, rules=rules, limit=request.limit)
    files = [CandidateFile(found, Evidence()) for found in newest]
    copies = _copies(connection, request, files)
    files = [file.at(copies.get(file.found.copy_key, [file.found])[0]) for file in files]
    texts = search_db.chunk_texts(connection, _chunks_of(files))
    cutter = SnippetCutter((), languages=request.compiled.languages)
    return _hits(files, [1.0] * len(files), texts, cutter, copies)


def _copies(
    connection: Connection, request: SearchRequest, files: Sequence[CandidateFile]
) -> dict[bytes, list[FoundFile]]:
    """The copies of each file, those files among them, by copy key."""
    rules = request.copy_rules
    distinct = {file.found.copy_key: file.found for file in files}
    return search_db.copies(
        connection, request.compiled.scope, list(distinct.values()), rules=rules, limit=MAX_COPIES + 1
    )


def _gather_candidates(
    connection: Connection,
    request: SearchRequest,
    words: QuestionWords,
    statistics: CorpusStatistics,
    *,
    by_name: Sequence[ChunkId],
    scale: FusionScale | None = None,
) -> _CandidateChunks:
    """The chunks that any retriever brings; `by_name` are the first chunks of files that their names bring.

    They are measured on a scale of their own, or on `scale`.

    Each chunk is measured by its words and by its meaning, whichever retriever brings it, so its evidence is complete.
    """
    scope, limit, average_tokens = request.compiled.scope, request.candidate_limit, statistics.average_tokens
    matches = retrievers.find_by_words(connection, scope, words, average_tokens=average_tokens, limit=limit)
    matched = {match.chunk_id: match for match in matches}
    meanings = find_by_meaning(
        connection, scope, request.question_vectors, request.languages, others=[*matched, *by_name], limit=limit
    )
    unmatched = [chunk for chunk in dict.fromkeys([*meanings, *by_name]) if chunk not in matched]
    matches += retrievers.rank_by_words(
        connection, unmatched, words, average_tokens=average_tokens, limit=len(unmatched)
    )
    has_second = has_second_vectors(meanings, request.question_vectors)
    scale = scale or FusionScale(
        fusion.bm25_unit(
            max((match.bm25 for match in matches), default=0.0),
            share=max((words.share(match.words) for match in matches), default=0.0),
        ),
        fusion.meaning_weight(len(request.words), has_second=has_second),
    )
    evidence = _word_evidence(connection, request, words, matches, unit=scale.bm25_unit)
    for chunk in (*meanings, *by_name):
        evidence.setdefault(chunk, Evidence())
    reach = scores.likeness_reach(len(request.words), has_second=has_second)
    for chunk, meaning in meanings.items():
        evidence[chunk] = replace(evidence[chunk], nearness=meaning.nearness, likeness=meaning.likeness / reach)
    return _CandidateChunks(evidence, {match.chunk_id: match.words for match in matches}, meanings, scale)


def _word_evidence(
    connection: Connection,
    request: SearchRequest,
    words: QuestionWords,
    matches: Sequence[WordMatch],
    *,
    unit: float,
) -> dict[ChunkId, Evidence]:
    """The evidence of each match, from its words alone."""
    phrase, chunks = request.compiled.question_phrase, [match.chunk_id for match in matches]
    phrase_matches = search_db.chunks_with_phrase(connection, chunks, phrase) if phrase else set()
    evidence = {}
    for match in matches:
        is_phrase_match = match.chunk_id in phrase_matches
        lexical = scores.lexical_strength(share=words.share(match.words), is_phrase_match=is_phrase_match)
        evidence[match.chunk_id] = Evidence(
            relative_bm25=match.bm25 / unit, lexical=lexical, is_phrase_match=is_phrase_match
        )
    return evidence


def _best_chunk_per_file(
    connection: Connection, request: SearchRequest, chunks: _CandidateChunks
) -> dict[bytes, CandidateFile]:
    """The contents that have the chunks, each with its best chunk, by copy key. The preferred copy stands for all."""
    evidence = chunks.evidence
    weight = chunks.scale.meaning
    ranked = sorted(evidence, key=lambda chunk: -fusion.fused_score(evidence[chunk], meaning=weight))
    located = search_db.chunk_locations(
        connection, request.compiled.scope, ranked, rules=request.copy_rules, limit=request.limit
    )
    return {
        found.copy_key: CandidateFile(found, evidence[found.chunk_id], chunks.meanings.get(found.chunk_id))
        for found in located
        if found.chunk_id is not None
    }


def _with_names(
    files: Mapping[bytes, CandidateFile],
    chunks: _CandidateChunks,
    by_name: Sequence[FoundFile],
    matches: Mapping[FileId, NameMatch],
    words: QuestionWords,
    *,
    host: str,
) -> dict[bytes, CandidateFile]:
    """The files with the evidence of their paths, and the files that their paths alone bring.

    Of the copies of a content, a local one is preferred, then the one whose own name has more of the question, then as
    in `magicfs.db.search`.
    """
    best: dict[bytes, tuple[tuple[bool, float, int, int], CandidateFile]] = {}
    named = (files.get(found.copy_key, CandidateFile(found, Evidence())).at(found) for found in by_name)
    for file in (*files.values(), *named):
        found, match = file.found, matches.get(file.found.file_id)
        own_share = words.share(match.in_name) if match else 0.0
        preference = (found.host == host, own_share, found.stat.mtime_ns, -len(found.absolute_path))
        if found.copy_key not in best or preference > best[found.copy_key][0]:
            best[found.copy_key] = (preference, _with_name(file, chunks, match, words))
    return {key: file for key, (_, file) in best.items()}


def _with_name(
    file: CandidateFile, chunks: _CandidateChunks, match: NameMatch | None, words: QuestionWords
) -> CandidateFile:
    """The file with the evidence of its path. A word of a directory's name counts half as much as one of the file's."""
    if match is None:
        return file
    chunk = file.found.chunk_id
    in_text = frozenset() if chunk is None else chunks.words.get(chunk, frozenset())
    name_share = (words.share(match.in_name) + words.share(match.in_path)) / 2
    share = (words.share(in_text | match.in_name) + words.share(in_text | match.in_path)) / 2
    lexical = max(scores.lexical_strength(share=share, is_phrase_match=False), file.evidence.lexical or 0.0)
    return replace(file, evidence=replace(file.evidence, lexical=lexical, name_share=name_share))


def _hits(
    files: Sequence[CandidateFile],
    shown: Sequence[float],
    texts: Mapping[ChunkId, str],
    cutter: SnippetCutter,
    copies: Mapping[bytes, Sequence[FoundFile]],
) -> tuple[Hit, ...]:
    """The results with their scores; `texts` are those of their chunks."""
    snippets: dict[ChunkId | None, Snippet] = {chunk: cutter.snippet(text) for chunk, text in texts.items()}
    return tuple(
        Hit(
            rank=rank,
            score=score,
            file_id=file.found.file_id,
            host=file.found.host,
            root=file.found.root,
            root_path=file.found.root_path,
            path=file.found.path,
            stat=file.found.stat,
            first_line=file.found.first_line,
            last_line=file.found.last_line,
            page=file.found.page,
            snippet=snippets.get(file.found.chunk_id, NO_SNIPPET).text,
            matched=snippets.get(file.found.chunk_id, NO_SNIPPET).matched,
            vector=file.evidence.vector,
            lexical=file.evidence.lexical,
            indexed_at=file.found.indexed_at,
            language=file.found.language,
            copies=tuple(
                Copy(copy.absolute_path, copy.host)
                for copy in copies.get(file.found.copy_key, ())
                if copy.file_id != file.found.file_id
            )[:MAX_COPIES],
        )
        for rank, (file, score) in enumerate(zip(files, shown, strict=True), 1)
    )
