"""What a query says of its results: generated files and extended attributes."""

from __future__ import annotations

import errno
import json
import os

import pytest

from magicfs.db.pool import Database
from tests.fuse.assertions import raises_errno
from tests.fuse.conftest import MountProcess
from tests.fuse.indexed_root import IndexedRoot
from tests.plugins.waiting import eventually


def test_the_generated_files(mount: MountProcess, root: IndexedRoot) -> None:
    root.add("a.txt", "some roses here\nand there")
    directory = mount.query_path("roses")
    assert len(mount.result_names("roses")) == 1
    content = json.loads((directory / ".results.json").read_text())
    assert [result["name"] for result in content["results"]] == ["a.txt"]
    assert (directory / ".results.json").stat().st_size == len((directory / ".results.json").read_bytes())
    assert (directory / ".passages").read_text() == f"{root.path}/a.txt:1-2: some roses here and there\n"
    with pytest.raises(OSError, match="Read-only"):
        (directory / ".results.json").open("w")


def test_the_moment_up_to_which_everything_is_in_the_results(
    mount: MountProcess, root: IndexedRoot, database: Database
) -> None:
    root.add("a.txt", "roses")
    directory = mount.query_path("roses")

    def moment() -> str:
        return os.getxattr(directory, "user.magicfs.as_of").decode()

    assert moment() == "", "no scan has seen the root"
    assert "root documents is not scanned yet" in json.loads((directory / ".results.json").read_text())["notices"]
    for scanned_at in ("2026-01-31T10:00:00+00:00", "2026-01-31T10:00:05+00:00"):
        with database.transaction() as connection:
            connection.execute("UPDATE roots SET scanned_at = %s", (scanned_at,))
        shown = json.loads((directory / ".results.json").read_text())
        assert shown["as_of"] == moment() == scanned_at.replace("+", ".000+")
        assert shown["notices"] == []
    assert mount.searches == ["roses"], "the results are the same"
    assert os.listxattr(directory) == []
    with raises_errno(errno.ENODATA):
        os.getxattr(directory, "user.magicfs.other")


def test_a_context_has_the_best_passages_up_to_a_budget(mount: MountProcess, root: IndexedRoot) -> None:
    root.add("short.txt", "some roses\nhere")
    root.add("long.txt", "roses " + "and many other flowers of the garden " * 40)
    directory = mount.query_path("roses")
    whole = (directory / ".context").read_text()
    assert f"{root.path}/short.txt:1-2\nsome roses\nhere\n" in whole
    assert f"{root.path}/long.txt:1-1\nroses and many" in whole
    small = (directory / ".context.60").read_text()
    assert f"{root.path}/short.txt:1-2\nsome roses\nhere\n" in small
    assert "long.txt" not in small
    assert (directory / ".context.60").stat().st_size == len(small)
    assert not {".context", ".passages"} & set(os.listdir(directory))
    for name in (".context.0", ".context.x", ".context.12345678", ".contexts"):
        assert not (directory / name).exists()


def test_passages_share_a_search_and_are_no_query_of_their_own(mount: MountProcess, root: IndexedRoot) -> None:
    root.add("a.txt", "some roses here")
    directory = mount.query_path("roses")
    for _ in range(3):
        (directory / ".passages").read_text()
    assert mount.searches == ["roses (passages)"]
    assert os.listdir(mount.path / "search") == []


def test_extended_attributes_are_those_of_the_last_search(mount: MountProcess, root: IndexedRoot) -> None:
    path = root.add("a.txt", "red roses")
    for query in ("red roses", "roses of May", "red roses", "roses of May"):
        (name,) = mount.result_names(query)
        entry = mount.query_path(query) / name
        assert float(os.getxattr(entry, "user.magicfs.score")) == pytest.approx(float(name[3:7]), abs=0.006)
    assert os.getxattr(entry, "user.magicfs.path") == os.fsencode(path)
    assert os.getxattr(entry, "user.magicfs.host") == b"here"
    assert os.getxattr(entry, "user.magicfs.lines") == b"1-1"
    assert b"roses" in os.getxattr(entry, "user.magicfs.snippet")
    for attribute in ("path", "host", "score", "vector", "lexical", "lines", "language", "snippet", "indexed_at"):
        os.getxattr(entry, f"user.magicfs.{attribute}")
    with raises_errno(errno.ENODATA):
        os.getxattr(entry, "user.other")


def test_an_earlier_name_has_the_extended_attributes_of_its_own_search(mount: MountProcess, root: IndexedRoot) -> None:
    root.add("a.txt", "red roses")
    (earlier,) = mount.result_names("roses of May")
    (later,) = mount.result_names("red roses")
    assert earlier[3:7] != later[3:7]
    for query, name in (("roses of May", earlier), ("red roses", later)):
        entry, shown = mount.query_path(query) / name, float(name[3:7])
        eventually(lambda: float(os.getxattr(entry, "user.magicfs.score")) == pytest.approx(shown, abs=0.006))  # noqa: B023
