"""Texts and questions in languages that the model does not read have no vector: they are found by their words alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from magicfs.db.pool import Database
from magicfs.db.vectors.model_changes import activate_model
from magicfs.domain.results import SearchResult
from magicfs.embedding.embedder import FastembedEmbedder
from magicfs.ingest.roots import add_root
from magicfs.search.service import SearchService
from tests.plugins.index import HOST, Index, Reader
from tests.plugins.searches import InProcessQueryEmbedder

FILES = {
    "owls.txt": "The owls of the old barn hunt mice at night.",
    "amharic.txt": "ነገ ጠዋት ወደ ገበያ እንሄዳለን።",
    "georgian.txt": "ხვალ დილით ბაზარში მივდივართ.",
    "arabic.txt": "سنذهب غدا صباحا إلى السوق مع الأطفال",
    "russian.txt": "Завтра утром мы пойдём на рынок за яблоками.",
    "chinese.txt": "明天早上我们去市场买苹果和梨。",
    "emoji.txt": "\N{HEDGEHOG}\N{OTTER}",
    "number.txt": "A" * 400,
}


@pytest.fixture
def service(database: Database, tmp_path: Path, embedder: FastembedEmbedder) -> SearchService:
    """The search on an index of the files, which the real model has embedded."""
    folder = tmp_path / "docs"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    with database.transaction() as connection:
        activate_model(connection, embedder.spec)
    root = add_root(database, host=HOST, path=folder, home=tmp_path / "home")
    Index(database, root, folder, Reader(), embedder).settle()
    return SearchService(database, InProcessQueryEmbedder(embedder), default_limit=50)


def search(service: SearchService, text: str) -> SearchResult:
    return service.search(text, deadline_s=60)


def names(result: SearchResult) -> list[str]:
    return [hit.name.decode() for hit in result.hits]


@pytest.mark.parametrize("question", ["番茄钟", "ሰማይ", "მთვარე", "\N{OWL}", "القمر", "луна"])
def test_an_unread_question_is_near_to_nothing(service: SearchService, question: str) -> None:
    result = search(service, question)
    assert names(result) == []
    assert len(result.notices) == 1
    assert "words alone" in result.notices[0]
    assert "does not read this language" in result.notices[0]


@pytest.mark.parametrize(
    ("question", "name"),
    [("ገበያ", "amharic.txt"), ("ბაზარში", "georgian.txt"), ("السوق", "arabic.txt"), ("рынок", "russian.txt")],
)
def test_its_words_find_what_has_them(service: SearchService, question: str, name: str) -> None:
    result = search(service, question)
    assert names(result) == [name]
    assert result.hits[0].vector is None
    assert result.hits[0].lexical is not None


def test_a_question_that_is_read_is_near_to_texts_that_are_read(service: SearchService) -> None:
    result = search(service, "birds of prey")
    assert names(result) == ["owls.txt"]
    assert result.hits[0].vector is not None
    assert result.notices == ()


def test_unread_texts_count_as_covered(service: SearchService) -> None:
    coverage = search(service, "owls").coverage
    assert coverage.chunks == coverage.embedded == len(FILES)
    assert coverage.pending_chunks == 0
