"""`magicfs doctor`: checks of this machine, and why a file is or is not indexed."""

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
    """Check this machine, and say the mend for what is wrong. With PATH, explain one file."""
    from magicfs.cli import wiring

    settings = wiring.settings_for_command()
    well = _explain(settings, path, as_json=as_json) if path is not None else _check(settings, as_json=as_json)
    raise typer.Exit(0 if well else 1)


def _check(settings: Settings, *, as_json: bool) -> bool:
    from dataclasses import asdict

    from rich.text import Text

    from magicfs.cli import checks, output

    if as_json:
        found = list(checks.findings(settings))
        output.print_json({"ok": all(finding.ok for finding in found), "checks": [asdict(one) for one in found]})
        return all(finding.ok for finding in found)
    console = output.results()
    well = True
    for finding in checks.findings(settings):
        mark = ("ok ", "green") if finding.ok else ("bad", "bold red")
        console.print(Text.assemble(mark, f"  {finding.name:<9} {finding.text}"))
        well = well and finding.ok
    return well


def _explain(settings: Settings, path: Path, *, as_json: bool) -> bool:
    from magicfs.cli import output, wiring
    from magicfs.cli.explain import lines_of
    from magicfs.ingest.explain import explain

    with wiring.database_for_command(settings) as database:
        found = explain(database, host=settings.host, path=path)
    lines = lines_of(found)
    if as_json:
        output.print_json({"path": str(path), "indexed": found.indexed, "explanation": lines})
    else:
        for line in lines:
            output.say(line)
    return found.indexed
