"""`magicfs agent`: scans and watches the roots of this host."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from magicfs.cli.terminal import directory


def agent(
    roots: Annotated[
        list[Path] | None,
        typer.Argument(parser=directory, metavar="ROOT", help="Directories to add as roots first."),
    ] = None,
) -> None:
    """Scan and watch the roots of this host until it is stopped, so that the index follows them."""
    from magicfs.cli import environment, wiring

    wiring.run_agent(environment.settings_for_service("agent"), roots or [])
