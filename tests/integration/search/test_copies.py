"""Copies of one content are one result."""

from __future__ import annotations

import pytest

from magicfs.db.pool import Database
from magicfs.search.render import result_json
from magicfs.search.service import SearchService
from tests.integration.search.corpus import ChosenVectors, Corpus, unit
from tests.integration.search.plans import recorded_plans

HOUR = 3600
NOON = 1_700_000_000


def shown(service: SearchService, text: str) -> list[tuple[str, list[str]]]:
    """The path of each result with the paths of its copies."""
    found = result_json(service.search(text, deadline_s=60))["results"]
    return [(one["path"], [f"{copy['host']}:{copy['path']}" for copy in one["copies"]]) for one in found]


def paths(service: SearchService, text: str) -> list[str]:
    return [path for path, _ in shown(service, text)]


def test_copies_do_not_push_other_files_out(corpus: Corpus, service: SearchService) -> None:
    licence = corpus.content("the licence of the widget rotor for a commercial purpose")
    for number in range(70):
        corpus.file(b"package%02d/LICENSE" % number, licence)
    corpus.add(b"manual.md", "the widget rotor manual, for no purpose")
    found = shown(service, "widget rotor commercial purpose")
    assert [path for path, _ in found] == ["/data/package00/LICENSE", "/data/manual.md"]
    assert [len(copies) for _, copies in found] == [69, 0]


def test_the_newest_copy_is_shown_then_the_one_with_the_shortest_path(corpus: Corpus, service: SearchService) -> None:
    content = corpus.content("the recipe of the soup")
    corpus.file(b"old.txt", content, mtime=NOON - HOUR)
    corpus.file(b"a/long/way/down.txt", content, mtime=NOON)
    corpus.file(b"short.txt", content, mtime=NOON)
    assert shown(service, "soup") == [
        ("/data/short.txt", ["box:/data/a/long/way/down.txt", "box:/data/old.txt"]),
    ]


def test_a_local_copy_is_shown_before_a_newer_one_of_another_host(
    database: Database, corpus: Corpus, service: SearchService, vectors: ChosenVectors
) -> None:
    content = corpus.content("the recipe of the soup", vectors=[unit(1, 0, 0)])
    corpus.file(b"soup.txt", content, mtime=NOON)
    corpus.add(b"stew.txt", "the recipe of the stew", mtime=NOON + HOUR)
    other = Corpus(database, host="laptop", root="theirs", path=b"/theirs")
    other.file(b"soup.txt", content, mtime=NOON + 2 * HOUR)
    vectors.vectors["soup"] = unit(1, 0, 0)
    local = ("/data/soup.txt", ["laptop:/theirs/soup.txt"])
    assert shown(service, "soup") == [local]
    assert shown(service, "ext:txt") == [local, ("/data/stew.txt", [])]
    assert shown(service, "soup host:laptop") == [("/theirs/soup.txt", [])]
    there = SearchService(database, vectors, host="laptop", default_limit=5)
    assert shown(there, "soup") == [("/theirs/soup.txt", ["box:/data/soup.txt"])]


def test_a_copy_on_a_disk_that_is_there_is_shown_before_one_of_a_missing_root(
    database: Database, corpus: Corpus, service: SearchService
) -> None:
    content = corpus.content("the recipe of the soup")
    corpus.file(b"soup.txt", content, mtime=NOON)
    away = Corpus(database, root="usb", path=b"/usb")
    away.file(b"soup.txt", content, mtime=NOON + HOUR)
    assert paths(service, "soup") == ["/usb/soup.txt"]
    with database.transaction() as connection:
        connection.execute("UPDATE roots SET state = 'missing', detail = 'not mounted' WHERE name = 'usb'")
    assert shown(service, "soup") == [("/data/soup.txt", ["box:/usb/soup.txt"])]
    assert shown(service, "ext:txt") == [("/data/soup.txt", ["box:/usb/soup.txt"])]


def test_a_copy_whose_name_answers_stands_for_the_others(corpus: Corpus, service: SearchService) -> None:
    content = corpus.content("three weeks at the sea")
    corpus.file(b"untitled.txt", content, mtime=NOON + HOUR)
    corpus.file(b"Lanzarote.txt", content, mtime=NOON)
    assert shown(service, "Lanzarote") == [("/data/Lanzarote.txt", ["box:/data/untitled.txt"])]
    assert paths(service, "weeks sea") == ["/data/untitled.txt"]


def test_each_copy_is_listed_on_request(corpus: Corpus, service: SearchService) -> None:
    content = corpus.content("the recipe of the soup")
    for name in (b"a.txt", b"b.txt", b"c.txt"):
        corpus.file(name, content)
    for query in ("soup copies:all", "copies:all ext:txt", "copies:ALL name:?.txt soup"):
        found = shown(service, query)
        assert sorted(path for path, _ in found) == ["/data/a.txt", "/data/b.txt", "/data/c.txt"], query
        assert [copies for _, copies in found] == [[], [], []]
    assert len(paths(service, "soup copies:all limit:2")) == 2
    assert paths(service, "soup copies:some") == ["/data/a.txt"], "no filter, but words"


def test_the_limit_counts_contents_in_lists_too(corpus: Corpus, service: SearchService) -> None:
    many = corpus.content("the same everywhere")
    for number in range(60):
        corpus.file(b"%02d/same.md" % number, many, mtime=NOON + HOUR)
    for number in range(3):
        corpus.add(b"other%d.md" % number, f"something else {number}", mtime=NOON + number)
    assert paths(service, "ext:md limit:3") == ["/data/00/same.md", "/data/other2.md", "/data/other1.md"]
    assert len(shown(service, "ext:md")[0][1]) == 59


def test_a_filter_holds_for_copies(corpus: Corpus, service: SearchService) -> None:
    content = corpus.content("the recipe of the soup")
    for name in (b"new/soup.txt", b"old/soup.txt", b"old/copy.txt"):
        corpus.file(name, content)
    assert shown(service, "soup in:old") == [("/data/old/soup.txt", ["box:/data/old/copy.txt"])]


def test_the_same_bytes_under_names_of_other_kinds_are_copies(
    database: Database, corpus: Corpus, service: SearchService
) -> None:
    corpus.add(b"soup.md", "the recipe of the soup")
    corpus.add(b"soup.txt", "the recipe of the soup", mtime=NOON + HOUR)
    with database.transaction() as connection:
        connection.execute(
            "UPDATE contents SET kind = 'text/markdown', digest = (SELECT max(digest) FROM contents) "
            "WHERE digest = (SELECT min(digest) FROM contents)"
        )
    assert shown(service, "soup") == [("/data/soup.txt", ["box:/data/soup.md"])]


def test_files_without_text_have_copies_and_empty_files_have_none(corpus: Corpus, service: SearchService) -> None:
    film = corpus.content_without_text("binary", mime_type="video/mp4")
    corpus.file(b"holiday.mp4", film, state="named")
    corpus.file(b"backup/holiday.mp4", film, state="named")
    empty = corpus.content_without_text("empty", size=0)
    for package in (b"one", b"two"):
        corpus.file(package + b"/__init__.py", empty, state="named", size=0)
    assert shown(service, "holiday") == [("/data/holiday.mp4", ["box:/data/backup/holiday.mp4"])]
    assert len(shown(service, "name:__init__.py")) == 2


@pytest.mark.parametrize("query", ["soup", "report", "soup -stew"])
def test_the_files_of_many_copies_are_read_once(
    database: Database, corpus: Corpus, service: SearchService, query: str
) -> None:
    """Of 50 contents with 2,000 files each, every search took longer than its deadline.

    It read all files again for each chunk and for each file that its name had brought.
    """
    contents, copies = 40, 250
    for number in range(contents):
        content = corpus.content(*(f"the soup number {number} for day {day}" for day in range(3)))
        corpus.file(b"report%02d.txt" % number, content)
    multiply = (
        "INSERT INTO files (root_id, path, display, extension, words, folded, size, mtime_ns, ctime_ns, ino, mode, "
        "uid, gid, state, content_id, indexed_at) "
        "SELECT root_id, convert_to(copy || '/', 'UTF8') || path, display, extension, words, folded, size, mtime_ns, "
        "ctime_ns, ino, mode, uid, gid, state, content_id, indexed_at FROM files, generate_series(2, %s) AS copy"
    )
    with database.transaction() as connection:
        connection.execute(multiply, (copies,))
    with recorded_plans(analysed=True) as plans:
        found = shown(service, query)
    assert [len(others) for _, others in found] == [copies - 1] * contents
    # The file, its place in an index, its root and its host: two blocks each where nothing is known of the tables yet.
    assert max(plan.blocks for plan in plans) < 8 * contents * copies
