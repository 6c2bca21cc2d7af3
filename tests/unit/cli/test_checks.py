"""What `magicfs doctor` says of a machine where parsers are not confined, or where nothing can be written."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from magicfs.cli.checks import run_checks
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
