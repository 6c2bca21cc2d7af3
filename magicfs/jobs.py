"""How services notify workers of waiting work, without knowing Celery.

A message is a notification: it says that work of one kind waits, and Postgres says which. A message carries at
most the name of a host or of a model, that of its queue. It may be lost, delivered twice or delivered out of order; see
docs/adr/0002-messages-only-notify.md.
"""

from __future__ import annotations

from typing import Protocol

from magicfs.domain.status import WorkerStatus


class JobQueue(Protocol):
    """Sends notifications to workers. Every call is cheap and bounded in time.

    While enough messages of one kind are queued, a further notification sends nothing. A broker that does not answer
    raises no error: the failure is logged, and the agent notifies again.
    """

    def notify_extract(self, host: str) -> None:
        """Notify the extract workers of `host` that files wait."""

    def notify_embed(self, model: str | None = None) -> None:
        """Notify the embed workers that chunks wait; with `model`, a name, also those that embed for it alone."""

    def notify_maintenance(self) -> None:
        """Notify a worker that maintenance is due."""

    def workers(self) -> list[WorkerStatus]:
        """The workers of the cluster that answer now. May take a second."""
