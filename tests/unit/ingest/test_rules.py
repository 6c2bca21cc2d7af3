"""Rules that nobody wrote in good faith, and rules that everybody writes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from magicfs.ingest.rules import Rules


def rules(folder: Path, *lines: str) -> Rules:
    (folder / ".gitignore").write_text("".join(f"{line}\n" for line in lines))
    return Rules().enter(os.fsencode(folder), below=b"")


@pytest.mark.filterwarnings("ignore:Possible set difference:FutureWarning")
@pytest.mark.parametrize("line", ["*.[a-Z]", "[a--b]", "\\"])
def test_a_line_that_is_no_rule_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture, line: str) -> None:
    found = rules(tmp_path, line, "*.log")
    assert found.ignores(b"a.log", is_directory=False)
    assert not found.ignores(b"a.txt", is_directory=False)
    assert [record.message for record in caplog.records] == [f"{tmp_path}: {line!r} is no rule"]


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_only_a_regular_file_has_rules(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / ".gitignore")
    before = len(os.listdir("/proc/self/fd"))
    assert Rules().enter(os.fsencode(tmp_path), below=b"") == Rules()
    assert len(os.listdir("/proc/self/fd")) == before
