"""Searching through a real mount."""

from __future__ import annotations

import errno
import json
import os
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.fuse.conftest import Node
from tests.fuse.expect import fails_with, wait_for
from tests.fuse.shelf import Shelf


def test_a_query_lists_the_files_best_first(node: Node, shelf: Shelf) -> None:
    shelf.add("half.txt", "an invoice for roses")
    shelf.add("both.txt", "tax invoice")
    shelf.add("none.txt", "a letter")
    names = node.names("tax invoice")
    assert [name[5:] for name in names] == ["both.txt", "half.txt"]
    assert all(re.fullmatch(r"[01]\.\d\d_.+", name) for name in names)
    scores = [float(name[:4]) for name in names]
    assert scores == sorted(scores, reverse=True)


def test_a_result_is_the_file_byte_for_byte(node: Node, shelf: Shelf) -> None:
    content = os.urandom(3_000_001)
    original = shelf.add("data.bin", content, text="random bytes")
    (name,) = node.names("random bytes")
    entry = node.query("random bytes") / name
    assert entry.read_bytes() == content
    seen, real = entry.stat(), original.stat()
    for attribute in ("st_size", "st_mode", "st_uid", "st_gid", "st_mtime_ns", "st_ctime_ns"):
        assert getattr(seen, attribute) == getattr(real, attribute)


def test_one_search_serves_a_listing_and_what_is_done_with_it(node: Node, shelf: Shelf) -> None:
    for number in range(30):
        shelf.add(f"{number}.txt", f"roses {number}")
    names = node.names("roses")
    assert len(names) == 30
    for name in names:
        (node.query("roses") / name).read_bytes()
    assert node.names("roses") == names
    assert json.loads((node.query("roses") / ".results.json").read_text())["query"] == "roses"
    assert node.searches == ["roses"]


def test_many_at_once_share_a_search(node: Node, shelf: Shelf) -> None:
    shelf.add("a.txt", "slow roses")
    with ThreadPoolExecutor(8) as pool:
        listings = list(pool.map(node.names, ["slow roses"] * 8))
    assert all(listing == listings[0] for listing in listings)
    assert listings[0]
    assert node.searches == ["slow roses"]


def test_files_are_read_while_searches_are_slow(node: Node, shelf: Shelf) -> None:
    shelf.add("a.txt", "content")
    with ThreadPoolExecutor(40) as pool:
        searches = [pool.submit(node.names, f"slow {number}") for number in range(40)]
        assert (node.mount / "mirror/shelf/a.txt").read_text() == "content"
        assert not all(search.done() for search in searches)
        for search in searches:
            search.exception()


def test_a_name_is_found_without_a_listing(node: Node, shelf: Shelf) -> None:
    shelf.add("a.txt", "roses")
    assert (node.query("roses") / "1.00_a.txt").read_text() == "roses"
    assert not (node.query("roses") / "1.00_b.txt").exists()


def test_an_old_name_goes_on_working(node: Node, shelf: Shelf) -> None:
    shelf.add("a.txt", "red roses")
    (before,) = node.names("red roses of May")
    shelf.add("a.txt", "red roses of May")
    (node.mount / ".magic/refresh").touch()
    (after,) = node.names("red roses of May")
    assert before != after
    assert (node.query("red roses of May") / before).read_text() == "red roses of May"


def test_what_changes_is_seen_soon(node: Node, shelf: Shelf) -> None:
    assert node.names("roses") == []
    path = shelf.add("a.txt", "roses")
    wait_for(lambda: len(node.names("roses")) == 1)
    entry = node.query("roses") / node.names("roses")[0]
    assert entry.read_text() == "roses"
    path.write_text("roses and more roses")
    wait_for(lambda: entry.read_text() == "roses and more roses")
    shelf.remove("a.txt")
    wait_for(lambda: node.names("roses") == [])
    wait_for(lambda: not entry.exists())


def test_a_grown_file_is_read_whole_at_once(node: Node, shelf: Shelf) -> None:
    path = shelf.add("a.txt", "roses")
    entry = node.query("roses") / node.names("roses")[0]
    assert entry.stat().st_size == 5
    path.write_text("roses, much longer than before")
    assert entry.read_text() == "roses, much longer than before"


def test_names_of_programs_are_not_searched(node: Node) -> None:
    for name in ("noise.zip", "x.swp", "Thumbs.db", "desktop.ini", ".git", ".Trash-1000", "file~", "a.tmp", "*"):
        assert not node.query(name).exists(), name
    for name in (".hidden", ".directory", "desktop.ini", "x"):
        assert not (node.query("roses") / name).exists()
    assert node.query("roses").is_dir()
    assert node.searches == []


def test_generated_files(node: Node, shelf: Shelf) -> None:
    shelf.add("a.txt", "some roses here")
    folder = node.query("roses")
    assert len(node.names("roses")) == 1
    results = json.loads((folder / ".results.json").read_text())
    assert [result["name"] for result in results["results"]] == ["a.txt"]
    assert (folder / ".results.json").stat().st_size == len((folder / ".results.json").read_bytes())
    passages = (folder / ".passages").read_text()
    assert passages.startswith(f"{shelf.folder}/a.txt:1-1: ")
    with pytest.raises(OSError, match="Read-only"):
        (folder / ".results.json").open("w")


def test_extended_attributes_are_those_of_the_search(node: Node, shelf: Shelf) -> None:
    path = shelf.add("a.txt", "red roses")
    for query in ("red roses", "roses of May", "red roses", "roses of May"):
        (name,) = node.names(query)
        entry = node.query(query) / name
        assert float(os.getxattr(entry, "user.magicfs.score")) == pytest.approx(float(name[:4]), abs=0.006)
    assert os.getxattr(entry, "user.magicfs.path") == os.fsencode(path)
    assert os.getxattr(entry, "user.magicfs.host") == b"here"
    assert os.getxattr(entry, "user.magicfs.lines") == b"1-1"
    assert b"roses" in os.getxattr(entry, "user.magicfs.snippet")
    assert {
        f"user.magicfs.{name}" for name in ("path", "host", "score", "lexical", "lines", "snippet", "indexed_at")
    } <= set(os.listxattr(entry))
    with fails_with(errno.ENODATA):
        os.getxattr(entry, "user.other")


def test_one_file_is_one_inode(node: Node, shelf: Shelf) -> None:
    shelf.add("a.txt", "red roses")
    first = node.query("red") / node.names("red")[0]
    second = node.query("roses") / node.names("roses")[0]
    mirrored = node.mount / "mirror/shelf/a.txt"
    assert first.stat().st_ino == second.stat().st_ino == mirrored.stat().st_ino
    assert node.query("red").stat().st_ino != node.query("roses").stat().st_ino


def test_directories_are_read_only_and_their_times_stand_still(node: Node, shelf: Shelf) -> None:
    shelf.add("a.txt", "roses")
    search, query = node.mount / "search", node.query("roses")
    (name,) = node.names("roses")
    before = [(path.stat().st_mode, path.stat().st_mtime_ns) for path in (node.mount, search, query)]
    assert all(stat.S_IMODE(mode) == 0o555 for mode, _ in before)

    def refused(action) -> None:
        with fails_with(errno.EPERM, errno.EROFS):
            action()

    refused(lambda: (query / "new.txt").write_text(""))
    refused((query / "new").mkdir)
    refused((search / "new.tmp").mkdir)
    refused((query / name).unlink)
    refused(lambda: (query / name).rename(query / "other.txt"))
    refused(lambda: (query / "link").symlink_to("x"))
    refused(lambda: os.link(query / name, query / "hard.txt"))
    refused(query.rmdir)
    refused(lambda: os.setxattr(query / name, "user.magicfs.score", b"1"))
    refused(lambda: os.chmod(query, 0o777))
    assert (shelf.folder / "a.txt").read_text() == "roses"
    assert [(path.stat().st_mode, path.stat().st_mtime_ns) for path in (node.mount, search, query)] == before


def test_recent_queries_are_listed(node: Node, shelf: Shelf) -> None:
    assert os.listdir(node.mount) == ["search", "mirror", ".magic"]
    assert os.listdir(node.mount / "search") == []
    node.names("roses")
    node.query("only looked at").stat()
    node.names("tulips")
    assert os.listdir(node.mount / "search") == ["tulips", "roses"]


def test_a_slash_is_written_percent_2f(node: Node, shelf: Shelf) -> None:
    shelf.add("docs/a.txt", "roses")
    shelf.add("b.txt", "roses")
    assert [name[5:] for name in node.names("roses in:%2F" + str(shelf.folder / "docs")[1:].replace("/", "%2F"))] == [
        "a.txt"
    ]


def test_errors_and_deadlines(node: Node, shelf: Shelf) -> None:
    for query, number in (("broken", errno.EIO), ("stuck", errno.ETIMEDOUT)):
        with fails_with(number):
            node.names(query)
    assert "opendir failed unexpectedly" in node.log
    shelf.add("a.txt", "roses")
    assert len(node.names("roses")) == 1


def test_files_of_another_machine_are_listed_and_not_opened(node: Node, shelf: Shelf, database, tmp_path: Path) -> None:
    there = Shelf(database, tmp_path / "there", host="far away", name="remote")
    there.add("a.txt", "roses from afar")
    entry = node.query("afar") / node.names("afar")[0]
    assert entry.stat().st_size == 15
    assert os.getxattr(entry, "user.magicfs.host") == b"far away"
    with fails_with(errno.EHOSTUNREACH):
        entry.read_text()
