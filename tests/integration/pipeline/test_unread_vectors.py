"""A chunk in a language that the model does not read is done, without a vector. The fake model reads no hedgehogs."""

from __future__ import annotations

import pytest

from magicfs.db.corpus import failures as failures_db
from magicfs.db.status import read_status
from magicfs.db.vectors import embeddings as embeddings_db
from magicfs.db.vectors.model_changes import build_model
from magicfs.domain.models import ModelSpec
from magicfs.embedding.readability import TextReader
from magicfs.errors import ModelMissing
from magicfs.pipeline.unread_vectors import UnreadVectors
from tests.plugins.index import Index
from tests.plugins.services import make_maintenance

STATES = "SELECT text, e.state FROM embeddings e JOIN chunks c ON c.id = e.chunk_id ORDER BY text"
HEDGEHOG = "\N{HEDGEHOG}"


class Hedgehogs(TextReader):
    """Reads what the fake model reads."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def reads(self, text: str) -> bool:
        self.asked.append(text)
        return HEDGEHOG not in text


def states(index: Index) -> dict[str, str]:
    return dict(index.rows(STATES))


def unread_vectors(index: Index, reader: Hedgehogs) -> UnreadVectors:
    return UnreadVectors(index.database, load=lambda spec: reader)


def add(index: Index, text: str) -> None:
    (index.folder / f"{len(list(index.folder.iterdir()))}.txt").write_text(text)
    index.settle()


def read_everything(monkeypatch: pytest.MonkeyPatch, index: Index) -> None:
    """Let the model embed what it does not read, as in older versions."""
    monkeypatch.setattr(index.embedder, "reads", lambda text: True)


def test_it_is_neither_pending_nor_failed(index: Index) -> None:
    add(index, f"about cats\n\n{HEDGEHOG}{HEDGEHOG}")
    assert states(index) == {"about cats": "done", f"{HEDGEHOG}{HEDGEHOG}": "unread"}
    with index.database.transaction() as connection:
        assert failures_db.count_failures(connection, reason=None, skipped=True) == 0
        assert not embeddings_db.claimable_models(connection)
        status = read_status(connection)
    assert (status.chunks.total, status.chunks.embedded, status.chunks.failed) == (2, 2, 0)


def test_a_batch_of_nothing_else_does_not_end_the_work(index: Index) -> None:
    (index.folder / "one.txt").write_text("\n\n".join(f"{HEDGEHOG} {number}" for number in range(300)))
    index.scan()
    index.extraction().run_batch()
    assert index.embedding().run_turn() == 300
    assert set(states(index).values()) == {"unread"}


def test_it_stays_so_when_the_file_is_read_again(index: Index) -> None:
    add(index, HEDGEHOG)
    (index.folder / "copy.txt").write_text(HEDGEHOG)
    index.settle()
    assert states(index) == {HEDGEHOG: "unread"}


def test_vectors_of_an_older_version_are_taken_away_once(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        read_everything(patch, index)
        add(index, f"about cats\n\n{HEDGEHOG * 9} one\n\n{HEDGEHOG * 9} two")
    calls = list(index.reader.calls)
    reader = Hedgehogs()
    make_maintenance(index.database, unread=unread_vectors(index, reader)).sweep()
    assert states(index) == {"about cats": "done", f"{HEDGEHOG * 9} one": "unread", f"{HEDGEHOG * 9} two": "unread"}
    assert len(reader.asked) == 2, "texts in ASCII are not read"
    assert index.reader.calls == calls, "no file is read"
    assert index.embedding().run_turn() == 0, "nothing is embedded"
    assert not unread_vectors(index, reader).forget()
    assert len(reader.asked) == 2, "another process does not begin again"


def test_they_are_checked_in_batches(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("magicfs.pipeline.unread_vectors.BATCH_VECTORS", 2)
    monkeypatch.setattr("magicfs.pipeline.unread_vectors.TURN_SECONDS", 0.0)
    with monkeypatch.context() as patch:
        read_everything(patch, index)
        add(index, "\n\n".join(f"{HEDGEHOG * 9} {number}" for number in range(5)))
    check = unread_vectors(index, Hedgehogs())
    assert check.forget()
    assert list(states(index).values()).count("unread") == 2
    while check.forget():
        pass
    assert set(states(index).values()) == {"unread"}


def test_the_building_model_is_checked_too(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    add(index, "about cats")
    with index.database.transaction() as connection:
        build_model(connection, ModelSpec("fake/other", index.embedder.spec.precision, dimension=384, max_tokens=256))
    loaded: list[str] = []

    def load(spec: ModelSpec) -> TextReader:
        loaded.append(spec.name)
        return Hedgehogs()

    UnreadVectors(index.database, load=load).forget()
    assert sorted(loaded) == ["fake/bag-of-words", "fake/other"]


def test_a_host_without_the_model_leaves_it_to_others(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        read_everything(patch, index)
        add(index, HEDGEHOG * 9)

    def load(spec: ModelSpec) -> TextReader:
        raise ModelMissing("no model here")

    assert not UnreadVectors(index.database, load=load).forget()
    assert states(index) == {HEDGEHOG * 9: "done"}
    assert not unread_vectors(index, Hedgehogs()).forget()
    assert states(index) == {HEDGEHOG * 9: "unread"}
