"""`magicfs umount`: ends a mount of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from magicfs.cli.terminal import directory


def umount(
    place: Annotated[Path, typer.Argument(parser=directory, metavar="DIR", help="Where it is mounted.")],
) -> None:
    """Unmount DIR, whether its process runs by itself, is run by 'up', or has died."""
    from magicfs.cli import environment, terminal
    from magicfs.cli.stopping import end_mount
    from magicfs.errors import ConfigError
    from magicfs.fuse import mountpoint

    try:
        path, was_mounted = end_mount(environment.settings_for_command(), place)
    except ConfigError:
        # Broken settings must not keep a dead mount in place.
        path, was_mounted = mountpoint.absolute(place), mountpoint.umount(place)
    terminal.say(f"{path} is unmounted" if was_mounted else f"nothing is mounted at {path}")
