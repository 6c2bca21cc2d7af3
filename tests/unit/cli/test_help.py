"""The help of each command fits into its terminal, and shows arguments and options as they are typed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command

from magicfs.cli.application import app

MAX_COLUMNS = 78
"""Those of 80 that the help leaves for a line."""


def each_command(command: Any, name: str = "magicfs") -> Iterator[tuple[str, Any]]:
    yield name, command
    for child, inner in getattr(command, "commands", {}).items():
        yield from each_command(inner, f"{name} {child}")


COMMANDS = dict(each_command(get_command(app)))


@pytest.mark.parametrize("name", COMMANDS)
def test_examples_are_not_broken_over_lines(name: str) -> None:
    lines = [line.strip() for line in (COMMANDS[name].epilog or "").splitlines()]
    assert [line for line in lines if len(line) > MAX_COLUMNS] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_an_argument_is_in_one_pair_of_brackets(name: str) -> None:
    usage = COMMANDS[name].make_context(name, [], resilient_parsing=True).get_usage()
    assert not re.search(r"[{}]|\[\[|\.\.\..?\.\.\.", usage), usage


def shown_help(*names: str, columns: int) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "magicfs.cli", *names, "--help"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"COLUMNS": str(columns)},
    )
    return done.stdout


@pytest.mark.parametrize("columns", [20, 40, 60])
def test_a_narrow_terminal_gets_whole_words_in_one_column(columns: int) -> None:
    text = shown_help("grep", columns=columns)
    prose = text.partition("Examples:")[0]
    assert [line for line in prose.splitlines() if len(line) > columns and " " in line.strip()] == []
    assert "\u2026" not in text
    assert "What to look for, as in 'magicfs search'; quote several words." in " ".join(prose.split())
    assert "magicfs grep -lZ 'tax invoice' | xargs -0 ls -l" in text


def test_a_narrow_terminal_gets_the_commands_of_a_group_below_their_titles() -> None:
    lines = shown_help(columns=40).splitlines()
    assert lines[lines.index("Every day:") + 1] == "  up"
    assert "  roots" in lines[lines.index("Files and models:") :]


@pytest.mark.parametrize("columns", [40, 80])
def test_a_switch_takes_no_value_and_an_argument_has_no_type(columns: int) -> None:
    text = shown_help("search", columns=columns)
    assert "--json" in text
    assert "bool" not in text
    assert "list[" not in text
    assert "[1<=x<=1000]" in text


@pytest.mark.parametrize("columns", [40, 100])
def test_a_group_without_a_command_shows_its_help_line_by_line(columns: int) -> None:
    """In a narrow terminal it was an error in one line."""
    done = subprocess.run(
        [sys.executable, "-m", "magicfs.cli", "roots"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"COLUMNS": str(columns)},
    )
    assert (done.returncode, done.stderr) == (2, "")
    assert "magicfs roots add ~/Documents ~/Projects" in [line.strip() for line in done.stdout.splitlines()]
