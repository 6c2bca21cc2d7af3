"""`magicfs similar`: the files nearest in meaning to a file."""

from __future__ import annotations

from typing import Annotated

import typer

from magicfs.cli import searching
from magicfs.cli.options import Results

EXAMPLES = """
Examples:
    magicfs similar ~/Documents/contract.pdf
    magicfs similar -n 5 notes/ideas.md
    magicfs similar "$HOME/MagicFS/search/tax invoice/01_0.87_report.pdf"
    magicfs similar --json draft.txt | jq -r '.results[].path'

Near 1 is an edited copy, 0 what a file drawn at random reaches.
Equal files are named before the results."""


def similar(
    path: Annotated[
        str,
        typer.Argument(
            metavar="PATH", help="A file of the index: here, in a mount, or of another host by its absolute path."
        ),
    ],
    number: Results = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, as 'search' does.")] = False,
) -> None:
    """Find the files nearest in meaning to PATH, nearest first.

    It compares whole files, and finds drafts, excerpts, translations, and files about the same.
    """
    from magicfs.cli.disk_probe import wait_for_disk
    from magicfs.cli.real_paths import real_path

    wait_for_disk(path)
    real = real_path(path)
    searching.run(searching.SearchOptions("", number, as_json=as_json, similar_to=real.path, host=real.host))
