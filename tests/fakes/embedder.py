"""An embedder for tests that are not about embeddings: quick, deterministic, and alike for texts that share words."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from magicfs.domain.models import ModelSpec, Precision
from magicfs.errors import LanguageUnread

FAKE_SPEC = ModelSpec("fake/bag-of-words", Precision.FP32, dimension=384, max_tokens=256)


class FakeEmbedder:
    """Each word is a fixed random direction; a text is the sum of its words. Safe in any thread."""

    def __init__(self, spec: ModelSpec = FAKE_SPEC) -> None:
        self._spec = spec

    @property
    def spec(self) -> ModelSpec:
        return self._spec

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if not texts:
            return np.empty((0, self._spec.dimension), np.float32)
        return np.stack([self.embed_query(text) for text in texts])

    def embed_chunks(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], list[bytes]]:
        return self.embed_passages(texts), [b""] * len(texts)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        if not self.reads(text):
            raise LanguageUnread(f"{self._spec.label} does not read hedgehogs")
        # The empty word is part of every text, so that none has a zero vector.
        words = ["", *re.findall(r"\w+", text.lower())]
        total = np.sum([self._direction(word) for word in words], axis=0)
        vector: NDArray[np.float32] = (total / np.linalg.norm(total)).astype(np.float32)
        return vector

    def reads(self, text: str) -> bool:
        return "\N{HEDGEHOG}" not in text

    def reads_whole(self, passage: str) -> bool:
        return True

    def _direction(self, word: str) -> NDArray[np.float64]:
        seed = zlib.crc32(word.encode("utf-8", "replace"))
        weight = 1.0 if word else 0.1
        return weight * np.random.default_rng(seed).standard_normal(self._spec.dimension)
