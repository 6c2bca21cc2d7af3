"""Files wait to be read."""

from __future__ import annotations

from celery import shared_task

from tasks import worker
from tasks.app import EXTRACT_TASK

HARD_SECONDS = 240
"""A batch ends after about a second and one more file; parsers have limits of their own. Below the lease."""


@shared_task(name=EXTRACT_TASK, time_limit=HARD_SECONDS, ignore_result=True)
def extract() -> int:
    """Read the next batch of waiting files. Returns how many."""
    return worker.extraction().run_batch()
