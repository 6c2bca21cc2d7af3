"""Explains why a file is in the index, or is not.

Used by `magicfs doctor PATH`. It applies the rules of the walk to one path and reads the index. It scans nothing and
changes nothing. Any thread.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from magicfs.db.cluster.roots import list_roots
from magicfs.db.corpus import files as files_db
from magicfs.db.pool import Database
from magicfs.db.search.file_facts import read_file_facts
from magicfs.domain.explanation import Explanation
from magicfs.domain.files import display_path
from magicfs.domain.roots import Root, encloses
from magicfs.errors import UsageError
from magicfs.ingest.ignore import IgnoreRules
from magicfs.ingest.walk import MAX_PATH_BYTES

MAX_INDEXED_PATH_BYTES = 2600
"""Longer paths below a root fit into the database's index only if their names compress well."""

_TOO_LONG = f"paths of more than {MAX_PATH_BYTES:,} bytes are not indexed"


def explain(database: Database, *, host: str, path: Path) -> Explanation:
    """Explain whether a path of this host is in the index, and if not, why.

    Raises `UsageError` for a path outside of all roots of the host.
    """
    absolute = os.fsencode(_with_resolved_parent(path.expanduser()))
    with database.transaction() as connection:
        roots = list_roots(connection, host=host)
    enclosing = [registered for registered in roots if encloses(registered.root.path, absolute)]
    if not enclosing:
        shown = display_path(os.fsencode(path))
        raise UsageError(f"{shown} lies in no root: run 'magicfs roots add DIR' for a directory that holds it")
    # A disk that is mounted in a root may be a root too.
    registered = max(enclosing, key=lambda registered: len(registered.root.path))
    relative = absolute[len(registered.root.path.rstrip(b"/")) + 1 :]
    why_unseen = None
    try:
        why_excluded = _why_excluded(registered.root, relative)
    except PermissionError as error:
        why_excluded, why_unseen = None, _why_unlisted(os.path.dirname(os.fsencode(error.filename)))
    if why_excluded is not None:
        return Explanation(registered, absolute, why_not=why_excluded)
    with database.transaction() as connection:
        facts = read_file_facts(connection, registered.root.id, relative)
    if facts is not None:
        return Explanation(registered, absolute, facts=facts)
    if why_unseen is None and (unlisted := _unlisted_directory(registered.root, relative)) is not None:
        why_unseen = _why_unlisted(unlisted)
    if why_unseen is not None:
        return Explanation(registered, absolute, why_not=why_unseen)
    if os.path.isdir(absolute):
        count = _count_files(database, registered.root, relative)
        of_it = "1 file of it is" if count == 1 else f"{count:,} files of it are" if count else "no file of it is"
        text = f"{of_it} in the index"
        if _has_too_long(absolute):
            text += f"; {_TOO_LONG}"
        return Explanation(registered, absolute, why_not=text, is_directory=True)
    if len(relative) > MAX_INDEXED_PATH_BYTES:
        size, limit = f"{len(relative):,}", f"{MAX_INDEXED_PATH_BYTES:,}"
        text = f"its path below the root has {size} bytes, and the index holds about {limit}"
        return Explanation(registered, absolute, why_not=f"{text}: shorten the names of its directories")
    return Explanation(registered, absolute, why_not="newer than the last scan: wait, or run 'magicfs scan --wait'")


def _with_resolved_parent(path: Path) -> Path:
    """The absolute path with links among its parents resolved; if it is a link itself, it stays one."""
    return path.absolute().parent.resolve() / path.name if path.name else path.resolve()


def _count_files(database: Database, root: Root, directory: bytes) -> int:
    with database.transaction() as connection:
        if directory:
            return files_db.count_files_under(connection, root.id, [directory])
        return files_db.count_files_of_root(connection, root.id)


def _has_too_long(directory: bytes) -> bool:
    """Whether an entry of a directory has a path that is too long for a system call."""
    with contextlib.suppress(OSError):
        return any(len(directory) + 1 + len(name) > MAX_PATH_BYTES for name in os.listdir(directory))
    return False


def _unlisted_directory(root: Root, relative: bytes) -> bytes | None:
    """The first directory on the way to a path, or at it, whose names this user may not read; None without."""
    parts = relative.split(b"/") if relative else []
    way = [os.path.join(root.path, *parts[:depth]) for depth in range(len(parts) + 1)]
    return next(
        (
            directory
            for directory in way
            if os.path.isdir(directory) and not os.access(directory, os.R_OK | os.X_OK, effective_ids=True)
        ),
        None,
    )


def _why_unlisted(directory: bytes) -> str:
    return f"{display_path(directory)} cannot be listed (permission denied): let the user who runs the agent read it"


def _why_excluded(root: Root, relative: bytes) -> str | None:
    """Why the walk never reaches a path of a root; None when it does.

    Raises `PermissionError` if it lies below a directory that this user may not enter.
    """
    rules = IgnoreRules().enter(root.path, relative=b"")
    parts = relative.split(b"/") if relative else []
    for depth in range(1, len(parts) + 1):
        path = b"/".join(parts[:depth])
        absolute = os.path.join(root.path, path)
        try:
            status = os.lstat(absolute)
        except PermissionError:
            raise
        except OSError as error:
            return _why_inaccessible(absolute, error)
        if stat.S_ISLNK(status.st_mode):
            return f"{display_path(absolute)} is a symbolic link: links are not followed; add its target as a root"
        is_directory = stat.S_ISDIR(status.st_mode)
        rule = rules.why_ignored(path, is_directory=is_directory)
        if rule is not None:
            name = display_path(parts[depth - 1])
            return f"{display_path(path)} is ignored by {rule}: add '!{name}' to .magicfsignore to have it indexed"
        if is_directory:
            if status.st_dev != root.device:
                return f"{display_path(absolute)} is on another disk than its root: add it as a root of its own"
            rules = rules.enter(absolute, relative=path)
        elif not stat.S_ISREG(status.st_mode):
            return "no regular file: devices, sockets and pipes are not indexed"
    return None


def _why_inaccessible(absolute: bytes, error: OSError) -> str:
    if len(absolute) > MAX_PATH_BYTES:
        return f"{_TOO_LONG}: shorten the names of its directories"
    return f"{display_path(absolute)}: {(error.strerror or 'cannot be read').lower()}: check the spelling"
