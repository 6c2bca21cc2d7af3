"""Files that are not in the index, the reasons, and the request to try them again.

Used by `magicfs failures` and `.magic/failed/`. It reads no file. Runs in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from magicfs.db.corpus.contents import outdate_contents
from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries
from magicfs.domain.files import FailedFile, FileStat, FileState, SkipReason
from magicfs.domain.ids import ContentId

_SQL = load_queries("failures")

_ROWS_IN_MEMORY = 2000

RETRIED_SKIP_REASONS = (SkipReason.NEEDS_OCR, SkipReason.TOO_LARGE, SkipReason.VANISHED)
"""Skip reasons that a changed setting, a newly installed program or a reconnected disk can remove."""


def iterate_failures(
    connection: Connection, *, reason: str | None = None, skipped: bool = False, limit: int | None = None
) -> Iterator[FailedFile]:
    """Failed files, the latest changed first, then skipped ones if `skipped`, then files with failed chunks.

    Few of them are in memory at a time. A file comes once for each of its failed chunks.
    """
    count = 0
    for query in ("failed_or_skipped_files", "files_of_failed_chunks"):
        left = None if limit is None else limit - count
        with connection.cursor("failures") as cursor:
            cursor.itersize = _ROWS_IN_MEMORY
            for row in cursor.execute(_SQL[query], {"reason": reason, "skipped": skipped, "limit": left}):
                count += 1
                yield _failed_file(row)


def count_failures(connection: Connection, *, reason: str | None, skipped: bool) -> int:
    """How many files `iterate_failures` gives without a limit."""
    values = {"reason": reason, "skipped": skipped}
    return int(fetch_one(connection.execute(_SQL["count_failures"], values))[0])


def unindexed_files(connection: Connection, *, reason: str, limit: int) -> list[FailedFile]:
    """Up to `limit` files that failed or were skipped for a reason, by path."""
    rows = connection.execute(_SQL["unindexed_files"], {"reason": reason, "limit": limit})
    return [_failed_file(row) for row in rows]


def unindexed_reasons(connection: Connection) -> list[str]:
    """The reasons for which files have failed or were skipped."""
    return [row[0] for row in connection.execute(_SQL["unindexed_reasons"])]


def retry_failures(connection: Connection) -> int:
    """Make failed files and chunks pending again, partly read files, and files skipped for a retried reason.

    Pictures that need OCR are retried too, and files without text of which the index does not know why. Returns the
    number of files and chunks.
    """
    values = {"reasons": [reason.value for reason in RETRIED_SKIP_REASONS]}
    files = connection.execute(_SQL["retry_files"], values).fetchall()
    outdate_contents(connection, {ContentId(content) for content, is_outdated in files if is_outdated})
    unused = [row[0] for row in connection.execute(_SQL["lock_unreadable_contents"])]
    connection.execute(_SQL["delete_unused_contents"], {"ids": unused})
    chunks = connection.execute(_SQL["retry_chunks"]).rowcount
    return len(files) + chunks


def _failed_file(row: tuple[Any, ...]) -> FailedFile:
    (
        host, root, root_path, device, path, size, mtime_ns, ctime_ns, ino, mode, uid, gid,
        state, reason, detail, changed_at,
    ) = row  # fmt: skip
    return FailedFile(
        host=host,
        root=root,
        root_path=root_path,
        path=path,
        stat=FileStat(
            size=size, mtime_ns=mtime_ns, ctime_ns=ctime_ns, ino=ino, dev=device, mode=mode, uid=uid, gid=gid
        ),
        state=FileState(state),
        reason=reason,
        detail=detail,
        changed_at=float(changed_at),
    )
