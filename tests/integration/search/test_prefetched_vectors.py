"""A question is embedded while the database is read before, by the models that were there at the last search."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from magicfs.db.pool import Database
from magicfs.db.search.scope_enumeration import enumerate_scope
from magicfs.domain.models import ModelSpec
from magicfs.domain.token_vectors import EmbeddedQuestion
from magicfs.errors import MagicFSError
from magicfs.search import preparation
from magicfs.search import service as service_module
from magicfs.search.compiled_query import prepare_query
from magicfs.search.service import SearchService
from tests.integration.search.corpus import SPEC, ChosenVectors, Corpus, unit


class Recorder(ChosenVectors):
    """Chosen vectors, and what happens in which order."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[tuple[str, ...]] = []

    @contextmanager
    def prefetching(
        self, text: str, *, specs: Sequence[ModelSpec], kept: Sequence[ModelSpec]
    ) -> Iterator[ChosenVectors]:
        self.events.append(("sent", text, *(spec.name for spec in specs)))
        yield self
        self.events.append(("closed",))

    def embed_by_each(
        self, text: str, *, specs: Sequence[ModelSpec], kept: Sequence[ModelSpec], deadline_s: float
    ) -> list[EmbeddedQuestion | MagicFSError]:
        self.events.append(("taken", text, *(spec.name for spec in specs)))
        return super().embed_by_each(text, specs=specs, kept=kept, deadline_s=deadline_s)


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()

    def recorded(*arguments: Any, **options: Any) -> Any:
        recorder.events.append(("read",))
        return prepare_query(*arguments, **options)

    monkeypatch.setattr(preparation, "prepare_query", recorded)

    def enumerated(*arguments: Any, **options: Any) -> Any:
        recorder.events.append(("enumerated",))
        return enumerate_scope(*arguments, **options)

    monkeypatch.setattr(service_module, "enumerate_scope", enumerated)
    return recorder


@pytest.fixture
def service(database: Database, recorder: Recorder) -> SearchService:
    return SearchService(database, recorder, host="box", default_limit=50, prefetch=recorder.prefetching)


def test_a_question_is_sent_before_the_first_read(corpus: Corpus, service: SearchService, recorder: Recorder) -> None:
    corpus.add(b"a.txt", "an invoice", vectors=[unit(1, 0, 0)])
    recorder.vectors["invoice"] = unit(1, 0, 0)
    assert service.search("invoice", deadline_s=30).hits
    assert recorder.events == [("read",), ("taken", "invoice", SPEC.name)], "no search has found the models yet"
    recorder.events.clear()
    assert service.search("invoice", deadline_s=30).hits[0].vector == pytest.approx(1.0)
    assert recorder.events == [
        ("sent", "invoice", SPEC.name),
        ("read",),
        ("taken", "invoice", SPEC.name),
        ("closed",),
    ]


def test_a_scope_is_enumerated_while_the_question_is_embedded(
    corpus: Corpus, service: SearchService, recorder: Recorder
) -> None:
    corpus.add(b"a.txt", "an invoice")
    corpus.add(b"b.md", "another invoice")
    service.search("invoice", deadline_s=30)
    recorder.events.clear()
    [hit] = service.search("invoice ext:md", deadline_s=30).hits
    assert hit.path == b"b.md"
    assert [event[0] for event in recorder.events] == ["sent", "read", "enumerated", "taken", "closed"]


def test_a_question_without_meaning_is_not_sent(corpus: Corpus, service: SearchService, recorder: Recorder) -> None:
    corpus.add(b"a.txt", "an invoice of 2026")
    service.search("invoice", deadline_s=30)
    recorder.events.clear()
    service.search("2026", deadline_s=30)
    service.search("ext:txt", deadline_s=30)
    assert recorder.events == [("read",), ("read",)]


def test_a_question_that_is_read_anew_is_asked_as_it_is(
    corpus: Corpus, service: SearchService, recorder: Recorder
) -> None:
    corpus.add(b"a.txt", "to unpack it, tar -xzf backup and wait")
    service.search("backup", deadline_s=30)
    recorder.events.clear()
    assert service.search("tar -xzf backup", deadline_s=30).hits
    asked = [event[:2] for event in recorder.events if event[0] != "read"]
    assert asked == [("sent", "tar backup"), ("taken", "tar -xzf backup"), ("closed",)]


def test_the_models_of_now_are_asked(
    corpus: Corpus, service: SearchService, recorder: Recorder, database: Database
) -> None:
    corpus.add(b"a.txt", "an invoice")
    service.search("invoice", deadline_s=30)
    with database.transaction() as connection:
        connection.execute("UPDATE models SET name = 'test/other' WHERE id = %s", (corpus.model,))
    recorder.events.clear()
    service.search("invoice", deadline_s=30)
    assert [event for event in recorder.events if event[0] in {"sent", "taken"}] == [
        ("sent", "invoice", SPEC.name),
        ("taken", "invoice", "test/other"),
    ]


def test_what_was_sent_is_closed_when_the_read_fails(
    corpus: Corpus, service: SearchService, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus.add(b"a.txt", "an invoice")
    service.search("invoice", deadline_s=30)
    recorder.events.clear()

    def fail(*_: object, **__: object) -> None:
        recorder.events.append(("read",))
        raise RuntimeError

    monkeypatch.setattr(preparation, "prepare_query", fail)
    with pytest.raises(RuntimeError):
        service.search("invoice", deadline_s=30)
    assert recorder.events[:2] == [("sent", "invoice", SPEC.name), ("read",)]
