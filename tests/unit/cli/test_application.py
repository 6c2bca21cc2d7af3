"""The tree of commands: every command exists and has a help text, and none imports heavy modules before it runs."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from typer.core import TyperArgument
from typer.main import get_command

from tests.unit.infra.command_lines import parse

COMMANDS = (
    *("up", "down", "status", "search x", "roots list", "roots add x", "roots remove x", "scan", "failures"),
    *("metrics", "hosts list", "hosts retire x"),
    *("mount x", "umount x", "agent", "worker", "flower", "mcp", "model list", "model pull", "model use x", "doctor"),
)
HEAVY = (
    "celery",
    "fastembed",
    "mcp",
    "numpy",
    "onnxruntime",
    "prometheus_client",
    "psycopg",
    "psutil",
    "pydantic",
    "pyfuse3",
    "rich",
    "tasks",
)


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_exist(line: str) -> None:
    assert parse(["magicfs", *line.split()])


@pytest.mark.parametrize(
    "line",
    [
        "up a b --mount m --workers 3 --detach --wait",
        "up",
        "status --json --watch",
        "search two words -n 3 --json",
        "failures --json --retry",
        "scan --wait",
        "scan --accept-deletions docs",
        "agent a b",
        "worker --queue extract --name extract-1",
        "worker --queue embed --model org/model",
        "doctor path",
        "metrics --output file",
        "metrics --listen 127.0.0.1:9464",
        "hosts list --json",
        "hosts retire --yes name",
    ],
)
def test_options_exist(line: str) -> None:
    assert parse(["magicfs", *line.split()])


def test_the_command_line_imports_nothing_heavy() -> None:
    program = f"import sys, magicfs.cli.application; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_command_has_a_help_text() -> None:
    for command in _all_commands():
        assert command.help, command.name
        for parameter in command.params:
            assert getattr(parameter, "help", None), f"{command.name}: {parameter.name}"


def test_lines_of_help_are_whole_sentences_because_typer_keeps_their_ends() -> None:
    broken = [
        line
        for command in _all_commands()
        for paragraph in (command.help or "").split("\n\n")[1:]
        for line in paragraph.splitlines()
        if not line.endswith(".")
    ]
    assert not broken


def test_arguments_are_named_in_capitals_as_help_texts_name_them() -> None:
    arguments = [entry for command in _all_commands() for entry in command.params if isinstance(entry, TyperArgument)]
    assert arguments
    assert [
        entry.name for entry in arguments if entry.metavar != (entry.metavar or "").upper() or not entry.metavar
    ] == []


def test_examples_have_room_in_a_terminal_of_80_columns() -> None:
    lines = [line for command in _all_commands() for line in (command.epilog or "").splitlines()]
    assert [line for line in lines if len(line) > 78] == []


@pytest.mark.parametrize("name", ["failures", "grep"])
def test_no_option_is_cut_off_in_a_terminal_of_80_columns(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "magicfs.cli", name, "--help"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"COLUMNS": "80"},
    )
    assert "Options" in done.stdout
    assert "…" not in done.stdout


def _all_commands() -> list[Any]:
    from magicfs.cli.application import app

    found, waiting = [], [get_command(app)]
    while waiting:
        command = waiting.pop()
        found.append(command)
        waiting.extend(getattr(command, "commands", {}).values())
    return found
