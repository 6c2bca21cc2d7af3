"""What `magicfs doctor` says of a machine where parsers are not confined, or where nothing can be written."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from magicfs.cli.checks import run_checks
from magicfs.cli.index_checks import clock_difference
from magicfs.config import Settings
from magicfs.text.extract.options import Wall
from magicfs.text.extract.process.sandbox import Sandbox


@pytest.mark.parametrize(
    ("missing", "ok", "said"),
    [
        ([], True, "kept from network, "),
        (
            [Wall.READING, Wall.WRITING],
            False,
            "nothing keeps parsers of files from reading files, writing files: use a",
        ),
        ([Wall.PRIVILEGES], False, "start magicfs as an ordinary user"),
    ],
)
def test_a_missing_wall_of_the_parser_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, missing: list[Wall], ok: bool, said: str
) -> None:
    monkeypatch.setattr(Sandbox, "missing_walls", lambda _: missing)
    result = next(result for result in run_checks(Settings(home=tmp_path)) if result.name == "parser")
    assert result.ok is ok
    assert said in result.text


def test_a_state_directory_on_a_disk_that_is_read_only_is_named(
    monkeypatch: pytest.MonkeyPatch, short_path: Path
) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=os.ST_RDONLY))
    result = next(result for result in run_checks(Settings(home=short_path)) if result.name == "home")
    assert not result.ok
    assert "read only: mount it to be written" in result.text


@pytest.mark.parametrize(("files", "left", "ok"), [(100_000, 79, False), (100_000, 50_000, True), (0, 0, True)])
def test_a_disk_that_takes_no_more_files_is_named(
    monkeypatch: pytest.MonkeyPatch, short_path: Path, files: int, left: int, ok: bool
) -> None:
    room = {"f_frsize": 1 << 12, "f_blocks": 1 << 24, "f_bfree": 1 << 23, "f_bavail": 1 << 23}
    status = SimpleNamespace(f_flag=0, f_files=files, f_favail=left, **room)
    monkeypatch.setattr(os, "statvfs", lambda _: status)
    result = next(result for result in run_checks(Settings(home=short_path)) if result.name == "disk")
    assert result.ok is ok
    assert ok or "takes 79 more files" in result.text


@pytest.mark.parametrize(("theirs", "seconds"), [(97.0, 3.0), (100.0, 0.0), (104.0, 0.0), (105.0, 0.0), (108.0, 3.0)])
def test_what_an_answer_took_is_no_difference_of_clocks(theirs: float, seconds: float) -> None:
    """A machine with far too much to do takes seconds for one."""
    assert clock_difference(theirs, asked_at=100.0, answered_at=105.0) == seconds
