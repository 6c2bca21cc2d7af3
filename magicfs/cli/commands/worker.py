"""`magicfs worker`: extracts files, or embeds chunks."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from magicfs.errors import UsageError

EXAMPLES = """
Examples:
    magicfs worker --queue extract               reads the files of this host
    magicfs worker --queue embed --name embed-1  embeds the chunks of all
    magicfs worker --queue embed --model NAME    embeds for that model alone"""


class WorkQueue(StrEnum):
    """The kinds of work."""

    EXTRACT = "extract"
    EMBED = "embed"


def worker(
    queue: Annotated[WorkQueue, typer.Option(help="The kind of work.")] = WorkQueue.EMBED,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Unique in the cluster and the same after a restart, so that the worker finds its own claims again. "
            "By default it is made of the name of this machine or container.",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Embed for this model of the index alone. By default a worker takes the most urgent chunks of all "
            "models, one model at a time.",
        ),
    ] = None,
) -> None:
    """Run a worker until it is stopped: one process, one model at a time, one task at a time."""
    from magicfs.cli import environment, wiring

    if model is not None and queue is not WorkQueue.EMBED:
        raise UsageError("a model embeds: use --model with --queue embed")
    wiring.run_worker(environment.settings_for_service(name or queue.value), kind=queue.value, name=name, model=model)
