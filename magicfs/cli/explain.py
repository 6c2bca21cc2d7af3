"""The verdict on one file, in lines for a person."""

from __future__ import annotations

import os
from datetime import datetime

from magicfs.domain.files import FileFacts, FileState, clamp_to_int64
from magicfs.domain.roots import RootState
from magicfs.ingest.explain import Explanation


def lines_of(found: Explanation) -> list[str]:
    """What is to be said about a file."""
    known = found.root
    trouble = "" if known.state is RootState.PRESENT else f" ({known.state}: {known.detail})"
    first = f"root      {known.root.name}{trouble}"
    if found.facts is None:
        return [first, f"not seen  {found.why_not}"]
    return [first, *_told(found.facts), *_on_disk(found.facts, found.absolute)]


def _told(facts: FileFacts) -> list[str]:
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
    return lines


def _on_disk(facts: FileFacts, path: bytes) -> list[str]:
    try:
        now = os.lstat(path)
    except OSError as error:
        return [f"on disk   {error.strerror}: the next scan forgets it"]
    if (now.st_size, clamp_to_int64(now.st_mtime_ns)) != (facts.size, facts.mtime_ns):
        return ["on disk   it has changed since: the next scan takes it up"]
    return []
