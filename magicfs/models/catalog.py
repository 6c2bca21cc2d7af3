"""Facts about models by name: the default, its fallback, prefixes, precision.

Used by the store and by the sources. Data only, no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass

from magicfs.domain.models import Precision

DEFAULT_MODEL = "BAAI/bge-small-en-v1.5"
FALLBACK_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
"""Used instead of the default model where the model hub cannot be reached."""
MULTILINGUAL_MODEL = "intfloat/multilingual-e5-small"
"""Reads about a hundred languages."""

_ACCURATE_AT_INT8 = frozenset({FALLBACK_MODEL.lower(), MULTILINGUAL_MODEL.lower()})


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
    "snowflake/snowflake-arctic-embed": _SEARCH_INSTRUCTION,
    "nomic-ai/nomic-embed-text": Prefixes(query="search_query: ", passage="search_document: "),
    "intfloat/multilingual-e5": Prefixes(query="query: ", passage="passage: "),
    "google/embeddinggemma": Prefixes(query="task: search result | query: ", passage="title: none | text: "),
}


def prefixes_of(name: str) -> Prefixes:
    """The prefixes that a model of the hub was trained with; none for an unlisted model."""
    for name_prefix, prefixes in _PREFIXES.items():
        if name.lower().startswith(name_prefix):
            return prefixes
    return Prefixes()


_ENGLISH_MODELS = (
    "sentence-transformers/all-minilm-",
    "baai/bge-small-en",
    "baai/bge-base-en",
    "baai/bge-large-en",
    "mixedbread-ai/mxbai-embed-large",
    "snowflake/snowflake-arctic-embed-xs",
    "snowflake/snowflake-arctic-embed-s",
    "snowflake/snowflake-arctic-embed-m",
    "nomic-ai/nomic-embed-text-v1",
)


def languages_of(name: str) -> tuple[str, ...]:
    """The languages (ISO 639-1) that a model of the hub reads; empty for all, and for an unlisted model."""
    return ("en",) if name.lower().startswith(_ENGLISH_MODELS) else ()


def automatic_precision(name: str) -> Precision:
    """The precision that `auto` selects: int8 for models that are accurate at int8, else fp32."""
    return Precision.INT8 if name.lower() in _ACCURATE_AT_INT8 else Precision.FP32
