"""The tree of commands: every command exists and has a help text, and none imports heavy modules before it runs."""

from __future__ import annotations

import subprocess
import sys

import pytest

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
    from typer.main import get_command

    from magicfs.cli.application import app

    waiting = [get_command(app)]
    while waiting:
        command = waiting.pop()
        assert command.help, command.name
        waiting.extend(getattr(command, "commands", {}).values())
        for parameter in command.params:
            assert getattr(parameter, "help", None), f"{command.name}: {parameter.name}"
