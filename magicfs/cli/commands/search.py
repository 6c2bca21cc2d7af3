"""`magicfs search`: the same results as the mount, in a terminal."""

from __future__ import annotations

from typing import Annotated

import typer

from magicfs.cli import searching
from magicfs.cli.options import AsJson, Results

EXAMPLES = """
Examples:
    magicfs search tax invoice
    magicfs search '"exact phrase" -without type:pdf after:2026-01-31'
    magicfs search lang:german Rechnung
    magicfs search 'tax invoice -ext:pdf -in:archive'
    magicfs search --passages how long do we keep backups
    magicfs search -n 3 --json how do we back up | jq '.results[].path'"""


def search(
    query: Annotated[
        list[str],
        typer.Argument(metavar="QUERY", help='What to look for: words, "a phrase", -without, filters such as ext:md.'),
    ],
    number: Results = None,
    as_json: AsJson = False,
    passages: Annotated[
        bool, typer.Option("--passages", help="Show the passages that answer, several a file where several do.")
    ] = False,
) -> None:
    """Search, best results first."""
    searching.run(searching.SearchOptions(" ".join(query), number, as_json=as_json, passages=passages))
