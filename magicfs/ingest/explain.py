"""Why a file is in the index, or is not: what `magicfs doctor PATH` says."""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from magicfs.db import files as files_db
from magicfs.db.failures import file_facts
from magicfs.db.files import display_path
from magicfs.db.pool import Database
from magicfs.db.roots import list_roots
from magicfs.domain.files import FileFacts, FileState
from magicfs.domain.roots import RegisteredRoot, Root, encloses
from magicfs.errors import UsageError
from magicfs.ingest.ignore import IgnoreRules
from magicfs.ingest.walk import MAX_PATH_BYTES

LONGEST_SURE = 2600
"""Bytes. The database keeps a longer path below a root only if its names repeat so much that it can be packed."""

_TOO_LONG = f"paths of more than {MAX_PATH_BYTES:,} bytes cannot be looked at"


@dataclass(frozen=True, slots=True)
class Explanation:
    """The verdict on one path."""

    root: RegisteredRoot
    """The root that it lies in."""
    absolute: bytes
    facts: FileFacts | None = None
    """What the index knows of the file, if it has met it."""
    why_not: str = ""
    """Why the index does not know it, and the mend where there is one."""

    @property
    def indexed(self) -> bool:
        """Whether a search can find it."""
        return self.facts is not None and self.facts.state is FileState.INDEXED


def explain(database: Database, *, host: str, path: Path) -> Explanation:
    """Say whether a path of this host is in the index, and if not, why.

    Raises `UsageError` for a path outside of all roots of the host.
    """
    absolute = os.fsencode(_resolved_parent(path.expanduser()))
    with database.transaction() as connection:
        roots = list_roots(connection, host=host)
    known = next((known for known in roots if encloses(known.root.path, absolute)), None)
    if known is None:
        raise UsageError(f"{path} lies in no root: run 'magicfs roots add DIR' for a directory that holds it")
    below = absolute[len(known.root.path.rstrip(b"/")) + 1 :]
    problem = _problem(known.root, below)
    if problem is not None:
        return Explanation(known, absolute, why_not=problem)
    with database.transaction() as connection:
        facts = file_facts(connection, known.root.id, below)
    if facts is not None:
        return Explanation(known, absolute, facts=facts)
    if os.path.isdir(absolute):
        with database.transaction() as connection:
            if below:
                count = files_db.count_files_under(connection, known.root.id, [below])
            else:
                count = files_db.count_files_of_root(connection, known.root.id)
        text = f"a directory with {count} known files"
        return Explanation(known, absolute, why_not=f"{text}; {_TOO_LONG}" if _holds_too_long(absolute) else text)
    if len(below) > LONGEST_SURE:
        text = f"its path below the root has {len(below):,} bytes, and the index holds about {LONGEST_SURE:,}"
        return Explanation(known, absolute, why_not=f"{text}: shorten the names of its directories")
    return Explanation(known, absolute, why_not="newer than the last look: wait, or run 'magicfs scan --wait'")


def _resolved_parent(path: Path) -> Path:
    """The path with links among its parents resolved, but not itself: a link is not followed."""
    return path.absolute().parent.resolve() / path.name if path.name else path.resolve()


def _holds_too_long(directory: bytes) -> bool:
    """Whether something right in a directory has a path that the system does not take."""
    with contextlib.suppress(OSError):
        return any(len(directory) + 1 + len(name) > MAX_PATH_BYTES for name in os.listdir(directory))
    return False


def _why_unseen(absolute: bytes, error: OSError) -> str:
    """What it means that a path cannot be looked at."""
    if len(absolute) > MAX_PATH_BYTES:
        return f"{_TOO_LONG}: shorten the names of its directories"
    return f"{display_path(absolute)}: {(error.strerror or 'cannot be looked at').lower()}: check the spelling"


def _problem(root: Root, below: bytes) -> str | None:
    """What the disk and the rules say against a path."""
    rules = IgnoreRules().enter(root.path, below=b"")
    parts = below.split(b"/") if below else []
    for depth in range(1, len(parts) + 1):
        path = b"/".join(parts[:depth])
        absolute = os.path.join(root.path, path)
        try:
            status = os.lstat(absolute)
        except OSError as error:
            return _why_unseen(absolute, error)
        if stat.S_ISLNK(status.st_mode):
            return f"{display_path(absolute)} is a symbolic link: links are not followed; add its target as a root"
        directory = stat.S_ISDIR(status.st_mode)
        why = rules.why_ignored(path, is_directory=directory)
        if why is not None:
            name = display_path(parts[depth - 1])
            return f"{display_path(path)} is ignored by {why}: add '!{name}' to .magicfsignore to have it indexed"
        if directory:
            if status.st_dev != root.device:
                return f"{display_path(absolute)} is on another disk than its root: add it as a root of its own"
            rules = rules.enter(absolute, below=path)
        elif not stat.S_ISREG(status.st_mode):
            return "no regular file: devices, sockets and pipes are not indexed"
    return None
