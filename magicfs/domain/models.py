"""Embedding models as the index knows them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from magicfs.domain.ids import ModelId


class Precision(StrEnum):
    """The arithmetic of a model's weights."""

    FP32 = "fp32"
    INT8 = "int8"


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """Which vectors these are. Vectors of two specs are never compared."""

    name: str
    """As fastembed spells it, such as `BAAI/bge-small-en-v1.5`, or the path of a local folder."""
    precision: Precision
    dimension: int
    max_tokens: int
    """The longest input that the model reads, special tokens included."""
    query_prefix: str = ""
    """What the model wants before a question, and before nothing else."""
    floor: float = 0.0
    """The usual cosine of two unrelated texts: the zero of the calibrated scale."""
    ceiling: float = 1.0
    """The usual cosine of a question and a text that answers it in its very words."""

    @property
    def label(self) -> str:
        """Name and precision, for people."""
        return f"{self.name} ({self.precision})"

    def calibrated(self, cosine: float) -> float:
        """Bring a cosine of this model to the scale that means the same for every model."""
        return min(1.0, max(0.0, (cosine - self.floor) / (self.ceiling - self.floor)))


@dataclass(frozen=True, slots=True)
class IndexedModel:
    """A model that the index has vectors of."""

    id: ModelId
    spec: ModelSpec


@dataclass(frozen=True, slots=True)
class FileChecksum:
    """Size in bytes and SHA-256 (hexadecimal) that a file had when the model was stored."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ModelManifest:
    """The contents of `model.json`."""

    spec: ModelSpec
    model_file: str
    """Relative to the folder."""
    fastembed_name: str | None
    """The name under which fastembed knows the model; None for a folder that only its owner knows."""
    pooling: str | None
    """How token vectors become one: `mean`, `cls`, `last-token`, `none`; None where fastembed decides."""
    passage_prefix: str
    """What the model wants before a text that is to be found."""
    origin: str
    """Where the files came from, for people and to see whether a local folder has changed since."""
    files: dict[str, FileChecksum]


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model that is whole and on this machine."""

    spec: ModelSpec
    folder: Path
    origin: str
    """Where its files came from."""
    fallback_for: str | None = None
    """The model that was asked for, when this one is used in its place."""
    notice: str = ""
    """Why it stands in, in one sentence for a person."""

    @property
    def tokenizer_path(self) -> Path:
        """Its `tokenizer.json`: cuts nothing and pads nothing, so that it measures texts of any length."""
        return self.folder / "tokenizer.json"
