"""The upkeep of what searches go by: the index of vectors, the scale of scores, and the planner's statistics.

Two threads of an agent. The database decides what is due, so that the agents of several hosts may all ask.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from magicfs.db import planner_statistics
from magicfs.db.pool import Database
from magicfs.db.vectors import score_scale, vector_index
from magicfs.db.vectors.models import live_models
from magicfs.ingest.outages import errors_logged
from magicfs.jobs import JobQueue
from magicfs.logs import Outage

VECTOR_INDEX_SECONDS = 60.0
"""Pause between two checks whether the index of vectors should be built or dropped."""

STATISTICS_SECONDS = 5.0
"""Pause between two checks of the planner's statistics while there is work."""


class IndexUpkeep:
    """The upkeep by one agent. Each method is the loop of a thread."""

    def __init__(self, database: Database, queue: JobQueue, outage: Outage, *, is_idle: Callable[[], bool]) -> None:
        """`is_idle` says whether the agent has no work."""
        self._database = database
        self._queue = queue
        self._outage = outage
        self._is_idle = is_idle

    def maintain_vectors(self, stop: threading.Event) -> None:
        """Build or drop the index of vectors, and notify workers of scores that nobody has measured."""
        while not stop.wait(VECTOR_INDEX_SECONDS):
            with errors_logged(stop, self._outage, "vector index"):
                vector_index.maintain_index(self._database)
            with errors_logged(stop, self._outage, "scores"):
                self._notify_of_scores()

    def refresh_statistics(self, stop: threading.Event) -> None:
        """Keep the statistics of growing tables new while there is work."""
        while not stop.wait(STATISTICS_SECONDS):
            if not self._is_idle():
                with errors_logged(stop, self._outage, "statistics"):
                    planner_statistics.refresh_statistics(self._database)

    def _notify_of_scores(self) -> None:
        """Notify the embed workers that scores are to be measured: the worker that was to do it may have died."""
        with self._database.transaction() as connection:
            live = live_models(connection)
            waiting = [model for model in live if score_scale.waits(connection, model)]
        for model in waiting:
            self._queue.notify_embed(model.spec.name)
