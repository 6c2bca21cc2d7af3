"""It is time to sweep."""

from __future__ import annotations

from celery import shared_task

from tasks import worker
from tasks.app import MAINTENANCE_TASK

HARD_SECONDS = 120


@shared_task(name=MAINTENANCE_TASK, time_limit=HARD_SECONDS, ignore_result=True)
def maintain() -> None:
    """Sweep the index."""
    worker.maintenance().sweep()
