"""The real embedder: fastembed on one thread, one text per call of the model.

Used by embedding workers and by the query embedder's process, each with an instance of its own, created after
the fork. Not for two threads: a second one is refused, not queued, because sharing a model is a mistake here.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from magicfs.domain.models import ModelManifest, ModelSpec
from magicfs.embedding import manifest as manifests
from magicfs.errors import ModelCorrupt, ModelError

if TYPE_CHECKING:
    from fastembed import TextEmbedding
from typing import Protocol

TEXTS_PER_CALL = 1
"""Padding and cache misses cost more than a larger batch saves, at fp32 and at int8 alike."""


class FastembedEmbedder:
    """An `Embedder` on a folder of the model store."""

    def __init__(self, engine: TextEmbedding, manifest: ModelManifest) -> None:
        self._engine = engine
        self._manifest = manifest
        self._in_use = threading.Lock()

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load the model in `folder`: about a second, 100 MB and more.

        Raises `ModelMissing` when there is none and `ModelCorrupt` when it cannot be loaded.
        """
        manifest = manifests.read(folder)
        manifests.check(folder, manifest, full=False)
        return cls(open_engine(folder, manifest), manifest)

    @property
    def spec(self) -> ModelSpec:
        """Which vectors these are."""
        return self._manifest.spec

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of texts that are to be found: shape (n, dimension), each of length 1."""
        prefix = self._manifest.passage_prefix
        return self._embed([prefix + _encodable(text) for text in texts], query=False)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """The vector of a question: shape (dimension,), of length 1."""
        vectors = self._embed([self.spec.query_prefix + _encodable(text)], query=True)
        vector: NDArray[np.float32] = vectors[0]
        return vector

    def _embed(self, texts: list[str], *, query: bool) -> NDArray[np.float32]:
        dimension = self.spec.dimension
        if not texts:
            return np.empty((0, dimension), np.float32)
        if not self._in_use.acquire(blocking=False):
            raise ModelError("two threads use one model: give each process a model of its own")
        try:
            embed = self._engine.query_embed if query else self._engine.passage_embed
            # What comes of infinite numbers is refused below; no need for numpy to warn of them too.
            with np.errstate(all="ignore"):
                rows = list(embed(texts, batch_size=TEXTS_PER_CALL))
        except MemoryError:
            raise
        except Exception as error:
            raise ModelError(f"{self.spec.label} failed on a text ({error})") from error
        finally:
            self._in_use.release()
        if any(row.shape != (dimension,) for row in rows):
            raise ModelError(f"{self.spec.label} gave vectors that have not {dimension} components")
        return unit_vectors(np.stack(rows), count=len(texts), dimension=dimension)


def _encodable(text: str) -> str:
    """Lone surrogates, as in names of files, become question marks: the tokenizer takes UTF-8 alone."""
    return text.encode("utf-8", "replace").decode("utf-8")


def open_engine(folder: Path, manifest: ModelManifest) -> TextEmbedding:
    """Load fastembed's engine for a folder with that manifest. Raises `ModelCorrupt`."""
    # One text at a time: handing it to a pool of threads takes longer than cutting it into tokens.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from fastembed import TextEmbedding

    name = manifest.fastembed_name or _register(manifest)
    try:
        return TextEmbedding(
            name,
            cache_dir=str(folder),
            threads=1,
            providers=["CPUExecutionProvider"],
            specific_model_path=str(folder),
            # The arena only grows, and lengths vary from text to text.
            enable_cpu_mem_arena=False,
        )
    except MemoryError:
        raise
    except Exception as error:
        mend = manifests.pull_command(manifest.spec.name)
        raise ModelCorrupt(f"{manifest.spec.label} cannot be loaded ({error}): run `{mend}`") from error


def _register(manifest: ModelManifest) -> str:
    """Make a model known to fastembed for this process; harmless when repeated."""
    from fastembed import TextEmbedding
    from fastembed.common.model_description import ModelSource, PoolingType

    pooling = manifest.pooling or "mean"
    name = f"magicfs-{manifest.model_file}-{pooling}"
    if any(known["model"] == name for known in TextEmbedding.list_supported_models()):
        return name
    TextEmbedding.add_custom_model(
        name,
        pooling={
            "mean": PoolingType.MEAN,
            "cls": PoolingType.CLS,
            "last-token": PoolingType.LAST_TOKEN,
            "none": PoolingType.DISABLED,
        }[pooling],
        normalization=True,
        sources=ModelSource(hf=name),
        # Told by the manifest and checked by us on every vector; fastembed does not use it.
        dim=manifest.spec.dimension,
        model_file=manifest.model_file,
    )
    return name


class Embedder(Protocol):
    """Turns texts into vectors of one model. Raises `ModelError`, never returns a vector that is not usable."""

    @property
    def spec(self) -> ModelSpec:
        """Which vectors these are."""

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of texts that are to be found: shape (n, dimension), each of length 1."""

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """The vector of a question: shape (dimension,), of length 1."""


SMALLEST_NORM = 1e-6
"""A shorter vector points nowhere: its direction is rounding noise."""


def unit_vectors(raw: NDArray[np.floating], *, count: int, dimension: int) -> NDArray[np.float32]:
    """Bring the output of a model, shape (count, dimension), to length 1.

    Raises `ModelError` for another shape and for zero, NaN or infinite vectors.
    """
    if raw.shape != (count, dimension):
        raise ModelError(f"the model gave vectors of shape {raw.shape} where {(count, dimension)} was expected")
    wide = raw.astype(np.float64)
    norms = np.linalg.norm(wide, axis=1, keepdims=True)
    if not np.all(np.isfinite(norms)):
        raise ModelError("the model gave a vector that is not finite")
    if np.any(norms < SMALLEST_NORM):
        raise ModelError("the model gave a zero vector")
    unit: NDArray[np.float32] = (wide / norms).astype(np.float32)
    return unit
