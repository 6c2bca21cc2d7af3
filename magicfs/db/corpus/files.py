"""Files in the index, as the agent sees them on disk.

It reads no file and knows no rules. `magicfs.db.corpus.file_claims` is the queue of those that are to be extracted.
Runs in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime

from magicfs.db.corpus.contents import orphan_contents
from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries
from magicfs.domain.file_groups import PICTURE_EXTENSIONS
from magicfs.domain.files import (
    NAMED_REASONS,
    PICTURE_PRIORITY,
    USUAL_PRIORITY,
    FileName,
    FileRow,
    FileStat,
    SeenFile,
)
from magicfs.domain.ids import ContentId, FileId, RootId

_SQL = load_queries("files")

_SNAPSHOT_ROWS = 5000
_NAME_IS_KNOWN = FileName(display="", extension="", words="", folded="")
"""In place of the name of a file that the index has: it stays as it is."""


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
    renumbers: bool = False,
) -> list[FileId]:
    """Record new and changed files. Returns the ids of those that must be read.

    `renumbers` says that the file system may give a file another inode number, which alone is then no change.
    `name_of` is `magicfs.text.names.file_name`. New pictures with the usual priority get that of pictures. Unchanged
    files that wait to be read wait with `priority` if it is higher than theirs.
    """
    distinct = {file.path: file.stat for file in seen}
    values: dict[str, object] = {"root_id": root, "paths": list(distinct), "renumbers": renumbers}
    # Locked, so none of them is deleted before it is updated. The others need a name, which takes longer than the row.
    known = {row[0] for row in connection.execute(_SQL["lock_paths"], values)}
    names = [_NAME_IS_KNOWN if path in known else name_of(path) for path in distinct]
    priorities = [_priority(name, priority) for name in names]
    values |= {"priorities": priorities, **_name_arrays(names), **stat_arrays(list(distinct.values()))}
    changed = [FileId(file) for file, is_pending in connection.execute(_SQL["upsert_files"], values) if is_pending]
    if priority > USUAL_PRIORITY and known:
        connection.execute(_SQL["raise_priority"], {"root_id": root, "paths": list(known), "priority": priority})
    return changed


def _priority(name: FileName, priority: int) -> int:
    is_picture = name.extension in PICTURE_EXTENSIONS
    return PICTURE_PRIORITY if is_picture and priority == USUAL_PRIORITY else priority


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


def stat_arrays(stats: Sequence[FileStat]) -> dict[str, list[int]]:
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
