"""`magicfs doctor`: checks of this machine, or why one file is or is not indexed."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from magicfs.config import Settings
    from magicfs.domain.explanation import Explanation
    from magicfs.domain.files import FileFacts

EXAMPLES = """Examples:

    magicfs doctor

    magicfs doctor ~/Documents/notes.txt"""


def doctor(
    path: Annotated[
        Path | None, typer.Argument(readable=False, help="A file: say why it is or is not indexed.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check this machine, and say how to fix what is wrong. With PATH, explain one file."""
    from magicfs.cli import wiring

    settings = wiring.settings_for_command()
    ok = _check(settings, as_json=as_json) if path is None else _explain(settings, path, as_json=as_json)
    raise typer.Exit(0 if ok else 1)


def _check(settings: Settings, *, as_json: bool) -> bool:
    """Print the results of all checks; whether all are good."""
    from dataclasses import asdict

    from rich.text import Text

    from magicfs.cli import checks, terminal

    if as_json:
        results = list(checks.run_checks(settings))
        ok = all(result.ok for result in results)
        terminal.print_json({"ok": ok, "checks": [asdict(result) for result in results]})
        return ok
    console = terminal.results()
    ok = True
    for result in checks.run_checks(settings):
        mark = ("ok ", "green") if result.ok else ("bad", "bold red")
        console.print(Text.assemble(mark, f"  {result.name:<9} {result.text}"))
        ok = ok and result.ok
    return ok


def _explain(settings: Settings, path: Path, *, as_json: bool) -> bool:
    """Print why a file is or is not indexed; whether it is indexed."""
    from magicfs.cli import terminal, wiring
    from magicfs.ingest.explain import explain

    with wiring.database_for_command(settings) as database:
        explanation = explain(database, host=settings.host, path=path)
    lines = explanation_lines(explanation)
    if as_json:
        terminal.print_json({"path": str(path), "indexed": explanation.indexed, "explanation": lines})
    else:
        for line in lines:
            terminal.say(line)
    return explanation.indexed


def explanation_lines(explanation: Explanation) -> list[str]:
    """What the index and the disk have about a file, one fact a line."""
    from magicfs.domain.roots import RootState

    root, facts = explanation.root, explanation.facts
    trouble = "" if root.state is RootState.PRESENT else f" ({root.state}: {root.detail})"
    first = f"root      {root.root.name}{trouble}"
    if facts is None:
        return [first, f"not seen  {explanation.why_not}"]
    return [first, *_lines_of_facts(facts), *_lines_of_disk(facts, explanation.absolute)]


def _lines_of_facts(facts: FileFacts) -> list[str]:
    """What the index has about a file."""
    from magicfs.domain.files import FileState

    explained = facts.reason or ("partly read" if facts.partly_read else "")
    lines = [f"state     {facts.state}" + (f": {explained}" if explained else "")]
    if facts.detail:
        lines.append(f"detail    {facts.detail}")
    if facts.reason:
        lines.append("hint      docs/reasons.md says what each reason means")
    if facts.state is FileState.PENDING:
        by = f", {facts.leased_by} has it" if facts.leased_by else ""
        lines.append(f"attempts  {facts.attempts}{by}")
    if facts.indexed_at is not None:
        lines.append(f"indexed   {datetime.fromtimestamp(facts.indexed_at).astimezone():%Y-%m-%d %H:%M:%S}")
        lines.append(f"found     {facts.embedded} of {facts.chunks} chunks by meaning, all of them by their words")
    if facts.mime_type:
        lines.append(f"type      {facts.mime_type}")
    return [*lines, *_lines_of_omissions(facts)]


def _lines_of_omissions(facts: FileFacts) -> list[str]:
    """Which parts of an indexed file are not in the index, and what to do."""
    lines = []
    retry = "then run 'magicfs failures --retry'"
    if facts.words_only:
        lines.append(
            f"left out  the meaning of {facts.words_only:,} chunks, which are beyond MAGICFS_MAX_EMBEDDED_CHUNKS: "
            "raise it, then restart MagicFS"
        )
    if facts.cut_bytes:
        lines.append(
            f"left out  the last {facts.cut_bytes:,} bytes of its text, which are beyond MAGICFS_MAX_TEXT_MB: "
            f"raise it, {retry}"
        )
    if facts.unread_pages:
        lines.append(
            f"left out  {facts.unread_pages:,} scanned pages: the parser failed on them, or they took more than "
            f"MAGICFS_EXTRACT_SECONDS: raise it, {retry}"
        )
    return lines


def _lines_of_disk(facts: FileFacts, path: bytes) -> list[str]:
    """How the file on disk differs from the one in the index, if it does."""
    from magicfs.domain.files import clamp_to_int64

    try:
        status = os.lstat(path)
    except OSError as error:
        return [f"on disk   {error.strerror}: the next scan removes it from the index"]
    if (status.st_size, clamp_to_int64(status.st_mtime_ns)) != (facts.size, facts.mtime_ns):
        return ["on disk   it has changed since: the next scan has it read again"]
    return []
