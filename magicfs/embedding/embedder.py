"""The `Embedder` protocol, and its implementation with fastembed: one thread, one text per call of the model.

Used by embed workers and by the query embedder's process, each with an instance of its own that is created after the
fork. A second thread that uses an embedder at the same time gets an error: it does not wait, because sharing a
model is a mistake here. fastembed is imported with the first model.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from magicfs.domain.models import ModelManifest, ModelSpec, Precision
from magicfs.domain.token_vectors import DIMENSION as TOKEN_DIMENSION
from magicfs.domain.token_vectors import EmbeddedQuestion, heaviest, pack_signs
from magicfs.embedding import manifest as manifests
from magicfs.embedding.caching_tokenizer import CachingTokenizer
from magicfs.embedding.device import CPU_PROVIDER, Device, check_provider, fallback_expected, providers
from magicfs.embedding.readability import TextReader
from magicfs.embedding.unigram import UnigramTokenizer
from magicfs.embedding.vectors import unit_vectors
from magicfs.errors import LanguageUnread, ModelCorrupt, ModelError

if TYPE_CHECKING:
    from fastembed import TextEmbedding

TEXTS_PER_CALL = 1
"""Padding and cache misses cost more than a larger batch saves, at fp32 and at int8."""
TEXTS_PER_CALL_OF_GPU = 32
"""A GPU is idle with one text. It has not been measured on one."""


LONGEST_QUESTION = 64
"""The tokens of a question that are compared one by one: the heaviest ones of a longer one."""

_WORD = re.compile(r"[^\W\d_]+")
_FEW_WORDS = 8
"""The words of a question up to which each is looked up in the model's vocabulary."""
_MAX_OF_FEW_WORDS = 256
"""The characters of such a question that are looked at."""

_Tokens = tuple[NDArray[np.float32], Sequence[int]]


class Embedder(Protocol):
    """Turns texts into vectors of one model. Raises `ModelError` instead of returning an unusable vector."""

    @property
    def spec(self) -> ModelSpec:
        """The identity of the vectors."""

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The vectors of passages: shape (n, dimension), each of length 1."""

    def embed_chunks(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], list[bytes]]:
        """The vectors of `embed_passages`, and for each text the signs of its tokens.

        See `magicfs.domain.token_vectors`. There are none (b"") under a model that gives no vectors of tokens.
        """

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """The vector of a question: shape (dimension,), of length 1. Raises `LanguageUnread` where `reads` is False."""

    def reads(self, text: str) -> bool:
        """Whether the model reads the language of a text. The vector of another text would say nothing about it."""

    def reads_whole(self, passage: str) -> bool:
        """Whether the model reads a passage to its end, or cuts it off at its longest input."""


class FastembedEmbedder:
    """An `Embedder` with the model in a folder of the model store."""

    def __init__(self, engine: TextEmbedding, manifest: ModelManifest, *, texts_per_call: int = TEXTS_PER_CALL) -> None:
        self._engine = engine
        self.texts_per_call = texts_per_call
        self._manifest = manifest
        self._centres = np.array(manifest.question_centres, np.float32)
        self._in_use = threading.Lock()
        self._tokenizer: CachingTokenizer = _model_of(engine).tokenizer
        self._reader = TextReader(self._tokenizer)

    @classmethod
    def load(cls, folder: Path, *, device: Device = Device.CPU) -> Self:
        """Load the model in `folder`, which takes about a second and at least 100 MB of memory.

        Hashes its files first, so that the digest is that of what is loaded. Raises `ModelMissing`
        when the folder has no model, `ModelCorrupt` when the model is damaged or cannot be loaded, and `ModelError`
        when it cannot run on the `device`.
        """
        manifest = manifests.read(folder)
        manifests.check(folder, manifest, full=True)
        wanted = providers(device, manifest.spec.precision)
        with fallback_expected():
            engine = open_engine(folder, manifest, providers=wanted)
        is_on_gpu = check_provider(device, _model_of(engine).model.get_providers())
        # At int8, the numbers of a call have one scale: the texts beside it would change a text's vector.
        is_batched = is_on_gpu and manifest.spec.precision is Precision.FP32
        return cls(engine, manifest, texts_per_call=TEXTS_PER_CALL_OF_GPU if is_batched else TEXTS_PER_CALL)

    @property
    def spec(self) -> ModelSpec:
        """The identity of the vectors."""
        return self._manifest.spec

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The vectors of passages: shape (n, dimension), each of length 1."""
        return self.embed_chunks(texts)[0]

    def embed_chunks(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], list[bytes]]:
        """The vectors of passages, and the signs of their tokens: see `Embedder.embed_chunks`."""
        prefix = self._manifest.passage_prefix
        vectors, tokens = self._embed([prefix + _encodable(text) for text in texts], query=False)
        return vectors, [pack_signs(*each) for each in tokens]

    def reads_whole(self, passage: str) -> bool:
        """Whether the model reads a passage to its end, or cuts it off at its longest input."""
        return self._tokenizer.reads_whole(self._manifest.passage_prefix + _encodable(passage))

    def reads(self, text: str) -> bool:
        """Whether the model reads the language of a text."""
        return self._reader.reads(_encodable(text))

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """The vector of a question: shape (dimension,), of length 1. Raises `LanguageUnread` where `reads` is False."""
        return self.embed_question(text).vector

    def embed_question(self, text: str) -> EmbeddedQuestion:
        """The vector of a question, and those of its tokens. Raises `LanguageUnread` where `reads` is False."""
        if not self.reads(text):
            raise LanguageUnread(f"{self.spec.label} does not read this language")
        vectors, [(tokens, _)] = self._embed([self.spec.query_prefix + _encodable(text)], query=True)
        if len(self._centres):
            nearest = np.argmax(vectors @ self._centres.T / np.linalg.norm(self._centres, axis=1))
            vectors = vectors - self._centres[nearest]
        [vector] = unit_vectors(vectors, count=1, dimension=self.spec.dimension)
        words = _WORD.findall(_encodable(text[:_MAX_OF_FEW_WORDS]))
        known = frozenset(filter(self._reader.has_word, words)) if len(words) <= _FEW_WORDS else frozenset()
        return EmbeddedQuestion(vector, heaviest(tokens, LONGEST_QUESTION), known)

    def _parts(self, row: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.float32]]:
        """What a model gives for a text: its vector, and those of its tokens, if the model gives any."""
        if self._manifest.pooling != manifests.SIF_AND_TOKENS:
            return row, np.empty((0, TOKEN_DIMENSION), np.float32)
        return row[: self.spec.dimension], row[self.spec.dimension :].reshape(-1, TOKEN_DIMENSION)

    def _embed(self, texts: list[str], *, query: bool) -> tuple[NDArray[np.float32], list[_Tokens]]:
        """The vectors of texts, of length 1, and for each text the vectors and the numbers of its tokens."""
        dimension = self.spec.dimension
        if not texts:
            return np.empty((0, dimension), np.float32), []
        if not self._in_use.acquire(blocking=False):
            raise ModelError("two threads use one model: give each process a model of its own")
        try:
            embed = self._engine.query_embed if query else self._engine.passage_embed
            # Vectors that are not finite are refused below, so numpy need not warn.
            with np.errstate(all="ignore"):
                rows: list[NDArray[np.floating]] = []
                tokens: list[_Tokens] = []
                for row in embed(texts, batch_size=self.texts_per_call):
                    vector, of_tokens = self._parts(row)
                    rows.append(vector)
                    encoding = self._tokenizer.latest[len(tokens) % self.texts_per_call]
                    tokens.append((of_tokens, encoding.ids[: len(of_tokens)]))
        except MemoryError:
            raise
        except Exception as error:
            raise ModelError(f"{self.spec.label} failed on a text ({error})") from error
        finally:
            self._tokenizer.forget()
            self._in_use.release()
        if any(row.shape != (dimension,) for row in rows):
            raise ModelError(f"{self.spec.label} gave vectors of another size than {dimension}")
        return unit_vectors(np.stack(rows), count=len(texts), dimension=dimension), tokens


def _encodable(text: str) -> str:
    """The text with `?` for lone surrogates, as in names of files: the tokenizer accepts UTF-8 only."""
    return text.encode("utf-8", "replace").decode("utf-8")


def open_engine(folder: Path, manifest: ModelManifest, *, providers: Sequence[str] = (CPU_PROVIDER,)) -> TextEmbedding:
    """Load fastembed's engine for the model in `folder`, for the first usable provider. Raises `ModelCorrupt`."""
    # Handing a single text to a pool of threads takes longer than tokenizing it.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from fastembed import TextEmbedding

    name = manifest.fastembed_name or _register(manifest)
    try:
        engine = TextEmbedding(
            name,
            cache_dir=str(folder),
            threads=1,
            providers=list(providers),
            specific_model_path=str(folder),
            # The arena never shrinks, and the lengths of texts vary.
            enable_cpu_mem_arena=False,
            lazy_load=True,
        )
        # fastembed loads a tokenizer unless it has one.
        model = _model_of(engine)
        model.tokenizer = UnigramTokenizer.load(folder, manifest.spec.max_tokens)
        model.load_onnx_model()
        model.tokenizer = CachingTokenizer(model.tokenizer)
    except MemoryError:
        raise
    except Exception as error:
        command = manifests.pull_command(manifest.spec.name)
        raise ModelCorrupt(f"{manifest.spec.label} cannot be loaded ({error}): run '{command}'") from error
    return engine


def _model_of(engine: TextEmbedding) -> Any:
    """The model of an engine. Its base class does not declare the tokenizer and the session that each one has."""
    return engine.model


def dimension_of(engine: TextEmbedding, manifest: ModelManifest) -> int:
    """The number of dimensions of a model's vectors, by embedding a word."""
    with np.errstate(all="ignore"):
        (row,) = engine.passage_embed(["probe"])
    if manifest.pooling != manifests.SIF_AND_TOKENS:
        return len(row)
    return len(row) - TOKEN_DIMENSION * len(_model_of(engine).tokenizer.latest[0].ids)


def _register(manifest: ModelManifest) -> str:
    """Register a model with fastembed for this process, unless it is registered. Returns its name there."""
    from fastembed import TextEmbedding
    from fastembed.common.model_description import ModelSource, PoolingType

    pooling = manifest.pooling or "mean"
    name = f"magicfs-{manifest.model_file}-{pooling}"
    if any(listed["model"] == name for listed in TextEmbedding.list_supported_models()):
        return name
    TextEmbedding.add_custom_model(
        name,
        pooling={
            "mean": PoolingType.MEAN,
            "cls": PoolingType.CLS,
            "last-token": PoolingType.LAST_TOKEN,
            "none": PoolingType.DISABLED,
            manifests.SIF: PoolingType.DISABLED,
            manifests.SIF_AND_TOKENS: PoolingType.DISABLED,
        }[pooling],
        normalization=True,
        sources=ModelSource(hf=name),
        # fastembed does not use it; every vector is checked above.
        dim=manifest.spec.dimension,
        model_file=manifest.model_file,
    )
    return name
