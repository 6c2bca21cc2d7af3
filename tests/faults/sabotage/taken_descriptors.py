"""Takes two descriptors whenever the pipes of a new child are made, as other libraries may at that moment.

The pipe of the tasks then gets the descriptor that the pipe of the results of the child before had.
"""

from __future__ import annotations

import os
from typing import Any

from celery.concurrency.asynpool import AsynPool

create = AsynPool.create_process_queues


def create_after_others(pool: Any) -> Any:
    os.dup(0)
    os.dup(0)
    return create(pool)


AsynPool.create_process_queues = create_after_others
