"""`magicfs doctor`: checks of this machine, or why one file is or is not found."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from magicfs.cli.options import AsJson
from magicfs.cli.terminal import named

if TYPE_CHECKING:
    from magicfs.config import Settings

EXAMPLES = """
Examples:
    magicfs doctor
    magicfs doctor ~/Documents/notes.txt
    magicfs doctor ~/Documents/notes.txt tax invoice    its rank, and why"""


def doctor(
    path: Annotated[
        str | None, typer.Argument(parser=named, metavar="PATH", help="A file: say why it is or is not indexed.")
    ] = None,
    query: Annotated[
        list[str] | None,
        typer.Argument(metavar="QUERY", help="A search: say where the file stands in it, and why not higher."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check this machine, and say how to fix what is wrong. With PATH, explain one file, with QUERY its rank.

    The checks take some seconds: they start the parsers and the text recognition.
    """
    from magicfs.cli import environment
    from magicfs.cli.disk_probe import wait_for_disk

    settings = environment.settings_for_command()
    if path is None:
        ok = _check(settings, as_json=as_json)
    else:
        wait_for_disk(path)
        ok = _explain(settings, _real(Path(path), host=settings.host), " ".join(query or ()), as_json=as_json)
    raise typer.Exit(0 if ok else 1)


def _real(typed: Path, *, host: str) -> Path:
    """The file behind a path of a mount; any other path as it is. Raises `UsageError` for a file of another host."""
    from contextlib import suppress

    from magicfs.cli.bidi import pasted
    from magicfs.cli.real_paths import shown_in_mount
    from magicfs.errors import UsageError

    path = pasted(typed)
    with suppress(OSError):
        shown = shown_in_mount(str(path.expanduser()))
        if shown is not None and shown.host not in {None, host}:
            raise UsageError(f"{shown.path} is a file of {shown.host}: run 'magicfs doctor' there")
        return path if shown is None else type(path)(shown.path)
    return path


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
        console.print(Text.assemble(mark, f"  {result.name:<9} {terminal.shown_line(result.text)}"))
        ok = ok and result.ok
    return ok


def _explain(settings: Settings, path: Path, query: str, *, as_json: bool) -> bool:
    """Print why a file is or is not found; whether it is indexed, or a result of the query if there is one."""
    from dataclasses import asdict

    from magicfs.cli import environment, terminal, wiring
    from magicfs.cli.file_report import explanation_facts, facts_json
    from magicfs.cli.standing_report import standing_facts
    from magicfs.ingest.explain import explain
    from magicfs.search.render import path_json

    standing = None
    with environment.database_for_command(settings) as database:
        explanation = explain(database, host=settings.host, path=path)
        if query and explanation.facts is not None:
            service = wiring.search_service(settings, database)
            deadline_s = max(settings.search_seconds, 10.0)
            standing = service.explain(query, file=explanation.facts.id, deadline_s=deadline_s)
    facts = explanation_facts(explanation)
    if as_json:
        summary: dict[str, Any] = {**path_json(os.fsencode(path)), "indexed": explanation.indexed}
        summary["explanation"] = list(map(str, facts))
        summary["facts"] = facts_json(explanation)
        if query:
            summary["standing"] = asdict(standing) if standing else None
        terminal.print_json(summary)
    else:
        for fact in [*facts, *([] if standing is None else standing_facts(standing))]:
            terminal.say(fact.shown())
    return explanation.indexed if not query else standing is not None and standing.rank is not None
