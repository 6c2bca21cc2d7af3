"""The tree of commands. Each module of `commands` parses its arguments, calls one service, and prints the result.

Used by `execution`, which runs it.
"""

from __future__ import annotations

from typing import Annotated

import typer

from magicfs import __version__
from magicfs.cli.commands import (
    agent,
    cluster,
    doctor,
    down,
    failures,
    flower,
    grep,
    hosts,
    mcp,
    metrics,
    model,
    mount,
    roots,
    scan,
    search,
    serve,
    similar,
    status,
    umount,
    up,
    worker,
)
from magicfs.cli.help import Commands

app = Commands(
    name="magicfs",
    help="A filesystem you can ask: search your files by meaning, as a mounted directory.",
    epilog="""
Start here:
    mkdir -p ~/MagicFS
    magicfs up ~/Documents --mount ~/MagicFS --detach --wait
    ls "$HOME/MagicFS/search/tax invoice"
    magicfs status
    magicfs down""",
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

DAILY_PANEL = "Every day"
FILES_PANEL = "Files and models"
PARTS_PANEL = "The parts, for a cluster"

app.command("up", rich_help_panel=DAILY_PANEL, epilog=up.EXAMPLES)(up.up)
app.command("down", rich_help_panel=DAILY_PANEL)(down.down)
app.command("status", rich_help_panel=DAILY_PANEL, epilog=status.EXAMPLES)(status.status)
app.command("search", rich_help_panel=DAILY_PANEL, epilog=search.EXAMPLES)(search.search)
app.command("similar", rich_help_panel=DAILY_PANEL, epilog=similar.EXAMPLES)(similar.similar)
app.command("grep", rich_help_panel=DAILY_PANEL, epilog=grep.EXAMPLES)(grep.grep)
app.command("doctor", rich_help_panel=DAILY_PANEL, epilog=doctor.EXAMPLES)(doctor.doctor)
app.command("mcp", rich_help_panel=DAILY_PANEL, epilog=mcp.EXAMPLES)(mcp.mcp)
app.add_typer(roots.app, name="roots", rich_help_panel=FILES_PANEL)
app.command("scan", rich_help_panel=FILES_PANEL, epilog=scan.EXAMPLES)(scan.scan)
app.command("failures", rich_help_panel=FILES_PANEL, epilog=failures.EXAMPLES)(failures.failures)
app.add_typer(model.app, name="model", rich_help_panel=FILES_PANEL)
app.command("mount", rich_help_panel=PARTS_PANEL)(mount.mount)
app.command("umount", rich_help_panel=PARTS_PANEL)(umount.umount)
app.command("agent", rich_help_panel=PARTS_PANEL)(agent.agent)
app.command("worker", rich_help_panel=PARTS_PANEL, epilog=worker.EXAMPLES)(worker.worker)
app.command("flower", rich_help_panel=PARTS_PANEL)(flower.flower)
app.command("serve", rich_help_panel=PARTS_PANEL, epilog=serve.EXAMPLES)(serve.serve)
app.command("metrics", rich_help_panel=PARTS_PANEL, epilog=metrics.EXAMPLES)(metrics.metrics)
app.add_typer(cluster.app, name="cluster", rich_help_panel=PARTS_PANEL)
app.add_typer(hosts.app, name="hosts", rich_help_panel=PARTS_PANEL)


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
