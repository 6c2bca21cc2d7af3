"""What the event loop of a worker's parent does besides receiving messages: it sleeps long, and notices what is late.

kombu's own timers wake an idle worker each second, and wait for half a minute for a broker that is gone. Used by
`consumer` for each connection that it makes. Main thread of the parent.
"""

# ruff: noqa: SLF001  kombu has no public names for these.
from __future__ import annotations

import select
import signal
import socket
import time
from contextlib import suppress
from functools import cache
from typing import Any

from kombu.asynchronous import Hub, get_event_loop

from tasks.app import POLLING_SECONDS

BINDINGS_SECONDS = 60.0
"""Pause between two checks whether a binding of a queue expires soon: none of ours does. kombu checks each second,
which is most of what a worker without work does."""

OVERDUE_SECONDS = 5.0
"""Redis says within POLLING_SECONDS that there is no message. When that is late by this time, the network to it is
gone, or something between swallows what is sent: kombu would wait for half a minute, and renew one connection of
several. It is the pause between two checks, too."""


def look_rarely_at_bindings(hub: Hub, cycle: Any) -> None:
    """Replace the timer of a connection that looks at its bindings each second, if this version of kombu has one."""
    timer = getattr(cycle, "_binding_expiry_tref", None)
    if timer is not None:
        timer.cancel()
        cycle._binding_expiry_tref = hub.call_repeatedly(BINDINGS_SECONDS, cycle.maybe_refresh_binding_expiry)


def expect_answers(hub: Hub, cycle: Any) -> None:
    """Look often whether an answer of Redis is overdue, in place of kombu's look."""
    timer = getattr(cycle, "_brpop_health_tref", None)
    if timer is not None:
        timer.cancel()
    cycle._brpop_health_tref = hub.call_repeatedly(OVERDUE_SECONDS, require_answers, cycle)


def lose_connection_soon(channel: Any, error: Exception) -> None:
    """Have the loop raise the error of a connection, so that the consumer renews all: on each it would wait as long."""

    def lose() -> None:
        # Another error may have come first.
        if not channel.closed:
            raise ConnectionError(f"Redis does not answer ({error})") from error

    hub = get_event_loop()
    if hub is not None:
        hub.call_later(0, lose)


def require_answers(cycle: Any) -> None:
    """Raise `ConnectionError`, so that the consumer connects anew, when the answer about a message is late."""
    for channel in cycle._channels:
        connection, asked_at = channel._in_poll, channel._brpop_sent_at
        if not connection or asked_at is None or time.monotonic() < asked_at + POLLING_SECONDS + OVERDUE_SECONDS:
            continue
        # A loop that was held up has not read it yet.
        if has_answered(connection):
            continue
        # Else the end of each channel would wait for answers.
        channel._in_poll = None
        for each in list(cycle._channels):
            each._disconnect_pools()
        raise ConnectionError("Redis does not answer")


def has_answered(connection: Any) -> bool:
    """Whether a connection of redis-py has something to read."""
    return connection._sock is not None and bool(select.select([connection._sock], [], [], 0.0)[0])


@cache
def signal_sockets() -> tuple[socket.socket, socket.socket]:
    """A pair of sockets: the interpreter writes to the second one when a signal comes."""
    receiving, sending = socket.socketpair()
    for end in (receiving, sending):
        end.settimeout(0)
    return receiving, sending


def wake_on_signals(hub: Hub) -> None:
    """Let a signal that is handled in Python end the loop's sleep: the loop looks afterwards whether to stop.

    A system call that a signal interrupts is repeated. Main thread.
    """
    receiving, sending = signal_sockets()

    def take() -> None:
        with suppress(BlockingIOError):
            receiving.recv(4096)

    hub.add_reader(receiving, take)
    signal.set_wakeup_fd(sending.fileno(), warn_on_full_buffer=False)
