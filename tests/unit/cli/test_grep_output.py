"""What `magicfs grep` prints: grep's format, paths that lead to the files, and nothing that disturbs a terminal."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

import pytest

from magicfs.cli import grep_output, terminal
from magicfs.cli.grep_output import GrepFormat, Match, Matches, Paths

ANYWHERE = Paths()


def match(path: str, number: int = 1, text: str = "a line", **values: Any) -> Match:
    found = {"path": path, "number": number, "text": text, "is_here": True, "page": None, "matched": []}
    return cast("Match", found | values)


def printed(capfdbinary: pytest.CaptureFixture[bytes], *lines: Match, **values: Any) -> bytes:
    wanted = GrepFormat(values.pop("paths", ANYWHERE), **values)
    grep_output.show(Matches(notices=[], lines=list(lines)), wanted)
    return capfdbinary.readouterr().out


def test_a_line_is_path_number_and_text(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    raw = os.fsdecode(b"/r/caf\xe9\n.txt")
    lines = (match("/r/a.txt", 7, "\tif x:  \u00e9\r"), match(raw, 2), match("/r/b.pdf", 9, page=3))
    assert printed(capfdbinary, *lines) == (
        "/r/a.txt:7:\tif x:  \u00e9\r\n".encode() + b"/r/caf\xe9?.txt:2:a line\n/r/b.pdf#page=3:a line\n"
    )
    assert printed(capfdbinary, *lines[1:], null=True) == (b"/r/caf\xe9\n.txt\x002:a line\n/r/b.pdf#page=3\x00a line\n")


def test_files_and_counts_come_once_and_best_first(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    lines = (match("/r/b", 5), match("/r/a", 1), match("/r/b", 9))
    assert printed(capfdbinary, *lines, files_only=True) == b"/r/b\n/r/a\n"
    assert printed(capfdbinary, *lines, files_only=True, null=True) == b"/r/b\0/r/a\0"
    assert printed(capfdbinary, *lines, counts_only=True) == b"/r/b:2\n/r/a:1\n"
    assert printed(capfdbinary, *lines, quiet=True) == b""


@pytest.mark.parametrize(
    ("typed", "within", "shown"),
    [
        ("docs", "/r/docs", "docs/a.txt"),
        ("docs/", "/r/docs", "docs/a.txt"),
        (".", "/r/docs", "./a.txt"),
        ("../docs", "/r/docs", "../docs/a.txt"),
        ("link", "/r/docs", "link/a.txt"),
        ("/r/docs", "/r/docs", "/r/docs/a.txt"),
        ("/", "/", "/r/docs/a.txt"),
        ("a.txt", "/r/docs/a.txt", "a.txt"),
    ],
)
def test_a_path_begins_as_it_was_typed(typed: str, within: str, shown: str) -> None:
    assert Paths(typed, within).shown(match("/r/docs/a.txt")) == shown


def test_without_a_path_files_below_the_current_directory_are_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    here = os.getcwd()
    assert ANYWHERE.shown(match(f"{here}/b/a.txt")) == "b/a.txt"
    assert ANYWHERE.shown(match(f"{here}/b/a.txt", is_here=False)) == f"{here}/b/a.txt"
    assert ANYWHERE.shown(match(f"{here}b/a.txt")) == f"{here}b/a.txt"
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert ANYWHERE.shown(match(f"{gone}/a.txt")) == f"{gone}/a.txt"


def test_a_terminal_gets_colours_and_no_control_characters(
    capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "is_terminal", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    lines = (match("/r/a\x1b[31m", 3, "\tno \x1b]0;x\x07"), match("/r/b", 4, "\ttax", matched=[(1, 4)]))
    shown = printed(capfdbinary, *lines).decode()
    assert shown.splitlines() == [
        "\x1b[1m/r/a?[31m\x1b[0m\x1b[36m:3\x1b[0m:\x1b[2m no ?]0;x?\x1b[0m",
        "\x1b[1m/r/b\x1b[0m\x1b[36m:4\x1b[0m:\x1b[2m \x1b[0m\x1b[1mtax\x1b[0m",
    ]
    monkeypatch.setenv("TERM", "dumb")
    assert printed(capfdbinary, lines[1], match("/r/c.pdf", page=2)) == b"/r/b:4: tax\n/r/c.pdf#page=2:a line\n"
    assert printed(capfdbinary, *lines, counts_only=True) == b"/r/a?[31m:1\n/r/b:1\n"
