"""The example files are valid, and hold the words that the first searches of a new user look for."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
import yaml

from tests.unit.infra.command_lines import REPOSITORY

FOLDER = REPOSITORY / "examples"
NAMES = {
    "python_script.py",
    "document.txt",
    "notes.txt",
    "config.json",
    "config.yaml",
    "code_sample.java",
    "shell_script.sh",
    "report.txt",
    "readme.md",
}


def files_with(word: str) -> set[str]:
    pattern = re.compile(rf"\b{word}\b", re.IGNORECASE)
    return {name for name in NAMES if pattern.search((FOLDER / name).read_text(encoding="utf-8"))}


def test_there_are_nine_and_no_other() -> None:
    assert {path.name for path in FOLDER.iterdir() if path.name != "__pycache__"} == NAMES


def test_the_script_runs() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-B", str(FOLDER / "python_script.py")], capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[:2] == ["station", "n"]


def test_settings_and_shell_script_parse() -> None:
    assert json.loads((FOLDER / "config.json").read_text(encoding="utf-8"))
    assert yaml.safe_load((FOLDER / "config.yaml").read_text(encoding="utf-8"))
    subprocess.run(["bash", "-n", str(FOLDER / "shell_script.sh")], check=True)


@pytest.mark.parametrize(
    ("word", "expected"), [("python", {"python_script.py"}), ("data", {"python_script.py", "document.txt"})]
)
def test_a_first_search_has_one_right_answer(word: str, expected: set[str]) -> None:
    assert files_with(word) == expected
