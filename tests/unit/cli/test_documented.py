"""The README's table has every command, the targets of its links exist, and so do the options that pages name."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.unit.infra.command_lines import REPOSITORY

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


PAGES = sorted(
    [
        *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "Makefile", "docker-compose.yml")),
        *(path for folder in ("docs", "infra") for path in (REPOSITORY / folder).rglob("*") if path.is_file()),
    ]
)
COMMAND_LINE = re.compile(r"(?:^|[\s`'/])magicfs ([a-z][^`'|;&#\n]*)", re.MULTILINE)


@cache
def root_command() -> Any:
    """The command `magicfs`. It takes a tenth of a second to make."""
    from typer.main import get_command

    from magicfs.cli.application import app

    return get_command(app)


def commands() -> list[str]:
    return sorted(root_command().commands)


@pytest.mark.parametrize("name", commands())
def test_a_command_is_in_the_table(name: str) -> None:
    rows = [line for line in README.splitlines() if line.startswith("| `magicfs")]
    assert any(re.search(rf"`(magicfs )?{name}\b", row) for row in rows)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_the_target_of_a_link_exists(target: str) -> None:
    assert (REPOSITORY / target).exists()


def unknown_options(words: list[str]) -> list[str]:
    """The options in the words after `magicfs` that their command does not have; none if they are no command line."""
    command, has_command = root_command(), bool(words) and words[0] in commands()
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    named = [word.strip("[].,").partition("=")[0] for word in words if re.match(r"\[?--?[a-z]", word)]
    return [name for name in named if name not in {*known, "--help"}] if has_command else []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_the_commands_of_a_page_have_their_options(page: Path) -> None:
    lines = COMMAND_LINE.findall(page.read_text(encoding="utf-8"))
    assert {line: unknown for line in lines if (unknown := unknown_options(line.split()))} == {}


def test_an_option_that_no_command_has_is_found() -> None:
    [line] = COMMAND_LINE.findall("run `magicfs model pull --precise NAME`")
    assert unknown_options(line.split()) == ["--precise"]
