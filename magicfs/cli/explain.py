"""Why a file is or is not in the index, in lines for a person."""

from __future__ import annotations

import os
import stat
from datetime import datetime
from pathlib import Path

from magicfs.config import Settings
from magicfs.db.explain import FileFacts, file_facts
from magicfs.db.pool import Connection, Database
from magicfs.db.roots import KnownRoot, RootState, list_roots
from magicfs.domain.files import FileState
from magicfs.errors import UsageError
from magicfs.ingest.roots import contains
from magicfs.ingest.rules import Rules


def explain(settings: Settings, database: Database, path: Path) -> tuple[bool, list[str]]:
    """Whether a file is in the index, and what is to be said about it.

    Raises `UsageError` for a path outside of all roots of this host.
    """
    # The last part is not followed: a link is a file of its own, which is not indexed.
    absolute = os.fsencode(os.path.join(os.path.realpath(path.expanduser().absolute().parent), path.name))
    with database.transaction() as connection:
        known = _root_of(connection, settings.host, absolute)
        if known is None:
            raise UsageError(f"{path} lies in no root: run 'magicfs roots add DIR' for a directory that holds it")
        relative = absolute[len(known.root.path.rstrip(b"/")) + 1 :]
        facts = file_facts(connection, known.root.id, relative)
    lines = [f"root      {known.root.name}" + _trouble(known)]
    if facts is not None:
        return facts.state is FileState.INDEXED, lines + _told(facts, absolute)
    return False, [*lines, f"not seen  {_why_unseen(known, absolute, relative)}"]


def _root_of(connection: Connection, host: str, path: bytes) -> KnownRoot | None:
    return next((known for known in list_roots(connection, host=host) if contains(known.root.path, path)), None)


def _trouble(known: KnownRoot) -> str:
    return "" if known.state is RootState.PRESENT else f" ({known.state}: {known.detail})"


def _told(facts: FileFacts, path: bytes) -> list[str]:
    lines = [f"state     {facts.state}" + (f": {facts.reason}" if facts.reason else "")]
    if facts.detail:
        lines.append(f"detail    {facts.detail}")
    if facts.reason:
        lines.append("mend      docs/reasons.md says what each reason means")
    if facts.state is FileState.PENDING:
        by = f", {facts.leased_by} has it" if facts.leased_by else ""
        lines.append(f"attempts  {facts.attempts}{by}")
    if facts.indexed_at is not None:
        lines.append(f"indexed   {datetime.fromtimestamp(facts.indexed_at).astimezone():%Y-%m-%d %H:%M:%S}")
        lines.append(f"chunks    {facts.chunks}, {facts.embedded} of them found by meaning")
    if facts.mime_type:
        lines.append(f"type      {facts.mime_type}")
    try:
        now = os.lstat(path)
    except OSError as error:
        return [*lines, f"on disk   {error.strerror}: the next scan forgets it"]
    if (now.st_size, now.st_mtime_ns) != (facts.size, facts.mtime_ns):
        lines.append("on disk   it has changed since: the next scan takes it up")
    return lines


def _why_unseen(known: KnownRoot, path: bytes, relative: bytes) -> str:
    """Why there is no row for a path."""
    try:
        status = os.lstat(path)
    except OSError as error:
        return f"{error.strerror}: check the spelling"
    is_directory = stat.S_ISDIR(status.st_mode)
    if not is_directory and not stat.S_ISREG(status.st_mode):
        return "it is no regular file: links, devices and sockets are not indexed"
    rule = _rule_against(known.root.path, relative, is_directory=is_directory)
    if rule is not None:
        return rule
    if is_directory:
        return "it is a directory: its files are indexed, name one of them"
    return "it is newer than the last look: wait a moment, or run 'magicfs scan --wait'"


def _rule_against(root: bytes, relative: bytes, *, is_directory: bool) -> str | None:
    """The rule that keeps a path, or a directory above it, out of the index."""
    rules = Rules().enter(root, below=b"")
    parts = relative.split(b"/") if relative else []
    for depth in range(1, len(parts) + 1):
        below = b"/".join(parts[:depth])
        last = depth == len(parts)
        rule = rules.why_ignored(below, is_directory=is_directory or not last)
        if rule is not None:
            return f"ignored: {os.fsdecode(below)} by {rule}"
        if not last:
            rules = rules.enter(os.path.join(root, below), below=below)
    return None
