"""Commands print to whatever they are given: another character set, a closed stream, a full disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

PRINT_JSON = """
import sys
from magicfs.cli import terminal
terminal.open_streams()
terminal.print_json({"text": "déjà … 🎉 \\udce9"})
"""


def run_shell(command: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["sh", "-c", command, sys.executable],
        env=os.environ | environment,
        capture_output=True,
        timeout=150,
        check=False,
    )


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_json_stays_json_in_every_character_set(encoding: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PRINT_JSON],
        env=os.environ | {"PYTHONIOENCODING": encoding},
        capture_output=True,
        timeout=150,
        check=True,
    )
    assert json.loads(done.stdout.decode(encoding)) == {"text": "déjà … 🎉 \udce9"}


def test_help_is_shown_in_every_character_set() -> None:
    done = run_shell('"$0" -m magicfs.cli --help', PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"magicfs down" in done.stdout


@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_what_nobody_can_read_is_dropped(closed: str) -> None:
    done = run_shell(f'exec "$0" -m magicfs.cli roots --help {closed}')
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize("arguments", ["--version", "roots --help"])
def test_a_reader_that_has_seen_enough_is_no_failure(arguments: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        command = [sys.executable, "-m", "magicfs.cli", *arguments.split()]
        done = subprocess.run(command, stdout=closed, stderr=subprocess.PIPE, timeout=150, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_full_disk_is_told_in_one_line() -> None:
    done = run_shell('"$0" -m magicfs.cli --version > /dev/full')
    assert done.returncode == 1
    assert done.stderr == b"magicfs: no space left on device: make room, then try again\n"
