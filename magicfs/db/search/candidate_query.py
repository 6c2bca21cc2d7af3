"""What a search looks for in the database, and how much of everything it looks at.

Used by `magicfs.db.search.candidates`, which finds it, and by the search, which decides it. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from magicfs.domain.models import IndexedModel
from magicfs.domain.query import Term

WordCondition = Sequence[Sequence[Term]]
"""A condition on the words of a chunk: alternatives, each a list of words that the chunk must all have. A chunk with
`tax`, or with both `invoice` and `paid`, meets `[[tax], [invoice, paid]]`."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The most of everything that a search looks at."""

    chunks: int
    """That each retriever brings."""
    chunks_each: int
    """That one condition on words brings."""
    enough_chunks: int
    """The number of chunks by words after which the conditions that follow are not looked up."""
    names_each: int
    """Files that one condition on names brings."""
    enough_names: int
    """The number of files by names after which the conditions that follow are not looked up."""
    located: int
    """Candidates that are located, in their rough order."""
    of_each_retriever: int
    """Candidates that are located besides: the best ones of each retriever."""
    contents_each: int
    """Contents of one candidate."""
    places: int
    """Places of all candidates in contents."""
    copies: int
    """Copies of one content."""


@dataclass(frozen=True, slots=True)
class ModelVector:
    """The vector of a question under one model, and how much that model's similarity weighs in the rough order."""

    model: IndexedModel
    vector: NDArray[np.float32]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class CandidateQuery:
    """What the retrievers look for, and what is measured of each candidate."""

    weights: Mapping[Term, float] = field(default_factory=dict)
    """The weight of each word of the question, the rarest first."""
    conditions: Sequence[WordCondition] = ()
    """The conditions on words that bring chunks."""
    name_conditions: Sequence[WordCondition] = ()
    """In the order in which they are looked up."""
    phrase: str | None = None
    """The whole question as a phrase, the text of a `tsquery`."""
    words_of_phrase: frozenset[str] = frozenset()
    """Words of each of which a text with the phrase has a form: a text without one is not looked at as a whole."""
    vectors: Sequence[ModelVector] = ()
    with_documents: bool = False
    """Whether the languages of a chunk's documents are wanted."""
