"""The README's table has every command, and the targets of its links exist."""

from __future__ import annotations

import re

import pytest

from tests.unit.infra.command_lines import REPOSITORY

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def commands() -> list[str]:
    from typer.main import get_command

    from magicfs.cli.application import app

    return sorted(getattr(get_command(app), "commands", {}))


@pytest.mark.parametrize("name", commands())
def test_a_command_is_in_the_table(name: str) -> None:
    rows = [line for line in README.splitlines() if line.startswith("| `magicfs")]
    assert any(re.search(rf"`(magicfs )?{name}\b", row) for row in rows)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_the_target_of_a_link_exists(target: str) -> None:
    assert (REPOSITORY / target).exists()
