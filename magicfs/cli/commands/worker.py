"""`magicfs worker`: extracts files, or embeds chunks."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

EXAMPLES = """Examples:

    magicfs worker --queue extract                extracts the files of this host

    magicfs worker --queue embed --name embed-1   embeds the chunks of the whole cluster"""


class WorkQueue(StrEnum):
    """The kinds of work."""

    EXTRACT = "extract"
    EMBED = "embed"


def worker(
    queue: Annotated[WorkQueue, typer.Option(help="The kind of work.")] = WorkQueue.EMBED,
    name: Annotated[
        str | None,
        typer.Option(
            help="Unique in the cluster and the same after a restart, so that the worker finds its own claims again. "
            "Without one, a name is made of that of this machine or container."
        ),
    ] = None,
) -> None:
    """Run a worker until it is stopped: one process, one model, one task at a time."""
    from magicfs.cli import wiring

    wiring.run_worker(wiring.settings_for_service(name or queue.value), kind=queue.value, name=name)
