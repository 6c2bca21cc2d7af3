"""The ranking of files: candidates of all retrievers, the best chunk of each file, the order and the scores.

Used by the search service. Runs in the caller's transaction, whose statements have a timeout; keeps no state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress

from magicfs.db import found_files
from magicfs.db import search as search_db
from magicfs.db.candidates import Candidate, Limits, ModelVector, Place, Wanted, gather, measure_chunks
from magicfs.db.pool import Connection
from magicfs.domain.chunks import CopyRules, FoundFile, NameMatch
from magicfs.domain.ids import ChunkId, FileId
from magicfs.domain.results import NO_SNIPPET, Copy, Hit
from magicfs.search import fusion, retrievers, scores
from magicfs.search.closeness import closeness
from magicfs.search.compiled_query import CompiledQuery
from magicfs.search.corpus_statistics import CorpusStatistics
from magicfs.search.fusion import Evidence, FusionScale
from magicfs.search.meaning import Meaning, QuestionVector, has_second_vectors, meanings_of, needs_documents
from magicfs.search.passages import SnippetCutter
from magicfs.search.retrievers import QuestionWords
from magicfs.text.language import is_code
from magicfs.text.question_language import UNKNOWN_LANGUAGES, QuestionLanguages

MIN_CANDIDATES = 200
CANDIDATES_PER_RESULT = 4
"""More than one: several candidates may belong to one file, and some to files that are out of scope."""
MAX_CANDIDATES = 2000
FILES_OF_KIND = 20
"""The first candidates, which say of what kind of text a question is asked."""
LOCATED_PER_RESULT = 2
MORE_LOCATED = 20
"""The candidates that are located: twice as many as results, because several may belong to one file, and some more,
because the order in which they are chosen is rough; besides, as many of each retriever."""
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

    @property
    def limits(self) -> Limits:
        """The most of everything that the search looks at."""
        return Limits(
            chunks=self.candidate_limit,
            chunks_each=retrievers.MAX_CANDIDATES_PER_CONDITION,
            names_each=retrievers.MAX_NAME_CANDIDATES,
            enough_names=retrievers.ENOUGH_NAME_CANDIDATES,
            located=LOCATED_PER_RESULT * self.limit + MORE_LOCATED,
            of_each_retriever=MORE_LOCATED,
            contents_each=self.limit,
            copies=MAX_COPIES + 1,
        )


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
class Shown:
    """What results show besides their places."""

    texts: Mapping[ChunkId, str]
    copies: Mapping[bytes, tuple[tuple[FileId, Copy], ...]]
    """The files with each content, by copy key, the preferred ones first."""

    @staticmethod
    def of_places(places: Sequence[Place]) -> Shown:
        """What the candidates of a search show."""
        texts = {
            place.found.chunk_id: place.text
            for place in places
            if place.found.chunk_id is not None and place.text is not None
        }
        return Shown(texts, {place.found.copy_key: place.copies for place in places})


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
    shown: Shown
    least: float = scores.MIN_RELEVANCE
    """The relevance from which on a candidate is shown, see `scores.least_relevance`."""

    @property
    def relevant(self) -> list[CandidateFile]:
        """The candidates that answer well enough to be shown, best first."""
        evidence = [file.evidence for file in self.files]
        return list(compress(self.files, scores.are_relevant(evidence, exponent=self.exponent, least=self.least)))

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
    missing = _chunks_of(files) - ranking.shown.texts.keys()
    texts = {**ranking.shown.texts, **(search_db.chunk_texts(connection, missing) if missing else {})}
    cutter = SnippetCutter(request.compiled.terms, languages=request.compiled.languages)
    evidence = [_with_closeness(file, request, texts, cutter) for file in files]
    shown = scores.told_apart(
        [scores.relevance(one, exponent=ranking.exponent) for one in evidence],
        [one.is_phrase_match for one in evidence],
    )
    measured = [replace(file, evidence=one) for file, one in zip(files, evidence, strict=True)]
    return _hits(measured, shown, texts, cutter, ranking.shown.copies)


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
    """The candidates of all retrievers for a request with a question, best first. Commits the transaction."""
    words = retrievers.weigh_words(
        request.compiled.terms, request.compiled.chunks_of_words, chunks=statistics.coverage.chunks
    )
    gathered = gather(
        connection, request.compiled.scope, _wanted(request, words), rules=request.copy_rules, limits=request.limits
    )
    chunks = _measured(request, words, gathered.candidates)
    files, scale = _files_of_chunks(gathered.places, chunks)
    files = _with_names(files, chunks, gathered.places, words, request)
    exponent = scores.similarity_exponent(len(request.words))
    weight = scale.meaning
    ranked = sorted(files.values(), key=lambda file: -fusion.fused_score(file.evidence, meaning=weight))
    best = max((scores.relevance(file.evidence, exponent=exponent) for file in ranked), default=0.0)
    return Ranking(
        words,
        scale,
        exponent,
        tuple(ranked),
        chunks.evidence,
        Shown.of_places(gathered.places),
        least=scores.least_relevance(best),
    )


def _wanted(request: SearchRequest, words: QuestionWords) -> Wanted:
    known, conditions = retrievers.unknown_conditions(words)
    return Wanted(
        weights=words.weights,
        known=known,
        conditions=conditions,
        all_conditions=retrievers.candidate_conditions(words),
        name_conditions=retrievers.name_conditions(words) if words.weights else (),
        phrase=request.compiled.question_phrase,
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
    scope = replace(request.compiled.scope, chunks=tuple(chunks))
    words, weight = ranking.words, ranking.scale.meaning
    wanted = replace(_wanted(request, words), name_conditions=())
    candidates = measure_chunks(connection, scope, wanted, limits=replace(request.limits, chunks=len(chunks)))
    measured = _measured(request, words, candidates, scale=ranking.scale)
    evidence = measured.evidence
    best = max(evidence, key=lambda chunk: fusion.fused_score(evidence[chunk], meaning=weight), default=None)
    file = CandidateFile(replace(found, chunk_id=best), Evidence())
    if best is not None:
        of_file = fusion.of_file(evidence[best], list(evidence.values()))
        file = replace(file, evidence=of_file, meaning=measured.meanings.get(best))
    phrases = scope.condition_parameters["phrases"]
    if not (words.weights and search_db.is_named_so(connection, found.file_id, phrases)):
        return file
    matches = search_db.name_matches(connection, [found.file_id], list(words.weights))
    return _with_name(file, measured, next(iter(matches), None), words)


def _newest_files(connection: Connection, request: SearchRequest) -> tuple[Hit, ...]:
    """The files in scope, the latest modified first. Each has the score 1: a file meets the filters or does not."""
    rules, scope = request.copy_rules, request.compiled.scope
    newest = found_files.newest_files(connection, scope, rules=rules, limit=request.limit)
    copies = found_files.copies(connection, scope, newest, rules=rules, limit=MAX_COPIES + 1)
    files = [CandidateFile(found, Evidence()).at(copies.get(found.copy_key, [found])[0]) for found in newest]
    texts = search_db.chunk_texts(connection, _chunks_of(files))
    cutter = SnippetCutter((), languages=request.compiled.languages)
    listed = {
        key: tuple((copy.file_id, Copy(copy.absolute_path, copy.host)) for copy in same) for key, same in copies.items()
    }
    return _hits(files, [1.0] * len(files), texts, cutter, listed)


def _measured(
    request: SearchRequest,
    words: QuestionWords,
    candidates: Sequence[Candidate],
    *,
    scale: FusionScale | None = None,
) -> _CandidateChunks:
    """The candidates with their evidence, measured on a scale of their own, or on `scale`."""
    matched = [candidate for candidate in candidates if candidate.words]
    meanings = meanings_of([one.chunk for one in candidates], request.question_vectors, request.languages)
    has_second = has_second_vectors(meanings, request.question_vectors)
    scale = scale or _scale(request, words, matched, has_second=has_second)
    evidence = {one.chunk.chunk_id: _word_evidence(one, words, unit=scale.bm25_unit) for one in candidates}
    reach = scores.likeness_reach(len(request.words), has_second=has_second)
    for chunk, meaning in meanings.items():
        evidence[chunk] = replace(evidence[chunk], nearness=meaning.nearness, likeness=meaning.likeness / reach)
    return _CandidateChunks(evidence, {match.chunk.chunk_id: match.words for match in matched}, meanings, scale)


def _scale(
    request: SearchRequest, words: QuestionWords, matched: Sequence[Candidate], *, has_second: bool
) -> FusionScale:
    """What the evidence of all candidates is measured by, as far as words and vectors say."""
    best = max(matched, key=lambda match: match.bm25, default=None)
    weight = fusion.meaning_weight(len(request.words), has_second=has_second)
    has_rare_word = best is not None and any(words.frequencies[word] < fusion.FEW_CHUNKS for word in best.words)
    return FusionScale(
        fusion.bm25_unit(
            best.bm25 if best else 0.0, share=max((words.share(match.words) for match in matched), default=0.0)
        ),
        weight,
        fusion.code_weight(weight, words=len(request.words), has_rare_word=has_rare_word),
    )


def _word_evidence(candidate: Candidate, words: QuestionWords, *, unit: float) -> Evidence:
    """The evidence of a candidate from its words alone."""
    if not candidate.words:
        return Evidence()
    lexical = scores.lexical_strength(share=words.share(candidate.words), is_phrase_match=candidate.has_phrase)
    return Evidence(relative_bm25=candidate.bm25 / unit, lexical=lexical, is_phrase_match=candidate.has_phrase)


def _files_of_chunks(
    places: Sequence[Place], chunks: _CandidateChunks
) -> tuple[dict[bytes, CandidateFile], FusionScale]:
    """The contents that have the chunks, by copy key, and the scale for the kind of most of them.

    The preferred copy stands for all. Each has its best chunk, and evidence from all its chunks among the candidates.
    """
    evidence = chunks.evidence
    located = [
        (place.found, place.found.chunk_id)
        for place in places
        if place.found.chunk_id is not None and place.found.chunk_id in evidence
    ]
    located.sort(key=lambda place: -fusion.fused_score(evidence[place[1]], meaning=chunks.scale.meaning))
    by_content: dict[bytes, list[tuple[FoundFile, ChunkId]]] = {}
    for found, chunk in located:
        by_content.setdefault(found.copy_key, []).append((found, chunk))
    scale = chunks.scale.of_kind(code_share=_code_share([first for (first, _), *_ in by_content.values()]))
    files = {}
    for key, same in by_content.items():
        found, best = max(same, key=lambda place: fusion.fused_score(evidence[place[1]], meaning=scale.meaning))
        # A file that its name has brought too has one of its chunks twice.
        of_file = fusion.of_file(
            evidence[best], [evidence[chunk] for chunk in dict.fromkeys(chunk for _, chunk in same)]
        )
        files[key] = CandidateFile(found, of_file, chunks.meanings.get(best))
    return files, scale


def _code_share(files: Sequence[FoundFile]) -> float:
    """The share of the first candidates that are code."""
    first = files[:FILES_OF_KIND]
    return sum(is_code(file.mime_type or "") for file in first) / len(first) if first else 0.0


def _with_names(
    files: Mapping[bytes, CandidateFile],
    chunks: _CandidateChunks,
    places: Sequence[Place],
    words: QuestionWords,
    request: SearchRequest,
) -> dict[bytes, CandidateFile]:
    """The files with the evidence of their paths, and the files that their paths alone bring.

    Of the copies of a content, a local one is preferred, then the one whose own name has more of the question, then as
    in `magicfs.db.candidates`.
    """
    best: dict[bytes, tuple[tuple[bool, float, int, int], CandidateFile]] = {}
    matches = {place.found.file_id: place.name for place in places if place.name is not None}
    by_name = [place.found for place in places if place.is_by_name]
    named = (files.get(found.copy_key, CandidateFile(found, Evidence())).at(found) for found in by_name)
    for file in (*files.values(), *named):
        found, match = file.found, matches.get(file.found.file_id)
        own_share = words.share(match.in_name) if match else 0.0
        preference = (
            found.host == request.copy_rules.host,
            own_share,
            found.stat.mtime_ns,
            -len(found.absolute_path),
        )
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
    copies: Mapping[bytes, Sequence[tuple[FileId, Copy]]],
) -> tuple[Hit, ...]:
    """The results with their scores; `texts` are those of their chunks."""
    snippets = {chunk: cutter.uncut(texts[chunk]) for chunk in _chunks_of(files) & texts.keys()}
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
            shown=snippets.get(file.found.chunk_id or ChunkId(0), NO_SNIPPET),
            vector=file.evidence.vector,
            lexical=file.evidence.lexical,
            indexed_at=file.found.indexed_at,
            language=file.found.language,
            copies=tuple(
                copy for file_id, copy in copies.get(file.found.copy_key, ()) if file_id != file.found.file_id
            )[:MAX_COPIES],
        )
        for rank, (file, score) in enumerate(zip(files, shown, strict=True), 1)
    )
