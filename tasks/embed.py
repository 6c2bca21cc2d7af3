"""Chunks wait for their vectors."""

from __future__ import annotations

from celery import shared_task

from tasks import worker
from tasks.app import EMBED_TASK

HARD_SECONDS = 60
"""A batch takes half a second: what takes this long hangs in native code. Below the lease."""


@shared_task(name=EMBED_TASK, time_limit=HARD_SECONDS, ignore_result=True)
def embed() -> int:
    """Embed the next batch of waiting chunks. Returns how many."""
    return worker.embedding().run_batch()
