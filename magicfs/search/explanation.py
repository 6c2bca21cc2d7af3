"""Explains where one file stands in the results of a query, and why not higher: `magicfs doctor PATH QUERY`.

Used by the search service. It measures with the functions that rank, and has no rules of its own. Runs in the caller's
transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace

from magicfs.db.pool import Connection
from magicfs.db.search import file_facts
from magicfs.db.search.found_files import find_file
from magicfs.domain.chunks import FoundFile
from magicfs.domain.explanation import FoundWord, Measures, Standing
from magicfs.domain.files import display_path
from magicfs.domain.ids import ChunkId, FileId
from magicfs.domain.models import IndexedModel
from magicfs.domain.query import NO_FILTERS, Filters, Query
from magicfs.domain.results import Hit
from magicfs.search import fusion, scores
from magicfs.search.compiled_query import any_form, any_spelling
from magicfs.search.corpus_statistics import CorpusStatistics
from magicfs.search.measured_files import CandidateFile
from magicfs.search.ranking import Ranking, measure_file, rank_candidates
from magicfs.search.request import SearchRequest
from magicfs.search.typed_scope import scope_of

FILTER_NAMES = {
    "types": "type:",
    "extensions": "ext:",
    "folders": "in:",
    "names": "name:",
    "hosts": "host:",
    "roots": "root:",
    "languages": "lang:",
    "after": "after:",
    "before": "before:",
    "larger": "size:>",
    "smaller": "size:<",
    "periods": "date:",
    "sizes": "size:",
}
"""How people type the filters, by the fields of `Filters`."""
_NO_VECTOR = {
    "pending": "it waits for its vector",
    "unread": "the model does not read its language",
    "failed": "it failed to get a vector",
    None: "it is beyond MAGICFS_MAX_EMBEDDED_CHUNKS",
}


@dataclass(frozen=True, slots=True)
class Searched:
    """A search that has been done."""

    query: Query
    request: SearchRequest
    statistics: CorpusStatistics
    hits: tuple[Hit, ...]


def explain_standing(connection: Connection, searched: Searched, file: FileId) -> Standing:
    """Where a file stands among what a search has found, and why. The notices are left out."""
    request = searched.request
    found = find_file(connection, file, rules=request.copy_rules)
    standing = Standing(results=len(searched.hits), limit=request.limit)
    if found is None:
        return replace(standing, reasons=("the index has just forgotten it",))
    chunks = file_facts.chunks_of_file(connection, file)
    left_out = tuple(_conditions_missed(connection, searched, file, chunks))
    if left_out:
        return replace(standing, reasons=left_out)
    if not request.question:
        return _explain_list(searched.hits, found, standing)
    ranking = rank_candidates(connection, request, searched.statistics)
    in_scope = _with_phrases(connection, searched, chunks)
    measured = measure_file(connection, request, ranking=ranking, found=found, chunks=in_scope)
    standing = replace(standing, measures=_measures(connection, request, ranking, measured))
    return _place(searched, ranking, measured, standing)


def _conditions_missed(
    connection: Connection, searched: Searched, file: FileId, chunks: Sequence[ChunkId]
) -> Iterator[str]:
    """The filters, exclusions and phrases of a query that leave a file out."""
    query, languages = searched.query, searched.request.compiled.languages
    for alone, typed in _single_filters(query.filters):
        if not file_facts.is_in_scope(connection, scope_of(alone), file):
            yield f"the filter {' '.join(typed)} leaves it out"
    for alone, typed in _single_filters(query.excluded_filters):
        if not file_facts.is_in_scope(connection, scope_of(NO_FILTERS, excluded_filters=alone), file):
            yield f"the filter -{' -'.join(typed)} leaves it out"
    words = [(f"-{word}", any_form(word, languages)) for word in query.excluded]
    phrases = [(f'-"{phrase}"', any_spelling(phrase, languages)) for phrase in query.excluded_phrases]
    for piece, excluded in words + phrases:
        scope = scope_of(NO_FILTERS, excluded=excluded)
        if excluded and not file_facts.is_in_scope(connection, scope, file):
            yield f"its text has what {piece} excludes"
    if file_facts.is_named_so(connection, file, searched.request.compiled.scope.condition_parameters["phrases"]):
        return
    missed = [group for group in query.required_phrases if not _with_any(connection, group, chunks, languages)]
    for group in missed:
        yield "no passage of it has the phrase " + " or ".join(f'"{phrase}"' for phrase in group)
    if query.required_phrases and not missed and not _with_phrases(connection, searched, chunks):
        yield "no single passage of it has all phrases"


def _single_filters(filters: Filters) -> Iterator[tuple[Filters, list[str]]]:
    """Each of the filters that has values, alone, with its values as people type them."""
    for field in fields(Filters):
        value = getattr(filters, field.name)
        if alone := Filters(**{field.name: value}):
            values = value if isinstance(value, tuple) else (value,)
            yield alone, [f"{FILTER_NAMES[field.name]}{one}" for one in values]


def _with_phrase(
    connection: Connection, phrase: str, chunks: Sequence[ChunkId], languages: Sequence[str]
) -> Sequence[ChunkId]:
    """The chunks, of those given, that have a phrase; all of them for a phrase without words."""
    condition = any_spelling(phrase, languages)
    if condition is None:
        return chunks
    having = file_facts.chunks_with_phrase(connection, chunks, condition)
    return [chunk for chunk in chunks if chunk in having]


def _with_phrases(connection: Connection, searched: Searched, chunks: Sequence[ChunkId]) -> Sequence[ChunkId]:
    for group in searched.query.required_phrases:
        chunks = _with_any(connection, group, chunks, searched.request.compiled.languages)
    return chunks


def _with_any(
    connection: Connection, phrases: Sequence[str], chunks: Sequence[ChunkId], languages: Sequence[str]
) -> Sequence[ChunkId]:
    """The chunks, of those given, that have one of some phrases."""
    having = {chunk for phrase in phrases for chunk in _with_phrase(connection, phrase, chunks, languages)}
    return [chunk for chunk in chunks if chunk in having]


def _explain_list(hits: Sequence[Hit], found: FoundFile, standing: Standing) -> Standing:
    """The standing in a list of the newest files."""
    for hit in hits:
        if hit.file_id == found.file_id or any(copy.path == found.absolute_path for copy in hit.copies):
            return _shown(hit, found, standing)
    return replace(standing, reasons=(f"newer files fill the limit of {standing.limit}: limit:N shows more",))


def _shown(hit: Hit, found: FoundFile, standing: Standing) -> Standing:
    is_copy = hit.file_id != found.file_id
    reasons = (f"it is a copy of {display_path(hit.absolute_path)}, which is shown",) if is_copy else ()
    return replace(standing, rank=hit.rank, score=hit.score, reasons=reasons)


def _place(searched: Searched, ranking: Ranking, measured: CandidateFile, standing: Standing) -> Standing:
    """The standing with the place of a measured file in a ranking."""
    key, limit, relevant = measured.found.copy_key, searched.request.limit, ranking.relevant
    place = next((place for place, file in enumerate(relevant) if file.found.copy_key == key), None)
    if place is None:
        return replace(standing, reasons=(_why_no_result(ranking, measured),))
    if place < len(searched.hits):
        standing = _shown(searched.hits[place], measured.found, standing)
    else:
        reason = f"it is number {place + 1} and the search shows {limit}: limit:{place + 1} shows it"
        standing = replace(standing, reasons=(reason,))
    return replace(standing, before=_better(relevant[place - 1], relevant[place]) if place else ())


def _why_no_result(ranking: Ranking, measured: CandidateFile) -> str:
    evidence = measured.evidence
    if evidence.lexical is None and evidence.model_similarity is None:
        return "neither its text nor its path has a word of the query, and its meaning is not compared"
    if not ranking.is_relevant(evidence):
        score = scores.relevance(evidence, exponent=ranking.exponent)
        return f"it answers too weakly: its score is {score:.3f}, and {ranking.least} is needed"
    return "it was no candidate: more passages than a search looks at have such words, or are nearer in meaning"


def _better(before: CandidateFile, file: CandidateFile) -> tuple[str, ...]:
    """The path of the result before a file, and in what it is better."""
    ours, theirs = file.evidence, before.evidence
    values = (
        ("words", theirs.relative_words, ours.relative_words),
        ("meaning", theirs.vector, ours.vector),
        ("name", theirs.name_share, ours.name_share),
        ("all words with those of the path", float(theirs.has_all_words), float(ours.has_all_words)),
        ("the whole name", float(theirs.is_whole_name), float(ours.is_whole_name)),
        ("the query as a phrase", float(theirs.is_phrase_match), float(ours.is_phrase_match)),
    )
    if file.near is not None:
        near = f"it is a near copy of {display_path(file.near.absolute_path)}"
        return display_path(before.found.absolute_path), f"{near}, which stands for both"
    better = [f"{name} {a or 0:.2f} to {b or 0:.2f}" for name, a, b in values if (a or 0.0) > (b or 0.0)]
    return (display_path(before.found.absolute_path), *better)


def _measures(connection: Connection, request: SearchRequest, ranking: Ranking, file: CandidateFile) -> Measures:
    evidence, chunk, file_id = file.evidence, file.found.chunk_id, file.found.file_id
    first, last, page = (0, 0, None) if chunk is None else file_facts.place_in_file(connection, file_id, chunk)
    return Measures(
        words=_found_words(connection, ranking, file),
        relative_words=evidence.relative_words,
        lexical=evidence.lexical,
        vector=evidence.vector,
        no_vector="" if evidence.model_similarity is not None else _why_no_vector(connection, request, chunk),
        by_model=_by_model(connection, request, file),
        name_share=evidence.name_share,
        is_phrase_match=evidence.is_phrase_match,
        fused=fusion.fused_score(evidence, meaning=ranking.scale.meaning),
        relevance=scores.relevance(evidence, exponent=ranking.exponent),
        lines=(first, last),
        page=page,
    )


def _found_words(connection: Connection, ranking: Ranking, file: CandidateFile) -> tuple[FoundWord, ...]:
    terms, chunk = list(ranking.words.weights), file.found.chunk_id
    if not terms:
        return ()
    had = set() if chunk is None else file_facts.lexemes_in_chunk(connection, chunk, terms)
    name = next(iter(file_facts.name_matches(connection, [file.found.file_id], terms)), None)
    return tuple(
        FoundWord(
            word=term.word,
            weight=ranking.words.share({term.word}),
            in_text=tuple(lexeme.text + "*" * lexeme.is_prefix for lexeme in term.lexemes if lexeme.tsquery in had),
            in_path=name is not None and term.word in name.in_path,
            in_name=name is not None and term.word in name.in_name,
        )
        for term in terms
    )


def _by_model(
    connection: Connection, request: SearchRequest, file: CandidateFile
) -> tuple[tuple[str, float | None, str], ...]:
    """What each model of several says of the passage: its label, the similarity in [0, 1], and why there is none."""
    if file.meaning is None or len(request.question_vectors) == 1:
        return ()
    models = [question.model for question in request.question_vectors]
    return tuple(
        (model.spec.label, None, _state(connection, file.found.chunk_id, model))
        if corpus_similarity is None
        else (model.spec.label, min(1.0, max(0.0, corpus_similarity)), "")
        for model, corpus_similarity in zip(models, file.meaning.by_model, strict=True)
    )


def _why_no_vector(connection: Connection, request: SearchRequest, chunk: ChunkId | None) -> str:
    if not request.question_vectors:
        return "the query has no vector"
    if chunk is None:
        return "none of its passages has a vector, or it has no text"
    # The multilingual model reads what the active one does not.
    return _state(connection, chunk, request.question_vectors[-1].model)


def _state(connection: Connection, chunk: ChunkId | None, model: IndexedModel) -> str:
    """Why a chunk has no vector of a model."""
    state = None if chunk is None else file_facts.vector_state(connection, chunk, model=model.id)
    return _NO_VECTOR.get(state, "its passage has none")
