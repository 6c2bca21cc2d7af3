"""A model that reads less than the one before: chunks that it cannot read whole are cut anew, all others stay."""

from __future__ import annotations

from dataclasses import replace

import pytest

from magicfs.db.corpus.rechunk import replace_chunks
from magicfs.db.vectors.model_changes import build_model, complete_building
from magicfs.domain.chunks import Chunk, ClaimedChunk
from magicfs.domain.models import ModelSpec
from magicfs.embedding.embedder import Embedder
from tests.fakes.embedder import FAKE_SPEC, FakeEmbedder
from tests.plugins.index import Index, completed_model, working_model
from tests.plugins.services import make_embed_service

SHORT = replace(FAKE_SPEC, name="fake/short", max_tokens=3)

PLACES = """
SELECT display, ordinal, text, first_line, last_line FROM files JOIN content_chunks USING (content_id)
JOIN chunks ON chunks.id = chunk_id ORDER BY display, ordinal
"""


def cut(embedder: Embedder, claim: ClaimedChunk) -> list[Chunk]:
    """Pieces of a line each, for a model that reads three words."""
    if embedder.spec != SHORT or len(claim.text.split()) <= SHORT.max_tokens:
        return []
    lines = claim.text.split("\n")
    return [Chunk(line, len(line.split()), number, number) for number, line in enumerate(lines, 1)]


def work(index: Index) -> None:
    service = make_embed_service(index.database, load=FakeEmbedder, cut=cut)
    while service.run_turn():
        pass
    while index.rows("SELECT 1 FROM embeddings WHERE state = 'pending'"):
        service.run_turn()


@pytest.fixture
def filled(index: Index) -> Index:
    long = "one two\nthree four\nfive six"
    (index.folder / "a.txt").write_text(f"short\n\n{long}\n\nbetween\n\nseven eight\nnine ten\n\nlast")
    (index.folder / "b.txt").write_text(f"{long}\n\n{long}\n\nlast")
    index.settle()
    # The chunker of these tests knows no lines.
    index.rows("UPDATE content_chunks SET first_line = ordinal * 10 + 1, last_line = ordinal * 10 + 3 RETURNING 1")
    return index


def build(index: Index, spec: ModelSpec) -> None:
    with index.database.transaction() as connection:
        build_model(connection, spec)


def test_long_chunks_are_cut_and_short_ones_keep_their_vectors(filled: Index) -> None:
    kept = "SELECT e.ctid, e.xmin, text FROM embeddings e JOIN chunks ON id = chunk_id WHERE text IN {} ORDER BY text"
    query = kept.format("('short', 'between', 'last')").replace("WHERE", "WHERE model_id = 1 AND")
    before = filled.rows(query)
    build(filled, SHORT)
    work(filled)
    assert filled.rows(PLACES) == [
        ("a.txt", 0, "short", 1, 3),
        ("a.txt", 1, "one two", 11, 11),
        ("a.txt", 2, "three four", 12, 12),
        ("a.txt", 3, "five six", 13, 13),
        ("a.txt", 4, "between", 21, 23),
        ("a.txt", 5, "seven eight", 31, 31),
        ("a.txt", 6, "nine ten", 32, 32),
        ("a.txt", 7, "last", 41, 43),
        ("b.txt", 0, "one two", 1, 1),
        ("b.txt", 1, "three four", 2, 2),
        ("b.txt", 2, "five six", 3, 3),
        ("b.txt", 3, "one two", 11, 11),
        ("b.txt", 4, "three four", 12, 12),
        ("b.txt", 5, "five six", 13, 13),
        ("b.txt", 6, "last", 21, 23),
    ]
    assert filled.rows(query) == before
    assert filled.rows("SELECT count(*) FROM chunks") == [(8,)], "the long ones are gone"
    assert filled.rows("SELECT model_id, state, attempts, count(*) FROM embeddings GROUP BY 1, 2, 3 ORDER BY 1") == [
        (1, "done", 1, 8),
        (2, "done", 1, 8),
    ], "searches that use the old model find the pieces too"
    with filled.database.transaction() as connection:
        assert completed_model(connection).spec == SHORT
        assert working_model(connection).spec == SHORT


def test_a_file_that_comes_later_is_cut_for_both(filled: Index) -> None:
    build(filled, SHORT)
    work(filled)
    (filled.folder / "c.txt").write_text("one two\nthree four\nfive six\n\nnew")
    filled.scan()
    filled.extraction().run_batch()
    work(filled)
    assert [text for name, _, text, _, _ in filled.rows(PLACES) if name == "c.txt"] == [
        "one two",
        "three four",
        "five six",
        "new",
    ]
    with filled.database.transaction() as connection:
        assert complete_building(connection) is not None


def test_a_chunk_that_another_file_gets_at_this_moment_is_cut_once_more(filled: Index) -> None:
    build(filled, SHORT)
    [(long,)] = filled.rows("SELECT id FROM chunks WHERE text = 'seven eight\nnine ten'")
    pieces = [Chunk("seven eight", 2, 1, 1), Chunk("nine ten", 2, 2, 2)]
    place = "INSERT INTO content_chunks SELECT id, 99, %s, 1, 2 FROM contents ORDER BY id DESC LIMIT 1"
    with filled.database.transaction() as copying:
        copying.execute(place, (long,))
        with filled.database.transaction() as connection:
            replace_chunks(connection, {long: pieces})
    assert filled.rows("SELECT ordinal FROM content_chunks WHERE chunk_id = %s", long) == [(99,)]
    work(filled)
    assert filled.rows("SELECT count(*) FROM chunks WHERE id = %s", long) == [(0,)]
    assert [text for _, ordinal, text, _, _ in filled.rows(PLACES) if ordinal >= 99] == ["seven eight", "nine ten"]


def test_the_pieces_of_a_saved_file_do_not_wait_behind_an_import(filled: Index) -> None:
    build(filled, SHORT)
    [(long,)] = filled.rows("SELECT id FROM chunks WHERE text = 'seven eight\nnine ten'")
    filled.rows("UPDATE embeddings SET priority = 1 WHERE model_id = 2 AND chunk_id = %s RETURNING 1", long)
    with filled.database.transaction() as connection:
        replace_chunks(connection, {long: [Chunk("seven eight", 2, 1, 1), Chunk("nine ten", 2, 2, 2)]})
    query = "SELECT model_id, priority FROM embeddings JOIN chunks ON id = chunk_id WHERE text = 'nine ten' ORDER BY 1"
    assert filled.rows(query) == [(1, 0), (2, 1)]
