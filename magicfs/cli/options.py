"""Options that several commands have, for their signatures."""

from __future__ import annotations

from typing import Annotated

import typer

from magicfs.cli.searching import MAX_NUMBER

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

_DEFAULT = "By default what MAGICFS_SEARCH_LIMIT says, else 50."

Results = Annotated[
    int | None,
    typer.Option("-n", "--number", metavar="N", min=1, max=MAX_NUMBER, help=f"How many results. {_DEFAULT}"),
]

Passages = Annotated[
    int | None,
    typer.Option(
        "-m", "--max-count", metavar="N", min=1, max=MAX_NUMBER, help=f"How many passages at most. {_DEFAULT}"
    ),
]
