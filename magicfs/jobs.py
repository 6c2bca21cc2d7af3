"""How services ask for work to be done, without knowing who does it.

A message is a doorbell: it says that there is work of a kind, and Postgres says which. So messages carry
no more than an id, may be lost or delivered twice, and need no order; see docs/adr/0002.
"""

from __future__ import annotations

from typing import Protocol

from magicfs.domain.status import WorkerStatus


class JobQueue(Protocol):
    """Ring for workers. Every call is cheap and bounded in time.

    Ringing is capped: while enough messages wait for a kind of work, another ring does nothing. It never fails:
    a ring that cannot be delivered is logged, and the agent rings again.
    """

    def notify_extract(self, host: str) -> None:
        """Files of `host` wait to be read."""

    def notify_embed(self) -> None:
        """Chunks wait for their vectors."""

    def notify_maintenance(self) -> None:
        """It is time to sweep: quarantine, orphans, statistics."""

    def workers(self) -> list[WorkerStatus]:
        """The workers of the cluster that answer now. May take a second."""


class NoQueue:
    """A queue that rings nowhere, for a one-shot run in which nobody listens."""

    def notify_extract(self, host: str) -> None:
        """Do nothing."""

    def notify_embed(self) -> None:
        """Do nothing."""

    def notify_maintenance(self) -> None:
        """Do nothing."""

    def workers(self) -> list[WorkerStatus]:
        """Nobody."""
        return []
