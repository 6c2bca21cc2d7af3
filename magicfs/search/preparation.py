"""The preparation of a search: what the index says of a query, read before the question is embedded.

Used by the search service. It keeps what one search finds and the next one needs: the languages of the index, by which
a query is compiled, and its coverage. Safe in any thread.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial

from magicfs.db.pool import Database
from magicfs.domain.deadline import Deadline
from magicfs.domain.models import IndexedModel
from magicfs.domain.query import Query
from magicfs.domain.results import AsOf
from magicfs.search.compiled_query import CompiledQuery, prepare_query
from magicfs.search.corpus_statistics import CorpusStatistics, CoverageCache
from magicfs.search.literal import exclusion_conditions
from magicfs.search.syntax import parse
from magicfs.text.analysis.stems import DEFAULT_LANGUAGE


@dataclass(frozen=True, slots=True)
class PreparedSearch:
    """A compiled query, and what was read with it."""

    query: Query
    models: Sequence[IndexedModel]
    """The models that searches use, the active one first."""
    statistics: CorpusStatistics
    compiled: CompiledQuery
    as_of: AsOf
    """A search a moment later covers at least as much."""
    change_marker: str


class Preparation:
    """Prepares the searches of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._coverage = CoverageCache()
        self._languages: tuple[str, ...] = (DEFAULT_LANGUAGE,)
        """The languages of the index, as the last search has found them."""

    def prepare(self, query: Query, literal: Collection[str], deadline: Deadline) -> PreparedSearch:
        """What the index says of a query in which the pieces in `literal` are ordinary text.

        An exclusion that some text has as typed becomes ordinary text too: the query of the result may differ.
        Raises `DatabaseUnavailable` and `DeadlineExceeded`.
        """
        exclusions = exclusion_conditions(query)
        prepare = partial(
            prepare_query,
            query=query,
            languages=self._languages,
            conditions=list(exclusions.values()),
            counted=self._coverage.has_expired,
        )
        began = time.monotonic()
        compiled, facts = self._database.read(prepare, deadline)
        statistics = self._coverage.statistics(facts, seconds=time.monotonic() - began)
        literal = {*literal, *(text for text, condition in exclusions.items() if condition in facts.met)}
        self._languages = compiled.languages
        if literal and (reparsed := _reparsed(query, literal)) != query:
            return self.prepare(reparsed, literal, deadline)
        return PreparedSearch(query, facts.models, statistics, compiled, facts.as_of, facts.change_marker)


def _reparsed(query: Query, literal: Collection[str]) -> Query:
    """A query in which some pieces are ordinary text."""
    return replace(parse(query.text, literal=literal, today=query.today), within=query.within)
