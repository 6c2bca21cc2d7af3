"""Which search server a command starts, and when it searches once more itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import pytest

from magicfs.cli import search_client, searching
from magicfs.errors import DatabaseUnavailable, ServerError
from magicfs.framing import Message


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Mapping[str, str]]]:
    """The servers that are started by searches that no server answers, and that change the variables."""
    found: list[tuple[str, Mapping[str, str]]] = []
    monkeypatch.setenv("PGPORT", "5555")
    monkeypatch.setattr(search_client, "ask", lambda *_, **__: None)
    monkeypatch.setattr(search_client, "start_server", lambda key, variables: found.append((key, variables)))
    monkeypatch.setattr(searching, "_search", lambda _options: os.environ.pop("PGPORT"))
    monkeypatch.setattr(searching, "_show", lambda *_: None)
    return found


def test_a_server_has_the_settings_that_the_next_command_asks_for(started: list[tuple[str, Mapping[str, str]]]) -> None:
    key = search_client.settings_key()
    searching.run(searching.SearchOptions("invoice"))
    assert [(name, variables["PGPORT"]) for name, variables in started] == [(key, "5555")]


def test_a_server_is_started_also_where_nobody_reads_the_results_to_their_end(
    started: list[tuple[str, Mapping[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def show(*_: Any) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(searching, "_show", show)
    with pytest.raises(BrokenPipeError):
        searching.run(searching.SearchOptions("invoice"))
    assert len(started) == 1


@pytest.mark.parametrize(("seconds", "is_reported"), [(0.1, False), (search_client.AGAIN_SECONDS + 1, True)])
def test_a_search_that_waited_for_the_database_in_vain_is_not_begun_anew(seconds: float, is_reported: bool) -> None:
    head = {"error": DatabaseUnavailable.__name__, "message": "no answer", "complaints": []}
    served = search_client._served(Message(head), seconds=seconds)
    assert (served is not None) == is_reported
    assert served is None or isinstance(served.error, DatabaseUnavailable)
    other = {"error": ServerError.__name__, "message": "failed", "complaints": []}
    assert search_client._served(Message(other), seconds=seconds) is None
