"""The queue of files to be extracted: extract workers claim pending files, and finish or return them.

A claim writes a lease, a number that no other claim has, into its rows. A statement that ends the claim changes only
rows that still have this number, so it has no effect on a file that another worker has claimed since. Runs in the
caller's transaction. `magicfs.db.corpus.files` records files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from magicfs.db.cluster.heartbeats import WORKER_SECONDS
from magicfs.db.corpus.contents import orphan_contents, outdate_contents
from magicfs.db.corpus.files import stat_arrays
from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries
from magicfs.domain.contents import WAITING, Unreadable
from magicfs.domain.files import REREAD_PRIORITY, ClaimedFile, ExtractedFile, SkipReason
from magicfs.domain.ids import ContentId, FileId, Lease

_SQL = load_queries("file_claims")

CLAIM_LOCK = 0x6D616769_63667304
"""The advisory lock, with a host's name, under which the host's workers claim files. Without it, two workers that claim
at the same time could both take a slow file, because neither sees the other one's claim."""

MAX_ATTEMPTS = 4
"""Claims of a file before it is quarantined: the first in a batch with others, the next three alone."""

OVERDUE_SECONDS = 10.0
"""The time after which a worker that has claimed files is asked again: most batches take a second, and an outage may
have hidden the claim from it."""

REREAD_PAUSE_SECONDS = 0.5
"""The minimum pause before a file that changed while it was read is read again: a program is writing it."""

EXTRA_ATTEMPT_PAUSE_SECONDS = 60.0
"""The pause before the extra attempt of a file that has used all attempts but has changed since the last one. It limits
the cost of a file that changes again and again and crashes its worker each time."""

EXTRACTOR_INDEPENDENT_REASONS = (SkipReason.PERMISSION, SkipReason.VANISHED)
"""Skip reasons that a new version of the extractor cannot change."""


def claim_files(
    connection: Connection, *, host: str, boot: str, owner: str, limit: int, max_bytes: int, seconds: float
) -> list[ClaimedFile]:
    """Claim up to `limit` files of the host with at most `max_bytes` in total; the first one may exceed `max_bytes`.

    There are none on a machine, told by its `boot`, unless the host's agent runs there, or ran there last.
    The claim increments `attempts`. Commit it before a parser reads the files: the claims of the host's other workers
    wait until then. Large files, pictures that a scan has found, and files that are read again are claimed only while
    another worker of the host is free for what is read at once.
    """
    lock_claiming(connection, host=host)
    rows = connection.execute(
        _SQL["claim_files"],
        {
            "host": host,
            "boot": boot,
            "owner": owner,
            "limit": limit,
            "max_bytes": max_bytes,
            "seconds": seconds,
            "max_attempts": MAX_ATTEMPTS,
            "alive": WORKER_SECONDS,
        },
    )
    return claimed_files(rows)


def lock_claiming(connection: Connection, *, host: str) -> None:
    """Let no other worker of the host claim until the transaction ends."""
    connection.execute(_SQL["lock_claiming"], {"host": host, "lock": CLAIM_LOCK})


def claimed_files(rows: Iterable[Any]) -> list[ClaimedFile]:
    """The claims that a statement has made."""
    return [
        ClaimedFile(
            id=FileId(file_id),
            lease=Lease(lease),
            claimed_at=claimed_at,
            root=root,
            path=path,
            attempts=attempts,
            content_id=None if content_id is None else ContentId(content_id),
            priority=priority,
            size=size,
            since_reading_s=since_s,
            pause_s=pause_s,
        )
        for file_id, lease, claimed_at, root, path, attempts, content_id, priority, size, since_s, pause_s in rows
    ]


def lock_claims(connection: Connection, claims: Sequence[ClaimedFile]) -> set[FileId]:
    """Lock the files of claims with one lease. Returns those whose claim is still valid."""
    if not claims:
        return set()
    rows = connection.execute(_SQL["lock_claims"], {"lease": claims[0].lease, "ids": [claim.id for claim in claims]})
    return {FileId(row[0]) for row in rows}


def finish_indexed(
    connection: Connection, files: Sequence[ExtractedFile], *, pause_s: Callable[[ClaimedFile], float]
) -> None:
    """Finish files whose content is stored. All claims have one lease; those that are no longer valid have no effect.

    A file that has changed since its claim gets the content too, and stays pending. No file is read again within the
    seconds that `pause_s` returns for it.
    """
    if not files:
        return
    lease = files[0].claim.lease
    rows = connection.execute(
        _SQL["finish_indexed"],
        {
            "lease": lease,
            "pauses": [pause_s(file.claim) for file in files],
            "ids": [file.claim.id for file in files],
            "claimed_ats": [file.claim.claimed_at for file in files],
            "content_ids": [file.content for file in files],
            "states": [file.state.value for file in files],
            **stat_arrays([file.stat for file in files]),
        },
    )
    finished = {FileId(row[0]) for row in rows}
    changed = [file for file in files if file.claim.id not in finished]
    if changed:
        connection.execute(
            _SQL["finish_changed"],
            {
                "lease": lease,
                "pauses": [max(pause_s(file.claim), REREAD_PAUSE_SECONDS) for file in changed],
                "ids": [file.claim.id for file in changed],
                "content_ids": [file.content for file in changed],
            },
        )
    replaced = {file.claim.content_id for file in files if file.claim.content_id != file.content}
    orphan_contents(connection, {content for content in replaced if content is not None})


def finish_unreadable(
    connection: Connection,
    files: Sequence[tuple[ClaimedFile, Unreadable]],
    *,
    extractor: int,
    pause_s: Callable[[ClaimedFile], float],
) -> None:
    """Finish files that were skipped or have failed.

    All claims have one lease; those that are no longer valid have no effect. A file that has changed since its claim
    stays pending. No file is read again within the seconds that `pause_s` returns for it. `extractor` is the highest
    version of a reader.
    """
    if not files:
        return
    rows = connection.execute(
        _SQL["finish_unreadable"],
        {
            "lease": files[0][0].lease,
            "pauses": [pause_s(claim) for claim, _ in files],
            "extractor": extractor,
            "ids": [claim.id for claim, _ in files],
            "claimed_ats": [claim.claimed_at for claim, _ in files],
            "states": [unreadable.reason.state.value for _, unreadable in files],
            "reasons": [unreadable.reason.value for _, unreadable in files],
            "details": [unreadable.detail or None for _, unreadable in files],
        },
    )
    finished = {FileId(row[0]) for row in rows}
    claims = [claim for claim, _ in files]
    changed = [claim for claim in claims if claim.id not in finished]
    longest_s = max((pause_s(claim) for claim in changed), default=0.0)
    return_files(connection, changed, counted=False, pause_s=max(longest_s, REREAD_PAUSE_SECONDS))
    orphan_contents(connection, {claim.content_id for claim in claims if claim.content_id and claim.id in finished})


def return_files(connection: Connection, claims: Sequence[ClaimedFile], *, counted: bool, pause_s: float) -> None:
    """Return claims before their files are finished. Nobody can claim the files for `pause_s` seconds.

    With `counted`, the attempt stays counted, because the files may have caused the failure.
    """
    if claims:
        connection.execute(
            _SQL["return_files"],
            {
                "lease": claims[0].lease,
                "ids": [claim.id for claim in claims],
                "refund": 0 if counted else 1,
                "pause": pause_s,
            },
        )


def requeue_outdated(
    connection: Connection, *, host: str, version_of: Callable[[str], int], newest: int, limit: int
) -> int:
    """Make files of a host pending that an older version of their reader has read, with or without text.

    Returns their number. Call it where the files are read: another host may still have the older version, which would
    find nothing to do, and read them again and again.

    `version_of` gives the version of the reader of a kind, `newest` is the highest one. No root gets more than `limit`
    pending files by this.
    """
    stored = connection.execute(_SQL["stored_kinds"], {"newest": newest}).fetchall()
    outdated = [(kind, version) for kind, version in stored if version < version_of(kind)]
    values = {
        "host": host,
        "kinds": [kind for kind, _ in outdated],
        "versions": [version for _, version in outdated],
        "newest": newest,
        "independent": [reason.value for reason in EXTRACTOR_INDEPENDENT_REASONS],
        "limit": limit,
        "priority": REREAD_PRIORITY,
    }
    return connection.execute(_SQL["requeue_outdated"], values).rowcount


def has_full_root(connection: Connection, *, host: str, limit: int) -> bool:
    """Whether a root of the host that is there has `limit` pending files, some of which are read again."""
    values = {"host": host, "priority": REREAD_PRIORITY, "limit": limit}
    return bool(fetch_one(connection.execute(_SQL["has_full_root"], values))[0])


def release_files(connection: Connection, *, owner: str, counted: bool, alone: bool = False) -> list[FileId]:
    """Release all claims of the worker `owner`. Returns their files.

    With `counted`, the attempts stay counted, because the files may have killed the worker. Otherwise they do not; with
    `alone`, the files are claimed alone all the same.
    """
    values = {
        "owner": owner,
        "refund": 0 if counted else 1,
        "least": 1 if alone else 0,
        "max_attempts": MAX_ATTEMPTS,
        "pause": EXTRA_ATTEMPT_PAUSE_SECONDS,
    }
    return [FileId(row[0]) for row in connection.execute(_SQL["release_files"], values)]


def has_files_for_ocr(connection: Connection, *, host: str, lesser: Sequence[str]) -> bool:
    """Whether `queue_files_for_ocr` has files to queue."""
    return bool(fetch_one(connection.execute(_SQL["has_files_for_ocr"], {"host": host, "lesser": list(lesser)}))[0])


def queue_files_for_ocr(connection: Connection, *, host: str, lesser: Sequence[str]) -> int:
    """Make the files of a host pending that were not read without OCR, or that the OCR of `lesser` has read.

    Returns their number. Searches find what was read of them until they are read again.
    """
    values = {"host": host, "lesser": list(lesser), "priority": REREAD_PRIORITY}
    rows = connection.execute(_SQL["queue_files_for_ocr"], values).fetchall()
    outdate_contents(connection, {ContentId(content) for content, is_outdated in rows if is_outdated})
    return len(rows)


def quarantine_files(connection: Connection, *, extractor: int, lacking: Sequence[FileId] = ()) -> int:
    """Quarantine the files over which workers died `MAX_ATTEMPTS` times. Returns their number.

    Over those that are `lacking`, the system has killed the worker for want of memory; over others it has crashed. One
    that was read but for some pages stays in the index without these. `extractor` is the highest version of a reader.
    """
    connection.execute(_SQL["give_up_pages"], {"max_attempts": MAX_ATTEMPTS, "waiting": WAITING})
    values = {
        "reason": SkipReason.CRASHED.value,
        "detail": f"the worker died {MAX_ATTEMPTS} times over this file",
        "lacking": list(lacking),
        "lacked_reason": SkipReason.OUT_OF_MEMORY.value,
        "lacked_detail": f"the system killed the worker {MAX_ATTEMPTS} times over this file, and over no other one",
        "max_attempts": MAX_ATTEMPTS,
        "extractor": extractor,
    }
    return connection.execute(_SQL["quarantine_files"], values).rowcount


def has_waiting_files(connection: Connection, *, host: str) -> bool:
    """Whether a worker of the host should look for files: one can be claimed now, or a claim may be lost."""
    values = {
        "host": host,
        "owner": "",
        "max_attempts": MAX_ATTEMPTS,
        "alive": WORKER_SECONDS,
        "overdue": OVERDUE_SECONDS,
    }
    row = connection.execute(_SQL["has_waiting_files"], values).fetchone()
    return bool(row and row[0])
