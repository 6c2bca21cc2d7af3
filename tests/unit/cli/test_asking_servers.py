"""Which search server a command starts, and when it searches once more itself."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import magicfs
from magicfs.cli import search_client, searching
from magicfs.cli.part_settings import search_environment_of
from magicfs.cli.search_client import Caller
from magicfs.cli.search_server import decisive_settings
from magicfs.config import Settings
from magicfs.errors import DatabaseUnavailable, ServerError
from magicfs.ipc.framing import Message
from magicfs.linux.files import MAX_LOG_BYTES


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Caller, Mapping[str, str]]]:
    """The servers that are started by searches that no server answers, and that change the variables."""
    found: list[tuple[Caller, Mapping[str, str]]] = []
    monkeypatch.setenv("PGPORT", "5555")
    monkeypatch.setattr(search_client, "ask", lambda *_, **__: search_client.Unserved())
    monkeypatch.setattr(search_client, "start_server", lambda caller, variables: found.append((caller, variables)))
    monkeypatch.setattr(searching, "_search", lambda _options: os.environ.pop("PGPORT"))
    monkeypatch.setattr(searching, "_show", lambda *_: None)
    return found


def test_a_server_has_the_settings_that_the_next_command_asks_for(
    started: list[tuple[Caller, Mapping[str, str]]],
) -> None:
    caller = search_client.this_caller()
    searching.run(searching.SearchOptions("invoice"))
    assert [(name, variables["PGPORT"]) for name, variables in started] == [(caller, "5555")]


def test_a_server_is_started_also_where_nobody_reads_the_results_to_their_end(
    started: list[tuple[Caller, Mapping[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def show(*_: Any) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(searching, "_show", show)
    with pytest.raises(BrokenPipeError):
        searching.run(searching.SearchOptions("invoice"))
    assert len(started) == 1


ASKING: dict[str, Callable[[Caller], object]] = {
    "a search": lambda caller: search_client.ask({"query": "invoice"}, caller=caller),
    "a check": lambda caller: search_client.is_served(caller, seconds=1.0),
}


@pytest.mark.parametrize("asking", ASKING)
def test_a_server_of_another_user_gets_no_variables(
    short_path: Path, monkeypatch: pytest.MonkeyPatch, asking: str
) -> None:
    monkeypatch.setenv("MAGICFS_HOME", str(short_path))
    monkeypatch.setenv("PGPASSWORD", "secret")
    (short_path / "run").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(search_client.shared_socket())
        server.listen()
        monkeypatch.setattr(os, "geteuid", lambda: 54321)
        ASKING[asking](search_client.this_caller())
        connection, _ = server.accept()
        # What was not read when the client closed its end may be lost with a reset.
        with connection, suppress(ConnectionResetError):
            assert connection.recv(65536) == b""


@pytest.mark.parametrize(("seconds", "is_reported"), [(0.1, False), (search_client.SLOW_FAILURE_SECONDS + 1, True)])
def test_a_search_that_waited_for_the_database_in_vain_is_not_begun_anew(seconds: float, is_reported: bool) -> None:
    head = {"error": DatabaseUnavailable.__name__, "message": "no answer", "complaints": []}
    served = search_client.served_answer(Message(head), seconds=seconds)
    if is_reported:
        assert isinstance(served, search_client.ServedAnswer)
        assert isinstance(served.error, DatabaseUnavailable)
    else:
        assert served == search_client.Unserved("it failed (no answer)")
    other = {"error": ServerError.__name__, "message": "refused", "complaints": []}
    assert search_client.served_answer(Message(other), seconds=seconds) == search_client.Unserved("it failed (refused)")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program of two modules that have been compiled."""
    folder = tmp_path / "magicfs"
    for name in (".", "search"):
        (folder / name / "__pycache__").mkdir(parents=True)
        (folder / name / "__init__.py").write_text("one")
        (folder / name / "__pycache__/__init__.cpython-311.pyc").touch()
    monkeypatch.setattr(magicfs, "__file__", str(folder / "__init__.py"))
    return folder


def test_compiled_modules_that_come_and_go_end_no_server(package: Path) -> None:
    before = search_client.file_versions()
    for folder in (package, package / "search"):
        (folder / "__pycache__/__init__.cpython-311.pyc").unlink()
        (folder / "__pycache__").rmdir()
    (package / "__init__.py.swp").touch()
    assert search_client.file_versions() == before


def replace(module: Path) -> None:
    module.with_suffix(".new").write_text("two")
    module.with_suffix(".new").replace(module)


CHANGES: dict[str, Callable[[Path], object]] = {
    "edited": lambda module: module.write_text("other"),
    "replaced": replace,
    "removed": lambda module: module.unlink(),
    "added": lambda module: module.with_name("another.py").touch(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_module_ends_servers(package: Path, change: str) -> None:
    before = search_client.file_versions()
    CHANGES[change](package / "search/__init__.py")
    assert search_client.file_versions() != before


SEARCHING = """
import json, sys
from magicfs.cli import grep_output, search_output, search_server, wiring
from magicfs.embedding import query_client
from magicfs.search import service
modules = {name: module.__spec__ for name, module in sys.modules.items() if name.partition(".")[0] == "magicfs"}
print(json.dumps(sorted({name if spec.submodule_search_locations else spec.parent for name, spec in modules.items()})))
"""


def test_every_folder_whose_modules_a_server_has_in_memory_ends_it_when_it_changes() -> None:
    done = subprocess.run([sys.executable, "-c", SEARCHING], capture_output=True, text=True, check=True)
    packages = {name.replace(".", "/").removeprefix("magicfs/") for name in json.loads(done.stdout)} - {"magicfs"}
    assert "db/search" in packages
    assert packages <= set(search_client._PACKAGES)


def test_a_changed_query_ends_servers(package: Path) -> None:
    (package / "db/sql/queries").mkdir(parents=True)
    before = search_client.file_versions()
    (package / "db/sql/queries/scope.sql").write_text("-- name: scope")
    assert search_client.file_versions() != before


def test_the_log_of_the_servers_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAGICFS_HOME", str(tmp_path))
    log = tmp_path / "log" / search_client.LOG_NAME
    log.parent.mkdir()
    log.touch()
    os.truncate(log, MAX_LOG_BYTES + 1)
    search_client.log_unserved("it failed")
    assert log.read_text().endswith("it failed\n")
    assert log.stat().st_size < MAX_LOG_BYTES


ADDRESS = {"MAGICFS_DATABASE_URL": "postgresql://db.example.org/magicfs"}
LIBPQ = {"PGPASSWORD": "of another work", "HOME": "/home/of-a-service"}


@pytest.mark.parametrize(
    ("present", "other", "same"),
    [
        ({}, {"MAGICFS_WORKERS": "3", "MAGICFS_NONSENSE": "1", **LIBPQ}, True),
        ({}, {"MAGICFS_SEARCH_LIMIT": "50", "magicfs_search_seconds": "5.0", "MAGICFS_HUB": ""}, True),
        ({}, {"MAGICFS_SEARCH_LIMIT": "51"}, False),
        ({}, {"MAGICFS_HOST": "another"}, False),
        ({}, ADDRESS, False),
        (ADDRESS, ADDRESS | {"MAGICFS_MODEL": "another"}, True),
        *((ADDRESS, ADDRESS | {name: value}, False) for name, value in LIBPQ.items()),
    ],
)
def test_what_changes_no_answer_needs_no_other_server(
    present: dict[str, str], other: dict[str, str], same: bool
) -> None:
    one, two = (decisive_settings(Settings.of(variables, {}), variables) for variables in (present, other))
    assert (one == two) is same


def test_what_up_stores_for_the_search_server_is_what_that_reads() -> None:
    variables = {"MAGICFS_SEARCH_LIMIT": "7", "magicfs_host": "here", "MAGICFS_NICE": "5", **LIBPQ, "TZ": "Asia/Tokyo"}
    settings = Settings.of(variables, {"search_seconds": 3})
    assert search_environment_of(settings, variables) == {
        "MAGICFS_HOME": str(settings.home),
        "MAGICFS_HOST": "here",
        "MAGICFS_SEARCH_LIMIT": "7",
    }
