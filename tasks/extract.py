"""Files wait to be read."""

from __future__ import annotations

from celery import shared_task

from tasks import worker
from tasks.app import EXTRACT_TASK


@shared_task(name=EXTRACT_TASK, ignore_result=True)
def extract() -> int:
    """Read the next batch of waiting files. Returns how many."""
    return worker.contained(worker.extraction().run_batch)
