"""A file that a program is saving keeps its text until it is complete, and loses it when it is damaged for good."""

from __future__ import annotations

import os

import pytest

from magicfs.domain.contents import Document, Gap, Unreadable
from magicfs.domain.files import SkipReason
from tests.plugins.index import FOUND_TEXT, Index

DAMAGED = ("failed", "corrupt")


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that was written a moment ago stays so on a machine that is busy."""
    monkeypatch.setattr("magicfs.pipeline.reading.HALF_WRITTEN_SECONDS", 3600.0)


@pytest.fixture
def strict(index: Index, patient: None, monkeypatch: pytest.MonkeyPatch) -> Index:
    """An index whose parser refuses files without an end mark, as those of archives and office documents do."""
    read = index.reader.extract

    def extract(content: bytes, *, name: bytes, gap: Gap | None = None) -> Document | Unreadable:
        document = read(content, name=name, gap=gap)
        return document if content.endswith(b"END") else Unreadable(SkipReason.CORRUPT, "no end")

    monkeypatch.setattr(index.reader, "extract", extract)
    return index


def read_again(index: Index) -> None:
    index.rows("UPDATE files SET leased_until = NULL RETURNING 1")
    index.settle()


def saved_in_part(index: Index, name: str) -> None:
    """Let a program write the first half of a file which the index has."""
    path = index.folder / name
    path.write_text("first words END")
    index.settle()
    path.write_text("other wo")
    read_again(index)


@pytest.mark.parametrize("name", ["note.txt", "note.slow"])
def test_a_file_that_is_half_written_keeps_its_text_until_it_is_complete(strict: Index, name: str) -> None:
    saved_in_part(strict, name)
    for _ in range(2):
        assert strict.rows(FOUND_TEXT) == [("first words END",)]
        assert strict.states() == {name: ("pending", None)}
        assert strict.rows("SELECT attempts FROM files") == [(0,)], "it is not at fault"
        read_again(strict)
    assert len(strict.reader.calls) == 2, "the same bytes are parsed once"
    (strict.folder / name).write_text("other words END")
    read_again(strict)
    assert strict.rows(FOUND_TEXT) == [("other words END",)]
    assert strict.states() == {name: ("indexed", None)}


def test_a_file_that_stays_damaged_is_not_found_by_its_former_text(strict: Index) -> None:
    saved_in_part(strict, "note.txt")
    os.utime(strict.folder / "note.txt", (0, 0))
    read_again(strict)
    assert strict.states() == {"note.txt": DAMAGED}
    assert strict.rows(FOUND_TEXT) == []


def test_a_new_file_that_is_damaged_waits_for_nothing(strict: Index) -> None:
    (strict.folder / "note.txt").write_text("first wo")
    strict.settle()
    assert strict.states() == {"note.txt": DAMAGED}
