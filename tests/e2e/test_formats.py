"""Real files of many formats go through the real pipeline: each gets the right state, and its words are found."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from magicfs.domain.models import StoredModel
from magicfs.embedding.embedder import FastembedEmbedder
from magicfs.text.extract.ocr.ocr_engines import find_ocr
from tests.plugins.environment import collection_of_formats
from tests.plugins.growth import peaks, zombies
from tests.plugins.searches import result_paths
from tests.plugins.stack import Stack

MIB = 1 << 20
WORKER_MIB = 280
PARSER_MIB = 768 if find_ocr() else 384
"""A parser that stays above 384 is replaced; real documents do not bring it there even for a moment, but recognising
the text of a scanned page does."""

INDEX_SECONDS = 1000.0
"""For the index of all files, on a busy machine."""

pytestmark = pytest.mark.timeout(INDEX_SECONDS + 200)

AMONG_FIRST = 3
"""Some of the files are conversions of each other and hold the same words."""

NO_TEXT: dict[str, set[tuple[str, str | None]]] = {
    "archive": {("named", None), ("indexed", None)},
    "bad": {("failed", "corrupt"), ("failed", "bomb")},
    "enc": {("skipped", "encrypted")},
    "none": {("named", None)},
    "ocr": {("indexed", None)} if find_ocr() else {("skipped", "needs-ocr"), ("named", None)},
}


@dataclass(frozen=True)
class Row:
    """A line of the manifest."""

    name: str
    kind: str
    phrase: str


@dataclass(frozen=True)
class Indexed:
    """The collection after everything has been read and embedded."""

    stack: Stack
    rows: list[Row]
    largest: dict[str, int]


@pytest.fixture(scope="module")
def collection() -> Path:
    return collection_of_formats()


@pytest.fixture(scope="module")
def indexed(module_stack: Stack, stored_multilingual: StoredModel, collection: Path) -> Iterator[Indexed]:
    assert stored_multilingual, "or the agent prepares it, which takes more memory than anything here"
    with (collection / "manifest.tsv").open(encoding="utf-8", newline="") as lines:
        rows = [
            Row(line["file"], line["class"], line["expected_phrase"]) for line in csv.DictReader(lines, delimiter="\t")
        ]
    module_stack.add_root(collection / "files")
    with peaks(module_stack) as largest:
        module_stack.start_all(embedders=1)
        module_stack.wait(module_stack.settled, seconds=INDEX_SECONDS, what="an index of every format")
    yield Indexed(module_stack, rows, largest)
    module_stack.wait(lambda: not zombies(module_stack), what="the end of zombies")


def test_every_file_ends_in_the_right_state_for_the_right_reason(indexed: Indexed) -> None:
    states = {
        path: (state, reason) for path, state, reason in indexed.stack.rows("SELECT display, state, reason FROM files")
    }
    assert len(indexed.rows) > 30
    wrong = [
        (row.name, row.kind, states.get(row.name))
        for row in indexed.rows
        if states.get(row.name) not in NO_TEXT.get(row.kind, {("indexed", None)})
    ]
    assert not wrong


def test_every_text_is_found_by_its_phrase(indexed: Indexed, embedder: FastembedEmbedder) -> None:
    missed = []
    for row in indexed.rows:
        if row.kind != "text":
            continue
        for query in (f'"{row.phrase}"', row.phrase):
            found = result_paths(indexed.stack.database, embedder, query)
            if row.name.encode() not in found[:AMONG_FIRST]:
                missed.append((row.name, query, found))
    assert not missed


def test_every_chunk_knows_its_lines(indexed: Indexed) -> None:
    broken = "SELECT count(*) FROM content_chunks WHERE first_line < 1 OR last_line < first_line"
    assert indexed.stack.rows(broken) == [(0,)]
    paged = """
        SELECT DISTINCT display FROM files JOIN content_chunks USING (content_id)
        WHERE extension IN ('pdf', 'pptx', 'ppt') AND page IS NULL
    """
    assert indexed.stack.rows(paged) == []


def test_no_process_grows_beyond_its_limit(indexed: Indexed) -> None:
    sizes = {name: size // MIB for name, size in indexed.largest.items()}
    assert sizes["parser"] <= PARSER_MIB, sizes
    assert all(size <= WORKER_MIB for name, size in sizes.items() if name != "parser"), sizes
