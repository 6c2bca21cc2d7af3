"""The help of each command fits into a terminal of 80 columns, and shows arguments as they are typed."""

from __future__ import annotations

import re
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
    assert not re.search(r"[\[{]{2}|\.\.\..?\.\.\.", usage), usage
