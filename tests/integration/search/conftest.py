"""An empty corpus, and the search in it with vectors that each test chooses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from magicfs.db.pool import Database
from magicfs.search.service import SearchService
from tests.integration.search.corpus import ChosenVectors, Corpus
from tests.plugins.servers import Servers


@pytest.fixture
def corpus(database: Database) -> Corpus:
    return Corpus(database)


@pytest.fixture
def vectors() -> ChosenVectors:
    return ChosenVectors()


@pytest.fixture
def service(database: Database, vectors: ChosenVectors) -> SearchService:
    return SearchService(database, vectors, host="box", default_limit=50)


@pytest.fixture(scope="class")
def class_database(servers: Servers) -> Iterator[Database]:
    """A database for tests of a class that only search."""
    with servers.new_database() as url, Database(url, application="test", size=4) as pool:
        yield pool


@pytest.fixture(scope="class")
def class_corpus(class_database: Database) -> Corpus:
    return Corpus(class_database)


@pytest.fixture
def class_service(class_database: Database, vectors: ChosenVectors) -> SearchService:
    return SearchService(class_database, vectors, host="box", default_limit=50)
