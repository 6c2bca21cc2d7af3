"""Files in the index, and the queue of files to be extracted.

The agent records what it sees on disk; the extract workers claim pending files, and finish or return them. It reads no
file and knows no rules. A claim writes a lease, a number that no other claim has, into its rows. A statement that ends
the claim changes only rows that still have this number, so it has no effect on a file that another worker has claimed
since. Runs in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime

from magicfs.db.contents import orphan_contents, outdate_contents
from magicfs.db.heartbeats import WORKER_SECONDS
from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries
from magicfs.domain.contents import Unreadable
from magicfs.domain.files import (
    NAMED_REASONS,
    ClaimedFile,
    ExtractedFile,
    FileName,
    FileRow,
    FileStat,
    SeenFile,
    SkipReason,
)
from magicfs.domain.ids import ContentId, FileId, Lease, RootId

_SQL = load_queries("files")

CLAIM_LOCK = 0x6D616769_63667304
"""With a host's name, the advisory lock under which the host's workers claim files. Without it, two workers that claim
at the same time could both take a large file, because neither sees the other one's claim."""

MAX_ATTEMPTS = 4
"""Claims of a file before it is quarantined: the first in a batch with others, the next three alone."""

OVERDUE_SECONDS = 10.0
"""After so long a worker that has claimed files is asked again: most batches take a second, and an outage may have
hidden the claim from it."""

REREAD_PAUSE_SECONDS = 0.5
"""The minimum pause before a file that changed while it was read is read again: a program is writing it."""

EXTRA_ATTEMPT_PAUSE_SECONDS = 60.0
"""The pause before the extra attempt of a file that has used all attempts but has changed since the last one. It limits
the cost of a file that changes again and again and crashes its worker each time."""

EXTRACTOR_INDEPENDENT_REASONS = (SkipReason.TOO_LARGE, SkipReason.PERMISSION, SkipReason.VANISHED)
"""Skip reasons that a new version of the extractor cannot change."""

_SNAPSHOT_ROWS = 5000


def display_path(path: bytes) -> str:
    """A path as text, for people and for filters. Bytes that are not UTF-8 are replaced."""
    return path.decode("utf-8", "replace")


def _bounds(directory: bytes) -> dict[str, bytes | None]:
    """The range of the paths below a directory. `0` is the byte after the slash."""
    return {"from": directory + b"/" if directory else b"", "to": directory + b"0" if directory else None}


def snapshot(connection: Connection, root: RootId, *, directory: bytes = b"") -> Iterator[FileRow]:
    """The files that the index has below a directory of a root, by path; the empty path is the root itself."""
    with connection.cursor("snapshot", binary=True) as cursor:
        cursor.itersize = _SNAPSHOT_ROWS
        for row in cursor.execute(_SQL["snapshot"], {"root_id": root, **_bounds(directory)}):
            yield FileRow(*row)


def snapshot_of_directory(connection: Connection, root: RootId, directory: bytes) -> list[FileRow]:
    """The files that the index has right in one directory; the empty path is the root itself."""
    values = {"root_id": root, **_bounds(directory)}
    return [FileRow(*row) for row in connection.execute(_SQL["snapshot_of_directory"], values, binary=True)]


def sample_files(connection: Connection, root: RootId, *, limit: int) -> list[tuple[bytes, int, int]]:
    """Up to `limit` files of a root, in any order: path, size, and mtime in nanoseconds."""
    return connection.execute(_SQL["sample_files"], {"root_id": root, "limit": limit}).fetchall()


def inaccessible_paths(connection: Connection, root: RootId) -> list[bytes]:
    """The paths of a root's files that could not be opened, so that a scan checks them again."""
    return [row[0] for row in connection.execute(_SQL["inaccessible_paths"], {"root_id": root})]


def paths_of_inodes(connection: Connection, root: RootId, inodes: Collection[int]) -> set[bytes]:
    """The paths of a root's files with these inode numbers, which are signed as in `FileStat`."""
    return {row[0] for row in connection.execute(_SQL["paths_of_inodes"], {"root_id": root, "inos": list(inodes)})}


def upsert_files(
    connection: Connection,
    root: RootId,
    seen: Sequence[SeenFile],
    *,
    name_of: Callable[[bytes], FileName],
    priority: int,
) -> list[FileId]:
    """Record new and changed files. Returns the ids of those that must be read.

    `name_of` is `magicfs.text.names.file_name`.
    """
    distinct = {file.path: file for file in seen}.values()
    rows = connection.execute(
        _SQL["upsert_files"],
        {
            "root_id": root,
            "priority": priority,
            "paths": [file.path for file in distinct],
            **_name_arrays([name_of(file.path) for file in distinct]),
            **_stat_arrays([file.stat for file in distinct]),
        },
    )
    return [FileId(row[0]) for row in rows]


def _name_arrays(names: Sequence[FileName]) -> dict[str, list[str]]:
    """The names as one array a column, which queries unnest."""
    return {
        "displays": [name.display for name in names],
        "extensions": [name.extension for name in names],
        "words": [name.words for name in names],
        "folded": [name.folded for name in names],
    }


def write_names(connection: Connection, *, name_of: Callable[[bytes], FileName], limit: int) -> int:
    """Write the names of up to `limit` files whose names were recorded by an older version. Returns their number.

    Files that another transaction has locked are left to the next call.
    """
    rows = connection.execute(_SQL["files_without_words"], {"limit": limit}).fetchall()
    values = {"ids": [row[0] for row in rows], **_name_arrays([name_of(row[1]) for row in rows])}
    connection.execute(_SQL["write_names"], values)
    return len(rows)


def name_skipped_files(connection: Connection, *, picture_extensions: Collection[str], limit: int) -> int:
    """Let up to `limit` files that an older version has skipped for having no text be `named`. Returns their number."""
    values = {
        "reasons": [reason.value for reason in NAMED_REASONS],
        "picture_extensions": list(picture_extensions),
        "limit": limit,
    }
    return connection.execute(_SQL["name_skipped_files"], values).rowcount


def _stat_arrays(stats: Sequence[FileStat]) -> dict[str, list[int]]:
    """The metadata as one array a column, which queries unnest."""
    return {
        "sizes": [stat.size for stat in stats],
        "mtimes": [stat.mtime_ns for stat in stats],
        "ctimes": [stat.ctime_ns for stat in stats],
        "inos": [stat.ino for stat in stats],
        "modes": [stat.mode for stat in stats],
        "uids": [stat.uid for stat in stats],
        "gids": [stat.gid for stat in stats],
    }


def delete_unseen(connection: Connection, root: RootId, paths: Sequence[bytes], *, began: datetime) -> int:
    """Delete files that a scan has not seen. Returns their number. Their contents become orphans.

    `began` is when the scan began: files that the watcher has recorded since then stay.
    """
    values = {"root_id": root, "paths": list(paths), "began": began}
    return _orphan_contents_of(connection, connection.execute(_SQL["delete_unseen"], values).fetchall())


def count_files_under(connection: Connection, root: RootId, paths: Sequence[bytes]) -> int:
    """The number of files that the index has at these paths and below them. Paths may lie in one another."""
    count: int = fetch_one(connection.execute(_SQL["count_files_under"], {"root_id": root, "paths": list(paths)}))[0]
    return count


def count_files_of_root(connection: Connection, root: RootId) -> int:
    """The number of files that the index has in a root. Visits all of them."""
    count: int = fetch_one(connection.execute(_SQL["count_files_of_root"], {"root_id": root}))[0]
    return count


def delete_paths(connection: Connection, root: RootId, paths: Sequence[bytes]) -> int:
    """Delete the files at these paths and below them. Returns their number. Their contents become orphans."""
    rows = connection.execute(_SQL["delete_paths"], {"root_id": root, "paths": list(paths)}).fetchall()
    return _orphan_contents_of(connection, rows)


def _orphan_contents_of(connection: Connection, rows: list[tuple[int | None]]) -> int:
    """Mark the contents of deleted files, one row a file, as orphans. Returns the number of files."""
    orphan_contents(connection, {ContentId(row[0]) for row in rows if row[0] is not None})
    return len(rows)


def claim_files(
    connection: Connection, *, host: str, owner: str, limit: int, max_bytes: int, seconds: float, boot: str = ""
) -> list[ClaimedFile]:
    """Claim up to `limit` files of the host with at most `max_bytes` in total; the first one may exceed `max_bytes`.

    There are none on a machine, told by its `boot`, unless the host's agent runs there, or ran there last.
    The claim increments `attempts`. Commit it before a parser reads the files: the claims of the host's other workers
    wait until then. Large files are claimed only while another worker of the host is free for small ones.
    """
    connection.execute(_SQL["lock_claiming"], {"host": host, "lock": CLAIM_LOCK})
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
            **_stat_arrays([file.stat for file in files]),
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


def requeue_outdated(connection: Connection, *, version_of: Callable[[str], int], newest: int, limit: int) -> int:
    """Make files pending that an older version of their reader has read, with or without text. Returns their number.

    `version_of` gives the version of the reader of a kind, `newest` is the highest one. No root gets more than `limit`
    pending files by this.
    """
    stored = connection.execute(_SQL["stored_kinds"], {"newest": newest}).fetchall()
    outdated = [(kind, version) for kind, version in stored if version < version_of(kind)]
    values = {
        "kinds": [kind for kind, _ in outdated],
        "versions": [version for _, version in outdated],
        "newest": newest,
        "independent": [reason.value for reason in EXTRACTOR_INDEPENDENT_REASONS],
        "limit": limit,
    }
    return connection.execute(_SQL["requeue_outdated"], values).rowcount


def release_files(connection: Connection, *, owner: str, counted: bool) -> int:
    """Release all claims of the worker `owner`. Returns the number of files.

    With `counted`, the attempts stay counted, because the files may have killed the worker.
    """
    values = {
        "owner": owner,
        "refund": 0 if counted else 1,
        "max_attempts": MAX_ATTEMPTS,
        "pause": EXTRA_ATTEMPT_PAUSE_SECONDS,
    }
    return connection.execute(_SQL["release_files"], values).rowcount


def has_files_for_ocr(connection: Connection, *, host: str, lesser: Sequence[str]) -> bool:
    """Whether `queue_files_for_ocr` has files to queue."""
    return bool(fetch_one(connection.execute(_SQL["has_files_for_ocr"], {"host": host, "lesser": list(lesser)}))[0])


def queue_files_for_ocr(connection: Connection, *, host: str, lesser: Sequence[str]) -> int:
    """Make the files of a host pending that were not read without OCR, or that the OCR of `lesser` has read.

    Returns their number. Searches find what was read of them until they are read again.
    """
    rows = connection.execute(_SQL["queue_files_for_ocr"], {"host": host, "lesser": list(lesser)}).fetchall()
    outdate_contents(connection, {ContentId(content) for content, is_outdated in rows if is_outdated})
    return len(rows)


def quarantine_files(connection: Connection, *, extractor: int) -> int:
    """Quarantine the files over which workers died `MAX_ATTEMPTS` times. Returns their number.

    `extractor` is the highest version of a reader.
    """
    detail = f"the worker died {MAX_ATTEMPTS} times over this file"
    values = {"detail": detail, "max_attempts": MAX_ATTEMPTS, "extractor": extractor}
    return connection.execute(_SQL["quarantine_files"], values).rowcount


def has_waiting_files(connection: Connection, *, host: str) -> bool:
    """Whether a worker of the host should look for files: one can be claimed now, or a claim may be lost."""
    values = {"host": host, "max_attempts": MAX_ATTEMPTS, "alive": WORKER_SECONDS, "overdue": OVERDUE_SECONDS}
    row = connection.execute(_SQL["has_waiting_files"], values).fetchone()
    return bool(row and row[0])
