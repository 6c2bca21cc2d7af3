"""What runs all day holds only what it uses or shares: the libraries of each part of a stack that has nothing to do."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress

import psutil
import pytest

from magicfs.cli.search_client import SOCKET_NAME
from magicfs.ipc.server_lock import holders
from magicfs.models.store import ModelStore
from tests.plugins.commands import Commands, commands_in, short_folder

TELL_MODULES = """
import os, signal, sys
def tell(*_):
    path = os.path.join(os.path.dirname(__file__), f"{os.getpid()}.modules")
    with open(path + ".draft", "w") as file:
        file.write("\\n".join(sys.modules))
    os.rename(path + ".draft", path)
signal.signal(signal.SIGRTMIN, tell)
"""
"""A `sitecustomize.py` with which a process writes the names of its modules to a file when it gets a signal."""

COMMAND_LINES = {"celery.bin", "flower", "prompt_toolkit", "pydantic", "pydantic_settings"}
MODELS = {"onnxruntime", "fastembed"}
DOWNLOADS = {"huggingface_hub", "requests", "httpx", "PIL", "tqdm", "loguru"}

SETTINGS = {"platformdirs", "tomllib"}
"""What finds the default state directory and reads a configuration file."""

SUPERVISOR = "supervisord"

NEVER_USED = {
    SUPERVISOR: COMMAND_LINES | MODELS | DOWNLOADS | SETTINGS | {"kreuzberg", "pyfuse3", "rich", "trio", "typer"},
    "agent": COMMAND_LINES | MODELS | DOWNLOADS | SETTINGS,
    "query_server": COMMAND_LINES | DOWNLOADS | {"typer"},
    "search_server": COMMAND_LINES | MODELS | DOWNLOADS | SETTINGS | {"rich", "typer"},
    "embed-1": COMMAND_LINES | MODELS | DOWNLOADS | SETTINGS,
    "extract-1": COMMAND_LINES | MODELS | DOWNLOADS | SETTINGS,
    "child of embed-1": COMMAND_LINES | DOWNLOADS,
    "child of extract-1": COMMAND_LINES | MODELS | DOWNLOADS,
}
"""The modules that a part must not import, by the name of the part. What the supervisor has, all parts share."""


@pytest.fixture(scope="module")
def magicfs(model_store: ModelStore) -> Iterator[Commands]:
    """A stack that has indexed a file and waits. Its processes tell their modules."""
    with short_folder() as folder, commands_in(folder, model_store) as commands:
        (folder / "site").mkdir()
        (folder / "site/sitecustomize.py").write_text(TELL_MODULES)
        paths = (str(folder / "site"), commands.environment.get("PYTHONPATH"))
        commands.environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        (folder / "docs").mkdir()
        (folder / "docs/a.txt").write_text("an invoice for the tax office\n")
        commands.ok("up", folder / "docs", "--detach", "--wait")
        yield commands


def process_of(commands: Commands, part: str) -> psutil.Process:
    if part.startswith("child of "):
        return process_of(commands, part.removeprefix("child of ")).children()[0]

    def is_part(process: psutil.Process) -> bool:
        with suppress(psutil.NoSuchProcess):
            words = process.cmdline()
            is_child = any(parent.cmdline() == words for parent in process.parents())
            return not is_child and (part in words or any(word.endswith(f".{part}") for word in words))
        return False

    return next(process for process in commands.processes() if is_part(process))


def modules_of(commands: Commands, part: str) -> set[str]:
    """The modules of a part. An idle worker replaces its child: then the next one is asked."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with suppress(IndexError, StopIteration, psutil.NoSuchProcess):
            process = process_of(commands, part)
            told = commands.home.with_name("site") / f"{process.pid}.modules"
            process.send_signal(signal.SIGRTMIN)
            while process.is_running() and process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
                if told.exists():
                    return set(told.read_text().split())
                time.sleep(0.05)
    pytest.fail(f"{part} does not tell its modules\n{commands.logs()}")


@pytest.mark.parametrize("part", sorted(NEVER_USED))
def test_a_part_does_not_import_what_it_never_uses(magicfs: Commands, part: str) -> None:
    modules = modules_of(magicfs, part)
    assert "magicfs" in modules
    assert modules & NEVER_USED[part] == set()


def test_a_part_answers_the_first_search_and_has_connected_to_nothing_before(magicfs: Commands) -> None:
    connections = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'magicfs search'"
    assert magicfs.rows(connections) == [(0,)]
    assert "/a.txt" in magicfs.ok("search", "invoice")
    assert magicfs.rows(connections) == [(1,)]
    # A terminal with a password of another work, and a unit of systemd.
    assert "/a.txt" in magicfs.ok("search", "invoice", PGPASSWORD="secret", MAGICFS_WORKERS="1")
    assert "/a.txt" in magicfs.ok("search", "invoice", HOME="/nonexistent")
    assert holders(magicfs.home / "run" / SOCKET_NAME) == {magicfs.pids()["search-server"]}
    assert list((magicfs.home / "run").glob("search-*.sock")) == []
