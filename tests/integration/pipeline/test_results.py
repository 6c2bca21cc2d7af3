"""The parent of a worker reads results that no pipe holds at once: whichever loop begins, none is taken for another."""

from __future__ import annotations

import gc
import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from billiard import active_children
from billiard.connection import Connection
from kombu.asynchronous import Hub

from tasks.consumer import Consumer
from tasks.pool import Pool

LENGTH = 3 << 20
"""Of an error. A pipe holds 64 KiB: the child writes the rest while its parent reads."""

SECONDS = 120.0


def fail(length: int) -> None:
    """The work of a task."""
    raise ValueError("x" * length)


class Parent:
    """A worker's parent without Redis: its loop, its pool of one child, and what its consumer does to both."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.hub.call_repeatedly(0.1, int)
        self.pool = Pool(processes=1, threads=False, proc_alive_timeout=SECONDS)
        self.pool.register_with_event_loop(self.hub)
        self.consumer = Consumer.__new__(Consumer)
        self.consumer.pool = SimpleNamespace(_pool=self.pool)
        self.consumer.blueprint = SimpleNamespace(send_all=lambda *_, **__: None)
        errors = self.begin_task(1)
        self.wait(lambda: errors)

    def wait(self, condition: Callable[[], object]) -> None:
        """Run the loop until something is so."""
        deadline = time.monotonic() + SECONDS
        loop = self.hub.create_loop()
        while not condition():
            assert time.monotonic() < deadline
            next(loop)

    def begin_task(self, length: int) -> list[object]:
        """Run until a task has begun. Returns the list that gets its error."""
        begun: list[object] = []
        errors: list[object] = []
        self.pool.apply_async(fail, (length,), accept_callback=lambda *_: begun.append(1), error_callback=errors.append)
        self.wait(lambda: begun)
        return errors

    def lose_connection(self) -> None:
        """Do what Celery does then."""
        self.hub.reset()
        self.pool.flush()

    def connect(self) -> None:
        self.pool.register_with_event_loop(self.hub)
        self.consumer.register_with_event_loop(self.hub)

    @property
    def child(self) -> Any:
        """The child, which lives, or died and was not replaced yet."""
        [child] = active_children()
        return child

    def wait_for_result(self) -> None:
        """Wait, without the loop, until the child has written a result or a part of it."""
        readable, _, _ = select.select([self.child.outqR_fd], [], [], SECONDS)
        assert readable

    def read_part(self) -> None:
        """Read as much of a result as there is."""
        self.wait_for_result()
        self.pool.handle_result_event(self.child.outqR_fd)


@pytest.fixture
def parent() -> Iterator[Parent]:
    made = Parent()
    yield made
    for child in active_children():
        os.kill(child.pid, signal.SIGKILL)
        child.join()
    made.hub.close()
    # A worker freezes what its parent has when it makes a child: here that is all of the tests.
    gc.unfreeze()


def test_a_result_that_is_written_while_it_is_read_after_an_outage_arrives(
    parent: Parent, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = parent.begin_task(LENGTH)
    parent.lose_connection()
    parent.wait_for_result()
    # The child has the processor whenever its parent looks whether it has said more.
    poll = Connection.poll
    monkeypatch.setattr(Connection, "poll", lambda connection, _: poll(connection, 1.0))
    parent.connect()
    parent.wait(lambda: errors)
    errors = parent.begin_task(1)
    parent.wait(lambda: errors)


def test_a_result_of_which_a_part_is_read_when_a_connection_breaks_arrives(parent: Parent) -> None:
    errors = parent.begin_task(LENGTH)
    parent.read_part()
    parent.lose_connection()
    parent.connect()
    parent.wait(lambda: errors)
    errors = parent.begin_task(1)
    parent.wait(lambda: errors)


def test_a_child_that_dies_over_its_result_leaves_nothing_of_it_to_the_next(parent: Parent) -> None:
    parent.begin_task(LENGTH)
    parent.read_part()
    os.kill(parent.child.pid, signal.SIGKILL)
    errors = parent.begin_task(1)
    parent.wait(lambda: errors)


def test_a_child_whose_end_is_not_known_at_once_is_replaced_without_a_timer(
    parent: Parent, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent.hub.timer.clear()
    parent.hub.call_repeatedly(0.1, int)
    pid, waitpid = parent.child.pid, os.waitpid
    unknown = iter(range(3))
    monkeypatch.setattr(os, "waitpid", lambda *wanted: waitpid(*wanted) if next(unknown, None) is None else (0, 0))
    os.kill(pid, signal.SIGKILL)
    parent.wait(lambda: pid not in [child.pid for child in active_children()])
    errors = parent.begin_task(1)
    parent.wait(lambda: errors)
