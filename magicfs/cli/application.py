"""The tree of commands. Each module of `commands` parses, calls one service, and prints."""

from __future__ import annotations

from typing import Annotated

import typer

from magicfs import __version__
from magicfs.cli.commands import (
    agent,
    doctor,
    down,
    failures,
    flower,
    model,
    mount,
    roots,
    scan,
    search,
    status,
    umount,
    up,
    worker,
)

app = typer.Typer(
    name="magicfs",
    help="A filesystem you can ask: search your files by meaning, as a mounted directory.",
    epilog="""Start here:

    magicfs up ~/Documents --mount ~/MagicFS --detach --wait

    ls "$HOME/MagicFS/search/tax invoice"

    magicfs status

    magicfs down""",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

DAILY = "Every day"
FILES = "Files and models"
PARTS = "The parts, for a cluster"

app.command("up", rich_help_panel=DAILY, epilog=up.EXAMPLES)(up.up)
app.command("down", rich_help_panel=DAILY)(down.down)
app.command("status", rich_help_panel=DAILY, epilog=status.EXAMPLES)(status.status)
app.command("search", rich_help_panel=DAILY, epilog=search.EXAMPLES)(search.search)
app.command("doctor", rich_help_panel=DAILY, epilog=doctor.EXAMPLES)(doctor.doctor)
app.add_typer(roots.app, name="roots", rich_help_panel=FILES)
app.command("scan", rich_help_panel=FILES)(scan.scan)
app.command("failures", rich_help_panel=FILES)(failures.failures)
app.add_typer(model.app, name="model", rich_help_panel=FILES)
app.command("mount", rich_help_panel=PARTS)(mount.mount)
app.command("umount", rich_help_panel=PARTS)(umount.umount)
app.command("agent", rich_help_panel=PARTS)(agent.agent)
app.command("worker", rich_help_panel=PARTS, epilog=worker.EXAMPLES)(worker.worker)
app.command("flower", rich_help_panel=PARTS)(flower.flower)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"magicfs {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    del version
