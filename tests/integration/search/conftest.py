"""An empty corpus, and the search in it with vectors that each test chooses."""

from __future__ import annotations

import pytest

from magicfs.db.pool import Database
from magicfs.search.service import SearchService
from tests.integration.search.corpus import ChosenVectors, Corpus


@pytest.fixture
def corpus(database: Database) -> Corpus:
    return Corpus(database)


@pytest.fixture
def vectors() -> ChosenVectors:
    return ChosenVectors()


@pytest.fixture
def service(database: Database, vectors: ChosenVectors) -> SearchService:
    return SearchService(database, vectors, host="box", default_limit=50)
