"""What is not in the index, why, and another try."""

from __future__ import annotations

from dataclasses import dataclass

from magicfs.db.pool import Connection
from magicfs.db.queries import load_queries
from magicfs.domain.files import FileState, SkipReason

_SQL = load_queries("failures")

RETRIED_SKIP_REASONS = (SkipReason.NEEDS_OCR, SkipReason.TOO_LARGE, SkipReason.VANISHED)
"""Reasons to skip that a changed setting, a program installed since or a disk that is back can do away with."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that is not in the index, or of which a chunk has no vector."""

    host: str
    root: str
    root_path: bytes
    path: bytes
    """Relative to the root."""
    state: FileState
    reason: str
    detail: str | None
    changed_at: float
    """Seconds since the epoch."""


def list_failures(
    connection: Connection, *, reason: str | None = None, skipped: bool = False, limit: int = 10_000
) -> list[Failure]:
    """Failed files, newest first, then files with failed chunks. `skipped` adds what holds nothing to index."""
    values = {"reason": reason, "skipped": skipped, "limit": limit}
    rows = connection.execute(_SQL["files"], values).fetchall()
    rows += connection.execute(_SQL["chunks"], values).fetchall()
    return [
        Failure(host, root, root_path, path, FileState(state), reason, detail, float(changed_at))
        for host, root, root_path, path, state, reason, detail, changed_at in rows
    ]


def retry_failures(connection: Connection) -> int:
    """Try everything again that failed, or was skipped for a reason that may be gone. Returns how many."""
    values = {"reasons": [reason.value for reason in RETRIED_SKIP_REASONS]}
    files = connection.execute(_SQL["retry_files"], values).rowcount
    connection.execute(_SQL["forget_verdicts"])
    chunks = connection.execute(_SQL["retry_chunks"]).rowcount
    return files + chunks
