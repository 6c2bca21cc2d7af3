"""`magicfs status`: roots, files, chunks, workers, mounts and the parts of this machine."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Annotated

import typer

from magicfs.cli.options import AsJson

if TYPE_CHECKING:
    from rich.console import RenderableType

    from magicfs.cli.progress import RateMeter
    from magicfs.config import Settings

EXAMPLES = """
Examples:
    magicfs status --watch
    magicfs status --json | jq .files
    magicfs status --check    for health checks: exit code 0 if all is well"""

REFRESH_SECONDS = 1.0


def status(
    as_json: AsJson = False,
    watch: Annotated[bool, typer.Option("--watch", help="Keep showing it, until Ctrl-C.")] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Only check that the servers answer and take work: exit code 0 or 1, for health checks."
        ),
    ] = False,
) -> None:
    """Show roots, files, chunks, workers, mounts, the model, and what is wrong with the broker."""
    from magicfs.cli import environment, terminal
    from magicfs.cli.status_summary import collect
    from magicfs.errors import UsageError

    if check and (as_json or watch):
        raise UsageError("--check prints one line: leave out --json and --watch")
    settings = environment.settings_for_command()
    if check:
        _check(settings)
    elif watch and as_json:
        while True:
            terminal.print_json(collect(settings, watching=True).as_json())
            time.sleep(REFRESH_SECONDS)
    elif watch:
        watch_status(settings)
    elif as_json:
        terminal.print_json(collect(settings).as_json())
    else:
        from magicfs.cli.status_output import rendered

        terminal.results().print(rendered(collect(settings)))


def _check(settings: Settings) -> None:
    """Print one line. Raises `MagicFSError` when a server or a part of this machine does not do its work."""
    from magicfs.cli import environment, terminal, wiring
    from magicfs.cli.index_checks import IndexChecks

    environment.require_database(settings)
    wiring.require_broker(settings)
    IndexChecks(settings).parts()
    terminal.say("ok")


def watch_status(settings: Settings) -> None:
    """Show the status, and each second what it is by then, until the command is stopped."""
    from rich.live import Live

    from magicfs.cli import terminal
    from magicfs.cli.progress import RateMeter
    from magicfs.cli.status_output import pace_of, rendered
    from magicfs.cli.status_summary import collect

    meters: defaultdict[tuple[str, str], RateMeter] = defaultdict(RateMeter)

    def state() -> RenderableType:
        summary, now = collect(settings, watching=True), time.monotonic()
        paces: dict[str, str] = {
            model.role: pace_of(model, meters[model.role, model.name], now=now) for model in summary.index.models
        }
        return rendered(summary, paces)

    console = terminal.results()
    if not console.is_terminal:
        # A program or a file that gets it has each state, one below the other.
        while True:
            console.print(state(), "")
            sys.stdout.flush()
            time.sleep(REFRESH_SECONDS)
    with Live(console=console, auto_refresh=False, transient=False) as live:
        while True:
            live.update(state(), refresh=True)
            time.sleep(REFRESH_SECONDS)
