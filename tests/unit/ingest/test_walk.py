"""Which directories a walk lists, and which it does not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from magicfs.ingest.ignore import IgnoreRules
from magicfs.ingest.walk import Walk
from tests.plugins.deep import dig


def walk(root: Path, *, top: bytes = b"", device_offset: int = 0) -> Walk:
    device = os.stat(root).st_dev + device_offset
    return Walk(root=os.fsencode(root), device=device, top=top, rules=IgnoreRules())


def listed(walked: Walk) -> dict[bytes, set[bytes]]:
    return {listing.path: set(listing.signatures()) for listing in walked.listings()}


def test_a_walk_can_begin_below_the_root(tmp_path: Path) -> None:
    (tmp_path / "sub/deep").mkdir(parents=True)
    (tmp_path / "sub/deep/a.txt").touch()
    assert listed(walk(tmp_path, top=b"sub")) == {b"sub": set(), b"sub/deep": {b"a.txt"}}


def test_a_walk_does_not_begin_on_another_disk(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk/a.txt").touch()
    walked = walk(tmp_path, top=b"disk", device_offset=1)
    assert listed(walked) == {}
    assert list(walked.directories()) == []
    assert walked.unlisted == []


def test_a_walk_enters_no_directory_on_another_disk(tmp_path: Path) -> None:
    (tmp_path / "disk/deep").mkdir(parents=True)
    (tmp_path / "a.txt").touch()
    walked = walk(tmp_path, device_offset=1)
    assert listed(walked) == {b"": {b"a.txt"}}
    assert walked.unlisted == [], "the files there are none of the root"


def test_a_walk_does_not_begin_in_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/a.txt").touch()
    (tmp_path / "link").symlink_to("elsewhere")
    walked = walk(tmp_path, top=b"link")
    assert listed(walked) == {}
    assert walked.unlisted == []


def test_a_link_in_place_of_the_root_is_not_listed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere/sub").mkdir(parents=True)
    (tmp_path / "root").symlink_to("elsewhere")
    walked = walk(tmp_path / "root", top=b"sub")
    assert listed(walked) == {}
    assert walked.unlisted == [b"sub"]


def test_a_link_that_replaces_a_directory_during_the_walk_is_not_followed(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    (root / "sub").mkdir(parents=True)
    elsewhere.mkdir()
    (elsewhere / "secret.txt").touch()
    walked = walk(root)
    listings = walked.listings()
    assert next(listings).path == b""
    (root / "sub").rmdir()
    (root / "sub").symlink_to(elsewhere)
    assert list(listings) == []
    assert walked.unlisted == [b"sub"]
    assert walked.refused == {}, "the next look finds what it is now"


def test_a_directory_that_is_gone_is_not_listed(tmp_path: Path) -> None:
    walked = walk(tmp_path, top=b"gone")
    assert listed(walked) == {}
    assert walked.unlisted == [b"gone"]


def test_paths_that_are_too_long_are_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    dig(tmp_path)
    walked = walk(tmp_path)
    found = listed(walked)
    assert sum(map(len, found.values())) == 0
    assert len(walked.unlisted) == len(walked.stat_failed) == 1
    assert [record.message for record in caplog.records] == [
        f"{tmp_path}: 2 files and directories have paths of more than 4095 bytes and are not indexed"
    ]


def test_a_walk_says_what_it_asks_the_disk_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sees that it asks for the same all the time knows that the disk does not answer."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/a.txt").touch()
    walked, asked, look = walk(tmp_path), [], os.lstat

    def note(path: bytes) -> os.stat_result:
        asked.append(walked.progress)
        return look(path)

    monkeypatch.setattr(os, "lstat", note)
    for listing in walked.listings():
        assert walked.progress is None, listing
    assert walked.stat_file(b"sub/a.txt")
    assert walked.exists(b"gone") is False
    assert walked.progress is None
    assert asked[-2:] == [(b"sub/a.txt", 5), (b"gone", 5)]
    assert None not in asked
