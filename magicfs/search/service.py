"""The search service: a typed text in, ranked files or passages out.

Used by the mount, by `magicfs search` and by the benchmarks. Holds no model, and no connection between calls. Safe in
any thread; the size of the database's pool limits the number of concurrent searches. One deadline holds for a whole
search.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from magicfs.db.cluster.roots import list_roots
from magicfs.db.pool import Connection, Database
from magicfs.db.search.scope import Scope
from magicfs.db.search.scope_enumeration import enumerate_scope, list_excluded_contents
from magicfs.db.vectors.multilingual import record_foreign_question
from magicfs.domain.chunks import CopyRules
from magicfs.domain.deadline import Deadline
from magicfs.domain.files import display_path
from magicfs.domain.ids import FileId
from magicfs.domain.models import IndexedModel
from magicfs.domain.query import Query, Within
from magicfs.domain.results import Hit, SearchResult
from magicfs.domain.roots import encloses
from magicfs.errors import MagicFSError, UsageError
from magicfs.search.corpus_statistics import CorpusStatistics
from magicfs.search.literal import literal_filters, unmet_filters
from magicfs.search.meaning import QuestionVector
from magicfs.search.meant_words import as_typed, words_meant
from magicfs.search.notices import notices_of_index, notices_of_query, unmet_notice
from magicfs.search.passage_ranking import rank_passages
from magicfs.search.preparation import Preparation, PreparedSearch
from magicfs.search.question_vectors import (
    Prefetch,
    QuestionVectorSource,
    embed_question,
    model_outage,
    prefetched,
)
from magicfs.search.ranking import rank_files
from magicfs.search.request import SearchRequest
from magicfs.search.syntax import MAX_LIMIT, parse
from magicfs.text.question_language import QuestionLanguages, question_languages

if TYPE_CHECKING:
    from magicfs.domain.explanation import Standing

Rank = Callable[[Connection, SearchRequest, CorpusStatistics], tuple[Hit, ...]]
"""`rank_files` or `rank_passages`."""

EMBEDDING_TIME_SHARE = 0.6
"""The share of the remaining time for the query embedder; the rest suffices for a search by words."""
MAX_ENUMERATED_CHUNKS = 10_000
"""The size of a scope up to which comparing its chunks one by one takes less time than an index needs."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What one reading of a query has found."""

    prepared: PreparedSearch
    request: SearchRequest
    hits: tuple[Hit, ...]
    notices: tuple[str, ...]
    literal: frozenset[str]
    """The filters that are to be read as ordinary text."""

    @property
    def all_notices(self) -> tuple[str, ...]:
        """The notices of the search, and those of the index."""
        return self.notices + notices_of_index(self.prepared.statistics)


class SearchService:
    """Searches one database."""

    def __init__(
        self,
        database: Database,
        vectors: QuestionVectorSource,
        *,
        default_limit: int,
        host: str = "",
        prefetch: Prefetch | None = None,
    ) -> None:
        """Search `database`. `default_limit` is the number of results of a query without `limit:`.

        Of the copies of a content, one of the host `host` is the result. With `prefetch`, a question is embedded while
        the database is read for the first time, by the models that the last search has found.
        """
        self._database = database
        self._host = host
        self._vectors = vectors
        self._prefetch = prefetch
        self._models: Sequence[IndexedModel] = ()
        """The models of the index, as the last search has found them."""
        self._outage = model_outage()
        self._default_limit = default_limit
        self._preparation = Preparation(database)

    def search(self, text: str, *, limit: int | None = None, deadline_s: float) -> SearchResult:
        """The files that answer a typed text, within `deadline_s` seconds.

        The number of results is `limit`, else the `limit:` in the text, else the default. Without a query embedder the
        search uses words and names alone, and a notice says so. Raises `UsageError` for a text without a condition,
        `DatabaseUnavailable`, and `DeadlineExceeded`.
        """
        return self._answer(text, limit, deadline_s, rank_files)

    def passages(
        self,
        text: str,
        *,
        limit: int | None = None,
        within: bytes | None = None,
        host: str | None = None,
        deadline_s: float,
    ) -> SearchResult:
        """The passages that answer a typed text: as `search`, but a hit is a passage, and a file may have several.

        With `within`, an absolute path on `host` or else on this host, they are in the directory or the file there.
        Raises `UsageError` too where that lies in no root and none lies in it.
        """
        place = None if within is None else Within(self._host if host is None else host, within)
        return self._answer(text, limit, deadline_s, rank_passages, place)

    def _answer(
        self, text: str, limit: int | None, deadline_s: float, rank: Rank, within: Within | None = None
    ) -> SearchResult:
        started = time.monotonic()
        found = self._find(text, limit, Deadline(deadline_s), rank, within)
        return _result(text, started, found.prepared, found.hits, found.all_notices)

    def similar(
        self, path: bytes, *, host: str | None = None, limit: int | None = None, deadline_s: float
    ) -> SearchResult:
        """The files nearest in meaning to the one at an absolute path, on `host`, else on this host or on another one.

        Raises `UsageError` where the index has no such file, or several, `NotComparable` for one without vectors, and
        as `search` does.
        """
        from magicfs.search.neighbours import find_neighbours

        started, deadline = time.monotonic(), Deadline(deadline_s)
        shown = display_path(path)
        prepared = self._preparation.prepare(Query(text=shown), (), deadline)
        with self._database.transaction(deadline) as connection:
            found = find_neighbours(
                connection,
                prepared.models,
                path,
                host=host,
                rules=CopyRules(self._host),
                limit=min(limit or self._default_limit, MAX_LIMIT),
            )
        return _result(shown, started, prepared, found.hits, found.notices + prepared.statistics.troubled_roots)

    def explain(self, text: str, *, file: FileId, deadline_s: float) -> Standing:
        """Where a file stands in the results of a typed text, and why. Raises as `search` does."""
        from magicfs.search.explanation import Searched, explain_standing

        deadline = Deadline(deadline_s)
        found = self._find(text, None, deadline, rank_files)
        with self._database.transaction(deadline) as connection:
            searched = Searched(found.prepared.query, found.request, found.prepared.statistics, found.hits)
            return replace(explain_standing(connection, searched, file), notices=found.all_notices)

    def _find(
        self, text: str, limit: int | None, deadline: Deadline, rank: Rank, within: Within | None = None
    ) -> _Found:
        """What a typed text finds: as it is read first, or else with the filters that no file meets as words."""
        query = parse(text, today=datetime.now().astimezone().date())
        if query.empty:
            raise UsageError('nothing to search for: give words, a "phrase" or a filter such as ext:md')
        if within is not None:
            query = replace(query, within=within)
        found = self._search(query, frozenset(), limit, deadline, rank)
        if not found.hits and found.literal:
            found = self._search(query, found.literal, limit, deadline, rank)
        return found

    def _search(
        self, query: Query, literal: Collection[str], limit: int | None, deadline: Deadline, rank: Rank
    ) -> _Found:
        """What answers a query. The pieces in `literal` are ordinary text."""
        languages = question_languages(query.question)
        with prefetched(self._vectors, self._prefetch, query.question, self._models, languages) as source:
            prepared = self._preparation.prepare(query, literal, deadline)
            if prepared.query != query:
                query = prepared.query
                languages = question_languages(query.question)
            self._models = prepared.models
            # The question is embedded meanwhile.
            results = min(limit or query.limit or self._default_limit, MAX_LIMIT)
            scope = self._enumerated(prepared, deadline, results=results)
            vectors, notices = self._embed(source, query, prepared.models, languages, deadline)
            seconds = deadline.seconds_left() * EMBEDDING_TIME_SHARE
            meant = words_meant(source, prepared.compiled, vectors, prepared.models, deadline_s=seconds)
        compiled = as_typed(prepared.compiled, meant, query.question)
        request = SearchRequest(
            question=query.question,
            compiled=replace(compiled, scope=scope),
            question_vectors=vectors,
            languages=languages,
            limit=results,
            copy_rules=CopyRules(
                self._host, each_copy=query.each_copy, missing_roots=prepared.statistics.missing_roots
            ),
        )
        notices += notices_of_query(query, compiled, literal=literal)
        found = self._database.read(lambda connection: _ranked(connection, prepared, request, rank, notices), deadline)
        self._record_foreign(prepared.models, languages, deadline)
        return found

    def _enumerated(self, prepared: PreparedSearch, deadline: Deadline, *, results: int) -> Scope:
        """The scope of a search with its contents and chunks, as far as they are few and the search needs them."""
        scope, question = prepared.compiled.scope, prepared.query.question

        def enumerated(connection: Connection) -> Scope:
            with connection.pipeline(), connection.transaction():
                if not question:
                    return list_excluded_contents(connection, scope, results=results)
                index_chunks = prepared.statistics.chunks
                return enumerate_scope(connection, scope, limit=MAX_ENUMERATED_CHUNKS, index_chunks=index_chunks)

        is_read = scope.is_restricted if question else scope.has_excluded_words
        return self._database.read(enumerated, deadline) if is_read else scope

    def _embed(
        self,
        source: QuestionVectorSource,
        query: Query,
        models: Sequence[IndexedModel],
        languages: QuestionLanguages,
        deadline: Deadline,
    ) -> tuple[tuple[QuestionVector, ...], tuple[str, ...]]:
        """The question's vectors, and notices for the user; none of both if there is no question."""
        if not query.question:
            return (), ()
        seconds = deadline.seconds_left() * EMBEDDING_TIME_SHARE
        return embed_question(source, query.question, models, languages, deadline_s=seconds, outage=self._outage)

    def _record_foreign(self, models: Sequence[IndexedModel], languages: QuestionLanguages, deadline: Deadline) -> None:
        """Record that a person asks in a language that no model of the index reads: it may get one that does."""
        if not languages.is_certain or any(model.spec.reads_any(languages.possible) for model in models):
            return
        with suppress(MagicFSError), self._database.transaction(deadline) as connection:
            record_foreign_question(connection)


def _result(
    query: str, started: float, prepared: PreparedSearch, hits: tuple[Hit, ...], notices: tuple[str, ...]
) -> SearchResult:
    """The answer of a search that was started at a moment of the monotonic clock."""
    return SearchResult(
        query=query,
        took_ms=(time.monotonic() - started) * 1000,
        coverage=prepared.statistics.coverage,
        hits=hits,
        notices=notices,
        as_of=prepared.as_of,
        change_marker=prepared.change_marker,
    )


def _ranked(
    connection: Connection, prepared: PreparedSearch, request: SearchRequest, rank: Rank, notices: tuple[str, ...]
) -> _Found:
    """What a search finds, now that the question is embedded."""
    hits = rank(connection, request, prepared.statistics)
    if not hits and prepared.query.within is not None:
        _require_roots(connection, prepared.query.within)
    unmet = unmet_filters(connection, prepared.query) if not hits else frozenset()
    literal = literal_filters(connection, prepared.query, unmet) if unmet else frozenset()
    if unmet and not literal:
        notices += (unmet_notice(unmet),)
    return _Found(prepared, request, hits, notices, literal)


def _require_roots(connection: Connection, within: Within) -> None:
    """Raise `UsageError` for a path that lies in no root and has no root below it."""
    roots = [registered.root.path for registered in list_roots(connection, host=within.host)]
    if not any(encloses(root, within.path) or encloses(within.path, root) for root in roots):
        path = display_path(within.path)
        raise UsageError(f"{path} lies in no root: run 'magicfs roots add DIR' for a directory that holds it")
