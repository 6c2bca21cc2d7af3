"""`magicfs umount`: end a mount."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from magicfs.cli.arguments import directory


def umount(
    place: Annotated[Path, typer.Argument(parser=directory, metavar="DIR", help="Where it is mounted.")],
) -> None:
    """Unmount DIR, be it alive, run by 'up', or left behind by a mount that has died."""
    from magicfs.cli import output, wiring
    from magicfs.cli.stopping import end_mount
    from magicfs.errors import ConfigError
    from magicfs.fuse import mountpoint

    try:
        path, found = end_mount(wiring.settings_for_command(), place)
    except ConfigError:
        # Settings that are broken must not keep a dead mount in place.
        path, found = mountpoint.absolute(place), mountpoint.umount(place)
    output.say(f"{path} is unmounted" if found else f"nothing is mounted at {path}")
