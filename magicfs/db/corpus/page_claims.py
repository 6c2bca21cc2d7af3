"""Claims of files that were read but for some pages, which are read when no file waits.

Extract workers claim one at a time. The file is not pending meanwhile: it was read, and stays found. `file_claims` has
the claims of all other files, and what both have in common. Runs in the caller's transaction.
"""

from __future__ import annotations

from magicfs.db.cluster.heartbeats import WORKER_SECONDS
from magicfs.db.corpus import file_claims
from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries
from magicfs.domain.contents import NO_OCR
from magicfs.domain.files import PAGES_PRIORITY, ClaimedFile
from magicfs.domain.ids import ContentId

_SQL = load_queries("page_claims")

PAUSE_SECONDS = 60.0
"""The pause after a turn that could not read a file of which pages wait; it doubles with each such turn. The disk or
the network may be back by then."""

MAX_PAUSE_SECONDS = 540.0
"""Shorter than the ten minutes of `is_held`."""


def claim_pages(
    connection: Connection, *, host: str, boot: str, owner: str, seconds: float, recognises: bool
) -> list[ClaimedFile]:
    """Claim one file of the host that was read but for some pages, as `claim_files` does, or none.

    Call it when nothing else waits. The file is not pending meanwhile: it was read. `recognises` tells whether the
    worker has OCR.
    """
    file_claims.lock_claiming(connection, host=host)
    values = {
        "host": host,
        "boot": boot,
        "owner": owner,
        "seconds": seconds,
        "max_attempts": file_claims.MAX_ATTEMPTS,
        "alive": WORKER_SECONDS,
        "priority": PAGES_PRIORITY,
        "recognises": recognises,
        "no_ocr": NO_OCR,
    }
    return file_claims.claimed_files(connection.execute(_SQL["claim_pages"], values))


def has_pending_pages(connection: Connection, *, host: str) -> bool:
    """Whether a worker of the host should look for pages, when no file waits."""
    values = {"host": host, "owner": "", "max_attempts": file_claims.MAX_ATTEMPTS, "alive": WORKER_SECONDS}
    return bool(fetch_one(connection.execute(_SQL["has_pending_pages"], values))[0])


def return_pages(connection: Connection, claim: ClaimedFile, *, counted: bool) -> None:
    """Return a claim that has read none. The file keeps what it has, and the next turn comes later.

    With `counted`, the attempt stays counted: after the last one, the pages are given up. A file that has changed
    meanwhile is read soon, with all its attempts.
    """
    pause_s = PAUSE_SECONDS
    if claim.attempts > 1:
        pause_s = max(PAUSE_SECONDS, min(2 * claim.pause_s, MAX_PAUSE_SECONDS))
    values = {
        "id": claim.id,
        "lease": claim.lease,
        "refund": 0 if counted else 1,
        "pause": pause_s,
        "reread_pause": file_claims.REREAD_PAUSE_SECONDS,
    }
    connection.execute(_SQL["return_pages"], values)


def lock_copies(connection: Connection, content: ContentId) -> None:
    """Lock the files of a content, before any claim of them and the content are locked."""
    connection.execute(_SQL["lock_copies"], {"content": content})


def index_copies(connection: Connection, content: ContentId) -> None:
    """Make the named files of a content indexed, which has text now: `lock_copies` has locked them."""
    connection.execute(_SQL["index_copies"], {"content": content})
