"""Files in the pipeline: seen by a scan, claimed by a worker, finished or given back.

A claim gives a lease, a number that no other claim has. Everything that ends a claim is guarded by it, and
says whether it still held: when not, the file has changed or somebody else has it, and the work is void.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from magicfs.db.contents import orphan_contents
from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries
from magicfs.domain.contents import EXTRACTOR_VERSION, Unreadable
from magicfs.domain.files import ClaimedFile, FileStat, FileText, IndexedFile, SeenFile, SkipReason
from magicfs.domain.ids import ContentId, FileId, Lease, RootId

_SQL = load_queries("files")

MAX_ATTEMPTS = 4
"""The first with others in a batch, three alone."""

REREAD_PAUSE_SECONDS = 0.5
"""The least pause before a file is read again that changed while it was read."""

EXTRA_ATTEMPT_PAUSE_SECONDS = 60.0
"""Pause before a file is read again that ended its reader as often as it may but has changed meanwhile. One that does
so for ever costs no more than that."""

EXTRACTOR_INDEPENDENT_REASONS = (SkipReason.TOO_LARGE, SkipReason.PERMISSION, SkipReason.VANISHED)
"""Reasons for which no extractor was asked: another version changes nothing."""

_SNAPSHOT_ROWS = 5000


def display_path(path: bytes) -> str:
    """A path for people and for filters: what is not UTF-8, and NUL, is replaced."""
    return path.decode("utf-8", "replace")


def extension(path: bytes) -> str:
    """The extension in lower case without its dot; empty for `README` and `.bashrc`."""
    name = display_path(path.rpartition(b"/")[2])
    stem, dot, last = name.rpartition(".")
    return last.lower() if dot and stem else ""


def _bounds(directory: bytes) -> dict[str, bytes | None]:
    """The paths below a directory, as a range: `0` is the byte that follows the slash."""
    return {"from": directory + b"/" if directory else b"", "to": directory + b"0" if directory else None}


def snapshot(connection: Connection, root: RootId, *, below: bytes = b"") -> Iterator[IndexedFile]:
    """What the index believes about the files of a root, or about those below one of its directories."""
    with connection.cursor("snapshot", binary=True) as cursor:
        cursor.itersize = _SNAPSHOT_ROWS
        for row in cursor.execute(_SQL["snapshot"], {"root_id": root, **_bounds(below)}):
            yield IndexedFile(*row)


def snapshot_of_directory(connection: Connection, root: RootId, directory: bytes) -> list[IndexedFile]:
    """The same of the files right in one directory; the empty one is the root itself."""
    values = {"root_id": root, **_bounds(directory)}
    return [IndexedFile(*row) for row in connection.execute(_SQL["snapshot_of_directory"], values, binary=True)]


def sample_files(connection: Connection, root: RootId, *, limit: int) -> list[tuple[bytes, int, int]]:
    """Some files of a root: path, size, and mtime in nanoseconds."""
    return connection.execute(_SQL["sample_files"], {"root_id": root, "limit": limit}).fetchall()


def inaccessible_paths(connection: Connection, root: RootId) -> list[bytes]:
    """Files of a root that were seen but could not be opened: to look at them again may help."""
    return [row[0] for row in connection.execute(_SQL["unopened"], {"root_id": root})]


def paths_of_inodes(connection: Connection, root: RootId, inodes: Collection[int]) -> set[bytes]:
    """The paths under which a root has these inodes, whose numbers are given as `FileStat` holds them."""
    return {row[0] for row in connection.execute(_SQL["paths_of_inodes"], {"root_id": root, "inos": list(inodes)})}


def upsert_files(connection: Connection, root: RootId, seen: Sequence[SeenFile], *, priority: int) -> list[FileId]:
    """Record files that are new or have changed; returns the ids of those that must be read."""
    ordered = {file.path: file for file in seen}.values()
    rows = connection.execute(
        _SQL["upsert"],
        {
            "root_id": root,
            "priority": priority,
            "paths": [file.path for file in ordered],
            "displays": [display_path(file.path) for file in ordered],
            "extensions": [extension(file.path) for file in ordered],
            **_columns([file.stat for file in ordered]),
        },
    )
    return [FileId(row[0]) for row in rows]


def _columns(stats: Sequence[FileStat]) -> dict[str, list[int]]:
    """Metadata as the queries take it."""
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
    """Forget files that a scan, begun at `began`, did not meet; their contents stay a while as orphans.

    A file that has been seen since then, by the watcher, stays. Returns how many went.
    """
    values = {"root_id": root, "paths": list(paths), "began": began}
    return _deleted(connection, connection.execute(_SQL["delete_unseen"], values).fetchall())


def count_files_under(connection: Connection, root: RootId, paths: Sequence[bytes]) -> int:
    """How many files the index has at these paths and below them."""
    count: int = fetch_one(connection.execute(_SQL["count_files_under"], {"root_id": root, "paths": list(paths)}))[0]
    return count


def count_files_of_root(connection: Connection, root: RootId) -> int:
    """How many files the index has in a root. Takes a while where there are many."""
    count: int = fetch_one(connection.execute(_SQL["count_files_of_root"], {"root_id": root}))[0]
    return count


def delete_paths(connection: Connection, root: RootId, paths: Sequence[bytes]) -> int:
    """Forget files by path, and everything below those paths that were directories."""
    rows = connection.execute(_SQL["delete_paths"], {"root_id": root, "paths": list(paths)}).fetchall()
    return _deleted(connection, rows)


def _deleted(connection: Connection, rows: list[tuple[int | None]]) -> int:
    orphan_contents(connection, {ContentId(row[0]) for row in rows if row[0] is not None})
    return len(rows)


def claim_files(
    connection: Connection, *, host: str, owner: str, limit: int, max_bytes: int, seconds: float
) -> list[ClaimedFile]:
    """Take up to `limit` files of the host, together at most `max_bytes` large (one is taken whatever its size).

    The claim is counted in `attempts` at once: commit before any parser sees the files.
    """
    rows = connection.execute(
        _SQL["claim"],
        {
            "host": host,
            "owner": owner,
            "limit": limit,
            "max_bytes": max_bytes,
            "seconds": seconds,
            "max_attempts": MAX_ATTEMPTS,
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
        )
        for file_id, lease, claimed_at, root, path, attempts, content_id, priority, size in rows
    ]


def lock_claims(connection: Connection, claims: Sequence[ClaimedFile]) -> set[FileId]:
    """Those files that nobody else has; nobody gets them before the transaction ends. The claims are of one lease."""
    if not claims:
        return set()
    rows = connection.execute(_SQL["hold"], {"lease": claims[0].lease, "ids": [claim.id for claim in claims]})
    return {FileId(row[0]) for row in rows}


def finish_indexed(connection: Connection, texts: Sequence[FileText], *, pause_s: float) -> None:
    """The text of these files, claimed with one lease, is in the index. Nothing happens to those whose claim is lost.

    A file that has changed since it was claimed gets the content too. It, or one that changes soon, is read again
    after `pause_s` at the earliest.
    """
    if not texts:
        return
    lease = texts[0].claim.lease
    rows = connection.execute(
        _SQL["finish_indexed"],
        {
            "lease": lease,
            "pause": pause_s,
            "ids": [text.claim.id for text in texts],
            "claimed_ats": [text.claim.claimed_at for text in texts],
            "content_ids": [text.content for text in texts],
            **_columns([text.stat for text in texts]),
        },
    )
    done = {FileId(row[0]) for row in rows}
    outdated = [text for text in texts if text.claim.id not in done]
    if outdated:
        connection.execute(
            _SQL["finish_outdated"],
            {
                "lease": lease,
                "pause": max(pause_s, REREAD_PAUSE_SECONDS),
                "ids": [text.claim.id for text in outdated],
                "content_ids": [text.content for text in outdated],
            },
        )
    left = {text.claim.content_id for text in texts if text.claim.content_id != text.content}
    orphan_contents(connection, {content for content in left if content is not None})


def finish_unreadable(
    connection: Connection, verdicts: Sequence[tuple[ClaimedFile, Unreadable]], *, pause_s: float
) -> None:
    """There is no text to be had from these files, claimed with one lease.

    One that has changed since it was claimed is to be read again, after `pause_s` as above.
    """
    if not verdicts:
        return
    rows = connection.execute(
        _SQL["finish_unreadable"],
        {
            "lease": verdicts[0][0].lease,
            "pause": pause_s,
            "extractor": EXTRACTOR_VERSION,
            "ids": [claim.id for claim, _ in verdicts],
            "claimed_ats": [claim.claimed_at for claim, _ in verdicts],
            "states": [verdict.reason.state.value for _, verdict in verdicts],
            "reasons": [verdict.reason.value for _, verdict in verdicts],
            "details": [verdict.detail or None for _, verdict in verdicts],
        },
    )
    done = {FileId(row[0]) for row in rows}
    claims = [claim for claim, _ in verdicts]
    return_files(connection, [claim for claim in claims if claim.id not in done], counted=False, pause_s=pause_s)
    orphan_contents(connection, {claim.content_id for claim in claims if claim.content_id and claim.id in done})


def return_files(connection: Connection, claims: Sequence[ClaimedFile], *, counted: bool, pause_s: float) -> None:
    """Free claims unread; nobody takes them before `pause_s` from now.

    `counted` says that the files may be at fault: the attempt stays counted.
    """
    if claims:
        connection.execute(
            _SQL["return"],
            {
                "lease": claims[0].lease,
                "ids": [claim.id for claim in claims],
                "refund": 0 if counted else 1,
                "pause": pause_s,
            },
        )


def requeue_outdated(connection: Connection, *, limit: int) -> int:
    """Have files read anew that an older version of the extractor has read, whether it found text or not.

    At most `limit` files of a root wait afterwards, unless more did before. Returns how many are to be read anew.
    """
    values = {
        "extractor": EXTRACTOR_VERSION,
        "unconcerned": [reason.value for reason in EXTRACTOR_INDEPENDENT_REASONS],
        "limit": limit,
    }
    return connection.execute(_SQL["requeue_outdated"], values).rowcount


def release_files(connection: Connection, *, owner: str) -> int:
    """Free what the predecessor of the worker `owner` held when it died."""
    values = {"owner": owner, "max_attempts": MAX_ATTEMPTS, "pause": EXTRA_ATTEMPT_PAUSE_SECONDS}
    return connection.execute(_SQL["release"], values).rowcount


def quarantine_files(connection: Connection) -> int:
    """Set aside the files that ended their reader again and again. Returns how many."""
    detail = f"the reader died {MAX_ATTEMPTS} times over this file"
    values = {"detail": detail, "max_attempts": MAX_ATTEMPTS, "extractor": EXTRACTOR_VERSION}
    return connection.execute(_SQL["quarantine"], values).rowcount


def has_claimable_files(connection: Connection, *, host: str) -> bool:
    """Whether a file of the host could be claimed now."""
    row = connection.execute(_SQL["waiting"], {"host": host, "max_attempts": MAX_ATTEMPTS}).fetchone()
    return bool(row and row[0])
