"""`magicfs umount`: end a mount."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def umount(
    directory: Annotated[Path, typer.Argument(readable=False, metavar="DIR", help="Where it is mounted.")],
) -> None:
    """Unmount DIR, be it alive or left behind by a mount that has died."""
    from magicfs.cli import output
    from magicfs.fuse import mountpoint

    place = mountpoint.absolute(directory)
    output.say(f"{place} is unmounted" if mountpoint.umount(place) else f"nothing is mounted at {place}")
