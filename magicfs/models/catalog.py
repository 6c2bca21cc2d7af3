"""What MagicFS knows about models by name: the default, its stand-in, prefixes, precision. Data only."""

from __future__ import annotations

from dataclasses import dataclass

from magicfs.domain.models import Precision

DEFAULT_MODEL = "BAAI/bge-small-en-v1.5"
FALLBACK_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
"""What the default model is replaced by where the model hub cannot be reached."""

_KEEPS_QUALITY_AT_INT8 = frozenset({FALLBACK_MODEL.lower()})


@dataclass(frozen=True, slots=True)
class Prefixes:
    """What a model wants before a question, and before a text that is to be found."""

    query: str = ""
    passage: str = ""


_SEARCHING = Prefixes(query="Represent this sentence for searching relevant passages: ")
_PREFIXES = {
    "baai/bge-small-en": _SEARCHING,
    "baai/bge-base-en": _SEARCHING,
    "baai/bge-large-en": _SEARCHING,
    "mixedbread-ai/mxbai-embed-large": _SEARCHING,
    "snowflake/snowflake-arctic-embed": _SEARCHING,
    "nomic-ai/nomic-embed-text": Prefixes(query="search_query: ", passage="search_document: "),
    "intfloat/multilingual-e5": Prefixes(query="query: ", passage="passage: "),
    "google/embeddinggemma": Prefixes(query="task: search result | query: ", passage="title: none | text: "),
}


def prefixes_of(name: str) -> Prefixes:
    """The prefixes that a hub model was trained with, by the beginning of its name."""
    for beginning, prefixes in _PREFIXES.items():
        if name.lower().startswith(beginning):
            return prefixes
    return Prefixes()


def automatic_precision(name: str) -> Precision:
    """What `auto` means: int8 where it is known to keep quality, else fp32."""
    return Precision.INT8 if name.lower() in _KEEPS_QUALITY_AT_INT8 else Precision.FP32
