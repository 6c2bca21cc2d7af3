"""The loop of a worker's parent sleeps while nothing happens, and a signal wakes it."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from kombu.asynchronous import Hub
from kombu.asynchronous.timer import Timer
from kombu.connection import Connection

from tasks.event_loop import look_rarely_at_bindings, signal_sockets, wake_on_signals

LONG_SECONDS = 3600.0


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A loop as a worker makes it: it may sleep for a minute, and has something to read from."""
    made = Hub(timer=Timer(max_interval=60.0))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        made.add_reader(ours, lambda: None)
        yield made
        signal.set_wakeup_fd(-1)
        made.close()
    # A worker keeps them until it ends.
    for end in signal_sockets():
        end.close()
    signal_sockets.cache_clear()


def next_timer(hub: Hub) -> float:
    """When the loop is woken by a timer."""
    return min(scheduled.eta for scheduled in hub.timer.queue if not scheduled.entry.canceled)


def test_no_timer_of_the_connection_wakes_the_loop_each_second(hub: Hub, broker_url: str) -> None:
    with Connection(broker_url, transport_options={"health_check_interval": 15}) as connection:
        transport = connection.transport
        transport.register_with_event_loop(connection.connection, hub)
        each_second = next_timer(hub)
        look_rarely_at_bindings(hub, transport.cycle)
        # If kombu looks rarely by itself, nothing need slow it down any more.
        assert next_timer(hub) - each_second > 3.0


def test_a_signal_ends_the_sleep_of_the_loop(hub: Hub) -> None:
    signals: list[int] = []
    former = signal.signal(signal.SIGUSR1, lambda number, _: signals.append(number))
    try:
        wake_on_signals(hub)
        hub.call_later(LONG_SECONDS, lambda: None)
        loop = hub.create_loop()
        sender = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGUSR1))
        sender.start()
        began = time.monotonic()
        while not signals:
            next(loop)
        # Without the signal the loop sleeps for a minute.
        assert time.monotonic() - began < 30
        sender.join()
    finally:
        signal.signal(signal.SIGUSR1, former)
