"""The real model for tests: all-MiniLM-L6-v2 at int8, prepared once and kept between test runs."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import pytest

from magicfs.domain.models import StoredModel
from magicfs.embedding.embedder import FastembedEmbedder
from magicfs.models import bert_graph
from magicfs.models import calibration as calibrate
from magicfs.models import calibration as samples
from magicfs.models import prepare as quantize
from magicfs.models.store import ModelStore

MODEL = "sentence-transformers/all-MiniLM-L6-v2"


RECIPE = (bert_graph, quantize, calibrate, samples)
"""The modules that make the model what it is."""


def cache_directory() -> Path:
    """Where test runs of this user keep what is dear to make: `TEST_CACHE` or a temporary directory."""
    default = Path(tempfile.gettempdir()) / f"magicfs-tests-{os.getuid()}"
    directory = Path(os.environ.get("TEST_CACHE", default))
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory


@pytest.fixture(scope="session")
def model_store() -> ModelStore:
    """A store that holds the int8 model. Tests that change a store make one of their own."""
    recipe = hashlib.sha256(b"".join(Path(str(module.__file__)).read_bytes() for module in RECIPE)).hexdigest()
    store = ModelStore(cache_directory() / f"models-{recipe[:12]}")
    store.pull(MODEL, precision="int8")
    return store


@pytest.fixture(scope="session")
def stored_model(model_store: ModelStore) -> StoredModel:
    """The int8 model in `model_store`."""
    return model_store.find(MODEL, "int8")


@pytest.fixture(scope="session")
def embedder(stored_model: StoredModel) -> FastembedEmbedder:
    """The int8 model, loaded once for the whole run."""
    return FastembedEmbedder.load(stored_model.folder)
