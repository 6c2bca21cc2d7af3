"""`magicfs mount`: serves a mount."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from magicfs.cli.terminal import directory


def mount(
    mount_point: Annotated[Path, typer.Argument(parser=directory, metavar="DIR", help="An empty directory.")],
) -> None:
    """Mount the index at DIR and serve it until it is unmounted or stopped."""
    from magicfs.cli import environment, wiring

    wiring.run_mount(environment.settings_for_service("mount"), mount_point)
