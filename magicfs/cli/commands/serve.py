"""`magicfs serve`: other hosts read the files of this one."""

from __future__ import annotations

from typing import Annotated

import typer

EXAMPLES = """
Examples:
    magicfs serve --listen 10.8.0.2
    magicfs serve --listen 0.0.0.0 --advertise nas.example.org
    magicfs hosts admit nas    once, for each host, on the hub if there is one"""


def serve(
    listen: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Where others reach this machine: HOST or HOST:PORT. By default MAGICFS_LISTEN; the port is 7420.",
        ),
    ] = None,
    advertise: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="The address that others use, if it is another one.")
    ] = None,
) -> None:
    """Let the mounts of other hosts read the files below the roots of this one, until it is stopped.

    Connections are encrypted. Both sides show certificates, which 'magicfs hosts admit' admits.
    'magicfs up' serves by itself where MAGICFS_LISTEN is set.
    """
    from magicfs.cli import environment, serving

    serving.run_serve(environment.settings_for_service("serve"), listen=listen, advertise=advertise)
