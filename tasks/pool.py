"""`TaskPool`: the children of a worker, which have nothing to do with the pipes of those before them.

The pool of Celery's prefork workers, with a remedy for a fault of it, and with time limits that a machine with too much
to do does not reach. Main thread of the parent.
"""

from __future__ import annotations

import time
from typing import Any
from weakref import WeakKeyDictionary

from celery.concurrency import prefork
from celery.concurrency.asynpool import AsynPool

from magicfs.config import PATIENCE_SECONDS
from magicfs.linux.starvation import Starvation
from tasks.app import LONGEST_SECONDS


class Pool(AsynPool):  # type: ignore[misc]  # Celery has no types
    """Celery's pool, which forgets what it has closed, and kills no child for want of a processor."""

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

    def destroy_queues(self, queues: tuple[Any, ...], proc: Any) -> Any:
        """Close the pipes of a child that died over a message, and forget that its results came through one of them.

        Celery remembers the descriptor. When the next child's pipe of tasks gets it, the parent reads the tasks as
        results, from the next reconnection to Redis on: no task reaches the child.
        """
        if self._fileno_to_outq.get(proc.outqR_fd) is proc:
            del self._fileno_to_outq[proc.outqR_fd]
        return super().destroy_queues(queues, proc)


class TaskPool(prefork.TaskPool):  # type: ignore[misc]  # as above
    """The `pool_cls` of a worker."""

    Pool = Pool
