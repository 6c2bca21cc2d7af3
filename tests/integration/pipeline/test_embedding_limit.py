"""Of a file with very many chunks, all words are found, and a limited number of chunks by their meaning."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from magicfs.cli.file_report import explanation_facts
from magicfs.db.cluster.roots import database_time
from magicfs.db.status import read_progress, read_status
from magicfs.db.vectors.model_changes import build_model, complete_building
from magicfs.db.vectors.models import active_model
from magicfs.ingest.explain import explain
from magicfs.pipeline import maintenance
from tests.fakes.embedder import FAKE_SPEC, FakeEmbedder
from tests.plugins.index import HOST, Index
from tests.plugins.services import make_maintenance

CHUNKS = 2000
LIMIT = 200


def rows_of(count: int) -> list[str]:
    return [f"row {number} of the table" for number in range(count)]


def write(index: Index, rows: list[str]) -> None:
    (index.folder / "table.txt").write_text("\n\n".join(rows))


def embedded_places(index: Index) -> list[int]:
    """The ordinals of the file's chunks that have a vector."""
    return [
        row[0]
        for row in index.rows(
            "SELECT ordinal FROM files JOIN content_chunks USING (content_id)"
            " JOIN embeddings USING (chunk_id) WHERE embeddings.state = 'done' ORDER BY ordinal"
        )
    ]


def change_limit(index: Index, *, settle: bool = True) -> None:
    """Start an extract worker with the setting, and let maintenance bring the index in line."""
    index.extraction().recover()
    make_maintenance(index.database).sweep()
    if settle:
        index.settle()


def limit_of(index: Index) -> int:
    return int(index.rows("SELECT value FROM meta WHERE key = 'max_embedded_chunks'")[0][0])


def vectors(index: Index) -> int:
    return index.rows("SELECT count(*) FROM embeddings")[0][0]


@pytest.fixture
def limited(index: Index) -> Index:
    """An index with one file of CHUNKS chunks, of which LIMIT are embedded."""
    index.max_embedded_chunks = LIMIT
    index.extraction().recover()
    write(index, rows_of(CHUNKS))
    index.settle()
    return index


def test_all_words_are_stored_and_a_limited_number_of_chunks_embedded(limited: Index) -> None:
    assert limited.rows("SELECT count(*) FROM content_chunks JOIN files USING (content_id)") == [(CHUNKS,)]
    assert len(embedded_places(limited)) == LIMIT


def test_the_embedded_chunks_are_spread_over_the_file(limited: Index) -> None:
    places = embedded_places(limited)
    assert places[0] == 0, "the beginning says most"
    assert max(after - before for before, after in pairwise([*places, CHUNKS])) < 64 * 1.5
    tenths = [sum(tenth * 200 <= place < (tenth + 1) * 200 for place in places) for tenth in range(10)]
    assert min(tenths) >= 15
    assert max(tenths) <= 25


def test_coverage_and_waiting_count_what_is_to_be_embedded(limited: Index) -> None:
    with limited.database.transaction() as connection:
        chunks = read_status(connection).chunks
        progress = read_progress(connection, host=HOST, since=database_time(connection))
    assert (chunks.total, chunks.embedded) == (LIMIT, LIMIT)
    assert (progress.chunks.total, progress.chunks.embedded) == (LIMIT, LIMIT)


def test_doctor_says_how_much_is_found_by_meaning(limited: Index) -> None:
    path = limited.folder / "table.txt"
    lines = "\n".join(map(str, explanation_facts(explain(limited.database, host=HOST, path=path))))
    assert "200 of 2,000 chunks by meaning" in lines
    assert "MAGICFS_MAX_EMBEDDED_CHUNKS" in lines
    (limited.folder / "short.txt").write_text("short")
    limited.settle()
    lines = "\n".join(
        map(str, explanation_facts(explain(limited.database, host=HOST, path=limited.folder / "short.txt")))
    )
    assert "1 of 1 chunk by meaning" in lines
    assert "MAGICFS_MAX_EMBEDDED_CHUNKS" not in lines


def test_an_edit_embeds_few_other_chunks(limited: Index) -> None:
    before = vectors(limited)
    rows = rows_of(CHUNKS)
    rows[700] = "something else"
    write(limited, rows)
    limited.settle()
    assert vectors(limited) <= before + 3
    write(limited, [*rows, *(f"a new line {number}" for number in range(20))])
    limited.settle()
    assert vectors(limited) <= before + 15, "a log that grows"
    write(limited, ["a new first row", *rows])
    limited.settle()
    assert vectors(limited) <= before + 15 + CHUNKS // 64 * 2, "rows that have moved by one"


def test_a_file_below_the_limit_is_embedded_whole(index: Index) -> None:
    index.max_embedded_chunks = LIMIT
    index.extraction().recover()
    write(index, rows_of(LIMIT))
    index.settle()
    assert len(embedded_places(index)) == LIMIT
    write(index, rows_of(LIMIT - 1) * 5)
    index.settle()
    assert vectors(index) == LIMIT, "repeated chunks count once"


def test_a_raised_setting_applies_to_stored_files(limited: Index) -> None:
    before = set(embedded_places(limited))
    limited.max_embedded_chunks = 2 * LIMIT
    change_limit(limited)
    after = set(embedded_places(limited))
    assert len(after) == 2 * LIMIT
    assert before < after, "no vector was made in vain"
    limited.max_embedded_chunks = LIMIT
    change_limit(limited)
    assert set(embedded_places(limited)) == after, "vectors that are there are kept"


def test_a_lowered_setting_takes_waiting_chunks_out_of_the_queue(index: Index) -> None:
    index.max_embedded_chunks = CHUNKS
    index.extraction().recover()
    rows = rows_of(CHUNKS)
    write(index, rows)
    index.scan()
    index.extraction().run_batch()
    assert vectors(index) == CHUNKS
    (index.folder / "short.txt").write_text("\n\n".join(rows[-30:]))
    index.scan()
    index.extraction().run_batch()
    index.max_embedded_chunks = LIMIT
    change_limit(index, settle=False)
    assert LIMIT < vectors(index) < LIMIT + 30, "chunks of the other file stay"
    index.settle()
    assert set(embedded_places(index)) > set(range(CHUNKS - 30, CHUNKS))
    assert index.rows("SELECT count(*) FROM embeddings WHERE state = 'pending'") == [(0,)]


def test_a_new_model_embeds_the_same_number(limited: Index) -> None:
    other = replace(FAKE_SPEC, name="fake/other")
    with limited.database.transaction() as connection:
        model = build_model(connection, other)
    limited.embedder = FakeEmbedder(other)
    limited.settle()
    assert limited.rows("SELECT count(*) FROM embeddings WHERE model_id = %s", model.id) == [(LIMIT,)]
    with limited.database.transaction() as connection:
        assert complete_building(connection) is not None
        active = active_model(connection)
    assert active is not None
    assert active.id == model.id


class TestTheLimitIsOneOfTheIndex:
    """Hosts may differ in their settings. The last one that changes its own decides."""

    def test_hosts_that_differ_do_not_take_turns(self, limited: Index, caplog: pytest.LogCaptureFixture) -> None:
        limited.max_embedded_chunks = 2 * LIMIT
        for _ in range(2):
            limited.extraction("extract-1@there", host="there").recover()
            assert limit_of(limited) == LIMIT
        [line, _] = [record.getMessage() for record in caplog.records if "MAGICFS_MAX_EMBEDDED" in record.getMessage()]
        assert "200" in line
        assert "400" in line
        limited.max_embedded_chunks = LIMIT
        limited.extraction().recover()
        assert limit_of(limited) == LIMIT
        limited.max_embedded_chunks = 3 * LIMIT
        limited.extraction("extract-1@there", host="there").recover()
        assert limit_of(limited) == 3 * LIMIT, "this host has changed its setting"
        limited.max_embedded_chunks = LIMIT
        limited.extraction().recover()
        assert limit_of(limited) == 3 * LIMIT, "and this one has not"

    def test_a_start_waits_for_no_change_of_the_index(self, limited: Index) -> None:
        before = vectors(limited)
        limited.max_embedded_chunks = 2 * LIMIT
        limited.extraction().recover()
        assert vectors(limited) == before
        write(limited, [*rows_of(CHUNKS), "new files have the new limit at once"])
        limited.settle()
        assert len(embedded_places(limited)) == 2 * LIMIT

    def test_maintenance_changes_few_contents_in_a_transaction(
        self, limited: Index, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in range(4):
            (limited.folder / f"{number}.txt").write_text("\n\n".join(f"{number} {row}" for row in rows_of(LIMIT + 50)))
        limited.settle()
        monkeypatch.setattr(maintenance, "LIMITED_CONTENTS", 2)
        monkeypatch.setattr(maintenance, "LIMIT_SECONDS", 0.0)
        limited.max_embedded_chunks = LIMIT + 50
        limited.extraction().recover()
        counts = [vectors(limited)]
        for _ in range(4):
            make_maintenance(limited.database).sweep()
            counts.append(vectors(limited))
        assert counts[0] < counts[1] < counts[2] < counts[3] == counts[4] == 5 * (LIMIT + 50)
        assert limited.rows("SELECT count(*) FROM meta WHERE key = 'limit_change'") == [(0,)]

    def test_a_change_during_a_change_starts_again(self, limited: Index, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(maintenance, "LIMITED_CONTENTS", 1)
        monkeypatch.setattr(maintenance, "LIMIT_SECONDS", 0.0)
        (limited.folder / "first.txt").write_text("\n\n".join(f"first {row}" for row in rows_of(2 * LIMIT)))
        limited.settle()
        for chunks in (CHUNKS, 2 * LIMIT):
            limited.max_embedded_chunks = chunks
            limited.extraction().recover()
            make_maintenance(limited.database).sweep()
        for _ in range(3):
            make_maintenance(limited.database).sweep()
        assert vectors(limited) == 4 * LIMIT
