"""A machine that cannot have the model of the index, because its weights are others: it reads and searches by words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.plugins.commands import Commands
from tests.plugins.waiting import eventually


@pytest.fixture
def docs(commands: Commands) -> Path:
    docs = commands.home.parent / "docs"
    docs.mkdir()
    (docs / "bread.txt").write_text("bake the sourdough loaf")
    return docs


def make_model_another(commands: Commands) -> None:
    """Give the index's model the digest of other weights. Its tokenizer stays."""
    commands.rows("""
        ALTER TABLE models DISABLE TRIGGER models_keep_digest;
        UPDATE models SET digest = repeat('0', 64), former_digest = '';
        ALTER TABLE models ENABLE TRIGGER models_keep_digest
    """)


def up(commands: Commands) -> None:
    """Start everything, and check that `up` says in one line what does not run."""
    done = commands.run("up", "--detach")
    assert done.returncode == 0, done.stderr
    [line] = [line for line in done.stderr.splitlines() if "embeds nothing" in line]
    assert "copy the model's folder from a host that has it" in line


def test_up_starts_and_files_are_read_and_found_by_their_words(commands: Commands, docs: Path) -> None:
    commands.ok("up", docs, "--detach", "--wait")
    make_model_another(commands)
    up(commands)
    commands.ok("down")
    up(commands)
    (docs / "train.txt").write_text("night train to Lisbon")
    states = "SELECT state::text, count(*) FROM files GROUP BY 1"
    eventually(lambda: commands.rows(states) == [("indexed", 2)], "the text of the new file", logs=commands.logs)
    found = json.loads(commands.ok("search", "train", "--json"))
    assert [result["name"] for result in found["results"]] == ["train.txt"]
    doctor = commands.run("doctor")
    assert doctor.returncode == 1
    assert "magicfs model pull" in doctor.stdout + doctor.stderr
    commands.ok("down")
