"""Composes the SQL of the two statements that measure the candidates of a search and locate the best ones.

The SQL depends on the shape of a search alone, and searches have few shapes: a process composes each statement once,
and a connection plans it once. Every list has a limit, because a common word is in most chunks. Used by
`magicfs.db.search.candidate_statements`, which has the parameters. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, LiteralString

from psycopg import sql

from magicfs.db.queries import compact, load_queries
from magicfs.db.search.candidate_query import Limits
from magicfs.db.search.found_files import COLUMNS
from magicfs.db.vectors.partitions import partition
from magicfs.domain.ids import ModelId

_SQL = load_queries("candidate_sql")
_SCOPE_SQL = load_queries("scope")

_WORDS_IN_SCOPE: Final[dict[str, LiteralString]] = {
    "found_by_words": "true",
    "found_by_words_in_chunks": _SCOPE_SQL["in_given_chunks"],
    "found_by_words_in_contents": _SCOPE_SQL["in_given_contents"],
    "found_by_words_in_files": _SCOPE_SQL["in_filtered_files"],
}
"""The condition on the chunks that words bring, by the part of the statement. `in_files` is for too many contents to
enumerate."""

CHUNKS_OF_CONTENT = 2
"""The number of chunks of a content that are located before the others: the best one, and one that says the same."""


@dataclass(frozen=True, slots=True)
class SearchedModel:
    """A model whose vectors are compared, and how much its cosines count in the rough order."""

    id: ModelId
    dimension: int
    floor: float
    """The cosine that counts 0."""
    width: float
    """How far above it a cosine counts 1."""
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
    """What the SQL for a search depends on."""

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
    """See `near_in_contents`, also of the next two."""
    brought: int
    at_once: int
    with_documents: bool
    is_restricted: bool
    """Whether the scope has not all files."""
    limits: Limits


@lru_cache(maxsize=256)
def measure_sql(shape: Shape) -> bytes:
    """The statement that brings candidates and measures each in every way."""
    parts: list[sql.Composable] = [_named(shape)]
    sources: list[str] = []
    bm25 = _bm25(shape)
    if shape.words is not None:
        limit = sql.Literal(shape.limits.chunks)
        parts += [_found(shape.words, bm25), sql.SQL(_SQL["ranked"]).format(limit=limit)]
        sources.append("ranked")
    for model in shape.models:
        parts.append(_near(shape, model))
        sources.append(f"near_{model.id}")
    cosines = [model.cosine for model in shape.models]
    query = sql.SQL(_SQL["measure"]).format(
        parts=sql.SQL(",\n").join(parts),
        union=_each(" UNION ALL SELECT id FROM {}", map(sql.Identifier, sources)),
        bm25=bm25,
        had=_words_had(shape),
        greatest=_each(", max({0}) AS {0}", cosines),
        none=_each(", NULL::float8 AS {}", cosines),
        cosines=sql.SQL("").join(_cosines(shape, model) for model in shape.models),
        cosine_names=_each(", {}", cosines),
        rough=_rough_order(shape),
        of_content=sql.Literal(CHUNKS_OF_CONTENT),
        located=sql.Literal(shape.limits.located),
        best=_best_of_each_retriever(shape),
        phrase=sql.SQL(_SQL["measured_phrase"] if shape.has_phrase else "false"),
        documents=sql.SQL(_SQL["documents"] if shape.with_documents else "NULL"),
    )
    return compact(query)


@lru_cache(maxsize=3)
def places_sql(*, is_restricted: bool, are_contents_listed: bool) -> bytes:
    """The statement that locates the best candidates, in a scope that is restricted or has all files.

    A restricted scope may have a list of its contents, which takes less time than to compare the files of each.
    """
    if are_contents_listed:
        in_scope = _SCOPE_SQL["is_in_contents"]
    else:
        in_scope = _SQL["has_file_in_scope" if is_restricted else "has_file"]
    query = sql.SQL(_SQL["places"]).format(
        place_names=sql.SQL(", ").join(map(sql.SQL, COLUMNS)),
        in_scope=sql.SQL(in_scope),
        filters=sql.SQL(_SCOPE_SQL["file_filters"] if is_restricted else "true"),
    )
    return compact(query)


def _each(template: LiteralString, parts: Iterable[sql.Composable]) -> sql.Composed:
    """The template for each of some parts, one after the other."""
    return sql.SQL("").join(sql.SQL(template).format(part) for part in parts)


def _named(shape: Shape) -> sql.Composable:
    """The part that brings files by their names."""
    if not shape.has_names:
        return sql.SQL(_SQL["none_named"])
    found = sql.SQL(_SQL["files_named_in_scope" if shape.is_restricted else "files_named"])
    return sql.SQL(_SQL["named"]).format(found=found)


def _found(part: str, bm25: sql.Composable) -> sql.Composable:
    """The part that brings chunks by words, or all of a scope."""
    if part not in _WORDS_IN_SCOPE:
        return sql.SQL(_SQL[part]).format(bm25=bm25)
    return sql.SQL(_SQL["found_by_words"]).format(bm25=bm25, in_scope=sql.SQL(_WORDS_IN_SCOPE[part]))


def _bm25(shape: Shape) -> sql.Composable:
    """The expression for the BM25 of a chunk."""
    if not shape.are_beginnings:
        return sql.SQL("0.0::float8")
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


def _cosines(shape: Shape, model: SearchedModel) -> sql.Composable:
    """What puts the cosines under a model together: those that its retriever has measured, and all others."""
    near = sql.Identifier(f"near_{model.id}")
    is_measured = shape.near == "near"
    others = sql.SQL(_SQL["other_cosines"]).format(
        cosines=_cosine_columns(shape, model, sql.SQL("-(vector <#> {}::halfvec)").format(model.vector)),
        partition=partition(model.id),
        model=sql.Literal(model.id),
        except_near=sql.SQL(" EXCEPT SELECT id FROM {}").format(near) if is_measured else sql.SQL(""),
    )
    if not is_measured:
        return others
    columns = _cosine_columns(shape, model, sql.SQL("-{}").format(model.distance))
    return sql.SQL("{}\n{}\n").format(sql.SQL(_SQL["near_cosines"]).format(cosines=columns, near=near), others)


def _cosine_columns(shape: Shape, model: SearchedModel, cosine: sql.Composable) -> sql.Composed:
    """The columns of the cosines under all models: one is known, the others are null."""
    return _each(", {}", (cosine if other is model else sql.NULL for other in shape.models))


def _near(shape: Shape, model: SearchedModel) -> sql.Composed:
    """The part that brings the chunks nearest to the question under a model."""
    return sql.SQL(_SQL[shape.near]).format(
        near=sql.Identifier(f"near_{model.id}"),
        found=sql.Identifier(f"found_{model.id}"),
        trusted=sql.Identifier(f"trusted_{model.id}"),
        distance=model.distance,
        partition=partition(model.id),
        model=sql.Literal(model.id),
        vector=model.vector,
        dimension=sql.Literal(model.dimension),
        limit=sql.Literal(shape.limits.chunks),
        compared=sql.Literal(shape.compared),
        brought=sql.Literal(shape.brought),
        at_once=sql.Literal(shape.at_once),
    )


def _rough_order(shape: Shape) -> sql.Composable:
    """The expression that orders candidates roughly: by their BM25 and by the mean of their cosines."""
    relative: sql.Composable = sql.SQL("coalesce(bm25 / (SELECT nullif(max(bm25), 0) FROM measured), 0)")
    sums, weights = [], []
    for model in shape.models:
        scaled = sql.SQL("{} * ({} - {}) / {}").format(
            sql.Literal(model.weight), model.cosine, sql.Literal(model.floor), sql.Literal(model.width)
        )
        sums.append(sql.SQL("coalesce({}, 0)").format(scaled))
        weight = sql.SQL("CASE WHEN {} IS NULL THEN 0 ELSE {} END").format(model.cosine, sql.Literal(model.weight))
        weights.append(weight)
    if not sums:
        return sql.SQL("{0} + {0}").format(relative)
    similarity = sql.SQL("({}) / nullif({}, 0)").format(sql.SQL(" + ").join(sums), sql.SQL(" + ").join(weights))
    return sql.SQL("{0} + coalesce({1}, {0})").format(relative, similarity)


def _best_of_each_retriever(shape: Shape) -> sql.Composed:
    """The parts that locate the best candidates by each measure, whatever their place in the rough order."""
    measures = [sql.Identifier("bm25"), *(model.cosine for model in shape.models)]
    limit = sql.Literal(shape.limits.of_each_retriever)
    return sql.SQL("").join(
        sql.SQL(_SQL["best_of_retriever"]).format(measure=measure, limit=limit) for measure in measures
    )
