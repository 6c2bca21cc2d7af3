"""`TaskPool`: the children of a worker, which have nothing to do with the pipes of those before them.

The pool of Celery's prefork workers, with remedies for two faults of it, and with time limits that a machine with too
much to do does not reach. Main thread of the parent.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from types import GeneratorType
from typing import Any
from weakref import WeakKeyDictionary

from billiard.pool import RUN
from celery.concurrency import asynpool, prefork

from magicfs.config import PATIENCE_SECONDS
from magicfs.linux.starvation import Starvation
from tasks.app import LONGEST_SECONDS
from tasks.services import current_role

_UNKNOWN_END_SECONDS = 0.05
"""How long after a child has closed its files the system is asked again whether it has ended."""


class ResultHandler(asynpool.ResultHandler):
    """Reads what the children say, and goes on with a message of which a part is read, whoever began to read it.

    A task that fails with a long traceback says more than a pipe holds. Celery forgets what it has read of it at the
    next reconnection to Redis: it takes the rest for another message, reads no later one, and the child counts as busy.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._readings: dict[int, GeneratorType[None, None, None]] = {}
        """What reads the last message of each pipe, by its descriptor."""

    def _recv_message(self, add_reader: Callable[..., object], fd: int, callback: Callable[..., object]) -> Any:
        if not self._is_reading(fd):
            self._readings[fd] = super()._recv_message(add_reader, fd, callback)
        return self._readings[fd]

    def _is_reading(self, fd: int) -> bool:
        return fd in self._readings and self._readings[fd].gi_frame is not None

    def end_reading(self, fd: int) -> None:
        """Read the rest of a message from the pipe of a child that is gone. Drop one that it has not written whole."""
        reading = self._readings.pop(fd, None)
        if reading is not None:
            with suppress(StopIteration, OSError, EOFError):
                next(reading)

    def _finish_partial_read(self, fd: int, proc: Any) -> bool:
        """When the worker stops without a loop, Celery asks the loop for what has read a part of a message."""
        if self._is_reading(fd):
            self._hub.add_reader(fd, self._readings[fd])
        return bool(super()._finish_partial_read(fd, proc))


class Pool(asynpool.AsynPool):
    """Celery's pool, which forgets what it has closed, and kills no child for want of a processor."""

    ResultHandler = ResultHandler

    on_timeout_set: Any

    def _create_timelimit_handlers(self, hub: Any) -> None:
        super()._create_timelimit_handlers(hub)
        self._hub = hub
        # After a reconnection to Redis it is called again, while tasks run on.
        if not hasattr(self, "_starvations"):
            self._starvations: WeakKeyDictionary[Any, Starvation] = WeakKeyDictionary()
        set_timeout = self.on_timeout_set

        def on_timeout_set(result: Any, soft: float | None, hard: float | None) -> None:
            self._starvations[result] = Starvation(result._worker_pid)  # noqa: SLF001  (billiard has no other name)
            set_timeout(result, soft, hard)

        self.on_timeout_set = on_timeout_set

    def _on_hard_timeout(self, job: int) -> None:
        """Kill the child of a task, or look again later if it has waited for a processor meanwhile."""
        result = self._cache.get(job)
        grace = self._grace(result) if result is not None else 0.0
        if grace > 0:
            self._tref_for_id[job] = self._hub.call_later(grace, self._on_hard_timeout, job)
        else:
            super()._on_hard_timeout(job)

    def _grace(self, result: Any) -> float:
        """For how many seconds the task that has reached its limit may go on."""
        starvation = self._starvations.get(result)
        waited = min(starvation.seconds(), PATIENCE_SECONDS) if starvation is not None else 0.0
        began, limit = result._time_accepted, result._timeout  # noqa: SLF001  (as above)
        return float(began + min(limit + waited, LONGEST_SECONDS) - time.monotonic())

    def _event_process_exit(self, hub: Any, proc: Any) -> None:
        """Replace a child that has ended, even if the system does not say so yet when it has closed its files.

        Celery looks once, and then every five seconds.
        """
        super()._event_process_exit(hub, proc)
        if proc in self._pool and self._state == RUN:
            hub.call_later(_UNKNOWN_END_SECONDS, self._event_process_exit, hub, proc)

    def _join_exited_workers(self, shutdown: bool = False) -> Any:  # noqa: FBT001, FBT002  (as billiard has it)
        """Collect the children that have ended, and note why. Celery does so every few seconds."""
        children, role = list(self._pool), current_role()
        joined = super()._join_exited_workers(shutdown=shutdown)
        if role is not None:
            for child in children:
                if child in self._pool:
                    role.memory.child_lives()
                else:
                    role.memory.child_ended(child.exitcode)
        return joined

    def process_flush_queues(self, proc: Any) -> None:
        """Read what a child has said that is gone: from where its parent stopped, not from the middle of a message."""
        self._result_handler.end_reading(proc.outqR_fd)
        super().process_flush_queues(proc)

    def destroy_queues(self, queues: tuple[Any, ...], proc: Any) -> Any:
        """Close the pipes of a child that died over a message, and forget that its results came through one of them.

        Celery remembers the descriptor. When the next child's pipe of tasks gets it, the parent reads the tasks as
        results, from the next reconnection to Redis on: no task reaches the child.
        """
        if self._fileno_to_outq.get(proc.outqR_fd) is proc:
            del self._fileno_to_outq[proc.outqR_fd]
        self._result_handler.end_reading(proc.outqR_fd)
        return super().destroy_queues(queues, proc)


class TaskPool(prefork.TaskPool):
    """The `pool_cls` of a worker."""

    Pool = Pool
