"""`magicfs worker`: read files, or compute embeddings."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

EXAMPLES = """Examples:

    magicfs worker --queue extract                reads files of this host

    magicfs worker --queue embed --name embed-1   computes embeddings for the whole cluster"""


class WorkQueue(StrEnum):
    """The kinds of work."""

    EXTRACT = "extract"
    EMBED = "embed"


def worker(
    queue: Annotated[WorkQueue, typer.Option(help="The kind of work.")] = WorkQueue.EMBED,
    name: Annotated[
        str | None,
        typer.Option(
            help="Unique in the cluster and the same after a restart: then it takes up what it left. "
            "Without one, it is made of the name of this machine or container."
        ),
    ] = None,
) -> None:
    """Work until it is stopped: one process, one model, one task at a time."""
    from magicfs.cli import wiring

    wiring.run_worker(wiring.settings_for_service(name or queue.value), kind=queue.value, name=name)
