"""Texts in several languages, with the commands that a user types and both real models: what is found, at what cost.

All tests but the last share one state directory and run in the order of a user's day.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from magicfs.config import Settings
from magicfs.db.pool import Database
from magicfs.models.catalog import MULTILINGUAL_MODEL
from magicfs.models.store import ModelStore
from tests.plugins.commands import Commands, commands_in, short_folder

pytestmark = pytest.mark.skipif(not Path("/dev/fuse").exists() and "CI" not in os.environ, reason="needs /dev/fuse")

ENGLISH = {
    "harbour.txt": "The ferry leaves the harbour at noon. Passengers show their tickets on the quay.\n",
    "bread.txt": "Knead the dough, let it rise for an hour, and bake the loaf until its crust is brown.\n",
}
GERMAN = {
    "garten.txt": "Die Apfelbäume werden im Februar geschnitten, bevor der Saft steigt und die Knospen treiben.\n",
    "miete.txt": "Nach der Übergabe der Schlüssel zahlt der Vermieter die Kaution auf das Konto zurück.\n",
}
GERMAN_QUESTION = "Wann stutzt man Gehölze?"
"""It shares no word with the file that answers it."""


@pytest.fixture(scope="module")
def store(model_store: ModelStore) -> ModelStore:
    """A store with both models."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("HF_HUB_OFFLINE", "1")
        model_store.pull(MULTILINGUAL_MODEL)
    return model_store


def write(folder: Path, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        (folder / name).write_text(text)


def status(magicfs: Commands) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(magicfs.ok("status", "--json"))
    return found


def roles(magicfs: Commands) -> list[str]:
    return [model["role"] for model in status(magicfs)["models"]]


def readers(magicfs: Commands) -> list[psutil.Process]:
    """The processes that have a file of the multilingual model in memory."""
    found = []
    for process in magicfs.processes():
        # One that has ended meanwhile reads nothing.
        with suppress(FileNotFoundError, ProcessLookupError):
            maps = Path(f"/proc/{process.pid}/maps").read_text(encoding="utf-8", errors="replace")
            found += [process] if "multilingual-e5" in maps else []
    return found


def first(magicfs: Commands, question: str) -> dict[str, Any]:
    """The first result of a search, with nothing left out of it.

    Whoever embeds questions may still load a model, and a search that does not wait for it says so.
    """
    found: dict[str, Any] = {}

    def is_whole() -> bool:
        found.update(json.loads(magicfs.ok("search", question, "--json")))
        return not found["notices"]

    eventually(is_whole, "a search with all models", magicfs)
    hit: dict[str, Any] = found["results"][0]
    return hit


def eventually(condition: Callable[[], bool], what: str, magicfs: Commands, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not in {seconds} s\n{magicfs.logs()}"
        # A command takes a second of processor time.
        time.sleep(1)


@pytest.fixture(scope="module")
def magicfs(store: ModelStore) -> Iterator[Commands]:
    with short_folder() as folder, commands_in(folder, store) as commands:
        (folder / "docs").mkdir()
        (folder / "mnt").mkdir()
        write(folder / "docs", ENGLISH)
        commands.ok("up", folder / "docs", "--mount", folder / "mnt", "--detach", "--wait")
        yield commands


def test_english_files_alone_have_one_model_and_load_one(magicfs: Commands) -> None:
    assert first(magicfs, "when does the boat depart")["name"] == "harbour.txt"
    # The agent has looked more than once.
    time.sleep(5)
    assert roles(magicfs) == ["active"]
    assert readers(magicfs) == []


def test_german_files_are_found_by_meaning_when_the_wait_is_over(magicfs: Commands) -> None:
    write(magicfs.home.parent / "docs", GERMAN)
    magicfs.ok("scan", "--wait")
    assert roles(magicfs) == ["active", "multilingual"]
    found = first(magicfs, GERMAN_QUESTION)
    assert (found["name"], found["language"], found["lexical"]) == ("garten.txt", "de", None)
    assert found["vector"] > 0
    names = os.listdir(magicfs.home.parent / "mnt" / "search" / "Wer erstattet mein hinterlegtes Geld")
    assert names[0].endswith("_miete.txt")
    assert readers(magicfs)


def test_english_files_are_found_as_before(magicfs: Commands) -> None:
    assert first(magicfs, "when does the boat depart")["name"] == "harbour.txt"


def test_a_german_question_finds_an_english_file(magicfs: Commands) -> None:
    eventually(lambda: not status(magicfs)["models"][1]["second_vectors"], "second vectors", magicfs)
    assert first(magicfs, "Wie lange backt man einen Laib Brot?")["name"] == "bread.txt"


def test_both_models_are_shown(magicfs: Commands) -> None:
    found = status(magicfs)
    assert found["coverage"]["chunks"] == found["coverage"]["embedded"] == 4
    assert [(model["total"], model["pending"]) for model in found["models"]] == [(4, 0), (4, 0)]
    in_mount = json.loads((magicfs.home.parent / "mnt/.magic/status.json").read_text())
    assert in_mount["models"] == found["models"]
    listed = json.loads(magicfs.ok("model", "list", "--json"))["models"]
    assert {model["role"] for model in listed if model["in_use"]} == {"active", "multilingual"}
    said = magicfs.ok("doctor", magicfs.home.parent / "docs/garten.txt")
    assert "which does not read de; 1 of intfloat/multilingual-e5-small" in said
    checks = {check["name"]: check["text"] for check in json.loads(magicfs.ok("doctor", "--json"))["checks"]}
    assert checks["languages"] == f"{MULTILINGUAL_MODEL} (int8) beside the active model"


def rows(magicfs: Commands, query: str) -> list[tuple[Any, ...]]:
    dsn = Settings(home=magicfs.home).database_dsn
    with Database(dsn, application="test", size=1) as database, database.transaction() as connection:
        return connection.execute(query).fetchall()


def test_an_index_of_the_version_before_is_taken_over(store: ModelStore) -> None:
    english = (
        "SELECT chunk_id, vector::text FROM embeddings JOIN content_chunks USING (chunk_id)"
        " JOIN contents ON contents.id = content_id WHERE model_id = 1 AND language = 'en' ORDER BY 1"
    )
    with short_folder() as folder, commands_in(folder, store) as magicfs:
        docs = folder / "docs"
        docs.mkdir()
        write(docs, ENGLISH | GERMAN)
        magicfs.ok("up", docs, "--detach", "--wait", MAGICFS_MULTILINGUAL="never")
        assert roles(magicfs) == ["active"]
        before = rows(magicfs, english)
        assert len(before) == 2
        # It knew of no languages, and of no setting.
        rows(magicfs, "UPDATE models SET languages = '{}' RETURNING 1")
        rows(magicfs, "DELETE FROM meta WHERE key LIKE 'multilingual%' RETURNING 1")
        magicfs.ok("up", "--detach")
        # The German texts may already wait for the second model, and the search may say so.
        found = json.loads(magicfs.ok("search", "when does the boat depart", "--json"))
        assert found["results"][0]["name"] == "harbour.txt"
        eventually(lambda: roles(magicfs) == ["active", "multilingual"], "a second model", magicfs)
        said = magicfs.ok("up", "--detach", "--wait")
        assert f"second {MULTILINGUAL_MODEL} (int8), for every language" in said
        assert rows(magicfs, english) == before
        assert first(magicfs, GERMAN_QUESTION)["name"] == "garten.txt"
        magicfs.ok("up", "--detach", "--wait", MAGICFS_MULTILINGUAL="never")
        assert roles(magicfs) == ["active"]
        assert status(magicfs)["coverage"]["embedded"] == 4
        magicfs.ok("down")
