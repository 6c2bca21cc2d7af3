"""Vectors of the benchmark of scale: the nearest ones are known, and they lie as embeddings of real texts do."""

from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.benchmarks.scripts import load_script


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return load_script("_synthetic_vectors", monkeypatch)


def made(bench: ModuleType, *, texts: int) -> tuple[NDArray[np.float16], NDArray[np.float32]]:
    """Vectors of texts, and those of fifty questions."""
    random = np.random.default_rng(1)
    files = bench.directions(random, texts // 10, 384)
    vectors = bench.texts_in(files, np.arange(texts) // 10, random)
    return vectors, bench.questions_about(files[random.integers(len(files), size=50)], random)


def test_the_nearest_are_those_of_all_that_are_allowed(bench: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, questions = made(bench, texts=2000)
    allowed = np.arange(3, 2000, 7)
    monkeypatch.setattr(bench, "AT_ONCE", 64)
    found = list(bench.nearest(vectors, allowed, questions, count=10))
    cosines = questions @ vectors[allowed].astype(np.float32).T
    assert found == [frozenset(allowed[np.argsort(-row)[:10]].tolist()) for row in cosines]
    [few] = bench.nearest(vectors, allowed[:3], questions[:1], count=10)
    assert few == frozenset(allowed[:3].tolist())
