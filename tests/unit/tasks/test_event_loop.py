"""A worker that waits for a message notices that Redis does not answer."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from tasks.app import POLLING_SECONDS
from tasks.event_loop import OVERDUE_SECONDS, require_answers

LATE = POLLING_SECONDS + OVERDUE_SECONDS + 0.1


@dataclass
class Channel:
    """What `require_answers` knows of a channel of kombu."""

    _in_poll: object = None
    _brpop_sent_at: float | None = None
    lost: list[str] = field(default_factory=list)

    def _disconnect_pools(self) -> None:
        self.lost.append("all connections")


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def waiting(ours: socket.socket, *, seconds: float) -> Channel:
    """A channel that has waited for so long."""
    return Channel(_in_poll=SimpleNamespace(_sock=ours), _brpop_sent_at=time.monotonic() - seconds)


def test_all_connections_are_given_up_when_one_answer_is_overdue(ends: tuple[socket.socket, socket.socket]) -> None:
    late, other = waiting(ends[0], seconds=LATE), Channel()
    with pytest.raises(ConnectionError, match="Redis does not answer"):
        require_answers(SimpleNamespace(_channels={id(late): late, id(other): other}.values()))
    assert (late._in_poll, late.lost, other.lost) == (None, ["all connections"], ["all connections"])


def test_an_answer_that_nobody_has_read_yet_is_none_that_is_overdue(ends: tuple[socket.socket, socket.socket]) -> None:
    ends[1].send(b"*-1")
    for channel in (waiting(ends[0], seconds=LATE), waiting(ends[0], seconds=POLLING_SECONDS), Channel()):
        require_answers(SimpleNamespace(_channels=[channel]))
        assert channel.lost == []


def test_nobody_is_expected_to_answer_before_the_time(ends: tuple[socket.socket, socket.socket]) -> None:
    require_answers(SimpleNamespace(_channels=[waiting(ends[0], seconds=POLLING_SECONDS + 1)]))
