"""The task that a notification of waiting chunks starts."""

from __future__ import annotations

from celery import shared_task

from magicfs.errors import MagicFSError
from tasks import services, worker
from tasks.app import EMBED_TASK


@shared_task(name=EMBED_TASK, ignore_result=True, throws=(MagicFSError,))
def embed() -> int:
    """Embed waiting chunks for about two seconds. Returns how many chunks got a vector."""
    return worker.run_task(EMBED_TASK, lambda: services.embed_service().run_turn())
