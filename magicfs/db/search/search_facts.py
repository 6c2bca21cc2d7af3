"""The first statement of a search: the facts of the index that it needs before it looks for candidates.

It needs the question's words alone, and no vector. A copy of Postgres's statistics has the frequent words; of the
others, the chunks that have them are counted. Used by `magicfs.search.compiled_query`. Runs in the caller's
transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from psycopg import sql

from magicfs.db.as_of import AS_OF_SQL, as_of_values
from magicfs.db.connection import plan_statements
from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import array_text, compact, load_queries
from magicfs.db.schema import require_not_newer
from magicfs.db.status import COVERAGE_SQL, coverage_of_counts
from magicfs.db.vectors.models import model_of_columns
from magicfs.domain.models import SEARCHED_STATES, IndexedModel
from magicfs.domain.query import Lexeme, Term
from magicfs.domain.results import AsOf, Coverage
from magicfs.domain.roots import RootState
from magicfs.domain.status import WordsProgress

_SQL = load_queries("search_facts")
_STATES = array_text(state.value for state in SEARCHED_STATES)
MAX_CHUNKS_OF_WORD = 1000
"""The most chunks that are counted for one word. A word that Postgres's statistics give more is not counted."""


@dataclass(frozen=True, slots=True)
class WordChunks:
    """How many chunks have a word."""

    share: float
    """The share of the chunks, in [0, 1], by Postgres's statistics; 0 for a word that is none of the frequent ones."""
    size: int | None
    """The number of chunks with the word, counted up to `MAX_CHUNKS_OF_WORD`; None for a frequent word."""


@dataclass(frozen=True, slots=True)
class SearchFacts:
    """The facts of the index that a search needs before it looks for candidates."""

    models: tuple[IndexedModel, ...]
    """The models that searches use, the active one first."""
    stop_words: dict[str, list[str]]
    """The languages of the index, ISO 639-1, English first, each with the words of the question that are stop words."""
    met: frozenset[str]
    """The conditions, of those given, that any chunk meets."""
    words: tuple[WordChunks, ...]
    """One for each of the given terms."""
    coverage: Coverage | None
    """None if it was not wanted."""
    estimated_chunks: int
    """How many chunks there are, with a vector or without, by Postgres's statistics; 0 if it has none yet."""
    progress: WordsProgress | None
    """How far that is, while chunks get the words of this version; None when they have them."""
    troubled_roots: tuple[str, ...]
    """A line for each root with a problem."""
    missing_roots: frozenset[str]
    """The names of roots that are not there."""
    as_of: AsOf
    """A search a moment later covers at least as much."""
    change_marker: str
    """What `magicfs.db.status.change_marker` returns."""


def read_search_facts(
    connection: Connection,
    terms: Sequence[Term],
    *,
    spellings: Sequence[str],
    stemmers: Mapping[str, str],
    conditions: Sequence[str],
    counted: bool,
) -> SearchFacts:
    """Read the facts in one statement. Raises `SchemaError` when the schema is newer than this program.

    `spellings` are the words among which stop words are found, by the dictionaries `stemmers` has for languages;
    `conditions` are those that chunks may meet, each the text of a `tsquery`; `counted` is whether coverage is wanted.
    """
    forms = [(lexeme.text, number) for number, term in enumerate(terms, 1) for lexeme in covering(term)]
    plan_statements(connection, once=True)
    row = fetch_one(
        connection.execute(
            _statement(has_conditions=bool(conditions), counted=counted),
            {
                **as_of_values(),
                "states": _STATES,
                "roots": None,
                "words": array_text(spellings),
                "codes": array_text(stemmers),
                "stemmers": array_text(stemmers.values()),
                "empty": array_text(()),
                "met": array_text(conditions),
                "conditions": array_text(term.tsquery for term in terms),
                "lexemes": array_text(text for text, _ in forms),
                "numbers": array_text(number for _, number in forms),
                "frequent": MAX_CHUNKS_OF_WORD,
                "limit": MAX_CHUNKS_OF_WORD,
            },
            prepare=True,
        )
    )
    version, *facts = row
    require_not_newer(version)
    return _facts(facts)


def _facts(columns: Sequence[Any]) -> SearchFacts:
    """The facts of the columns of the statement behind the version of the schema."""
    marker, models, stop_words, met, words, coverage, chunks, progress, roots, moment, unscanned, silent = columns
    return SearchFacts(
        models=tuple(model_of_columns(tuple(found.values())) for found in models or ()),
        stop_words=dict(stop_words),
        met=frozenset(met),
        words=tuple(WordChunks(share, size) for share, size in words or ()),
        coverage=None if coverage is None else coverage_of_counts(coverage),
        estimated_chunks=max(0, round(chunks)),
        progress=_progress(progress),
        troubled_roots=tuple(f"root {root['name']} is {root['state']}: {root['detail']}" for root in roots or ()),
        missing_roots=frozenset(root["name"] for root in roots or () if root["state"] == RootState.MISSING),
        as_of=AsOf(moment, tuple(unscanned), tuple(silent)),
        change_marker=marker,
    )


@cache
def _statement(*, has_conditions: bool, counted: bool) -> bytes:
    """The text of the statement. What is not wanted is left out: even opening its tables takes time."""
    query = sql.SQL(_SQL["search_facts"]).format(
        marker=sql.SQL(load_queries("status")["marker"]),
        models=sql.SQL(load_queries("models")["models_in_states"]),
        stop_words=sql.SQL(_SQL["stop_words_by_language"]),
        met=sql.SQL(_SQL["met_conditions"] if has_conditions else "SELECT NULL::text WHERE false"),
        coverage=sql.SQL(COVERAGE_SQL if counted else "NULL::json"),
        progress=sql.SQL(load_queries("words")["read_pass"]),
        troubled_roots=sql.SQL(load_queries("roots")["troubled_roots"]),
        as_of=sql.SQL(AS_OF_SQL),
    )
    return compact(query)


def _progress(row: Mapping[str, int] | None) -> WordsProgress | None:
    if row is None or row["done"] >= row["total"]:
        return None
    return WordsProgress(done=row["done"], total=row["total"])


def covering(term: Term) -> list[Lexeme]:
    """The lexemes that all texts with a word have: where a text has an exact word, it has its stem too."""
    return [lexeme for lexeme in term.lexemes if lexeme.factor >= 1.0]
