"""Why a file is in the index, or is not: what `magicfs doctor PATH` says."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from magicfs.db import files as files_db
from magicfs.db import roots as roots_db
from magicfs.db.files import display_path
from magicfs.db.pool import Database
from magicfs.domain.files import FileState, Root
from magicfs.ingest.roots import contains
from magicfs.ingest.rules import Rules


@dataclass(frozen=True, slots=True)
class Explanation:
    """The verdict on one path."""

    indexed: bool
    sentence: str
    """What is the case, and the mend where there is one."""


def explain(database: Database, *, host: str, path: Path) -> Explanation:
    """Say whether a path of this host is in the index, and if not, why."""
    absolute = os.fsencode(_resolved_parent(path.expanduser()))
    with database.transaction() as connection:
        roots = [known.root for known in roots_db.list_roots(connection, host=host)]
    root = next((root for root in roots if contains(root.path, absolute)), None)
    if root is None:
        return Explanation(indexed=False, sentence="no root contains it: run 'magicfs roots add' with its directory")
    below = absolute[len(root.path.rstrip(b"/")) + 1 :]
    problem = _problem(root, below)
    if problem is not None:
        return Explanation(indexed=False, sentence=problem)
    if not below:
        return Explanation(indexed=True, sentence=f"it is the root {root.name}")
    return _from_database(database, root, below)


def _resolved_parent(path: Path) -> Path:
    """The path with links among its parents resolved, but not itself: a link is not followed."""
    return path.absolute().parent.resolve() / path.name if path.name else path.resolve()


def _problem(root: Root, below: bytes) -> str | None:
    """What the disk and the rules say against a path."""
    rules = Rules().enter(root.path, below=b"")
    parts = below.split(b"/") if below else []
    for depth in range(1, len(parts) + 1):
        path = b"/".join(parts[:depth])
        absolute = os.path.join(root.path, path)
        try:
            status = os.lstat(absolute)
        except OSError as error:
            return f"{display_path(absolute)}: {(error.strerror or 'cannot be looked at').lower()}"
        if stat.S_ISLNK(status.st_mode):
            return f"{display_path(absolute)} is a symbolic link: links are not followed; add its target as a root"
        directory = stat.S_ISDIR(status.st_mode)
        why = rules.why_ignored(path, is_directory=directory)
        if why is not None:
            return (
                f"{display_path(path)} is ignored by {why}: add '!{display_path(parts[depth - 1])}' to .magicfsignore"
            )
        if directory:
            if status.st_dev != root.device:
                return f"{display_path(absolute)} is on another disk than its root: add it as a root of its own"
            rules = rules.enter(absolute, below=path)
        elif not stat.S_ISREG(status.st_mode):
            return "it is no regular file"
    return None


def _from_database(database: Database, root: Root, below: bytes) -> Explanation:
    with database.transaction() as connection:
        found = files_db.find_file(connection, root.id, below)
        count, _ = files_db.count_paths(connection, root.id, [below])
    if found is None and count:
        return Explanation(indexed=True, sentence=f"{count} files below it are known to the root {root.name}")
    if found is None:
        return Explanation(indexed=False, sentence="it has not been seen yet: run 'magicfs scan'")
    if found.state is FileState.INDEXED:
        return Explanation(
            indexed=True, sentence=f"it is indexed in {found.chunks} chunks, {found.embedded} by meaning"
        )
    if found.state is FileState.PENDING:
        return Explanation(indexed=False, sentence=f"it waits to be read (tried {found.attempts} times)")
    detail = f" ({found.detail})" if found.detail else ""
    return Explanation(indexed=False, sentence=f"{found.state}: {found.reason}{detail}; see docs/reasons.md")
