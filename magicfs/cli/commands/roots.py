"""`magicfs roots`: adds, removes and lists the directories that are indexed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from magicfs.cli.completion import root_names
from magicfs.cli.help import Commands
from magicfs.cli.options import AsJson
from magicfs.cli.terminal import directory, named

app = Commands(
    help="Choose which directories are indexed.",
    epilog="""
Examples:
    magicfs roots add ~/Documents ~/Projects
    magicfs roots list
    magicfs roots remove Projects""",
)


@app.command()
def add(
    roots: Annotated[list[Path], typer.Argument(parser=directory, metavar="DIR", help="Directories on this machine.")],
) -> None:
    """Index directories, and keep them indexed."""
    from magicfs.cli import environment, terminal
    from magicfs.domain.files import display_path
    from magicfs.ingest.roots import add_roots

    settings = environment.settings_for_command()
    with environment.database_for_command(settings) as database:
        for root in add_roots(settings, database, roots):
            terminal.say(f"{terminal.shown(root.name)}: {terminal.shown(display_path(root.path))}")


@app.command()
def remove(
    name: Annotated[
        str,
        typer.Argument(
            parser=named, metavar="NAME|DIR", autocompletion=root_names, help="As 'magicfs roots list' shows it."
        ),
    ],
) -> None:
    """Forget a directory. Its files on disk stay as they are."""
    from magicfs.cli import environment, terminal
    from magicfs.ingest.roots import remove_root
    from magicfs.state_directory.allowed_roots import AllowedRoots

    settings = environment.settings_for_command()
    with environment.database_for_command(settings) as database:
        root = remove_root(database, host=settings.host, name_or_path=name)
    if root.host == settings.host:
        AllowedRoots(settings.home).remove(root.path)
    terminal.say(f"{terminal.shown(root.name)} is no longer indexed")


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the indexed directories of all hosts."""
    from magicfs.cli import environment, terminal
    from magicfs.db.status import read_status
    from magicfs.domain.files import display_path
    from magicfs.search.render import status_json

    settings = environment.settings_for_command()
    with environment.database_for_command(settings) as database, database.transaction() as connection:
        index = read_status(connection)
    if as_json:
        terminal.print_json({"roots": status_json(index)["roots"]})
        return
    for root in index.roots:
        trouble = "" if root.state == "present" else f"  {root.state}: {root.detail}"
        names = map(terminal.shown, (root.name, display_path(root.path), root.host))
        terminal.say("  ".join([*names, terminal.counted(root.files.total, "file") + trouble]))
    if not index.roots:
        terminal.remark("no roots: add one with 'magicfs roots add DIR'")
