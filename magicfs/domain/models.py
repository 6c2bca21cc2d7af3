"""Embedding models: their specification, their state in the index, and their stored files."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from magicfs.domain.ids import ModelId
from magicfs.domain.scales import REACH, CorpusScale, Scale

DIGEST_CHARACTERS = 12
"""The number of characters of a digest that are shown, and are part of the name of a model's folder."""


class Precision(StrEnum):
    """The arithmetic of a model's weights."""

    FP32 = "fp32"
    INT8 = "int8"


class ModelState(StrEnum):
    """What the index does with a model's vectors. The values are the labels of `model_state` in Postgres."""

    ACTIVE = "active"
    """Searches use its vectors. At most one model is active."""
    BUILDING = "building"
    """Its vectors are made, to replace those of the active model. At most one model is building."""
    MULTILINGUAL = "multilingual"
    """Searches use its vectors beside those of the active model. At most one model is multilingual."""
    RENEWING = "renewing"
    """Its vectors are made, to replace those of the multilingual model. At most one model is renewing."""
    RETIRED = "retired"
    """Its vectors are kept for a while, in case the model becomes active again."""


SEARCHED_STATES = (ModelState.ACTIVE, ModelState.MULTILINGUAL)
"""The models whose vectors searches use."""


class MultilingualMode(StrEnum):
    """When an index gets a multilingual model beside its active one. The values are those of the setting."""

    AUTO = "auto"
    """When it has texts, or gets questions, that the active model does not read."""
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A kind of vectors. Vectors of two models are never compared, and `digest` tells two models apart."""

    name: str
    """fastembed's name, such as `BAAI/bge-small-en-v1.5`, or the path of a local folder."""
    precision: Precision
    dimension: int
    max_tokens: int
    """The longest input that the model reads, including special tokens."""
    query_prefix: str = ""
    """The prefix that the model needs before a question; passages have their own."""
    floor: float = 0.0
    """The usual cosine of two unrelated texts: similarity 0."""
    ceiling: float = 1.0
    """The usual cosine of a question and a text that answers it in the same words: similarity 1."""
    floor_across: float | None = field(default=None, compare=False)
    """The same for a question and a text in different languages; None where it makes no difference."""
    ceiling_across: float | None = field(default=None, compare=False)
    digest: str = ""
    """What the model is: SHA-256 (hexadecimal) of its weights before they are rounded, its other files and their use.

    Empty for a model that an older version of MagicFS wrote into the index; the first host that has it fills it in.
    """
    former_digest: str = field(default="", compare=False)
    """The digest that the version before gave the same model: that of the rounded weights. Empty if unknown."""
    tokenizer: str = field(default="", compare=False)
    """SHA-256 (hexadecimal) of its `tokenizer.json`, with which files are read; empty if unknown."""
    languages: tuple[str, ...] = field(default=(), compare=False)
    """The languages (ISO 639-1) that it reads; empty for a model that reads all, or of which it is not known."""

    def is_named(self, name: str) -> bool:
        """Whether a person means the model by a name. Case makes no difference to the hub."""
        return self.name.casefold() == name.casefold()

    @property
    def label(self) -> str:
        """Name and precision, for people."""
        return f"{self.name} ({self.precision})"

    @property
    def full_label(self) -> str:
        """Name, precision and the first characters of the digest, for people who must tell two models apart."""
        return f"{self.name} ({self.precision}, {self.digest[:DIGEST_CHARACTERS] or 'unknown digest'})"

    @property
    def digests(self) -> frozenset[str]:
        """The digests under which the model is known."""
        return frozenset({self.digest, self.former_digest} - {""})

    def is_model(self, other: ModelSpec) -> bool:
        """Whether the vectors of both specs may be compared. Their names and calibrations may differ.

        Specs without a digest are those of one model if name and precision agree.
        """
        if self.digest or other.digest:
            return bool(self.digests & other.digests)
        return (self.name, self.precision) == (other.name, other.precision)

    def reads_language(self, language: str | None) -> bool:
        """Whether the model reads texts in a language, as far as it is known which languages it reads."""
        return not self.languages or language is None or language in self.languages

    def reads_any(self, languages: Collection[str]) -> bool:
        """Whether the model reads at least one of some languages; no language at all is one that is not known."""
        return not languages or any(self.reads_language(language) for language in languages)

    def similarity(self, cosine: float, *, across: bool = False) -> float:
        """A cosine of this model on the calibrated scale, which is the same for every model.

        0 is the floor and 1 the ceiling; the result is not clipped to this range. `across` says that question and text
        are in different languages, which moves the scale and does not stretch it.
        """
        floor = self.floor_across if across and self.floor_across is not None else self.floor
        return (cosine - floor) / (self.ceiling - self.floor)

    def reference_scale(self, *, across: bool = False) -> Scale:
        """The scale of scores in a corpus that is not measured, because it is small."""
        floor, ceiling = self.floor, self.ceiling
        if across and self.floor_across is not None and self.ceiling_across is not None:
            floor, ceiling = self.floor_across, self.ceiling_across
        return Scale(floor, min(1.0, floor + REACH * (ceiling - floor)))


@dataclass(frozen=True, slots=True)
class IndexedModel:
    """A model whose vectors the index has."""

    id: ModelId
    spec: ModelSpec
    state: ModelState
    scale: CorpusScale | None = field(default=None, compare=False)
    """What its cosines say in this corpus; None until that is measured."""


@dataclass(frozen=True, slots=True)
class ClaimableModel:
    """A model that has chunks to claim now."""

    id: ModelId
    name: str
    state: ModelState
    priority: int
    """The highest priority of those chunks."""
    is_claimed: bool
    """Whether another worker holds a claim under the model."""


@dataclass(frozen=True, slots=True)
class FileChecksum:
    """Size in bytes and SHA-256 (hexadecimal) of a file when the model was stored."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ModelManifest:
    """The contents of `model.json`."""

    spec: ModelSpec
    model_file: str
    """Path of the ONNX file, relative to the folder."""
    fastembed_name: str | None
    """fastembed's name of the model; None for a local folder that fastembed does not list."""
    pooling: str | None
    """How token vectors become one: `mean`, `cls`, `last-token`, `sif` or `none`; None where fastembed decides."""
    passage_prefix: str
    """The prefix that the model needs before a text that searches look through."""
    origin: str
    """The source of the files. Shown to people, and compared to detect a change of a local folder."""
    files: dict[str, FileChecksum]
    question_centres: list[list[float]] = field(default_factory=list)
    """Vectors, the nearest of which is taken from that of a question: a part of what questions of one form have in
    common. Empty for nothing."""
    weights: list[str] = field(default_factory=list)
    """SHA-256 of the files with the weights as their source has them, sorted. An older version did not record them."""
    outliers_apart: bool = False
    """Whether its largest channels were set apart before its weights were rounded."""


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A complete model on this machine."""

    spec: ModelSpec
    folder: Path
    origin: str
    """The source of its files."""
    notice: str = ""
    """Why this one is used as the fallback of the requested model, if it is: one sentence for a person."""

    @property
    def tokenizer_path(self) -> Path:
        """The path of `tokenizer.json`, which neither truncates nor pads: it measures texts of any length."""
        return self.folder / "tokenizer.json"
