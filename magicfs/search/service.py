"""The search: a text that somebody typed in, files that answer it out.

Used by the mount, by `magicfs search` and by the benchmarks. Holds no model, and no connection between calls.
Safe in any thread; the size of the database's pool says how many searches run at once.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from magicfs.db import search as queries
from magicfs.db.models import active_model
from magicfs.db.pool import Database
from magicfs.db.scope import Understood, narrow, understand
from magicfs.domain.models import IndexedModel, ModelSpec
from magicfs.domain.query import Query
from magicfs.domain.results import SearchResult
from magicfs.errors import DeadlineExceeded, EmbedderUnavailable, ModelError, UsageError
from magicfs.search import ranking
from magicfs.search.corpus import Corpus, CorpusFacts
from magicfs.search.syntax import LARGEST_LIMIT, parse

log = logging.getLogger(__name__)

EMBEDDING_SHARE = 0.6
"""Part of the time left that the query embedder may take: words alone are searched in the rest."""
SMALL_SCOPE = 10_000
"""Chunks. So many are compared one by one in less time than an index needs to find those that filters leave."""


class QueryVectors(Protocol):
    """Turns questions into vectors; `magicfs.embedding.query_client.QueryEmbedder` is one. Safe in any thread."""

    def embed(self, text: str, *, spec: ModelSpec, deadline_s: float) -> NDArray[np.float32]:
        """The vector of a question, shape (dimension,), of length 1.

        Raises `EmbedderUnavailable` within `deadline_s` seconds, or a `ModelError`.
        """


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What the first transaction finds out."""

    model: IndexedModel | None
    facts: CorpusFacts
    understood: Understood


class SearchService:
    """Answers searches on one database."""

    def __init__(self, database: Database, vectors: QueryVectors, *, default_limit: int) -> None:
        """`default_limit` results are given to a search that names no number."""
        self._database = database
        self._vectors = vectors
        self._default_limit = default_limit
        self._corpus = Corpus()

    def search(self, text: str, *, limit: int | None = None, deadline_s: float) -> SearchResult:
        """Search for what somebody typed, within `deadline_s` seconds.

        The number of results is `limit`, else the `limit:` in the text, else the default. Raises `UsageError` for
        a text that asks for nothing, `DatabaseUnavailable`, and `DeadlineExceeded`. Without a query embedder the
        search goes by words alone, and a notice says so.
        """
        started = time.monotonic()
        query = parse(text)
        if query.empty:
            raise UsageError('nothing to search for: give words, a "phrase" or a filter such as ext:md')
        wanted = min(limit or query.limit or self._default_limit, LARGEST_LIMIT)
        deadline = started + deadline_s
        prepared = self._prepare(query, deadline)
        vector, notices = self._embed(query, prepared.model, deadline)
        with self._database.transaction() as connection:
            queries.limit_time(connection, seconds=_left(deadline))
            scope = narrow(connection, prepared.understood.scope, limit=SMALL_SCOPE)
            question = ranking.Question(
                query=query,
                lexemes=prepared.understood.lexemes,
                phrase=prepared.understood.question,
                scope=scope,
                model=prepared.model if vector is not None else None,
                vector=vector,
                limit=wanted,
            )
            hits = ranking.answer(connection, question, prepared.facts)
        return SearchResult(
            query=text,
            took_ms=(time.monotonic() - started) * 1000,
            coverage=prepared.facts.coverage,
            hits=hits,
            notices=notices,
        )

    def _prepare(self, query: Query, deadline: float) -> _Prepared:
        with self._database.transaction() as connection:
            queries.limit_time(connection, seconds=_left(deadline))
            model = active_model(connection)
            return _Prepared(model, self._corpus.facts(connection, model), understand(connection, query))

    def _embed(
        self, query: Query, model: IndexedModel | None, deadline: float
    ) -> tuple[NDArray[np.float32] | None, tuple[str, ...]]:
        """The question's vector, or none and what a person should know."""
        if not query.question:
            return None, ()
        if model is None:
            return None, ("the index has no vectors yet: found by words alone",)
        try:
            vector = self._vectors.embed(query.question, spec=model.spec, deadline_s=_left(deadline) * EMBEDDING_SHARE)
        except (EmbedderUnavailable, ModelError) as error:
            log.warning("searching by words alone: %s", error)
            return None, (f"found by words alone: {error}",)
        return vector, ()


def _left(deadline: float) -> float:
    """Seconds until the deadline; raises `DeadlineExceeded` when there are none."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise DeadlineExceeded("the search took too long: try again, or ask with fewer words")
    return seconds
