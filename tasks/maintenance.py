"""The task that the agent requests every few seconds."""

from __future__ import annotations

from celery import shared_task

from magicfs.errors import MagicFSError
from tasks import services, worker
from tasks.app import MAINTENANCE_TASK


@shared_task(name=MAINTENANCE_TASK, ignore_result=True, throws=(MagicFSError,))
def maintain() -> None:
    """Do the maintenance that is due."""
    worker.run_task(MAINTENANCE_TASK, lambda: services.maintenance_service().sweep())
