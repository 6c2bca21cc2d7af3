"""`magicfs doctor`: checks of this machine, or why one file is or is not indexed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from magicfs.config import Settings

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
    from magicfs.cli.file_report import explanation_lines, facts_json
    from magicfs.ingest.explain import explain

    with wiring.database_for_command(settings) as database:
        explanation = explain(database, host=settings.host, path=path)
    lines = explanation_lines(explanation)
    if as_json:
        terminal.print_json(
            {
                "path": str(path),
                "indexed": explanation.indexed,
                "explanation": lines,
                "facts": facts_json(explanation),
            }
        )
    else:
        for line in lines:
            terminal.say(line)
    return explanation.indexed
