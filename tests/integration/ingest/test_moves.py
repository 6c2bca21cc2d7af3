"""What was read of a file follows it when it is renamed or moved, on disk and in a real Postgres."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from magicfs.db.pool import Connection, Database
from magicfs.domain.roots import Watch
from magicfs.ingest.roots import add_root
from magicfs.ingest.row_writer import RowWriter
from magicfs.text.names import file_name, moved_name
from tests.integration.ingest.trees import FOUND, changed, found, many, on_disk, process, watcher
from tests.plugins.index import HOST, Index


def assert_named_by_their_paths(index: Index) -> None:
    for path, *stored in index.rows("SELECT path, display, extension, words::text, folded FROM files"):
        name = file_name(path)
        [(words,)] = index.rows("SELECT %s::tsvector::text", name.words)
        assert stored == [name.display, name.extension, words, name.folded]


CASES: dict[str, tuple[str, ...]] = {
    "one rename": ("new",),
    "two in succession": ("between", "new"),
    "there and back": ("new", "old name"),
    "into another folder": ("other/new",),
    "more words": ("a b c d e f g",),
    "a name that is not UTF-8": (os.fsdecode(b"new \xff\xfe"),),
}


@pytest.mark.parametrize("how", ["event", "scan", "scan that compares with the database"])
@pytest.mark.parametrize("names", CASES.values(), ids=CASES)
def test_files_of_a_renamed_folder_stay_found_and_are_not_read_again(
    index: Index, folder: Path, names: tuple[str, ...], how: str
) -> None:
    ids = index.rows("SELECT id FROM files ORDER BY id")
    for old, new in pairwise(["old name", *names]):
        (index.folder / old).rename(index.folder / new)
    if how == "event":
        process(index, "old name", *names)
    else:
        index.scanner.scan(index.registered(), use_cache=how == "scan")
    assert found(index) == on_disk(index)
    assert {state for state, _ in index.states().values()} == {"indexed"}
    assert index.rows("SELECT id FROM files ORDER BY id") == ids
    assert_named_by_their_paths(index)
    index.settle()
    assert index.reader.calls == []
    assert found(index) == on_disk(index)


def test_each_file_is_found_at_one_path_after_each_transaction(
    index: Index, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("magicfs.ingest.row_writer.BATCH_FILES", 4)
    texts = sorted(found(index).values())
    views: list[list[str]] = []
    transaction = RowWriter.transaction

    @contextmanager
    def observed(self: RowWriter) -> Iterator[Connection]:
        with transaction(self) as connection:
            yield connection
        views.append(sorted(text for _, text in index.rows(FOUND)))

    monkeypatch.setattr(RowWriter, "transaction", observed)
    folder.rename(index.folder / "new")
    process(index, "old name", "new")
    assert len(views) > 4
    assert views == [texts] * len(views)
    assert found(index) == on_disk(index)


@pytest.mark.parametrize("seed", range(12))
def test_folders_that_change_their_names_among_themselves(index: Index, seed: int) -> None:
    """Whatever the order in which the folders are looked at: chains, exchanges, and folders in one another."""
    chance = random.Random(seed)
    names = ["a", "b", "c", "d"]
    for name in names[:3]:
        (index.folder / name).mkdir()
        for number in range(3):
            (index.folder / name / f"{number}.txt").write_text(f"{number} that was in {name}")
    index.settle()
    index.reader.calls.clear()
    touched = set()
    for _ in range(chance.randint(2, 8)):
        there = [name for name in names if (index.folder / name).exists()]
        [free] = set(names) - set(there)
        one = chance.choice(there)
        (index.folder / one).rename(index.folder / free)
        touched |= {one, free}
    if chance.random() < 0.3:
        index.scanner.scan(index.registered())
    else:
        process(index, *touched)
    assert found(index) == on_disk(index)
    index.settle()
    assert found(index) == on_disk(index)
    assert index.reader.calls == []
    assert_named_by_their_paths(index)


def test_a_large_folder_holds_back_what_a_search_vouches_for(
    index: Index, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("magicfs.ingest.row_writer.BATCH_FILES", 4)
    index.scanner.record_watch(index.root, Watch.BEGINS)
    watched_since = "SELECT value::timestamptz FROM meta WHERE starts_with(key, 'watched_since@')"
    before = index.rows(watched_since)
    folder.rename(index.folder / "new")
    events, rescans = watcher(index)
    events.process(index.root, changed(index, b"old name", b"new"))
    assert rescans == [index.root]
    assert index.rows(watched_since) > before
    assert found(index) == on_disk(index)


def test_many_files_that_are_moved_one_by_one_stay_found(
    index: Index, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("magicfs.ingest.row_writer.BATCH_FILES", 4)
    texts = sorted(found(index).values())
    (index.folder / "new/inner").mkdir(parents=True)
    moved = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    for path in moved:
        (folder / path).rename(index.folder / "new" / path)
    process(index, "new", *(f"old name/{path}" for path in moved))
    assert sorted(found(index).values()) == texts
    index.scanner.scan(index.registered())
    assert sorted(found(index).values()) == texts
    assert found(index) == on_disk(index)


def test_a_folder_that_is_moved_among_many_new_files_stays_found(
    index: Index, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("magicfs.ingest.row_writer.BATCH_FILES", 4)
    texts = set(found(index).values())
    many(index, 12, below="new")
    for number, path in enumerate((index.folder / "new").iterdir()):
        path.write_text(f"new text {number}")
    folder.rename(index.folder / "new/moved")
    events, rescans = watcher(index)
    events.process(index.root, changed(index, b"old name", b"new"))
    assert texts <= set(found(index).values())
    assert rescans == [index.root]
    index.scanner.scan(index.registered())
    assert texts <= set(found(index).values())
    index.settle()
    assert found(index) == on_disk(index)


def test_rules_at_the_new_place_decide(index: Index, folder: Path) -> None:
    (index.folder / ".gitignore").write_text("/kept/3.txt\n")
    (index.folder / "strict").mkdir()
    (index.folder / "strict/.magicfsignore").write_text("1*.txt\n")
    index.scan()
    folder.rename(index.folder / "strict/deep")
    process(index, "old name", "strict/deep")
    assert {path for path in found(index) if path.startswith("strict/deep/1")} == set()
    assert "strict/deep/2.txt" in found(index)
    (index.folder / "strict/deep").rename(index.folder / "kept")
    process(index, "strict/deep", "kept")
    assert "kept/3.txt" not in index.states()
    assert {"kept/1.txt", "kept/10.txt", "kept/2.txt"} <= index.states().keys()
    (index.folder / "kept").rename(index.folder / ".hidden")
    process(index, "kept", ".hidden")
    assert found(index) == {"other/one.txt": "one"}
    (index.folder / ".hidden").rename(index.folder / "old name")
    process(index, ".hidden", "old name")
    index.settle()
    assert len(found(index)) == 16


def test_a_renamed_file_stays_found_until_it_is_read_again(index: Index, folder: Path) -> None:
    (folder / "3.txt").rename(folder / "three.md")
    process(index, "old name/3.txt", "old name/three.md")
    assert found(index)["old name/three.md"] == "number 3"
    assert "old name/3.txt" not in index.states()
    assert index.states()["old name/three.md"] == ("pending", None)
    assert_named_by_their_paths(index)
    index.settle()
    assert index.reader.calls == [b"three.md"], "as another kind"
    assert found(index) == on_disk(index)


def test_what_is_written_while_its_folder_is_renamed_stays_found_and_is_read(index: Index, folder: Path) -> None:
    (folder / "3.txt").write_text("before")
    folder.rename(index.folder / "new")
    (index.folder / "new/4.txt").write_text("afterwards")
    (index.folder / "new/5.txt").unlink()
    (index.folder / "new/fresh.txt").write_text("fresh")
    process(index, "old name", "old name/3.txt", "new")
    assert found(index)["new/3.txt"] == "number 3"
    assert found(index)["new/4.txt"] == "number 4"
    index.settle()
    assert found(index) == on_disk(index)
    assert sorted(index.reader.calls) == [b"3.txt", b"4.txt", b"fresh.txt"]


def test_a_folder_that_replaces_an_empty_one(index: Index, folder: Path) -> None:
    (index.folder / "empty").mkdir()
    index.scan()
    folder.rename(index.folder / "empty")
    process(index, "old name", "empty")
    assert found(index) == on_disk(index)


def test_a_file_that_replaces_another_brings_its_text(index: Index, folder: Path) -> None:
    (folder / "3.txt").replace(folder / "4.txt")
    process(index, "old name/3.txt", "old name/4.txt")
    assert found(index) == on_disk(index)
    index.settle()
    assert found(index) == on_disk(index)


def test_a_folder_replaces_another_one_wherever_the_rows_are_stored(index: Index, database_url: str) -> None:
    for name, count in (("early", 60), ("kept", 250), ("replaced", 60), ("mover", 60)):
        many(index, count, below=name)
        index.scan()
    index.rows("UPDATE files SET state = 'skipped', reason = 'binary' RETURNING 1")
    index.restart_agent()
    movers = "SELECT id FROM files WHERE starts_with(display, %s) ORDER BY id"
    moved = index.rows(movers, "mover/")
    shutil.rmtree(index.folder / "early")
    process(index, "early")
    with psycopg.connect(database_url, autocommit=True) as connection:
        # Rows that make room are stored where those were, before the rows that take their paths.
        connection.execute("VACUUM ANALYZE files")
    shutil.rmtree(index.folder / "replaced")
    (index.folder / "mover").rename(index.folder / "replaced")
    process(index, "mover", "replaced")
    assert index.rows(movers, "replaced/") == moved
    assert index.rows(movers, "mover/") == []


def test_files_follow_a_folder_that_a_link_has_replaced(index: Index, folder: Path) -> None:
    folder.rename(index.folder / "other/new")
    (index.folder / "old name").symlink_to(index.folder / "other/new")
    process(index, "old name", "other/new")
    assert found(index) == on_disk(index)
    assert {state for state, _ in index.states().values()} == {"indexed"}


def test_a_folder_that_leaves_the_root_is_gone_and_comes_back(index: Index, folder: Path) -> None:
    folder.rename(index.folder.parent / "outside")
    process(index, "old name")
    assert found(index) == {"other/one.txt": "one"}
    (index.folder.parent / "outside").rename(index.folder / "back")
    process(index, "back")
    index.settle()
    assert found(index) == on_disk(index)
    assert index.reader.calls == [], "the contents are kept for a while"


def test_files_follow_into_another_root_of_the_host(index: Index, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    second = add_root(index.database, host=HOST, path=tmp_path / "second", home=tmp_path / "home")
    texts = sorted(found(index).values())
    marker = index.rows("SELECT sum(number) FROM changes")
    folder.rename(tmp_path / "second/old name")
    events, _ = watcher(index)
    events.process(second, changed(index, b"old name"))
    assert sorted(found(index).values()) == texts
    assert index.rows("SELECT DISTINCT root_id FROM files WHERE path < 'other'") == [(second.id,)]
    assert index.rows("SELECT sum(number) FROM changes") != marker, "kept results are out of date"
    process(index, "old name")
    assert sorted(found(index).values()) == texts
    index.settle()
    assert index.reader.calls == []
    assert sorted(found(index).values()) == texts


@pytest.mark.parametrize(
    "elsewhere",
    [
        pytest.param(
            "WITH other AS (INSERT INTO hosts (name) VALUES ('there') RETURNING id) "
            "UPDATE roots SET host_id = other.id FROM other WHERE roots.id = %s RETURNING 1",
            id="host",
        ),
        pytest.param("UPDATE roots SET device = device + 1 WHERE id = %s RETURNING 1", id="disk"),
    ],
)
def test_nothing_is_taken_from_another(elsewhere: str, index: Index, folder: Path, tmp_path: Path) -> None:
    """The disk of a machine that was cloned has the same number there, and a snapshot of a disk has the same files."""
    (tmp_path / "second").mkdir()
    second = add_root(index.database, host=HOST, path=tmp_path / "second", home=tmp_path / "home")
    index.rows(elsewhere, index.root.id)
    files = index.rows("SELECT id, root_id, path FROM files ORDER BY id")
    folder.rename(tmp_path / "second/old name")
    events, _ = watcher(index)
    events.process(second, changed(index, b"old name"))
    assert index.rows("SELECT id, root_id, path FROM files WHERE root_id = %s ORDER BY id", index.root.id) == files
    assert index.rows("SELECT DISTINCT state FROM files WHERE root_id = %s", second.id) == [("pending",)]


def test_nothing_is_taken_from_a_root_that_is_missing(index: Index, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    second = add_root(index.database, host=HOST, path=tmp_path / "second", home=tmp_path / "home")
    index.folder.rename(tmp_path / "second/docs")
    events, _ = watcher(index)
    events.process(second, changed(index, b"docs"))
    assert index.rows("SELECT count(*) FROM files WHERE root_id = %s", index.root.id) == [(16,)]


DIRECTORY = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=30)
OWN = DIRECTORY | st.sampled_from(["A:5A 'b' 7A.txt", "x\\'y.txt", "HTTPServerPool.py", "IMG_20170531_142233.jpg"])


@given(former=st.lists(DIRECTORY, max_size=3), new=st.lists(DIRECTORY, max_size=3), name=OWN)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_moved_words_are_those_of_the_new_path(
    database: Database, former: list[str], new: list[str], name: str
) -> None:
    before, after = ("/".join([*directories, name]).encode() for directories in (former, new))
    with database.transaction() as connection:

        def stored(query: str, words: str) -> str | None:
            [(text,)] = connection.execute(query.encode(), (words,)).fetchall()
            return text

        own = stored("SELECT ts_filter(%s::tsvector, '{a}')::text", file_name(before).words)
        moved, expected = moved_name(after, former=before, own_words=own), file_name(after)
        assert stored("SELECT %s::tsvector::text", moved.words) == stored("SELECT %s::tsvector::text", expected.words)
        assert (moved.display, moved.extension, moved.folded) == (expected.display, expected.extension, expected.folded)
