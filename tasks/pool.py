"""`TaskPool`: the children of a worker, which have nothing to do with the pipes of those before them.

The pool of Celery's prefork workers, with a remedy for a fault of it. Main thread of the parent.
"""

from __future__ import annotations

from typing import Any

from celery.concurrency import prefork
from celery.concurrency.asynpool import AsynPool


class Pool(AsynPool):  # type: ignore[misc]  # Celery has no types
    """Celery's pool, which forgets what it has closed."""

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
