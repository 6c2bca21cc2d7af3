"""Finds out which files were moved: the index knows them by a path where they are no more. Their rows follow them.

Used by `RowWriter` before it records what a scan or the watcher has seen. Whether a file is a known one is decided by
what the disk says of it, and not by events: so a folder that was moved twice, or while nobody watched, is no special
case. Nothing is deleted here. Runs in the caller's transaction; each call looks at files that were seen a moment ago.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from magicfs.db.corpus import moved_files as moved_db
from magicfs.db.corpus.moved_files import KnownFile, LockedFile, NewPlace
from magicfs.db.pool import Connection
from magicfs.domain.files import SeenFile, to_signed_64
from magicfs.domain.ids import FileId, RootId
from magicfs.domain.roots import Root
from magicfs.ingest.listed_names import ListedNames, folded
from magicfs.ingest.paths import parent_directory
from magicfs.linux.files import AT_FDCWD, status_and_birth
from magicfs.linux.opening import open_below
from magicfs.text.names import file_name, moved_name

Place = tuple[RootId, bytes]
"""A root, and a path relative to it."""

_IS_STAYING = -1
_IS_GONE = 0
"""What is at a known path in the place of another file's inode number."""


@dataclass(frozen=True, slots=True)
class _Move:
    """A file that the index knows at another path."""

    seen: SeenFile
    known: KnownFile

    @property
    def is_unchanged(self) -> bool:
        """Whether nothing but a directory above the file was renamed."""
        return _signature(self.seen) == _known_signature(self.known) and not self.is_renamed

    @property
    def is_renamed(self) -> bool:
        return _own_name(self.seen.path) != _own_name(self.known.path)


def follow_moves(
    connection: Connection,
    root: Root,
    seen: Sequence[SeenFile],
    *,
    unmoved: set[int],
    on_move: Callable[[RootId, set[bytes]], None],
) -> set[bytes]:
    """Let the rows of files that were moved follow them to the paths where they were seen.

    Returns the paths of those that need not be recorded, because nothing else has changed. `on_move` is called before
    rows are written, with each root that files leave, and the paths that they leave. `unmoved` has the inode numbers of
    hard links whose known paths were all found in place, and gets more of them: those are not looked at again.
    """
    moves = _find_moves(connection, root, {file.path: file for file in seen}, unmoved)
    if not moves:
        return set()
    rows = moved_db.lock_files(
        connection, root.id, files=[move.known.id for move in moves], paths=[file.path for file in seen]
    )
    locked = {row.id: row for row in rows}
    by_place = {(row.root, row.path): row for row in rows}
    moves = _possible_moves(root, moves, locked, by_place)
    if not moves:
        return set()
    for root_id, paths in _paths_left(moves).items():
        on_move(root_id, paths)
    replaced = _replaced(root, moves, by_place)
    moved_db.move_files(
        connection,
        [
            *(_new_place(root, move, locked[move.known.id]) for move in moves),
            *(
                NewPlace(row.id, *place, file_name(place[1]), is_seen=False, is_renamed=False)
                for row, place in replaced
            ),
        ],
        occupied=[row.id for move in moves if (row := by_place.get((root.id, move.seen.path))) is not None],
    )
    return {move.seen.path for move in moves if move.is_unchanged and not locked[move.known.id].is_inaccessible}


def _possible_moves(
    root: Root, moves: Sequence[_Move], locked: Mapping[FileId, LockedFile], by_place: Mapping[Place, LockedFile]
) -> list[_Move]:
    """The moves of rows that are as they were found, to paths that no other row has, or only one that may give way."""
    # Another transaction may have been faster.
    current = [move for move in moves if _is_as_known(locked.get(move.known.id), move.known)]
    moving = {move.known.id for move in current}

    def is_possible(move: _Move) -> bool:
        occupant = by_place.get((root.id, move.seen.path))
        # A file that was read stays in searches until what has replaced it is read too.
        return occupant is None or occupant.id in moving or locked[move.known.id].is_read

    return list(filter(is_possible, current))


def _paths_left(moves: Iterable[_Move]) -> dict[RootId, set[bytes]]:
    """The paths that files leave, by root."""
    left: dict[RootId, set[bytes]] = {}
    for move in moves:
        left.setdefault(move.known.root, set()).add(move.known.path)
    return left


def _find_moves(connection: Connection, root: Root, seen: Mapping[bytes, SeenFile], unmoved: set[int]) -> list[_Move]:
    """The files of `seen` that the index knows by a path where they are no more, each with a row of its own."""
    # A file of a hundred snapshots has a hundred rows: they are asked for once in a scan, and only for a new path.
    in_place = moved_db.paths_in_place(connection, root.id, {path: file.stat.ino for path, file in seen.items()})
    new = {path: file for path, file in seen.items() if path not in in_place and file.stat.ino not in unmoved}
    if not new:
        return []
    by_inode: dict[int, list[KnownFile]] = {}
    for row in moved_db.files_of_inodes(connection, root.id, {file.stat.ino for file in new.values()}):
        by_inode.setdefault(row.ino, []).append(row)
    moves: list[_Move] = []
    successors: dict[FileId, int] = {}
    names = ListedNames(root.path)
    for path, file in new.items():
        rows = by_inode.get(file.stat.ino, [])
        if file.stat.ino in unmoved:
            continue
        is_staying = True
        for row in rows:
            successor = _successor(root, path, row, names)
            is_staying = is_staying and successor == _IS_STAYING
            if successor != _IS_STAYING and _is_same_file(root, file, row):
                rows.remove(row)
                moves.append(_Move(file, row))
                if successor != _IS_GONE and parent_directory(path) == parent_directory(row.path):
                    successors[row.id] = successor
                break
        if is_staying and file.has_links:
            unmoved.add(file.stat.ino)
    if not successors:
        return moves
    # What has taken the place of a file that is beside it now has moved there too, or is new. A new one keeps the row
    # until it is read: some editors move the old version aside before they save the new one.
    moved = {row.ino for row in moved_db.files_of_inodes(connection, root.id, successors.values())}
    return [move for move in moves if successors.get(move.known.id, _IS_GONE) in {_IS_GONE, *moved}]


def _successor(root: Root, path: bytes, known: KnownFile, names: ListedNames) -> int:
    """The inode number of the file that is now at the path of a known one, which was seen at `path`.

    `_IS_GONE` without any, `_IS_STAYING` if it is the same one, or nothing is known of it.
    """
    try:
        status = os.lstat(os.path.join(known.root_path, known.path))
    except (FileNotFoundError, NotADirectoryError):
        return _IS_GONE if known.root == root.id or _is_present(known.root_path, root.device) else _IS_STAYING
    except (OSError, ValueError):
        # Any host of a cluster can write a path with a zero into a row.
        return _IS_STAYING
    if not stat.S_ISREG(status.st_mode):
        return _IS_GONE
    ino = to_signed_64(status.st_ino)
    if ino != known.ino:
        return ino
    return _IS_GONE if _is_in_other_case(root, path, known, names) or _is_behind_link(known) else _IS_STAYING


def _is_in_other_case(root: Root, path: bytes, known: KnownFile, names: ListedNames) -> bool:
    """Whether a name in the known path has become the one in `path`: `lstat` finds both where case does not matter."""
    may_be = known.root == root.id and path != known.path and folded(path) == folded(known.path)
    return may_be and not names.has(known.path)


def _is_behind_link(known: KnownFile) -> bool:
    """Whether a link has taken the place of a directory above a file: what it leads to has a path of its own."""
    try:
        os.close(open_below(known.root_path, known.path, flags=os.O_PATH))
    except OSError as error:
        return error.errno in {errno.ELOOP, errno.ENOTDIR} and not os.path.islink(known.root_path)
    return False


def _is_present(root_path: bytes, device: int) -> bool:
    try:
        return os.lstat(root_path).st_dev == device
    except OSError:
        return False


def _is_same_file(root: Root, file: SeenFile, known: KnownFile) -> bool:
    """Whether a file is one with the same inode number that the index knows, and not one that was made later.

    Renaming a file changes its ctime on most file systems, renaming a directory above it does not.
    """
    if _signature(file) == _known_signature(known):
        return True
    is_unwritten = (file.stat.size, file.stat.mtime_ns) == (known.size, known.mtime_ns)
    if file.stat.dev != root.device or not (is_unwritten or _own_name(file.path) == _own_name(known.path)):
        return False
    try:
        status, born_ns = status_and_birth(AT_FDCWD, os.path.join(root.path, file.path))
    except OSError:
        return False
    if to_signed_64(status.st_ino) != known.ino:
        return False
    return born_ns <= known.ctime_ns if born_ns else is_unwritten


def _is_as_known(row: LockedFile | None, known: KnownFile) -> bool:
    return row is not None and (row.root, row.path, row.ino) == (known.root, known.path, known.ino)


def _new_place(root: Root, move: _Move, row: LockedFile) -> NewPlace:
    path = move.seen.path
    name = file_name(path) if move.is_renamed else moved_name(path, former=row.path, own_words=row.own_words)
    return NewPlace(row.id, root.id, path, name, is_seen=True, is_renamed=move.is_renamed)


def _replaced(
    root: Root, moves: Sequence[_Move], by_place: Mapping[Place, LockedFile]
) -> list[tuple[LockedFile, Place]]:
    """The rows at the new paths that do not move themselves, and the paths that they get: those that become free.

    The files of such rows are gone, or will be seen at a path of their own, and take their rows with them then.
    """
    former = {(root.id, move.seen.path): (move.known.root, move.known.path) for move in moves}
    moving = {move.known.id for move in moves}
    replaced = []
    for place in former.keys() & by_place.keys():
        if by_place[place].id not in moving:
            free = former[place]
            while free in former:
                free = former[free]
            replaced.append((by_place[place], free))
    return replaced


def _own_name(path: bytes) -> bytes:
    return path.rpartition(b"/")[2]


def _signature(file: SeenFile) -> tuple[int, int, int, int]:
    return file.stat.size, file.stat.mtime_ns, file.stat.ctime_ns, file.stat.ino


def _known_signature(file: KnownFile) -> tuple[int, int, int, int]:
    return file.size, file.mtime_ns, file.ctime_ns, file.ino
