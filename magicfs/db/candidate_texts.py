"""The texts of the two statements that measure the candidates of a search and locate the best ones.

Their parts are in `search.sql`. A text depends on the shape of a search alone, and searches have few shapes: a process
composes each text once, and a connection plans it once. Every list has a limit, because a common word is in most
chunks. Used by `magicfs.db.candidate_statements`, which has the parameters. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import LiteralString

from psycopg import sql

from magicfs.db.found_files import COLUMNS
from magicfs.db.models import partition
from magicfs.db.queries import compact, load_queries
from magicfs.db.wanted import Limits
from magicfs.domain.ids import ModelId

_SQL = load_queries("search")

CHUNKS_OF_CONTENT = 2
"""So many chunks of a content are located before the others: the best one, and one that says the same."""

_Source = tuple[str, str | None]
"""What brings candidates, and the column that it has measured."""


@dataclass(frozen=True, slots=True)
class SearchedModel:
    """A model whose vectors are compared, and what its cosines count in the rough order."""

    id: ModelId
    dimension: int
    floor: float
    """The cosine that counts nothing."""
    width: float
    """What a cosine is above it, to count 1."""
    weight: float

    @property
    def distance(self) -> sql.Identifier:
        """The column of negative cosines that a retriever has measured."""
        return sql.Identifier(f"distance_{self.id}")

    @property
    def cosine(self) -> sql.Identifier:
        """The column of cosines of all candidates."""
        return sql.Identifier(f"cosine_{self.id}")

    @property
    def vector(self) -> sql.Placeholder:
        """The vector of the question."""
        return sql.Placeholder(f"vector_{self.id}")


@dataclass(frozen=True, slots=True)
class Shape:
    """What the texts for a search depend on."""

    has_names: bool
    """Whether names bring files; not for a question without words."""
    words: str | None
    """The part that brings chunks by words."""
    near: str
    """The part that brings chunks by a vector."""
    are_beginnings: tuple[bool, ...]
    """For each word that there is room for, whether it is the beginning of words."""
    has_phrase: bool
    models: tuple[SearchedModel, ...]
    compared: int
    """See `near_in_contents`."""
    with_documents: bool
    is_restricted: bool
    """Whether the scope has not all files."""
    limits: Limits


@lru_cache(maxsize=256)
def measure_text(shape: Shape) -> bytes:
    """The text of the statement that brings candidates and measures each in every way."""
    limit = sql.Literal(shape.limits.chunks)
    parts: list[sql.Composable] = [_named(shape)]
    sources: list[_Source] = []
    bm25 = _bm25(shape)
    if shape.words is not None:
        parts += [sql.SQL(_SQL[shape.words]).format(bm25=bm25), sql.SQL(_SQL["ranked"]).format(limit=limit)]
        sources.append(("ranked", "bm25"))
    for model in shape.models:
        parts.append(_near(shape, model))
        sources.append((f"near_{model.id}", f"distance_{model.id}" if shape.near == "near" else None))
    rough, ranks, located = _rough_order(shape)
    query = sql.SQL(_SQL["measure"]).format(
        parts=sql.SQL(",\n").join(parts),
        **_brought(shape, sources),
        bm25=bm25,
        had=_words_had(shape),
        cosines=_each(", {}", map(_cosine, shape.models)),
        cosine_names=_each(", {}", (model.cosine for model in shape.models)),
        rough=rough,
        ranks=ranks,
        located=located,
        of_content=sql.Literal(CHUNKS_OF_CONTENT),
        phrase=sql.SQL(_SQL["measured_phrase"] if shape.has_phrase else "false"),
        documents=sql.SQL(_SQL["documents"] if shape.with_documents else "NULL"),
    )
    return compact(query)


@lru_cache(maxsize=2)
def places_text(*, is_restricted: bool) -> bytes:
    """The text of the statement that locates the best candidates, in a scope that is restricted or has all files."""
    names = list(map(sql.Identifier, COLUMNS))
    query = sql.SQL(_SQL["places"]).format(
        place=sql.SQL(", ").join(sql.SQL("place.{}").format(name) for name in names),
        place_names=sql.SQL(", ").join(names),
        filters=sql.SQL(_SQL["file_filters"] if is_restricted else "true"),
    )
    return compact(query)


def _each(template: LiteralString, parts: Iterable[sql.Composable]) -> sql.Composed:
    """The template for each of some parts, one after the other."""
    return sql.SQL("").join(sql.SQL(template).format(part) for part in parts)


def _brought(shape: Shape, sources: Sequence[_Source]) -> dict[str, sql.Composable]:
    """What brings candidates, with what each source has measured already: no chunk is measured twice."""
    measures = ["bm25", *(f"distance_{model.id}" for model in shape.models)]
    union = sql.SQL("").join(
        sql.SQL(" UNION ALL SELECT id, {} FROM {}").format(
            sql.SQL(", ").join(sql.Identifier(name) if name == measured else sql.NULL for name in measures),
            sql.Identifier(source),
        )
        for source, measured in sources
    )
    return {
        "none": sql.SQL(", ").join(sql.SQL("NULL::float8 AS {}").format(sql.Identifier(name)) for name in measures),
        "measures": sql.SQL(", ").join(sql.SQL("max({0}) AS {0}").format(sql.Identifier(name)) for name in measures),
        "union": union,
    }


def _named(shape: Shape) -> sql.Composable:
    """The part that brings files by their names."""
    if not shape.has_names:
        return sql.SQL(_SQL["none_named"])
    found = sql.SQL(_SQL["files_named_in_scope" if shape.is_restricted else "files_named"])
    return sql.SQL(_SQL["named"]).format(found=found)


def _bm25(shape: Shape) -> sql.Composable:
    """The expression for the BM25 of a chunk."""
    if not shape.are_beginnings:
        return sql.SQL("0.0")
    beginnings = " + " + _SQL["bm25_of_beginnings"] if any(shape.are_beginnings) else ""
    return sql.SQL(_SQL["bm25"] + beginnings)


def _words_had(shape: Shape) -> sql.Composable:
    """The expression for the words that a chunk has, as bits in the order of the words."""
    if not shape.are_beginnings:
        return sql.SQL("0")
    bits = sql.SQL(" | ").join(
        sql.SQL("({}::integer::bigint << {})").format(
            sql.SQL(_SQL["has_beginning" if is_beginning else "has_word"]).format(sql.Placeholder(f"word_{number}")),
            sql.Literal(number),
        )
        for number, is_beginning in enumerate(shape.are_beginnings)
    )
    return sql.SQL("CASE WHEN chunks.terms IS NULL THEN {} ELSE {} END").format(sql.SQL(_SQL["words_had"]), bits)


def _cosine(model: SearchedModel) -> sql.Composed:
    return sql.SQL(_SQL["cosine"]).format(
        distance=model.distance,
        partition=partition(model.id),
        model=sql.Literal(model.id),
        vector=model.vector,
        cosine=model.cosine,
    )


def _near(shape: Shape, model: SearchedModel) -> sql.Composed:
    """The part that brings the chunks nearest to the question under a model."""
    return sql.SQL(_SQL[shape.near]).format(
        near=sql.Identifier(f"near_{model.id}"),
        found=sql.Identifier(f"found_{model.id}"),
        distance=model.distance,
        partition=partition(model.id),
        model=sql.Literal(model.id),
        vector=model.vector,
        dimension=sql.Literal(model.dimension),
        limit=sql.Literal(shape.limits.chunks),
        compared=sql.Literal(shape.compared),
    )


def _rough_order(shape: Shape) -> tuple[sql.Composable, sql.Composable, sql.Composable]:
    """The expression that orders candidates roughly, their ranks by each retriever, and which of them are located."""
    relative: sql.Composable = sql.SQL("coalesce(bm25 / nullif(max(bm25) OVER (), 0), 0)")
    ranks: list[sql.Composable] = [sql.SQL("row_number() OVER (ORDER BY bm25 DESC, id) AS rank_by_words")]
    located: list[sql.Composable] = [sql.SQL("rank_by_words")]
    sums, weights = [], []
    for model in shape.models:
        rank = sql.Identifier(f"rank_{model.id}")
        scaled = sql.SQL("{} * ({} - {}) / {}").format(
            sql.Literal(model.weight), model.cosine, sql.Literal(model.floor), sql.Literal(model.width)
        )
        sums.append(sql.SQL("coalesce({}, 0)").format(scaled))
        weight = sql.SQL("CASE WHEN {} IS NULL THEN 0 ELSE {} END").format(model.cosine, sql.Literal(model.weight))
        weights.append(weight)
        ranks.append(sql.SQL("row_number() OVER (ORDER BY {} DESC NULLS LAST, id) AS {}").format(model.cosine, rank))
        located.append(rank)
    nearness = (
        sql.SQL("coalesce(({}) / nullif({}, 0), {})").format(
            sql.SQL(" + ").join(sums), sql.SQL(" + ").join(weights), relative
        )
        if sums
        else relative
    )
    rough = sql.SQL("{} + {}").format(relative, nearness)
    limits = shape.limits
    best = sql.SQL("least({}) <= {}").format(sql.SQL(", ").join(located), sql.Literal(limits.of_each_retriever))
    return rough, sql.SQL(", ").join(ranks), sql.SQL("place <= {} OR {}").format(sql.Literal(limits.located), best)
