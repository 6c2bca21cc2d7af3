"""A query embedder that has stopped answering is ended by its clients, one that answers again or a successor is not."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from magicfs.domain.models import StoredModel
from magicfs.embedding import query_watchdog
from magicfs.embedding.query_client import QueryEmbedder
from magicfs.errors import EmbedderUnavailable
from magicfs.ipc import server_lock
from tests.integration.embedding.embedders import DEADLINE_SECONDS, pid_of, wait_for


@pytest.fixture(autouse=True)
def short_pings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query_watchdog, "PING_SECONDS", 0.3)


@pytest.fixture
def watchdogs() -> Callable[[], int]:
    """How many watchdogs there are, besides those that a test before this one has left to their waits."""
    earlier = set(threading.enumerate())
    return lambda: sum(thread.name == "query watchdog" for thread in set(threading.enumerate()) - earlier)


def ask_in_vain(client: QueryEmbedder, model: StoredModel) -> None:
    with pytest.raises(EmbedderUnavailable):
        client.embed("during", spec=model.spec, deadline_s=0.2)


def test_one_that_is_stopped_is_ended_and_the_next_question_has_another(
    client: QueryEmbedder,
    stored_model: StoredModel,
    monkeypatch: pytest.MonkeyPatch,
    watchdogs: Callable[[], int],
) -> None:
    all_asked = threading.Event()

    def answers_ping(path: Path, *, seconds: float) -> bool:
        all_asked.wait(DEADLINE_SECONDS)
        return server_lock.answers_ping(path, seconds=seconds)

    monkeypatch.setattr(query_watchdog, "answers_ping", answers_ping)
    client.embed("before", spec=stored_model.spec, deadline_s=DEADLINE_SECONDS)
    pid = pid_of(client)
    os.kill(pid, signal.SIGSTOP)
    try:
        for _ in range(3):
            ask_in_vain(client, stored_model)
        assert watchdogs() == 1
        all_asked.set()
        assert client.embed("after", spec=stored_model.spec, deadline_s=DEADLINE_SECONDS).shape == (384,)
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    assert pid_of(client) != pid
    wait_for(lambda: watchdogs() == 0)


def test_one_that_goes_on_in_time_is_left_alone(
    client: QueryEmbedder,
    stored_model: StoredModel,
    monkeypatch: pytest.MonkeyPatch,
    watchdogs: Callable[[], int],
) -> None:
    client.embed("before", spec=stored_model.spec, deadline_s=DEADLINE_SECONDS)
    pid = pid_of(client)
    os.kill(pid, signal.SIGSTOP)
    try:
        ask_in_vain(client, stored_model)
        assert watchdogs() == 1
        # On a busy machine it answers late.
        monkeypatch.setattr(query_watchdog, "PING_SECONDS", DEADLINE_SECONDS)
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_for(lambda: watchdogs() == 0)
    assert pid_of(client) == pid


def test_a_successor_is_left_alone(
    client: QueryEmbedder,
    stored_model: StoredModel,
    monkeypatch: pytest.MonkeyPatch,
    watchdogs: Callable[[], int],
) -> None:
    """Another process may have ended the one that has not answered."""
    client.embed("before", spec=stored_model.spec, deadline_s=DEADLINE_SECONDS)
    pid = pid_of(client)
    began, may_end = threading.Event(), threading.Event()

    def unanswered(_path: Path, *, seconds: float) -> bool:
        del seconds
        began.set()
        may_end.wait(DEADLINE_SECONDS)
        return False

    monkeypatch.setattr(query_watchdog, "answers_ping", unanswered)
    os.kill(pid, signal.SIGSTOP)
    ask_in_vain(client, stored_model)
    assert began.wait(DEADLINE_SECONDS)
    os.kill(pid, signal.SIGKILL)
    client.embed("after", spec=stored_model.spec, deadline_s=DEADLINE_SECONDS)
    successor = pid_of(client)
    may_end.set()
    wait_for(lambda: watchdogs() == 0)
    assert pid_of(client) == successor != pid
