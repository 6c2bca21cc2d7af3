"""`magicfs scan`: asks for a scan of the roots now, instead of after the usual pause."""

from __future__ import annotations

from typing import Annotated

import typer

from magicfs.cli.completion import root_names
from magicfs.cli.terminal import named

EXAMPLES = """
Examples:
    magicfs scan --wait
    magicfs scan Documents --accept-deletions    much was deleted"""


def scan(
    root: Annotated[
        str | None,
        typer.Argument(
            parser=named, metavar="NAME|DIR", autocompletion=root_names, help="A root; by default all of them."
        ),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Return when everything found is searchable.")] = False,
    accept_deletions: Annotated[
        bool, typer.Option("--accept-deletions", help="Forget what a root lacks or ignores, even most of it.")
    ] = False,
) -> None:
    """Compare roots with the index now. Only files that differ are read."""
    from magicfs.cli import environment, terminal
    from magicfs.cli.waiting import wait_until_searchable
    from magicfs.db.cluster.roots import database_time, list_roots, request_scan
    from magicfs.errors import RootError, UsageError
    from magicfs.ingest.roots import find_root

    if accept_deletions and root is None:
        raise UsageError("name the root whose deletions are meant: magicfs scan --accept-deletions ROOT")
    settings = environment.settings_for_command()
    with environment.database_for_command(settings) as database:
        with database.transaction() as connection:
            requested_at = database_time(connection)
            # What is meant on a disk is known where the disk is.
            host = settings.host if accept_deletions else None
            roots = [entry.root for entry in list_roots(connection)]
            meant = None if root is None else find_root(roots, host=settings.host, name_or_path=root)
            name = None if meant is None else meant.name
            count = request_scan(connection, name=name, host=host, may_delete=accept_deletions)
        if not count and meant is not None:
            raise RootError(f"root {name} is one of {meant.host}: accept its deletions there")
        if not count:
            raise RootError("no roots: run 'magicfs roots add DIR'")
        if wait:
            wait_until_searchable(settings, database, since=requested_at, root=name)
            with database.transaction() as connection:
                for entry in list_roots(connection):
                    if entry.detail and name in {None, entry.root.name}:
                        terminal.remark(f"root {entry.root.name} is {entry.state}: {entry.detail}")
        else:
            terminal.say(f"scanning {terminal.counted(count, 'root')}: see 'magicfs status'")
