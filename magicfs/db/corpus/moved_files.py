"""Files that the index knows by a path where they are no more: their rows get the paths at which they were seen.

`magicfs.ingest.moves` decides which files have moved, and uses it; `magicfs.ingest.copies` asks for those that were
copied. It touches no disk. Runs in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from magicfs.db.pool import Connection
from magicfs.db.queries import load_queries
from magicfs.domain.files import FileName
from magicfs.domain.ids import FileId, RootId

_SQL = load_queries("moved_files")


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file in the index, and where it was seen last."""

    id: FileId
    root: RootId
    root_path: bytes
    """Absolute."""
    path: bytes
    """Relative to the root."""
    size: int
    mtime_ns: int
    ctime_ns: int
    ino: int
    """Signed, as in `FileStat`."""


@dataclass(frozen=True, slots=True)
class LockedFile:
    """A row that no other transaction changes until this one ends."""

    id: FileId
    root: RootId
    path: bytes
    ino: int
    own_words: str | None
    """The words of the file's own name, as Postgres writes a `tsvector`; None if an older version has recorded it."""
    is_read: bool
    """Whether the file does not wait to be read."""
    is_inaccessible: bool
    """Whether the file could not be opened when it was read."""


@dataclass(frozen=True, slots=True)
class NewPlace:
    """The path that a locked row gets."""

    id: FileId
    root: RootId
    path: bytes
    name: FileName
    """The name in that path."""
    is_seen: bool
    """Whether the file is there. Otherwise the row has made room for that of another file."""
    is_renamed: bool
    """Whether the last part of the path is another one than before."""


def paths_in_place(connection: Connection, root: RootId, inodes: Mapping[bytes, int]) -> set[bytes]:
    """Those of the paths of a root at which the index has a file with that inode number, signed as in `FileStat`."""
    values = {"root_id": root, "paths": list(inodes), "inos": list(inodes.values())}
    return {row[0] for row in connection.execute(_SQL["paths_in_place"], values)}


def files_of_inodes(connection: Connection, root: RootId, inodes: Collection[int]) -> list[KnownFile]:
    """The files with these inode numbers in a root, and in the other roots of its host on the same device.

    The numbers are signed as in `FileStat`.
    """
    values = {"root_id": root, "inos": sorted(inodes)}
    return [KnownFile(*row) for row in connection.execute(_SQL["files_of_inodes"], values, binary=True)]


def indexed_paths(connection: Connection, root: RootId, paths: Collection[bytes]) -> set[bytes]:
    """Those of the paths of a root at which the index has a file."""
    rows = connection.execute(_SQL["indexed_paths"], {"root_id": root, "paths": sorted(paths)}, binary=True)
    return {row[0] for row in rows}


def paths_without_content(connection: Connection, root: RootId, paths: Collection[bytes]) -> set[bytes]:
    """Those of the paths of a root at which the index has a file without content: nobody has read it, or had to."""
    rows = connection.execute(_SQL["paths_without_content"], {"root_id": root, "paths": sorted(paths)}, binary=True)
    return {row[0] for row in rows}


def copies_of_files(connection: Connection, root: RootId, paths: Collection[bytes]) -> list[tuple[bytes, KnownFile]]:
    """Other files of the host that have the bytes of those at these paths of a root, each with such a path.

    Of a file whose bytes nobody has read, those with the same name, size and time. Of what was read, one in each
    root at most.
    """
    values = {"root_id": root, "paths": sorted(paths)}
    rows = connection.execute(_SQL["copies_of_files"], values, binary=True)
    return [(path, KnownFile(*copy)) for path, *copy in rows]


def lock_files(
    connection: Connection, root: RootId, *, files: Collection[FileId], paths: Collection[bytes]
) -> list[LockedFile]:
    """Lock files, and what the index has at these paths of a root, until the transaction ends."""
    values = {"root_id": root, "ids": sorted(files), "paths": sorted(paths)}
    return [LockedFile(*row) for row in connection.execute(_SQL["lock_files"], values)]


def move_files(connection: Connection, places: Sequence[NewPlace], *, occupied: Collection[FileId]) -> None:
    """Give locked files their new paths. `occupied` are those of them that are at the new path of another one.

    Claims of the files end. What is renamed waits to be read again; searches find what was read of it meanwhile.
    """
    if occupied:
        connection.execute(_SQL["vacate_paths"], {"ids": sorted(occupied)})
    # One after the other: the rows that make room get paths that are free only when the others have left them.
    for is_seen in (True, False):
        _move(connection, [place for place in places if place.is_seen is is_seen])


def _move(connection: Connection, places: Sequence[NewPlace]) -> None:
    if not places:
        return
    connection.execute(
        _SQL["move_files"],
        {
            "ids": [place.id for place in places],
            "root_ids": [place.root for place in places],
            "paths": [place.path for place in places],
            "displays": [place.name.display for place in places],
            "extensions": [place.name.extension for place in places],
            "words": [place.name.words for place in places],
            "folded": [place.name.folded for place in places],
            "seen": [place.is_seen for place in places],
            "renamed": [place.is_renamed for place in places],
        },
    )
