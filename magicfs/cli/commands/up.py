"""`magicfs up`: starts the parts of this machine, in the foreground or the background."""

from __future__ import annotations

import os
import shlex
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from magicfs.cli.terminal import directory
from magicfs.state_directory.directory import require_own_state_directory

if TYPE_CHECKING:
    from magicfs.cli.starting import UpResult
    from magicfs.config import Settings

EXAMPLES = """
Examples:
    magicfs up ~/Documents ~/Projects --mount ~/MagicFS --detach --wait
    magicfs up --workers 4 --detach    changes the number of workers
    magicfs up                         in the foreground, until Ctrl-C"""

CHECK_SECONDS = 2.0
"""Pause between two checks whether another command has stopped the parts."""

END_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
"""What ends `up` besides SIGINT. SIGHUP comes when its terminal closes, and `nohup` has it ignored."""


def up(
    roots: Annotated[
        list[Path] | None, typer.Argument(parser=directory, metavar="ROOT", help="Directories to index.")
    ] = None,
    mount: Annotated[
        Path | None,
        typer.Option(parser=directory, metavar="DIR", help="Mount it there, at an empty directory that exists."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(metavar="N", min=0, max=256, help="Embed workers. By default one for each core.")
    ] = None,
    gentle: Annotated[
        bool | None,
        typer.Option("--gentle/--no-gentle", help="Lowest priority, one worker; on battery only what was just saved."),
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return, and go on in the background.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Return when all present files are searchable.")] = False,
) -> None:
    """Start servers, workers, watcher and mount. A second call changes only what its options say.

    So does the first one after a reboot. After `magicfs down`, options are as in a first call.
    """
    from magicfs.cli import environment, starting
    from magicfs.cli.up_request import UpRequest
    from magicfs.fuse import mountpoint

    # Some are removed when the settings are read.
    variables = dict(os.environ)
    settings = environment.settings_for_command()
    if settings.embedded_database:
        require_own_state_directory(settings.home)
    settings.make_home()
    chosen = mount or settings.mount
    request = UpRequest(
        roots=roots or [],
        mount=mountpoint.absolute(chosen) if chosen else None,
        workers=workers,
        gentle=gentle,
        tied=not detach,
        variables=variables,
    )
    # All do what Ctrl-C does: while parts are started, that undoes what was begun.
    for number in END_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    started = starting.bring_up(settings, request)
    if detach:
        _follow(settings, started, wait=wait)
    else:
        _stay(settings, started, wait=wait)


def _follow(settings: Settings, started: UpResult, *, wait: bool) -> None:
    """Wait if `wait` is set, print the summary, and return: the parts run in the background."""
    from magicfs.cli import terminal

    if wait:
        try:
            _wait(settings, started)
        except KeyboardInterrupt:
            terminal.remark("indexing goes on in the background: see 'magicfs status', stop it with 'magicfs down'")
            raise
    _summary(settings, started)


def _stay(settings: Settings, started: UpResult, *, wait: bool) -> None:
    """Stay in the foreground until a signal, or until another command stops the parts."""
    from magicfs.cli import environment, terminal
    from magicfs.cli.stopping import take_down

    supervisor = environment.supervisor(settings)
    was_stopped = False
    try:
        if wait:
            _wait(settings, started)
        _summary(settings, started)
        terminal.remark("Ctrl-C stops everything")
        while supervisor.running():
            time.sleep(CHECK_SECONDS)
        was_stopped = True
        terminal.remark("stopped by another command")
    except KeyboardInterrupt:
        # Ctrl-C is how the foreground ends: no failure.
        terminal.remark("stopping")
    finally:
        for number in (signal.SIGINT, *END_SIGNALS):
            signal.signal(number, signal.SIG_IGN)
        # A further `up` may have started everything again meanwhile.
        take_down(settings, unless_running=was_stopped)


def _wait(settings: Settings, started: UpResult) -> None:
    from magicfs.cli import environment, terminal
    from magicfs.cli.waiting import wait_until_searchable

    with environment.database_for_command(settings) as database:
        report = wait_until_searchable(settings, database, since=started.requested_at)
    files, chunks = report.files_total, report.chunks_expected
    terminal.remark(f"searchable: {terminal.counted(files, 'file')}, {terminal.counted(chunks, 'chunk')}")


def _summary(settings: Settings, started: UpResult) -> None:
    from magicfs.cli import environment, terminal
    from magicfs.db.status import read_status
    from magicfs.domain.files import display_path
    from magicfs.domain.models import ModelState

    with environment.database_for_command(settings) as database, database.transaction() as connection:
        index = read_status(connection)
    terminal.say(f"model  {started.model.label}")
    for model in index.models:
        if model.role is ModelState.MULTILINGUAL:
            terminal.say(f"second {model.name} ({model.precision}), for every language")
    for root in index.roots:
        path = terminal.shown(display_path(root.path))
        terminal.say(f"root   {path}" + ("" if root.host == settings.host else f" on {root.host}"))
    if not index.roots:
        terminal.say("root   none yet: add one with 'magicfs roots add DIR'")
    if started.mount is not None:
        terminal.say(f"mount  {started.mount}")
        terminal.say(f"look   {look_command(started.mount)}")
    else:
        terminal.say("look   magicfs search what you look for")
    terminal.say("stop   magicfs down")


def look_command(mount: Path) -> str:
    """A command that lists a search in the mount. A shell takes it as it is, whatever signs the path has."""
    return f"ls {shlex.quote(f'{mount}/search/what you look for')}"
