"""Chunks wait for their vectors."""

from __future__ import annotations

from celery import shared_task

from tasks import worker
from tasks.app import EMBED_TASK


@shared_task(name=EMBED_TASK, ignore_result=True)
def embed() -> int:
    """Embed waiting chunks for a while. Returns how many."""
    return worker.contained(worker.embedding().run_turn)
