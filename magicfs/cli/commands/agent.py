"""`magicfs agent`: scan and watch the roots of this host."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from magicfs.cli.terminal import directory


def agent(
    roots: Annotated[
        list[Path] | None,
        typer.Argument(parser=directory, metavar="[ROOT]...", help="Directories to add before it starts."),
    ] = None,
) -> None:
    """Watch this host's roots and keep the index in line with them, until it is stopped."""
    from magicfs.cli import wiring

    wiring.run_agent(wiring.settings_for_service("agent"), roots or [])
