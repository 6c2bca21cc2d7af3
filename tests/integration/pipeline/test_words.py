"""Maintenance gives the chunks of an older index the words of this version, while searches go on."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from magicfs.db.corpus.words import WORDS_LOCK, read_sources
from magicfs.db.pool import Database
from magicfs.db.schema import migrations
from magicfs.db.status import read_status
from magicfs.domain.chunks import Chunk
from magicfs.domain.contents import Document
from magicfs.domain.term_weights import term_weights
from magicfs.pipeline.rechunk import with_words
from magicfs.search.service import SearchService
from magicfs.text.analysis import ANALYSIS_VERSION
from magicfs.text.chunk_words import chunk_words
from tests.fakes.queue import SilentQueue
from tests.integration.search.corpus import ChosenVectors
from tests.plugins.index import Index, Paragraphs
from tests.plugins.services import make_maintenance

GERMAN = (
    "Die Rechnungen der letzten Monate wurden alle bezahlt. Ablage {0}\n\nDer zweite Abschnitt der Datei: second {0}"
)
CHINESE = "过去几个月的发票都已按时支付。这是第{0}号。\n\n文件的第二部分包含付款和日期的详细信息。second {0}"


class CountingQueue(SilentQueue):
    """Counts how often maintenance is requested."""

    def __init__(self) -> None:
        self.requests = 0

    def notify_maintenance(self) -> None:
        self.requests += 1


OLD_FUNCTIONS = next(migration.text for migration in migrations() if migration.version == 2).partition("-- Files by")[0]
"""The functions by which the version before the analysis gave words to chunks."""


def make_old(index: Index) -> None:
    """Make the index one that the version before the analysis has written, by its own statements."""
    with index.database.transaction() as connection:
        connection.execute(OLD_FUNCTIONS.encode())
    index.rows("UPDATE chunks SET words = magicfs_words(text), terms = NULL, analysis = 0 RETURNING 1")
    index.rows("UPDATE contents SET language = NULL RETURNING 1")
    index.rows("DELETE FROM languages RETURNING 1")
    index.rows("DELETE FROM meta WHERE key = 'analysis' RETURNING 1")


@pytest.fixture
def old(index: Index) -> Index:
    for number in range(30):
        (index.folder / f"{number}.txt").write_text((GERMAN, CHINESE)[number % 2].format(number))
    index.settle()
    make_old(index)
    return index


def found(database: Database, text: str) -> set[str]:
    service = SearchService(database, ChosenVectors(), default_limit=100)
    return {hit.name.decode() for hit in service.search(text, deadline_s=60).hits}


def sweep_until_done(index: Index) -> int:
    """The number of sweeps until nothing is left."""
    for sweeps in range(1, 100):
        make_maintenance(index.database).sweep()
        if index.rows("SELECT count(*) FROM chunks WHERE analysis <> %s", ANALYSIS_VERSION) == [(0,)]:
            return sweeps
    raise AssertionError("chunks keep their old words")


def test_words_of_each_language_are_found_after_a_sweep(old: Index) -> None:
    german = {f"{number}.txt" for number in range(0, 30, 2)}
    chinese = {f"{number}.txt" for number in range(1, 30, 2)}
    assert found(old.database, "dateien") == set()
    calls, vectors = list(old.reader.calls), old.rows("SELECT chunk_id, xmin::text FROM embeddings ORDER BY 1")
    sweep_until_done(old)
    assert found(old.database, "dateien") == german
    assert found(old.database, "发票") == chinese
    assert old.rows("SELECT language, count(*) FROM contents GROUP BY 1 ORDER BY 1") == [("de", 15), ("zh", 15)]
    assert old.rows("SELECT code FROM languages ORDER BY 1") == [("de",), ("zh",)]
    assert old.reader.calls == calls, "no file is read"
    assert old.rows("SELECT chunk_id, xmin::text FROM embeddings ORDER BY 1") == vectors, "nothing is embedded"
    assert set(old.states().values()) == {("indexed", None)}


def test_the_words_are_those_of_a_new_index(old: Index) -> None:
    sweep_until_done(old)
    query = """SELECT words::text, %s::tsvector::text FROM chunks WHERE text = %s"""
    places = "chunks JOIN content_chunks ON chunk_id = chunks.id JOIN contents ON contents.id = content_id"
    for text, language in old.rows(f"SELECT text, language FROM {places}"):
        [(stored, expected)] = old.rows(query, chunk_words(text, language=language), text)
        assert stored == expected


def test_the_weights_are_those_of_the_words(old: Index) -> None:
    assert old.rows("SELECT count(*) FROM chunks WHERE terms IS NOT NULL") == [(0,)]
    sweep_until_done(old)
    places = "chunks JOIN content_chunks ON chunk_id = chunks.id JOIN contents ON contents.id = content_id"
    for text, language in old.rows(f"SELECT text, language FROM {places}"):
        weights = term_weights(chunk_words(text, language=language))
        assert old.rows("SELECT terms = %s::sparsevec FROM chunks WHERE text = %s", weights, text) == [(True,)]


def test_the_first_chunk_gets_the_words_of_the_metadata(old: Index) -> None:
    old.rows("UPDATE contents SET title = 'Spindrift', author = 'Ada Lovelace', keywords = 'foam' RETURNING 1")
    sweep_until_done(old)
    for word in ("spindrift", "lovelace", "foam"):
        rows = old.rows("SELECT DISTINCT ordinal FROM content_chunks JOIN chunks ON chunks.id = chunk_id "
                        "WHERE words @@ %s::tsquery", word)  # fmt: skip
        assert rows == [(0,)]


def make_names_old(index: Index) -> None:
    """Make the names of files and of the root those of an earlier analysis."""
    index.rows("UPDATE files SET words = 'old', folded = lower(display) RETURNING 1")
    index.rows("UPDATE roots SET folded = 'old' RETURNING 1")
    index.rows("DELETE FROM meta WHERE key = 'names' RETURNING 1")


def test_the_names_of_an_earlier_analysis_are_those_of_a_new_index(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("magicfs.pipeline.maintenance.NAMES_BATCH", 3)
    names = {"हिन्दी.txt": "हिंदी", "Об'єднання.txt": "обєднання", "کتاب\u200cها.txt": "کتاب", "Երևան.txt": "ԵՐԵՎԱՆ"}
    names |= {"Übung 2.txt": "ubung", "报告.txt": "报告", "e-mail.txt": "email"}
    for name in names:
        (index.folder / name).write_text(f"text of {names[name]}")
    index.settle()
    columns = "SELECT display, words::text, folded, extension FROM files ORDER BY display"
    expected, root = index.rows(columns), index.rows("SELECT folded FROM roots")
    make_maintenance(index.database).sweep()
    make_names_old(index)
    make_maintenance(index.database).sweep()
    assert index.rows(columns) == expected
    assert index.rows("SELECT folded FROM roots") == root
    assert found(index.database, "name:हिंदी*") == {"हिन्दी.txt"}
    for name, query in names.items():
        assert name in found(index.database, query)


def test_names_that_are_as_they_should_be_are_not_written(index: Index) -> None:
    for number in range(5):
        (index.folder / f"{number}.txt").write_text("text")
    index.settle()
    index.rows("UPDATE files SET words = 'old' WHERE display = '3.txt' RETURNING 1")
    index.rows("DELETE FROM meta WHERE key = 'names' RETURNING 1")
    written = "SELECT display, xmin::text FROM files ORDER BY display"
    before = dict(index.rows(written))
    make_maintenance(index.database).sweep()
    after = dict(index.rows(written))
    assert [name for name in before if before[name] != after[name]] == ["3.txt"]
    index.rows("UPDATE files SET words = 'old' WHERE display = '4.txt' RETURNING 1")
    make_maintenance(index.database).sweep()
    assert index.rows("SELECT words::text FROM files WHERE display = '4.txt'") == [("'old'",)], "the pass is over"


def test_searches_go_on_and_find_everything_meanwhile(old: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("magicfs.pipeline.maintenance.WORDS_BATCH", 2)
    everything = {f"{number}.txt" for number in range(30)}
    sizes: list[set[str]] = []
    stop = threading.Event()

    def search() -> None:
        while not stop.is_set():
            sizes.append(found(old.database, "second"))

    thread = threading.Thread(target=search)
    thread.start()
    try:
        sweep_until_done(old)
    finally:
        stop.set()
        thread.join()
    assert sizes
    assert all(names == everything for names in sizes)


def test_progress_is_shown_and_said(old: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("magicfs.pipeline.maintenance.WORDS_BATCH", 20)
    monkeypatch.setattr("magicfs.pipeline.maintenance.WORDS_SECONDS", 0.0)
    queue = CountingQueue()
    make_maintenance(old.database, queue=queue).sweep()
    assert queue.requests == 1, "the rest need not wait for the next period"
    with old.database.transaction() as connection:
        progress = read_status(connection).words
    assert progress is not None
    assert 0 < progress.percent < 100
    service = SearchService(old.database, ChosenVectors(), default_limit=100)
    notices = service.search("second", deadline_s=60).notices
    assert any("words of this version" in notice for notice in notices)
    sweep_until_done(old)
    make_maintenance(old.database, queue=queue).sweep()
    with old.database.transaction() as connection:
        assert read_status(connection).words is None
    service = SearchService(old.database, ChosenVectors(), default_limit=100)
    assert not any("words" in notice for notice in service.search("second", deadline_s=60).notices[1:])


def test_one_worker_at_a_time_does_it(old: Index) -> None:
    with old.database.transaction() as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (WORDS_LOCK,))
        make_maintenance(old.database).sweep()
        assert old.rows("SELECT DISTINCT analysis FROM chunks") == [(0,)]
    sweep_until_done(old)


def test_a_chunk_that_is_deleted_or_placed_meanwhile_stops_nothing(old: Index) -> None:
    with old.database.transaction() as other:
        other.execute("SELECT FROM contents FOR NO KEY UPDATE")
        other.execute("SELECT FROM chunks FOR KEY SHARE")
        sweep_until_done(old)
    assert found(old.database, "rechnung")


def test_an_older_program_leaves_newer_words_alone(old: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep_until_done(old)
    before = old.rows("SELECT value FROM meta WHERE key = 'analysis'")
    old.rows("UPDATE chunks SET analysis = 0 RETURNING 1")
    monkeypatch.setattr("magicfs.pipeline.maintenance.ANALYSIS_VERSION", ANALYSIS_VERSION - 1)
    make_maintenance(old.database).sweep()
    assert old.rows("SELECT value FROM meta WHERE key = 'analysis'") == before


def test_pieces_of_a_chunk_have_the_words_of_its_document(old: Index) -> None:
    sweep_until_done(old)
    old.rows("UPDATE contents SET title = 'Spindrift' RETURNING 1")
    [(chunk, text)] = old.rows("SELECT id, text FROM chunks WHERE text LIKE 'Die Rechnungen%%Ablage 0'")
    pieces = [Chunk(part, 3, 1, 1) for part in (text[:40], text[40:])]
    with old.database.transaction() as connection:
        sources = read_sources(connection, [chunk])
    first, second = with_words({chunk: pieces}, sources)[chunk]
    assert "'^rechnung'" in first.words
    assert "'spindrift'" in first.words
    assert "'spindrift'" not in second.words
    assert {first.analysis, second.analysis} == {ANALYSIS_VERSION}


class UnderAHeading:
    """Gives each paragraph one heading."""

    def chunks(self, document: Document) -> list[Chunk]:
        found = Paragraphs().chunks(document)
        return [replace(chunk, headings="Segelschiffe", words="", analysis=0) for chunk in found]


def test_headings_are_found_after_a_sweep_too(index: Index) -> None:
    index.chunker = UnderAHeading()
    (index.folder / "ships.txt").write_text("Rows of figures.")
    index.settle()
    assert found(index.database, "segelschiffe") == set()
    sweep_until_done(index)
    assert found(index.database, "segelschiffe") == {"ships.txt"}
    assert found(index.database, "figures") == {"ships.txt"}
