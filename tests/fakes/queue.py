"""A job queue for tests that call the services themselves."""

from __future__ import annotations

from magicfs.domain.status import WorkerStatus


class SilentQueue:
    """A `magicfs.jobs.JobQueue` that sends no notification."""

    def notify_extract(self, host: str) -> None:
        """Do nothing."""

    def notify_embed(self, model: str | None = None) -> None:
        """Do nothing."""

    def notify_maintenance(self) -> None:
        """Do nothing."""

    def workers(self) -> list[WorkerStatus]:
        """Return no worker."""
        return []
