"""The task that a notification of waiting files starts."""

from __future__ import annotations

from celery import shared_task

from magicfs.errors import MagicFSError
from tasks import services, worker
from tasks.app import EXTRACT_TASK


@shared_task(name=EXTRACT_TASK, ignore_result=True, throws=(MagicFSError,))
def extract() -> int:
    """Extract the next batch of waiting files. Returns how many files were processed."""
    return worker.run_task(EXTRACT_TASK, lambda: services.extract_service().run_batch())
